import { describe, expect, it } from "vitest";
import { countsOf, partlyRun } from "../scripts/verdict.ts";

const report = (counts: Readonly<Record<string, number>>): string => JSON.stringify(counts);

describe("a run of the tests", () => {
  it("is counted by its report", () => {
    const counts = { numPassedTests: 7, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1 };
    expect(countsOf(report(counts), 0)).toEqual({ passed: 7, failed: 0, skipped: 3 });
    expect(countsOf(report({ ...counts, numFailedTests: 2 }), 1)).toEqual({ passed: 7, failed: 2, skipped: 3 });
  });

  it.each([
    ["an error outside of any test", report({ numPassedTests: 1 }), 1],
    ["a suite that did not load", report({ numPassedTests: 1, numFailedTestSuites: 1 }), 0],
    ["no report", undefined, 0],
    ["half a report", '{"numPassedTests":1', 0],
    ["an end by a signal", report({ numPassedTests: 1 }), null],
  ])("has failed with %s", (_, text, status) => {
    expect(countsOf(text, status).failed).toBe(1);
  });

  it("says which files ran in part: what they were measured to come to is not all", () => {
    const file = (name: string, ...states: string[]) => ({
      name,
      assertionResults: states.map((status) => ({ status })),
    });
    const testResults = [file("a", "passed"), file("b", "passed", "skipped"), file("c", "failed")];
    expect(partlyRun(JSON.stringify({ testResults }))).toEqual(["b", "c"]);
    expect(partlyRun("half a {")).toEqual([]);
  });
});
