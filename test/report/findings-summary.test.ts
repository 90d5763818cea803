/** The findings as a table: the worst first, and no more than a job summary takes. */
import { expect, test } from "vitest";
import type { Finding } from "../../src/findings.ts";
import { findingsSummary } from "../../src/report/report.ts";

test("three hundred findings are shown, the worst first, and the others counted", () => {
  const one = (index: number, severity: Finding["severity"]): Finding => ({
    id: `area/f${index}`,
    severity,
    message: "It is so.",
    remedy: "Mend it.",
  });
  const many = Array.from({ length: 320 }, (_, index) => one(index, "warning"));
  const summary = findingsSummary([...many, one(999, "error")]);
  expect(summary.indexOf("area/f999")).toBeLessThan(summary.indexOf("area/f0<"));
  expect(summary.match(/area\/f\d+/g)).toHaveLength(300);
  expect(summary).toContain("And 21 more, in the report.");
  expect(findingsSummary(many.slice(0, 300))).not.toContain("more, in the report");
});
