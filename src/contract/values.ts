/** What the contract's texts mean: durations, dates, windows, securables, names. Each gives undefined for what it cannot read. */
import type { Freeze, LocalTime, Securable, Window } from "./model.ts";

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `45m`, `24h`, `3d` in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+)([smhd])$/.exec(text);
  const unit = match?.[2];
  if (unit !== "s" && unit !== "m" && unit !== "h" && unit !== "d") return undefined;
  return Number(match?.[1]) * UNIT_MS[unit];
}

/** True for a day that the calendar has: `2027-02-29` is none. */
export function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text;
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** `Mon-Thu 08:00-16:00 Europe/Berlin`, `Mon,Wed,Fri 22:00-02:00 UTC`. */
export function parseWindow(text: string): Window | undefined {
  const match = /^([A-Za-z,-]+) (\d{2}:\d{2})-(\d{2}:\d{2}) (\S+)$/.exec(text.trim());
  const days = parseDays(match?.[1] ?? "");
  const from = parseTime(match?.[2] ?? "");
  const to = parseTime(match?.[3] ?? "");
  const zone = match?.[4];
  if (days === undefined || from === undefined || to === undefined || zone === undefined) return undefined;
  if (from === to || from === 24 * 60 || !isZone(zone)) return undefined;
  return { text, days, from, to, zone };
}

function parseDays(text: string): readonly number[] | undefined {
  const days = new Set<number>();
  for (const part of text.toLowerCase().split(",")) {
    const [first, last = first, ...rest] = part.split("-").map((day) => DAYS.indexOf(day));
    if (first === undefined || last === undefined || first < 0 || last < 0 || rest.length > 0) return undefined;
    // Fri-Mon runs over the week's end
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day + 1);
      if (day === last) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** Minutes after midnight; `24:00` is the end of the day. */
function parseTime(text: string): number | undefined {
  const [hours, minutes] = text.split(":").map(Number);
  if (hours === undefined || minutes === undefined || minutes > 59) return undefined;
  const total = hours * 60 + minutes;
  return total <= 24 * 60 ? total : undefined;
}

/** `2026-12-20` to `2027-01-05`, the last day in it; with times, the last moment not. Undefined if it does not read. */
export function parseFreeze(freeze: {
  readonly from: string;
  readonly until: string;
  readonly zone: string;
  readonly reason: string;
}): Freeze | undefined {
  const from = parseMoment(freeze.from, 0);
  const until = parseMoment(freeze.until, 1);
  if (from === undefined || until === undefined || !isZone(freeze.zone)) return undefined;
  return dateOf(from) < dateOf(until) ? { from, until, zone: freeze.zone, reason: freeze.reason } : undefined;
}

/** `days` are added to a date without a time. */
function parseMoment(text: string, days: number): LocalTime | undefined {
  const [date = "", time] = text.split("T");
  if (!isDate(date)) return undefined;
  const minutes = time === undefined ? 0 : parseTime(time);
  if (minutes === undefined) return undefined;
  const day = new Date(Date.parse(`${date}T00:00:00Z`) + (time === undefined ? days * UNIT_MS.d : 0));
  return { year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate(), minutes };
}

/** Only to compare: as if the local time were UTC's. */
function dateOf({ year, month, day, minutes }: LocalTime): number {
  return Date.UTC(year, month - 1, day, 0, minutes);
}

function isZone(zone: string): boolean {
  // Offsets and their names (+02:00, EST, Etc/GMT-2) would be accepted, too, and be wrong for half of the year.
  if (!/^(?:UTC|(?:Etc\/UTC)|(?!Etc\/)[A-Za-z_]+\/.+)$/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

const SECURABLE_PARTS = {
  catalog: 1,
  external_location: 1,
  storage_credential: 1,
  schema: 2,
  table: 3,
  volume: 3,
  function: 3,
  model: 3,
} as const;

/** `schema prod.gold`. */
export function parseSecurable(text: string): Securable | undefined {
  const [type, name, ...rest] = text.split(" ");
  if (text === "metastore") return { type: "metastore", name: "" };
  if (name === undefined || rest.length > 0) return undefined;
  if (!isSecurableType(type)) return undefined;
  const parts = name.split(".");
  return parts.length === SECURABLE_PARTS[type] && !parts.includes("") ? { type, name } : undefined;
}

function isSecurableType(type: string | undefined): type is keyof typeof SECURABLE_PARTS {
  return type !== undefined && Object.hasOwn(SECURABLE_PARTS, type);
}

/** `use catalog` and `USE_CATALOG` are the same: upper case, underscores (facts: unity-catalog 1.1). */
export function normalPrivilege(text: string): string {
  return text.toUpperCase().replaceAll(" ", "_");
}

/** `smoke_test` is `jobs.smoke_test`. */
export function withKind(kind: "jobs" | "pipelines", key: string): string {
  return key.startsWith(`${kind}.`) ? key : `${kind}.${key}`;
}

/** What no sandbox is named after: the tiers, what Unity Catalog keeps for itself, and who is nobody in particular. */
const RESERVED_USERS: ReadonlySet<string> = new Set(
  "sandbox dev staging prod main system samples workspace hive_metastore spark_catalog information_schema default"
    .concat(" admin admins users all public shared ghost")
    .split(" "),
);

/**
 * A GitHub login as it stands in a sandbox's name: lower case, without the enterprise's short code (`suffix`, which
 * logins of managed users carry after `_`), everything but letters and digits an underscore. Undefined for what cannot
 * be a login or leaves nothing.
 */
export function sandboxUser(login: string, suffix?: string): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.+@-]{0,99}$/.test(login)) return undefined;
  const lower = login.toLowerCase();
  const own = suffix === undefined || !lower.endsWith(`_${suffix}`) ? lower : lower.slice(0, -suffix.length - 1);
  return own.replaceAll(/[^a-z0-9]/g, "_").replace(/_+$/, "") || undefined;
}

/** True for a name that would be mistaken for a tier's or the platform's own. */
export function isReservedUser(user: string): boolean {
  return RESERVED_USERS.has(user);
}
