/** Files that somebody prepared: links, names, paths that lead out, YAML that grows. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readTierInputs } from "../../src/actions/tier-inputs.ts";
import { parseYaml } from "../../src/bundle/yaml.ts";
import { parseContract } from "../../src/contract/parse.ts";
import { FourTierError } from "../../src/findings.ts";
import { readWheels } from "../../src/release/candidate.ts";
import { MINIMAL } from "../contract/examples.ts";
import { QUIET, RUN } from "../run.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "four-tier-forgery-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const WHEEL = "churn-1.0-py3-none-any.whl";

test("a link among the wheels would carry another file of the machine, and is refused", async () => {
  const at = folder();
  writeFileSync(join(at, "environment"), "DATABRICKS_CLIENT_SECRET=dose\n");
  mkdirSync(join(at, "wheels"));
  symlinkSync(join(at, "environment"), join(at, "wheels", WHEEL));
  await expect(readWheels(join(at, "wheels"))).rejects.toThrow("is not a wheel, jar or archive: a link");
});

test.each(["a\nb.whl", "a b.whl", "::error::x.whl", `${"a".repeat(200)}.whl`, "-x.whl", ".whl"])(
  "a wheel named %j is refused",
  async (name) => {
    const at = folder();
    writeFileSync(join(at, name), "PK");
    await expect(readWheels(at)).rejects.toThrow(FourTierError);
  },
);

test("only wheels are carried, from the folder and below", async () => {
  const at = folder();
  mkdirSync(join(at, "a"));
  writeFileSync(join(at, "a", WHEEL), "PK");
  writeFileSync(join(at, "notes.txt"), "x");
  expect((await readWheels(at)).map(({ name }) => name)).toEqual([WHEEL]);
});

/** Nine values that each are nine of the one before: 9^9 when written out. */
const BOMB = `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefghi"
  .split("")
  .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[index]}`).join(",")}]`)
  .join("\n")}\n`;

/** Written out they would need more memory than there is: that these tests end at all says that they are not. */
test("YAML that grows is a finding, of contract and bundle, and is not written out", () => {
  expect(parseContract(`${MINIMAL}${BOMB}`, "four-tier.yml", { allowedHosts: [] })).toMatchObject({
    contract: undefined,
    findings: [{ id: "contract/yaml" }],
  });
  expect(parseYaml(BOMB, "databricks.yml")).toMatchObject({ node: undefined, findings: [{ id: "bundle/yaml" }] });
});

test("YAML that is nested deeper than any stack is a finding, of contract and bundle", () => {
  const nested = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  for (const { findings } of [
    parseContract(`project: ${nested}\n`, "four-tier.yml", { allowedHosts: [] }),
    parseYaml(`x: ${nested}\n`, "databricks.yml"),
  ]) {
    expect(findings.length).toBeGreaterThan(0);
  }
});

test.each(["../other", "/etc", "a/../../b", "C:\\x", "..\\x"])(
  "the inputs contract and bundle may not be %s",
  (path) => {
    const findings = (input: string): string[] => {
      try {
        readTierInputs(context({ tier: "dev", [input]: path }));
        return [];
      } catch (error) {
        return error instanceof FourTierError ? error.findings.map(({ id }) => id) : [String(error)];
      }
    };
    expect(findings("contract")).toEqual(["input/contract"]);
    expect(findings("bundle")).toEqual(["input/bundle"]);
  },
);

function context(inputs: Readonly<Record<string, string>>): Parameters<typeof readTierInputs>[0] {
  return {
    run: RUN,
    log: QUIET,
    input: (name) => inputs[name] ?? "",
    cancelled: new AbortController().signal,
  };
}

test.each([
  ["components: { ../../evil: { files: [a] } }", "a component's name becomes a folder"],
  ["components: { a/b: { files: [a] } }", "a component's name becomes a folder"],
  ["project: ../../evil", "the project's name becomes a folder"],
  ["project: a/b", "the project's name becomes a folder"],
])("the contract may not say %s: %s", (line) => {
  const text = line.startsWith("project") ? `${line}\n${MINIMAL}` : `project: x\n${MINIMAL}${line}\n`;
  const { contract, findings } = parseContract(text, "four-tier.yml", { allowedHosts: [] });
  expect(contract).toBeUndefined();
  expect(findings.length).toBeGreaterThan(0);
});
