import { describe, expect, test } from "vitest";
import { nextFire, nextStart } from "../../src/schedules/next.ts";
import type { Starter } from "../../src/schedules/starters.ts";

/** A Friday. */
const now = new Date("2027-01-15T12:00:00Z");
const fire = (expression: string, zone = "UTC", from = now): string | undefined =>
  nextFire({ expression, zone }, from)?.toISOString();

describe("a Quartz expression strikes next", () => {
  test.each([
    ["every day", "0 0 6 * * ?", "2027-01-16T06:00:00.000Z"],
    ["seconds too", "30 0/15 * * * ?", "2027-01-15T12:00:30.000Z"],
    ["every 15 minutes from 5", "0 5/15 * * * ?", "2027-01-15T12:05:00.000Z"],
    ["day 1 of the week: Sunday, unlike cron's Monday", "0 0 6 ? * 1", "2027-01-17T06:00:00.000Z"],
    ["day 2: Monday", "0 0 6 ? * 2", "2027-01-18T06:00:00.000Z"],
    ["day 7: Saturday", "0 0 6 ? * 7", "2027-01-16T06:00:00.000Z"],
    ["days 2-6: Monday to Friday", "0 0 6 ? * 2-6", "2027-01-18T06:00:00.000Z"],
    ["days by name", "0 0 6 ? * MON-WED", "2027-01-18T06:00:00.000Z"],
    ["the third Friday, 6#3", "0 0 14 ? * 6#3", "2027-01-15T14:00:00.000Z"],
    ["the last Friday, 6L", "0 0 6 ? * 6L", "2027-01-29T06:00:00.000Z"],
    ["L as a day of the week: Saturday", "0 0 6 ? * L", "2027-01-16T06:00:00.000Z"],
    ["the last day of the month", "0 0 6 L * ?", "2027-01-31T06:00:00.000Z"],
    ["the last weekday of the month", "0 0 6 LW * ?", "2027-01-29T06:00:00.000Z"],
    ["the weekday nearest to the 16th, a Saturday", "0 0 14 16W * ?", "2027-01-15T14:00:00.000Z"],
    ["a month by name", "0 0 6 1 MAR ?", "2027-03-01T06:00:00.000Z"],
    ["a year", "0 0 6 1 1 ? 2029", "2029-01-01T06:00:00.000Z"],
  ])("%s", (_name, expression, expected) => {
    expect(fire(expression)).toBe(expected);
  });

  test.each([
    ["in its own zone, in winter", "2027-01-15T12:00:00Z", "2027-01-16T05:00:00.000Z"],
    ["in its own zone, in summer", "2027-07-15T12:00:00Z", "2027-07-16T04:00:00.000Z"],
  ])("%s", (_name, from, expected) => {
    expect(fire("0 0 6 * * ?", "Europe/Berlin", new Date(from))).toBe(expected);
  });

  test.each([
    ["a year that is over", "0 0 6 1 1 ? 2020"],
    ["days before the last: not read by the library", "0 0 6 L-3 * ?"],
    ["not Quartz", "0 6 * * *"],
    ["nonsense", "soon"],
  ])("never, or nobody says: %s", (_name, expression) => {
    expect(fire(expression)).toBeUndefined();
  });

  test("in no zone that does not exist", () => {
    expect(fire("0 0 6 * * ?", "Mars/Olympus")).toBeUndefined();
  });
});

test.each<[Starter, string]>([
  [
    { field: "schedule", what: "cron", state: "running", cron: { expression: "0 0 6 * * ?", zone: "Europe/Berlin" } },
    "2027-01-16 06:00 Europe/Berlin",
  ],
  [{ field: "schedule", what: "cron", state: "running", cron: { expression: "?", zone: "UTC" } }, "not known"],
  [{ field: "schedule", what: "cron", state: "running", cron: { expression: "0 0 6 * * ?", zone: "" } }, "not known"],
  [{ field: "trigger", what: "every 4 hours", state: "running" }, "every 4 hours"],
  [{ field: "trigger", what: "file arrival", state: "running" }, "on file arrival"],
  [{ field: "continuous", what: "continuous", state: "running" }, "always"],
  [{ field: "pipeline", what: "continuous", state: "running" }, "always"],
])("%o reads as %s", (starter, expected) => {
  expect(nextStart(starter, now)).toBe(expected);
});
