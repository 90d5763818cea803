/** Whose runs are looked at for what they cost, where there are too many to look at all. */
import { expect, test } from "vitest";
import { costliest, notLookedAt } from "../../src/schedules/history.ts";
import type { Resource } from "../../src/schedules/policy.ts";

const NOW = new Date("2027-01-15T12:00:00Z");
const clock = (expression: string): Resource["starters"] => [
  { field: "schedule", what: "cron", state: "running", entry: "", cron: { expression, zone: "UTC" } },
];
const job = (name: string, more: Partial<Resource> = {}): Resource => ({
  kind: "jobs",
  id: name,
  key: undefined,
  project: true,
  name,
  tags: {},
  starters: clock("0 0 6 * * ?"),
  created: undefined,
  goesOn: false,
  activity: undefined,
  ...more,
});
const daily = Array.from({ length: 60 }, (_, index) => job(`daily ${String(index).padStart(2, "0")}`));
const rare = job("a yearly one", { starters: clock("0 0 6 1 1 ?") });
const often = job("z every five minutes", { starters: clock("0 0/5 * * * ?") });
const arrivals = job("z on arrival", {
  starters: [{ field: "trigger", what: "file arrival", state: "running", entry: "" }],
});
const always = job("z always", {
  starters: [{ field: "continuous", what: "continuous", state: "running", entry: "" }],
});
const goesOn = job("z goes on", { starters: [], goesOn: true });

test("of too many jobs those that are likely to cost most are looked at, in a fixed order, and the rest is counted", () => {
  const all = [rare, ...daily.toReversed(), often, arrivals, always, goesOn];
  const names = costliest(all, NOW).map(({ name }) => name);
  expect(names.slice(0, 5)).toEqual(["z always", "z goes on", "z on arrival", "z every five minutes", "daily 00"]);
  expect(names).toHaveLength(50);
  expect(names.at(-1)).toBe("daily 45");
  expect(notLookedAt(all)).toBe(15);
});

test("up to fifty are looked at as they come; pipelines are no jobs", () => {
  const some = [rare, often, job("p", { kind: "pipelines" })];
  expect(costliest(some, NOW)).toEqual([rare, often]);
  expect(notLookedAt(some)).toBe(0);
});
