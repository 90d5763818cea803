/**
 * What the clock on the wall shows in a time zone, and back. A local time can come twice (when clocks go back) or never
 * (when they go forward); whoever asks says what is meant. Offsets are the platform's (Intl), the rest is arithmetic.
 */
import type { LocalTime } from "../contract/model.ts";

const MINUTE_MS = 60_000;
/** A day of 24 hours, in milliseconds; a local day may be shorter or longer. */
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** Milliseconds that the zone's clock is ahead of UTC at an instant. */
function offsetAt(zone: string, instant: number): number {
  const parts = formatOf(zone).formatToParts(instant);
  const part = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((each) => each.type === type)?.value ?? Number.NaN);
  const shown = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return shown - Math.floor(instant / 1000) * 1000;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, format);
  return format;
}

/** What the clock shows, and the day of the week: 1 = Monday … 7 = Sunday. */
export function wallClock(zone: string, instant: number): LocalTime & { readonly weekday: number } {
  const shown = new Date(instant + offsetAt(zone, instant));
  return {
    year: shown.getUTCFullYear(),
    month: shown.getUTCMonth() + 1,
    day: shown.getUTCDate(),
    minutes: shown.getUTCHours() * 60 + shown.getUTCMinutes(),
    weekday: shown.getUTCDay() === 0 ? 7 : shown.getUTCDay(),
  };
}

/**
 * The instants at which a clock shows this: one, or two when clocks go back over it. When they go forward over it, the
 * instant at which they do.
 */
export function instantsOf(zone: string, { year, month, day, minutes }: LocalTime): number[] {
  const shown = Date.UTC(year, month - 1, day, 0, minutes);
  // No zone is further than a day from UTC, and none changes its clocks twice in two days.
  const before = offsetAt(zone, shown - DAY_MS);
  const after = offsetAt(zone, shown + DAY_MS);
  const found = [...new Set([shown - before, shown - after])].filter(
    (instant) => instant + offsetAt(zone, instant) === shown,
  );
  if (found.length > 0) return found.sort((a, b) => a - b);
  return [changeBetween(zone, shown - DAY_MS, shown + DAY_MS) ?? shown - after];
}

/** When clocks change between two instants; undefined if they do not. */
export function changeBetween(zone: string, from: number, to: number): number | undefined {
  const first = offsetAt(zone, from);
  if (offsetAt(zone, to) === first) return undefined;
  let [low, high] = [from, to];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetAt(zone, middle) === first) low = middle;
    else high = middle;
  }
  return high;
}

/** `2026-11-23 16:00 Europe/Berlin`. */
export function shownAt(zone: string, instant: number): string {
  const { year, month, day, minutes } = wallClock(zone, instant);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)} ${two(Math.floor(minutes / 60))}:${two(minutes % 60)} ${zone}`;
}

/** A time that a record names, in UTC as a person reads it; as it stands if it is none. Outside text: escape it. */
export function inUtc(iso: string): string {
  const instant = Date.parse(iso);
  return Number.isNaN(instant) ? iso : shownAt("UTC", instant);
}

/** An end, as people read it: a date is its whole day in UTC, and stays one. */
export function endInUtc(until: string): string {
  return until.includes("T") ? inUtc(until) : until;
}

/**
 * Whether a time is of a later second than another. A tier's ledger knows milliseconds and GitHub whole seconds: within
 * one nobody can say which came first, nor of what is no time, and neither is then later.
 */
export function isSecondsLater(iso: string, other: string): boolean {
  return Math.floor(Date.parse(iso) / 1000) > Math.floor(Date.parse(other) / 1000);
}

/** `1d`, `36h`, `90s`: in the largest unit that loses nothing of whole seconds. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const fits = ([, length]: readonly [string, number]): boolean => seconds % length === 0;
  const [unit, length] = (seconds === 0 ? undefined : UNITS.find(fits)) ?? ["s", 1];
  return `${seconds / length}${unit}`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
];
