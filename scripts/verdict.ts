/** What a run of the tests comes to: vitest's own counts, and its exit status for what no test counts. */
import * as v from "valibot";

/** Tests by their end. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts from vitest's JSON report. No report, a suite that did not even load, and an exit status that no count explains
 * (an error outside of any test, such as a rejection that nobody handled) are each a failure.
 */
export function countsOf(report: string | undefined, status: number | null): Counts {
  const json = parsed(report);
  const number = (key: string): number => {
    const value: unknown = typeof json === "object" && json !== null ? Reflect.get(json, key) : undefined;
    return typeof value === "number" ? value : 0;
  };
  const unexplained = status !== 0 || json === undefined || number("numFailedTestSuites") > 0 ? 1 : 0;
  return {
    passed: number("numPassedTests"),
    failed: Math.max(number("numFailedTests"), unexplained),
    skipped: number("numPendingTests") + number("numTodoTests"),
  };
}

function parsed(report: string | undefined): unknown {
  try {
    return report === undefined ? undefined : JSON.parse(report);
  } catch {
    return undefined;
  }
}

const Files = v.object({
  testResults: v.array(v.object({ name: v.string(), assertionResults: v.array(v.object({ status: v.string() })) })),
});

/** Files of tests of which a test was skipped. */
export function partlyRun(report: string | undefined): string[] {
  const files = v.safeParse(Files, parsed(report));
  if (!files.success) return [];
  return files.output.testResults
    .filter(({ assertionResults }) => assertionResults.some(({ status }) => status !== "passed"))
    .map(({ name }) => name);
}
