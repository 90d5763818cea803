// Runs everything `npm test` promises and ends in one line that says how it went.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const steps: readonly [name: string, command: string, args: readonly string[]][] = [
  ["type check", "tsc", ["-p", "tsconfig.json"]],
  ["lint", "oxlint", ["--type-aware", "--deny-warnings"]],
  ["format", "biome", ["format"]],
  ["docs are current", process.execPath, ["scripts/docs.ts", "--check"]],
  ["coverage is current", process.execPath, ["scripts/simulator-docs.ts", "--check"]],
  ["schema is current", process.execPath, ["scripts/schema.ts", "--check"]],
  ["build", process.execPath, ["scripts/build.ts", "--quiet"]],
];

let failed = 0;
let passed = 0;
for (const [name, command, args] of steps) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (status === 0) passed += 1;
  else failed += 1;
}

const folder = mkdtempSync(join(tmpdir(), "four-tier-test-"));
const report = join(folder, "vitest.json");
spawnSync(
  "vitest",
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)],
  {
    stdio: "inherit",
  },
);
const counts = vitestCounts(report);
rmSync(folder, { recursive: true, force: true });
console.log(`${passed + counts.passed} passed, ${failed + counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed + counts.failed === 0 ? 0 : 1;

/** Test counts from vitest's JSON report; no report, or a suite that did not even load, counts as a failure. */
function vitestCounts(path: string): { passed: number; failed: number; skipped: number } {
  try {
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    const number = (key: string): number => {
      const value: unknown = typeof json === "object" && json !== null ? Reflect.get(json, key) : undefined;
      return typeof value === "number" ? value : 0;
    };
    const broken = Math.max(number("numFailedTests"), number("numFailedTestSuites") > 0 ? 1 : 0);
    return {
      passed: number("numPassedTests"),
      failed: broken,
      skipped: number("numPendingTests") + number("numTodoTests"),
    };
  } catch (error) {
    console.error(`vitest left no report: ${error instanceof Error ? error.message : String(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
