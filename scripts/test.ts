// Runs everything `npm test` promises and ends in one line that says how it went.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { countsOf } from "./verdict.ts";

const STEPS: readonly Step[] = [
  ["type check", "tsc", ["-p", "tsconfig.json"]],
  ["lint", "oxlint", ["--type-aware", "--deny-warnings"]],
  ["format", "biome", ["format"]],
  ["docs are current", process.execPath, ["scripts/docs.ts", "--check"]],
  ["coverage is current", process.execPath, ["scripts/simulator-docs.ts", "--check"]],
  ["schema is current", process.execPath, ["scripts/schema.ts", "--check"]],
  ["build", process.execPath, ["scripts/build.ts", "--quiet"]],
];

type Step = readonly [name: string, command: string, args: readonly string[]];

// None needs another, and each leaves a core idle for part of its time.
const outcomes = await Promise.all(STEPS.map(runStep));
const failedSteps = outcomes.filter((ok) => !ok).length;

const folder = mkdtempSync(join(tmpdir(), "four-tier-test-"));
const report = join(folder, "vitest.json");
const { status } = spawnSync(
  "vitest",
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { stdio: "inherit" },
);
const counts = countsOf(existsSync(report) ? readFileSync(report, "utf8") : undefined, status);
rmSync(folder, { recursive: true, force: true });
const passed = outcomes.length - failedSteps + counts.passed;
const failed = failedSteps + counts.failed;
console.log(`${passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs one step; says how it went when it has ended, with what it printed. */
async function runStep([name, command, args]: Step): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<boolean>((resolve) => {
    child.on("error", (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
  const [ok, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  process.stdout.write(out);
  process.stderr.write(err);
  console.log(`${ok ? "ok  " : "FAIL"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return ok;
}
