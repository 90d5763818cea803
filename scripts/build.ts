// Builds dist/: tsc to JavaScript, then one ncc bundle for all actions. What only one mode needs sits behind a dynamic
// import() and becomes a chunk of its own (docs/adr: one dist).
//   --quiet  only what fails      --stats FILE  also the bundler's list of modules, for the licences of a release
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
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
assertWhole("dist");
if (!quiet) console.log(`dist/ built in ${((performance.now() - started) / 1000).toFixed(1)} s`);

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"] });
  if (status !== 0) {
    console.error(`${command} failed${error === undefined ? "" : `: ${error.message}`}`);
    process.exit(1);
  }
}
