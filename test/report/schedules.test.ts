import { marked } from "marked";
import { expect, test } from "vitest";
import { schedulesReport, schedulesSummary } from "../../src/report/schedules.ts";
import type { ScheduleRow, SchedulesResult } from "../../src/schedules.ts";
import type { State } from "../../src/schedules/policy.ts";

function row(
  name: string,
  states: readonly State[],
  wanted: State | undefined,
  outcome: ScheduleRow["outcome"],
): ScheduleRow {
  const starters = states.map((state) => ({ field: "schedule" as const, what: `cron of ${name}`, state }));
  return {
    decision: {
      resource: { kind: "jobs", id: "1", name, key: `jobs.${name}`, starters, activity: undefined },
      wanted,
      drifted: starters.filter((starter) => starter.state !== wanted),
      why: "staging is paused",
    },
    outcome,
  };
}

const result: SchedulesResult = {
  tier: "staging",
  scope: "project",
  seen: 9,
  findings: [],
  rows: [
    row("a", ["running", "paused"], "paused", "changed"),
    row("b", ["paused"], "paused", "right"),
    row("c", ["running"], "paused", "drift"),
    row("d|<img src=x>", ["running"], "paused", "failed"),
    row("e", ["running"], "paused", "gone"),
    row("f", ["paused"], undefined, "foreign"),
  ],
};

test("each job shows what it was, what it is, and why", () => {
  const html = marked.parse(schedulesSummary(result), { async: false });
  expect(html).not.toContain("<img");
  const text = html
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)));
  const changes = text.split("\n").filter((line) => line.includes(" → ") && !line.includes("Before"));
  expect(changes).toEqual([
    "paused and running → paused",
    "paused → paused",
    "running → running",
    "running → running",
    "running → gone",
    "paused → paused",
  ]);
  expect(text).toContain("9 jobs and pipelines of this project in staging; 6 can start by themselves.");
  expect(text).toContain("Pausing a job stops no run that is active");
});

test("nothing changed, nothing said about active runs", () => {
  expect(schedulesSummary({ ...result, rows: result.rows.slice(1) })).not.toContain("active");
});

test("the report has a line a resource", () => {
  expect(schedulesReport({ ...result, rows: result.rows.slice(-1) })).toEqual({
    tier: "staging",
    scope: "project",
    seen: 9,
    schedules: [
      {
        kind: "jobs",
        id: "1",
        name: "f",
        key: "jobs.f",
        starters: [{ field: "schedule", what: "cron of f", state: "paused" }],
        wanted: null,
        outcome: "foreign",
        why: "staging is paused",
      },
    ],
  });
});
