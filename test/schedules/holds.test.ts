import { describe, expect, test } from "vitest";
import {
  heldSettings,
  holdsOn,
  type Met,
  matches,
  parseSelector,
  priorMix,
  restoredStates,
  selects,
  underHolds,
} from "../../src/schedules/holds.ts";
import type { Starter } from "../../src/schedules/starters.ts";
import { hold } from "./hold.ts";

const cron = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC" };

function resource(more: Partial<Met> = {}): Met {
  return {
    kind: "jobs",
    id: "7",
    key: "jobs.score",
    project: true,
    name: "churn score",
    tags: { team: "fraud" },
    starters: [{ field: "schedule", what: "cron", state: "running" }],
    ...more,
  };
}

describe("a selector", () => {
  test.each([
    ["all", { kind: "all" }],
    ["name:churn *", { kind: "name", pattern: "churn *" }],
    ["name: jobs.score", { kind: "name", pattern: "jobs.score" }],
    ["tag:team", { kind: "tag", key: "team", value: undefined }],
    ["tag:team=a=b", { kind: "tag", key: "team", value: "a=b" }],
    ["", undefined],
    ["everything", undefined],
    ["name:", undefined],
    ["tag: ", undefined],
  ])("%s", (text, expected) => {
    expect(parseSelector(text)).toEqual(expected);
  });

  test.each([
    ["name:churn score", true],
    ["name:churn *", true],
    ["name:*score", true],
    ["name:jobs.score", true],
    ["name:score", false],
    ["name:churn", false],
    ["tag:team", true],
    ["tag:team=fraud", true],
    ["tag:team=other", false],
    ["tag:owner", false],
    ["all", true],
  ])("%s asked of the job churn score, of team fraud: %s", (selector, expected) => {
    expect(selects(selector, resource())).toBe(expected);
  });

  test.each([
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["ab*ba", "aba", false],
    ["*", "", true],
    ["a.c", "abc", false],
    ["(a+)+$*", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false],
  ])("%s against %s: %s", (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });
});

test("a selector by tag asks for tags that are there, and not for what every object has", () => {
  expect(selects("tag:constructor", resource())).toBe(false);
});

describe("what a hold keeps paused", () => {
  const met = hold({
    selector: "name:churn score",
    prior: [{ kind: "jobs", id: "7", key: "jobs.score", name: "churn score", starters: [] }],
  });

  test("a job that came after it, if the selector names it", () => {
    expect(holdsOn([hold({ selector: "name:churn *" })], resource({ id: "8", name: "churn new" }))).toHaveLength(1);
  });
  test("a job that was renamed since", () => {
    expect(holdsOn([met], resource({ name: "other" }))).toHaveLength(1);
  });
  test("a job that was deleted and recreated under the same key", () => {
    expect(holdsOn([met], resource({ id: "9", name: "other" }))).toHaveLength(1);
  });
  test("not another job", () => {
    expect(holdsOn([met], resource({ id: "9", key: "jobs.other", name: "other" }))).toEqual([]);
  });
  test("nothing that is not the project's, unless it is of the whole workspace", () => {
    expect(holdsOn([hold()], resource({ key: undefined, project: false }))).toEqual([]);
    expect(holdsOn([hold({ scope: "workspace" })], resource({ key: undefined, project: false }))).toHaveLength(1);
  });
  test("nothing by a hold of the tier's promotions", () => {
    expect(holdsOn([hold({ kind: "tier" })], resource())).toEqual([]);
  });
});

describe("settings under a hold", () => {
  test.each([
    ["a schedule", "jobs", { schedule: cron }, { schedule: { ...cron, pause_status: "PAUSED" } }],
    [
      "what is paused already",
      "jobs",
      { continuous: { pause_status: "PAUSED" } },
      { continuous: { pause_status: "PAUSED" } },
    ],
    [
      "each of several triggers",
      "jobs",
      { triggers: [{ schedule: cron }, { model: {} }] },
      {
        triggers: [
          { schedule: cron, pause_status: "PAUSED" },
          { model: {}, pause_status: "PAUSED" },
        ],
      },
    ],
    ["a job that starts by hand only", "jobs", { name: "x" }, { name: "x" }],
    ["a continuous pipeline", "pipelines", { continuous: true }, { continuous: false }],
    ["a triggered pipeline", "pipelines", { name: "x" }, { name: "x" }],
    ["a schema", "schemas", { name: "x" }, { name: "x" }],
  ])("%s", (_name, kind, settings, expected) => {
    expect(heldSettings(kind, settings)).toEqual(expected);
  });

  test("of a job that is about to be created, found by the tag it declares", () => {
    const created = { id: undefined, key: "jobs.new", kind: "jobs", name: "new" };
    const settings = { tags: { team: "fraud" }, schedule: cron };
    expect(underHolds([hold({ selector: "tag:team=fraud" })], created, settings)).toMatchObject({
      schedule: { pause_status: "PAUSED" },
    });
    expect(underHolds([hold({ selector: "tag:team=other" })], created, settings)).toEqual(settings);
  });
});

describe("the prior mix", () => {
  const running: Starter = { field: "schedule", what: "cron", state: "running" };
  const paused: Starter = { ...running, state: "paused" };

  test("of a second hold is what the first one met, so that either may be lifted first", () => {
    const first = hold({ id: "1".repeat(64), prior: priorMix([resource()], []) });
    const second = priorMix([resource({ starters: [paused] })], [first]);
    expect(second).toEqual(first.prior);
    expect(second[0]?.starters).toEqual([running]);
  });

  test("says nothing of a job that came under the first hold: nobody has seen it free", () => {
    expect(priorMix([resource({ id: "8", key: "jobs.new", starters: [paused] })], [hold()])).toEqual([]);
  });

  const prior = (...starters: Starter[]) => ({ kind: "jobs", id: "7", key: "jobs.score", name: "x", starters });
  const other: Starter = { field: "triggers", what: "file arrival", state: "paused" };
  test.each([
    ["as it was", prior(paused), [paused], "running", ["paused"]],
    [
      "each of several as it was",
      prior(running, other),
      [{ ...other }, { ...running, state: "paused" }],
      "paused",
      ["paused", "running"],
    ],
    [
      "a clock that a deploy has changed, as the old one was",
      prior(running),
      [{ ...paused, what: "cron 2" }],
      "paused",
      ["running"],
    ],
    [
      "one that was added to a mixed job, as the tier wants",
      prior(running, other),
      [{ ...paused, what: "new" }],
      "paused",
      ["paused"],
    ],
    ["what the hold never met, as the tier wants", undefined, [paused], "running", ["running"]],
    ["twins, one by one", prior(running, paused), [paused, paused], "paused", ["running", "paused"]],
  ] as const)("%s", (_name, before, starters, otherwise, expected) => {
    expect(restoredStates(before, starters, otherwise)).toEqual(expected);
  });
});
