/** Windows and freezes, over the days on which clocks change. */
import { describe, expect, it } from "vitest";
import type { Window } from "../../src/contract/model.ts";
import { parseFreeze, parseWindow } from "../../src/contract/values.ts";
import { changeBetween, duration, instantsOf, shownAt, wallClock } from "../../src/gate/wall-clock.ts";
import { nextOpening, openingAt } from "../../src/gate/windows.ts";

const at = (iso: string): number => {
  const instant = Date.parse(iso);
  if (Number.isNaN(instant)) throw new Error(iso);
  return instant;
};
const window = (text: string): Window => {
  const parsed = parseWindow(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const freeze = (from: string, until: string, zone = "UTC") => {
  const parsed = parseFreeze({ from, until, zone, reason: "year end" });
  if (parsed === undefined) throw new Error(from);
  return parsed;
};
const open = (text: string, iso: string): boolean => openingAt([window(text)], [], at(iso)).open;
const next = (texts: readonly string[], iso: string, freezes: Parameters<typeof nextOpening>[1] = []): string => {
  const found = nextOpening(texts.map(window), freezes, at(iso));
  return found === undefined ? "never" : new Date(found).toISOString();
};

describe("a wall clock", () => {
  it.each([
    // Berlin is an hour ahead of UTC in winter, two in summer: the change is at 01:00 UTC.
    ["Europe/Berlin", "2026-03-29T00:59:00Z", "2026-03-29 01:59 Europe/Berlin"],
    ["Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00 Europe/Berlin"],
    ["Europe/Berlin", "2026-10-25T00:59:00Z", "2026-10-25 02:59 Europe/Berlin"],
    ["Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25 02:00 Europe/Berlin"],
    // New York: at 02:00 local time.
    ["America/New_York", "2026-03-08T06:59:00Z", "2026-03-08 01:59 America/New_York"],
    ["America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 03:00 America/New_York"],
    ["America/New_York", "2026-11-01T05:59:00Z", "2026-11-01 01:59 America/New_York"],
    ["America/New_York", "2026-11-01T06:00:00Z", "2026-11-01 01:00 America/New_York"],
    // Lord Howe's clocks change by half an hour: +10:30 in winter, +11 in summer.
    ["Australia/Lord_Howe", "2026-04-04T14:59:00Z", "2026-04-05 01:59 Australia/Lord_Howe"],
    ["Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-05 01:30 Australia/Lord_Howe"],
    ["Australia/Lord_Howe", "2026-10-03T15:29:00Z", "2026-10-04 01:59 Australia/Lord_Howe"],
    ["Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-04 02:30 Australia/Lord_Howe"],
    ["UTC", "2026-12-31T23:59:59.999Z", "2026-12-31 23:59 UTC"],
    ["Asia/Kathmandu", "2026-06-01T00:00:00Z", "2026-06-01 05:45 Asia/Kathmandu"],
  ])("in %s shows at %s: %s", (zone, instant, shown) => {
    expect(shownAt(zone, at(instant))).toBe(shown);
  });

  it("knows the day of the week", () => {
    expect(wallClock("UTC", at("2026-11-23T00:00:00Z")).weekday).toBe(1);
    expect(wallClock("UTC", at("2026-11-22T23:59:00Z")).weekday).toBe(7);
    expect(wallClock("Asia/Tokyo", at("2026-11-22T15:00:00Z")).weekday).toBe(1);
  });

  const instants = (zone: string, month: number, day: number, minutes: number): string[] =>
    instantsOf(zone, { year: 2026, month, day, minutes }).map((each) => new Date(each).toISOString());

  it("shows most times once, some twice, and some never: then it is the moment of the change", () => {
    expect(instants("Europe/Berlin", 7, 1, 600)).toEqual(["2026-07-01T08:00:00.000Z"]);
    expect(instants("Europe/Berlin", 10, 25, 150)).toEqual(["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]);
    expect(instants("Europe/Berlin", 10, 25, 119)).toEqual(["2026-10-24T23:59:00.000Z"]);
    expect(instants("Europe/Berlin", 10, 25, 180)).toEqual(["2026-10-25T02:00:00.000Z"]);
    expect(instants("Europe/Berlin", 3, 29, 150)).toEqual(["2026-03-29T01:00:00.000Z"]);
    expect(instants("Australia/Lord_Howe", 4, 5, 105)).toEqual([
      "2026-04-04T14:45:00.000Z",
      "2026-04-04T15:15:00.000Z",
    ]);
    expect(instants("Australia/Lord_Howe", 10, 4, 135)).toEqual(["2026-10-03T15:30:00.000Z"]);
    expect(instants("America/New_York", 11, 1, 90)).toEqual(["2026-11-01T05:30:00.000Z", "2026-11-01T06:30:00.000Z"]);
  });

  it("finds its changes to the second, and none where there is none", () => {
    const change = changeBetween("Europe/Berlin", at("2026-03-28T12:34:56Z"), at("2026-03-29T12:34:56Z"));
    expect(new Date(change ?? 0).toISOString()).toBe("2026-03-29T01:00:00.000Z");
    expect(changeBetween("Europe/Berlin", at("2026-05-01T00:00:00Z"), at("2026-05-03T00:00:00Z"))).toBeUndefined();
  });

  it("every minute of a year with its changes: what it shows leads back to it", () => {
    for (const zone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]) {
      for (const day of ["2026-03-08", "2026-03-29", "2026-04-04", "2026-10-03", "2026-10-25", "2026-11-01"]) {
        for (let minute = 0; minute < 1440; minute += 7) {
          const instant = at(`${day}T00:00:00Z`) + minute * 60_000;
          expect(instantsOf(zone, wallClock(zone, instant))).toContain(instant);
        }
      }
    }
  });
});

describe("a window", () => {
  it.each([
    ["Mon-Thu 08:00-16:00 Europe/Berlin", "2026-11-23T07:00:00Z", true],
    ["Mon-Thu 08:00-16:00 Europe/Berlin", "2026-11-23T06:59:59Z", false],
    ["Mon-Thu 08:00-16:00 Europe/Berlin", "2026-11-23T14:59:59Z", true],
    ["Mon-Thu 08:00-16:00 Europe/Berlin", "2026-11-23T15:00:00Z", false],
    ["Mon-Thu 08:00-16:00 Europe/Berlin", "2026-11-27T10:00:00Z", false],
    // The same hours in summer are an hour earlier in UTC.
    ["Mon-Thu 08:00-16:00 Europe/Berlin", "2026-07-06T06:00:00Z", true],
    // Past midnight: Friday's window ends on Saturday.
    ["Fri 22:00-02:00 UTC", "2026-11-27T22:00:00Z", true],
    ["Fri 22:00-02:00 UTC", "2026-11-28T01:59:00Z", true],
    ["Fri 22:00-02:00 UTC", "2026-11-28T02:00:00Z", false],
    ["Fri 22:00-02:00 UTC", "2026-11-27T01:00:00Z", false],
    ["Sun 22:00-02:00 UTC", "2026-11-23T01:00:00Z", true],
    ["Mon 00:00-24:00 UTC", "2026-11-23T23:59:00Z", true],
    ["Mon 00:00-24:00 UTC", "2026-11-24T00:00:00Z", false],
    // The hour that comes twice is open twice.
    ["Sun 02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", true],
    ["Sun 02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", true],
    ["Sun 02:00-03:00 Europe/Berlin", "2026-10-25T02:00:00Z", false],
    ["Sun 01:40-01:50 Australia/Lord_Howe", "2026-04-04T14:45:00Z", true],
    ["Sun 01:40-01:50 Australia/Lord_Howe", "2026-04-04T15:15:00Z", true],
    ["Sun 01:40-01:50 Australia/Lord_Howe", "2026-04-04T15:05:00Z", false],
    // The hour that never comes is not open.
    ["Sun 02:00-03:00 Europe/Berlin", "2026-03-29T01:00:00Z", false],
    ["Sun 01:00-04:00 America/New_York", "2026-03-08T07:00:00Z", true],
  ])("%s is at %s open: %s", (text, instant, is) => {
    expect(open(text, instant)).toBe(is);
  });

  it.each([
    [["Mon-Thu 08:00-16:00 Europe/Berlin"], "2026-11-26T15:00:00Z", "2026-11-30T07:00:00.000Z"],
    [["Mon-Thu 08:00-16:00 Europe/Berlin"], "2026-11-24T03:00:00Z", "2026-11-24T07:00:00.000Z"],
    // Over the change: Thursday in summer time, Monday in winter time.
    [["Mon-Thu 08:00-16:00 Europe/Berlin"], "2026-10-22T15:00:00Z", "2026-10-26T07:00:00.000Z"],
    [["Mon-Thu 08:00-16:00 Europe/Berlin"], "2026-10-20T15:00:00Z", "2026-10-21T06:00:00.000Z"],
    [["Sat 09:00-10:00 UTC", "Tue 08:00-09:00 UTC"], "2026-11-23T12:00:00Z", "2026-11-24T08:00:00.000Z"],
    [["Tue 08:00-09:00 UTC", "Sat 09:00-10:00 UTC"], "2026-11-25T12:00:00Z", "2026-11-28T09:00:00.000Z"],
    // Where it opens this very moment, the next opening is a later one.
    [["Tue 08:00-09:00 UTC"], "2026-11-24T08:00:00Z", "2026-12-01T08:00:00.000Z"],
    // The week in which its hour never comes is skipped.
    [["Sun 02:00-03:00 Europe/Berlin"], "2026-03-28T12:00:00Z", "2026-04-05T00:00:00.000Z"],
    // It begins within the missing hour, and opens as the clocks go forward.
    [["Sun 02:30-04:00 Europe/Berlin"], "2026-03-29T00:00:00Z", "2026-03-29T01:00:00.000Z"],
    // It ends before clocks go back, and opens again when they do.
    [["Sun 01:00-02:30 Europe/Berlin"], "2026-10-25T00:45:00Z", "2026-10-25T01:00:00.000Z"],
    [["Sun 01:00-01:45 Australia/Lord_Howe"], "2026-04-04T14:50:00Z", "2026-04-04T15:00:00.000Z"],
    [["Sun 02:00-02:45 Australia/Lord_Howe"], "2026-10-03T15:00:00Z", "2026-10-03T15:30:00.000Z"],
    [["Sun 01:00-02:00 America/New_York"], "2026-11-01T04:00:00Z", "2026-11-01T05:00:00.000Z"],
    [["Fri 22:00-02:00 UTC"], "2026-11-28T02:00:00Z", "2026-12-04T22:00:00.000Z"],
  ])("%j opens after %s at %s", (texts, instant, opens) => {
    expect(next(texts, instant)).toBe(opens);
  });
});

describe("a freeze", () => {
  it("wins over windows, and holds from its first day to its last in its zone", () => {
    const frozen = freeze("2026-12-21", "2027-01-03", "Europe/Berlin");
    const is = (iso: string): boolean => openingAt([], [frozen], at(iso)).open;
    expect(is("2026-12-20T22:59:59Z")).toBe(true);
    expect(is("2026-12-20T23:00:00Z")).toBe(false);
    expect(is("2027-01-03T22:59:59Z")).toBe(false);
    expect(is("2027-01-03T23:00:00Z")).toBe(true);
    const windows = [window("Mon-Sun 00:00-24:00 UTC")];
    expect(openingAt(windows, [frozen], at("2026-12-24T12:00:00Z"))).toMatchObject({ open: false, freezes: [frozen] });
  });

  it("that touches an hour that comes twice lasts through both, and never begins late", () => {
    const ends = freeze("2026-10-24", "2026-10-25T02:30", "Europe/Berlin");
    expect(openingAt([], [ends], at("2026-10-25T00:45:00Z")).open).toBe(false);
    expect(openingAt([], [ends], at("2026-10-25T01:30:00Z")).open).toBe(true);
    const begins = freeze("2026-10-25T02:30", "2026-10-26", "Europe/Berlin");
    expect(openingAt([], [begins], at("2026-10-25T00:29:00Z")).open).toBe(true);
    expect(openingAt([], [begins], at("2026-10-25T01:00:00Z")).open).toBe(false);
  });

  it("is followed by the next window after it, or by its own end", () => {
    const frozen = freeze("2026-12-21", "2027-01-03");
    expect(next([], "2026-12-24T00:00:00Z", [frozen])).toBe("2027-01-04T00:00:00.000Z");
    expect(next(["Wed 10:00-11:00 UTC"], "2026-12-24T00:00:00Z", [frozen])).toBe("2027-01-06T10:00:00.000Z");
    const second = freeze("2027-01-04", "2027-06-30");
    expect(next(["Wed 10:00-11:00 UTC"], "2026-12-24T00:00:00Z", [frozen, second])).toBe("2027-07-07T10:00:00.000Z");
  });

  it("that is over changes nothing", () => {
    expect(next(["Mon 10:00-11:00 UTC"], "2026-11-23T12:00:00Z", [freeze("2026-11-01", "2026-11-02")])).toBe(
      "2026-11-30T10:00:00.000Z",
    );
  });
});

it("a length of time is told to the second, in one unit", () => {
  const told = [0, 30, 90, 120, 5400, 3600, 86_400, 129_600].map((seconds) => duration(seconds * 1000));
  expect(told).toEqual(["0s", "30s", "90s", "2m", "90m", "1h", "1d", "36h"]);
});
