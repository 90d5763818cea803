/** The end of something that people set: read in one way wherever it is an input. Pure. */

const LENGTHS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An end, and how a record says it. */
interface Until {
  readonly end: Date;
  /** `2027-01-31` for a whole day, else `2027-01-31T08:00:00Z`. */
  readonly says: string;
}

/** What an input that names an end can be, for a remedy. */
export const UNTIL_FORMS =
  "a day (2027-01-31, the whole of it, in UTC), a time (2027-01-31T08:00Z) or a length (4h, 2d), ahead of now";

/** Reads an end: a day, a time or a length from now. Undefined for anything else, days that no calendar has, and the past. */
export function parseUntil(text: string, now: Date): Until | undefined {
  const [, count, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const [, day, time] = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? [];
  let end: number;
  if (count !== undefined) end = now.getTime() + Number(count) * (LENGTHS[unit] ?? 0);
  else if (day !== undefined && isDay(day)) end = time === undefined ? Date.parse(day) + 86_400_000 : Date.parse(text);
  else return undefined;
  // Beyond the year 9999 a time has another form, which nothing that reads it expects.
  if (Number.isNaN(end) || end <= now.getTime() || end > Date.parse("9999-12-31T23:59:59Z")) return undefined;
  const date = new Date(end);
  return {
    end: date,
    says: day !== undefined && time === undefined ? day : date.toISOString().replace(/\.\d+Z$/, "Z"),
  };
}

/** `Date` takes the 31st of February for the 3rd of March. */
function isDay(day: string): boolean {
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}
