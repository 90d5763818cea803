// Builds dist/: tsc to JavaScript, then one ncc bundle for all actions. What only one mode needs sits behind a dynamic
// import() and becomes a chunk of its own (docs/adr: one dist).
//   --quiet  only what fails      --stats FILE  also the bundler's list of modules, for the licences of a release
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertWhole } from "./release/checks.ts";

const quiet = process.argv.includes("--quiet");
const statsAt = process.argv.indexOf("--stats");
const stats = statsAt < 0 ? [] : ["--stats-out", process.argv[statsAt + 1] ?? ""];
const started = performance.now();

// Neither tool empties its output folder, and a stale chunk would ship unseen.
rmSync("build", { recursive: true, force: true });
rmSync("dist", { recursive: true, force: true });
run("tsc", ["-p", "tsconfig.build.json"]);
run("ncc", ["build", "build/actions/main.js", "--out", "dist", "--quiet", ...stats]);
withoutHttp2("dist");
assertWhole("dist");
if (!quiet) console.log(`dist/ built in ${((performance.now() - started) / 1000).toFixed(1)} s`);

/**
 * undici loads Node's HTTP/2 beside its own client, an eighth of an action's way to its first request. Every dispatcher
 * of ours speaks HTTP/1.1 alone (docs/adr/0302-requests.md), so it gets what it makes do with in a Node without HTTP/2.
 */
function withoutHttp2(folder: string): void {
  const load = /\w+\(import\.meta\.url\)\("(?:node:)?http2"\)/g;
  let found = 0;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const code = readFileSync(file, "utf8");
    const without = code.replaceAll(load, "{ constants: {} }");
    if (without === code) continue;
    writeFileSync(file, without);
    found += 1;
  }
  if (found === 0) throw new Error("nothing in dist/ loads HTTP/2: does undici load it in another way, or not at all?");
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"] });
  if (status !== 0) {
    console.error(`${command} failed${error === undefined ? "" : `: ${error.message}`}`);
    process.exit(1);
  }
}
