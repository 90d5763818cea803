/** The findings as a table: the worst first, and no more than a job summary takes. */
import { expect, test } from "vitest";
import type { Finding } from "../../src/findings.ts";
import { findingsSummary, stepSummary } from "../../src/report/report.ts";

test("three hundred findings are shown, the worst first, and the others counted", () => {
  const one = (index: number, severity: Finding["severity"]): Finding => ({
    id: `area/f${index}`,
    severity,
    message: "It is so.",
    remedy: "Fix it.",
  });
  const many = Array.from({ length: 320 }, (_, index) => one(index, "warning"));
  const summary = findingsSummary([...many, one(999, "error")]);
  expect(summary.indexOf("area/f999")).toBeLessThan(summary.indexOf("area/f0<"));
  expect(summary.match(/area\/f\d+/g)).toHaveLength(300);
  expect(summary).toContain("And 21 more, in the report.");
  expect(findingsSummary(many.slice(0, 300))).not.toContain("more, in the report");
});

test("a run that threw says that it changed nothing if it asked nobody to, and only then: it may have paused, granted or removed something", () => {
  const finding: Finding = { id: "area/f", severity: "error", message: "It broke.", remedy: "Fix it." };
  const summary = stepSummary("promote", { findings: [finding], summary: "" }, true);
  expect(summary).toContain("stopped before its end");
  expect(summary).not.toMatch(/changed|nothing/);
  const before = (findings: readonly Finding[]) => stepSummary("promote", { findings, summary: "" }, false);
  expect(before([finding])).toContain("**Nothing was changed:**");
  expect(stepSummary("promote", { findings: [finding], summary: "All of it." }, true)).not.toContain("stopped");
  // inputs are read before anything is done: a run that stops at them has done nothing
  const input: Finding = { ...finding, id: "input/reason" };
  expect(before([input])).toContain("**Nothing was done:**");
  expect(before([input, finding])).toContain("**Nothing was changed:**");
});

test("of findings without a place leaves the column of places out: it would be empty, and the others narrow", () => {
  const nowhere = { id: "a/b", severity: "error" as const, message: "It broke.", remedy: "Mend it." };
  expect(findingsSummary([nowhere])).toContain("| Finding | What | What to do |");
  const placed = { ...nowhere, where: { kind: "file" as const, file: "four-tier.yml", line: 3 } };
  expect(findingsSummary([nowhere, placed])).toContain("| Finding | Where | What | What to do |");
});
