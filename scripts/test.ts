// Runs everything `npm test` promises and ends in one line that says how it went.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failures, runStep, runSteps, STATIC_CHECKS, type Step } from "./steps.ts";
import { countsOf } from "./verdict.ts";

const BUILD: Step = ["build", process.execPath, ["scripts/build.ts", "--quiet"]];
/** They need nothing of the tests: beside them they fill the time in which those wait. */
const BESIDE: readonly Step[] = [
  ...STATIC_CHECKS,
  ["docs are current", process.execPath, ["scripts/docs.ts", "--check"]],
  ["coverage is current", process.execPath, ["scripts/simulator-docs.ts", "--check"]],
  ["schema is current", process.execPath, ["scripts/schema.ts", "--check"]],
];
const notBuilt = await runSteps([BUILD]);
const beside = Promise.all(BESIDE.map(runStep));

const folder = mkdtempSync(join(tmpdir(), "four-tier-test-"));
const report = join(folder, "vitest.json");
const vitest = spawn(
  "vitest",
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { stdio: "inherit" },
);
const status = await new Promise<number | null>((resolve) => {
  vitest.on("error", () => resolve(null));
  vitest.on("close", resolve);
});
const counts = countsOf(existsSync(report) ? readFileSync(report, "utf8") : undefined, status);
rmSync(folder, { recursive: true, force: true });

const outcomes = await beside;
for (const { said } of outcomes) console.log(said);
const failedSteps = notBuilt + failures(outcomes);
const passed = 1 + BESIDE.length - failedSteps + counts.passed;
const failed = failedSteps + counts.failed;
console.log(`${passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
