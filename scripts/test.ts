// Runs everything `npm test` promises and ends in one line that says how it went.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSteps, STATIC_CHECKS, type Step } from "./steps.ts";
import { countsOf } from "./verdict.ts";

const STEPS: readonly Step[] = [
  ...STATIC_CHECKS,
  ["docs are current", process.execPath, ["scripts/docs.ts", "--check"]],
  ["coverage is current", process.execPath, ["scripts/simulator-docs.ts", "--check"]],
  ["schema is current", process.execPath, ["scripts/schema.ts", "--check"]],
  ["build", process.execPath, ["scripts/build.ts", "--quiet"]],
];
const failedSteps = await runSteps(STEPS);

const folder = mkdtempSync(join(tmpdir(), "four-tier-test-"));
const report = join(folder, "vitest.json");
const { status } = spawnSync(
  "vitest",
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { stdio: "inherit" },
);
const counts = countsOf(existsSync(report) ? readFileSync(report, "utf8") : undefined, status);
rmSync(folder, { recursive: true, force: true });
const passed = STEPS.length - failedSteps + counts.passed;
const failed = failedSteps + counts.failed;
console.log(`${passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
