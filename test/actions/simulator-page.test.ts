/** What docs/simulator.md tells a reader to type is typed here, in a shell, beside a clone of the suite. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";
import { newFolder, PLAIN_ENVIRONMENT, removeFolders } from "../repository.ts";

afterAll(removeFolders);

const page = readFileSync("docs/simulator.md", "utf8");
const [, block = ""] = /^```sh\n([\s\S]*?)^```$/m.exec(page) ?? [];

/** Nothing is installed or built for it, and of the two runs only the first is made: the second's flags are printed. */
const NPM = `npm() {
  case "$*" in
    ci | "run build") ;;
    "run workflow -- .github/workflows/validate.yml "*) shift 3; "$NODE" "$RUNNER" "$@" ;;
    "run workflow -- "*) shift 3; echo "second: $*" ;;
    *) echo "the page says: npm $*"; exit 64 ;;
  esac
}
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("a socket of loopback has a port");
  return address.port;
}

it("the example is run by the lines of the page, from a copy of the example to a run that succeeds", async () => {
  const ports = new Map<string, number>();
  for (const port of new Set(block.match(/\b818\d\b/g) ?? [])) ports.set(port, await freePort());
  expect([...ports.keys()]).toEqual(["8181", "8182", "8183"]);
  const suite = join(newFolder(), "suite");
  mkdirSync(suite);
  for (const name of ["examples", "demo"]) symlinkSync(resolve(name), join(suite, name));
  const lines = block.replaceAll(/\b818\d\b/g, (port) => String(ports.get(port)));
  const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", `${NPM}${lines}`], {
    cwd: suite,
    encoding: "utf8",
    env: { ...PLAIN_ENVIRONMENT, NODE: process.execPath, RUNNER: resolve("simulator/runner/main.ts") },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  // the simulated workspaces stand where the contract was made to look for them
  const contract = readFileSync(join(suite, "../ml-pipelines/four-tier.yml"), "utf8");
  expect([...contract.matchAll(/workspace: (\S+)/g)].map(([, host]) => host)).toEqual(
    [...ports.values()].map((port) => `http://127.0.0.1:${port}`),
  );
  expect(stdout).toContain(`workspace dev is at http://127.0.0.1:${ports.get("8181")}`);
  expect(stdout).toMatch(/ok {3}Check the contract, and the bundle for every tier/);
  expect(stdout).toMatch(/^run \d+: success/m);
  // the second line is like the first, but for what is run and who approves
  const runner = readFileSync("simulator/runner/main.ts", "utf8");
  const [, second = ""] = /^second: (.*)$/m.exec(stdout) ?? [];
  expect(second).toMatch(
    /^\.github\/workflows\/promote\.yml --repo \.\.\/ml-pipelines --scenario \.\.\/scenario\.yml /,
  );
  expect([...second.matchAll(/--([a-z]+)/g)].every(([, flag]) => runner.includes(`  --${flag} `))).toBe(true);
});
