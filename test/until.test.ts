import { describe, expect, test } from "vitest";
import { parseUntil } from "../src/until.ts";

const now = new Date("2027-01-15T12:00:00Z");

describe("an end", () => {
  test.each([
    ["2027-01-31", "2027-02-01T00:00:00.000Z", "2027-01-31"],
    ["2027-01-15", "2027-01-16T00:00:00.000Z", "2027-01-15"],
    ["2028-02-29", "2028-03-01T00:00:00.000Z", "2028-02-29"],
    ["2027-01-31T08:00Z", "2027-01-31T08:00:00.000Z", "2027-01-31T08:00:00Z"],
    ["2027-01-31T08:00:30+02:00", "2027-01-31T06:00:30.000Z", "2027-01-31T06:00:30Z"],
    ["4h", "2027-01-15T16:00:00.000Z", "2027-01-15T16:00:00Z"],
    ["2d", "2027-01-17T12:00:00.000Z", "2027-01-17T12:00:00Z"],
  ])("%s", (text, end, says) => {
    const until = parseUntil(text, now);
    expect([until?.end.toISOString(), until?.says]).toEqual([end, says]);
  });

  test.each([
    ["2027-02-31", "no such day"],
    ["2027-02-30T08:00Z", "no such day"],
    ["2027-02-29", "no leap year"],
    ["2027-01-31T25:00Z", "no such hour"],
    ["2027-01-14", "over"],
    ["2027-01-15T11:59Z", "over"],
    ["2027-01-15T13:30+02:00", "over, by its own clock"],
    ["0h", "no time at all"],
    ["9999-12-31", "ends in a year of five digits"],
    ["2027-01-31T08:00", "whose clock?"],
    ["2027-01-31 08:00Z", "another form"],
    ["4 h", "another form"],
    ["tomorrow", "a word"],
    ["", "nothing"],
  ])("%s is none: %s", (text) => {
    expect(parseUntil(text, now)).toBeUndefined();
  });
});
