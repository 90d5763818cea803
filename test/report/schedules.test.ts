import { marked } from "marked";
import { expect, test } from "vitest";
import { holdsSummary, schedulesReport, schedulesSummary } from "../../src/report/schedules.ts";
import type { Ran } from "../../src/schedules/history.ts";
import type { State } from "../../src/schedules/starters.ts";
import type { ScheduleRow, SchedulesResult } from "../../src/schedules.ts";
import { hold } from "../schedules/hold.ts";

function row(
  name: string,
  states: readonly State[],
  wanted: State | undefined,
  outcome: ScheduleRow["outcome"],
): ScheduleRow {
  const starters = states.map((state) => ({ field: "schedule" as const, what: `cron of ${name}`, state }));
  return {
    decision: {
      resource: {
        kind: "jobs",
        id: name,
        name,
        key: `jobs.${name}`,
        project: true,
        tags: {},
        starters,
        activity: undefined,
        created: undefined,
        goesOn: false,
      },
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
  holds: [],
  history: new Map(),
  notLookedAt: 0,
  now: new Date("2027-01-15T12:00:00Z"),
  rows: [
    row("a", ["running", "paused"], "paused", "changed"),
    row("b", ["paused"], "paused", "right"),
    row("c", ["running"], "paused", "drift"),
    row("d|<img src=x>", ["running"], "paused", "failed"),
    row("e", ["running"], "paused", "gone"),
    row("f", ["paused"], undefined, "foreign"),
  ],
};

/** As a person sees it. */
function readable(markdown: string): { readonly html: string; readonly text: string } {
  const html = marked.parse(markdown, { async: false });
  const text = html
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)));
  return { html, text };
}

test("each job shows what it was, what it is, and why", () => {
  const { html, text } = readable(schedulesSummary(result));
  expect(html).not.toContain("<img");
  const changes = text.split("\n").filter((line) => line.includes(" → ") && !line.includes("Before"));
  expect(changes).toEqual([
    "running → running", // failed
    "running → running", // drift
    "paused and running → paused",
    "running → gone",
    "paused → paused",
    "paused → paused",
  ]);
  expect(text).toContain("9 jobs and pipelines of this project in staging; 6 can start by themselves.");
  expect(text).toContain("Pausing a job stops no run that is active");
});

test("nothing changed, nothing said about active runs", () => {
  expect(schedulesSummary({ ...result, rows: result.rows.slice(1) })).not.toContain("active");
});

test("what starts by itself shows when, in its own zone; what is paused does not", () => {
  const starter = { field: "schedule" as const, what: "cron 0 0 6 * * ? (Asia/Tokyo)" };
  const clock = { ...starter, cron: { expression: "0 0 6 * * ?", zone: "Asia/Tokyo" } };
  const withClock = (one: ScheduleRow): ScheduleRow => {
    const starters = one.decision.resource.starters.map(({ state }) => ({ ...clock, state }));
    return { ...one, decision: { ...one.decision, resource: { ...one.decision.resource, starters } } };
  };
  const next = (one: ScheduleRow): unknown =>
    (schedulesReport({ ...result, rows: [withClock(one)] })["schedules"] as { next: string[] }[])[0]?.next;
  const [changed, right, drift] = result.rows;
  expect([changed, right, drift].map((one) => one && next(one))).toEqual([[], [], ["2027-01-16 06:00 Asia/Tokyo"]]);
  const started = row("s", ["paused"], "running", "changed");
  expect(next(started)).toEqual(["2027-01-16 06:00 Asia/Tokyo"]);
});

test("what runs where it should not shows for how long it has, and what it took", () => {
  const history = new Map([
    ["c", { since: Date.parse("2027-01-05T12:00:00Z"), runs: 10, busyMs: 5_400_000, more: true }],
  ]);
  const { text } = readable(schedulesSummary({ ...result, history }));
  expect(text).toContain("What ran by itself in staging");
  expect(text).toMatch(/2027-01-05 \(at least 10 days\)\s+10 or more\s+1\.5/);
  expect(text).not.toContain("not looked at");
  expect(readable(schedulesSummary({ ...result, history, notLookedAt: 3 })).text).toContain(
    "3 more jobs were not looked at",
  );
});

