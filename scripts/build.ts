// Builds dist/: tsc to JavaScript, then one ncc bundle for all actions. What only one mode needs sits behind a dynamic
// import() and becomes a chunk of its own (docs/adr: one dist).
//   --quiet  only what fails      --stats FILE  also the bundler's list of modules, for the licences of a release
import { rmSync } from "node:fs";
import { bundle, run } from "./bundle.ts";

const quiet = process.argv.includes("--quiet");
const statsAt = process.argv.indexOf("--stats");
const stats = statsAt < 0 ? [] : ["--stats-out", process.argv[statsAt + 1] ?? ""];
const started = performance.now();

// tsc does not empty its output folder, and a stale module would be bundled unseen.
rmSync("build", { recursive: true, force: true });
try {
  run("tsc", ["-p", "tsconfig.build.json"], quiet);
  bundle("build/actions/main.js", "dist", { quiet, more: stats });
  if (!quiet) console.log(`dist/ built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
