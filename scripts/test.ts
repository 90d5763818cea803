// Runs everything `npm test` promises and ends in one line that says how it went.
//   --measure  keeps what the tests came to, for the table in docs/simulator.md
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { differences, keep, kept, measuredIn, shortOf } from "./measured.ts";
import { GENERATED, runSteps, STATIC_CHECKS, type Step } from "./steps.ts";
import { countsOf, partlyRun } from "./verdict.ts";

const STEPS: readonly Step[] = [
  ...STATIC_CHECKS,
  ...GENERATED,
  ["build", process.execPath, ["scripts/build.ts", "--quiet"]],
];
const failedSteps = await runSteps(STEPS);

const args = process.argv.slice(2).filter((arg) => arg !== "--measure");
const folder = mkdtempSync(join(tmpdir(), "four-tier-test-"));
const report = join(folder, "vitest.json");
const measured = join(folder, "measured");
mkdirSync(measured);
const { status } = spawnSync(
  "vitest",
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args],
  { stdio: "inherit", env: { ...process.env, FOUR_TIER_MEASURED: measured } },
);
const text = existsSync(report) ? readFileSync(report, "utf8") : undefined;
const counts = countsOf(text, status);
// of a part of the tests, or of some that failed, nothing follows for the whole
const whole = args.length === 0 && counts.failed === 0;
const unlike = whole ? compare() : 0;
rmSync(folder, { recursive: true, force: true });
const passed = STEPS.length - failedSteps + counts.passed;
const failed = failedSteps + counts.failed + unlike;
console.log(`${passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

/** Holds what was measured against the table, or keeps it; gives 1 if the table says what is not so. */
function compare(): number {
  const now = measuredIn(measured);
  if (process.argv.includes("--measure")) {
    keep(now);
    return spawnSync(process.execPath, ["scripts/simulator-docs.ts", "--write"], { stdio: "inherit" }).status === 0
      ? 0
      : 1;
  }
  const found = differences(kept(), now, partlyRun(text).map(shortOf));
  const untrue = found.filter((line) => line.startsWith("-"));
  for (const line of untrue) console.error(line);
  if (found.length > 0)
    console.error(
      `${untrue.length} things that docs/simulator.md says of tests are not so, ${found.length - untrue.length} are not said: npm test -- --measure`,
    );
  return untrue.length === 0 ? 0 : 1;
}