test("what may run where it should not, and has not yet, is no row of what ran: it had no time and no hours", () => {
  const none: Ran = { since: undefined, runs: 0, busyMs: 0, more: false };
  const ran = { since: Date.parse("2027-01-05T12:00:00Z"), runs: 1, busyMs: 0, more: false };
  expect(schedulesSummary({ ...result, history: new Map([["c", none]]) })).not.toContain("What ran by itself");
  const both = readable(
    schedulesSummary({
      ...result,
      history: new Map([
        ["a", none],
        ["c", ran],
      ]),
    }),
  ).text;
  expect(both.slice(both.indexOf("What ran by itself")).match(/2027-01-05|no such run/g)).toEqual(["2027-01-05"]);
  // of the others nobody knows
  const partly = readable(schedulesSummary({ ...result, history: new Map([["c", none]]), notLookedAt: 3 })).text;
  expect(partly).toMatch(/No such run is among the newest .*3 more jobs were not looked at/s);
});

test("five hundred rows are shown, the worst first, and the rest is counted", () => {
  const rows = Array.from({ length: 600 }, (_, index) => row(`r${index}`, ["paused"], "paused", "right"));
  const summary = schedulesSummary({ ...result, rows: [...rows, row("bad", ["running"], "paused", "drift")] });
  expect(summary).toContain("jobs.bad");
  expect(summary).toContain("and 101 more");
});

test("the report has a line a resource", () => {
  expect(schedulesReport({ ...result, rows: result.rows.slice(-1) })).toEqual({
    tier: "staging",
    scope: "project",
    seen: 9,
    holds: [],
    schedules: [
      {
        kind: "jobs",
        id: "f",
        name: "f",
        key: "jobs.f",
        starters: [{ field: "schedule", what: "cron of f", state: "paused" }],
        wanted: null,
        outcome: "foreign",
        why: "staging is paused",
        next: [],
      },
    ],
  });
});

test("what goes on though it is paused, and what is paused and still runs, is not called what it is not", () => {
  const loop = row("loop", ["paused"], "paused", "drift");
  const goesOn = { ...loop, decision: { ...loop.decision, resource: { ...loop.decision.resource, goesOn: true } } };
  const { text } = readable(
    schedulesSummary({ ...result, rows: [goesOn, row("slow", ["running"], "paused", "still-running")] }),
  );
  expect(text).toMatch(/jobs\.loop[^]*paused, started by hand → paused, started by hand\s*always/);
  expect(text).toMatch(/jobs\.slow[^]*running → paused, still running\s*—\s*❌ paused, still running/);
});

test("a pipeline that is given back starts always", () => {
  const given = row("stream", [], "running", "changed");
  const pipeline = { ...given.decision.resource, kind: "pipelines" as const };
  const rows = [{ ...given, decision: { ...given.decision, resource: pipeline } }];
  expect(readable(schedulesSummary({ ...result, rows })).text).toMatch(/paused → running\s*always/);
});

test("a hold says its times with their zone, and that it is over", () => {
  const held = hold({ at: "2027-01-14T10:00:00.000Z", until: "2027-01-15T11:30:00.000Z" });
  const { text } = readable(schedulesSummary({ ...result, holds: [held] }));
  expect(text).toContain("2027-01-14 10:00 UTC");
  expect(text).toContain("2027-01-15 11:30 UTC ⌛ over");
});

test("a hold or a resume that did not come through does not say that it did", () => {
  const touched = [hold()];
  const failed = { ...result, rows: [row("a", ["running"], "paused", "failed")], touched };
  const whole = { ...failed, rows: [row("a", ["running"], "paused", "changed")] };
  expect(holdsSummary(failed, "hold")).toContain("not quiet yet");
  expect(holdsSummary(whole, "hold")).not.toContain("not quiet yet");
  expect(holdsSummary(failed, "resume")).toContain("in part");
  expect(holdsSummary(whole, "resume")).toContain("everything is as it was before");
});

test("since when something ran is at least the oldest run that was looked at", () => {
  const since = Date.parse("2027-01-12T12:00:00Z");
  const told = (more: boolean): string =>
    readable(schedulesSummary({ ...result, history: new Map([["c", { since, runs: 24, busyMs: 0, more }]]) })).text;
  expect(told(true)).toContain("(at least 3 days)");
  expect(told(false)).toContain("(3 days)");
});
