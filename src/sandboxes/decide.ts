/**
 * What is to become of a catalog that may be a sandbox: pure. Removing takes two runs: one warns, and after the grace
 * period another removes what nobody has used since. What is not provably ours and provably unused is kept (design 10).
 */
import { isDate } from "../contract/values.ts";
import type { Catalog } from "../databricks/unity.ts";
import { shownAt } from "../gate/wall-clock.ts";
import { type Mark, type Ours, readMark, whyNotOurs } from "./mark.ts";

/** What was seen of a sandbox's use. Times are milliseconds since 1970. */
export interface Usage {
  /** The last change of anything in the catalog; undefined: nothing is in it. */
  readonly lastChange: number | undefined;
  /** The last start of one of its jobs or pipelines; undefined: none ever ran. */
  readonly lastRun: number | undefined;
  /** What could not be seen, as a sentence; undefined: everything was. */
  readonly unseen: string | undefined;
  /** Why the developer does not need it any more, as a clause; undefined: the developer is still here, as far as is known. */
  readonly developerLeft: string | undefined;
}

/** By what it is decided whether a sandbox is ours and due; days are of 24 hours. */
export interface Rules {
  readonly ours: Ours;
  readonly keepDays: number;
  readonly graceDays: number;
  readonly now: Date;
}

/** `why` is a clause: "nothing was used for 41 days". */
export type Decision =
  | { readonly do: "nothing"; readonly why: string }
  /** Not removed though it could not be told whether it is used; a person must look. */
  | { readonly do: "ask"; readonly id: string; readonly why: string; readonly remedy: string }
  /** In use; `unwarn` if it had been warned of. */
  | { readonly do: "keep"; readonly why: string; readonly lastUse: number; readonly unwarn: boolean }
  | { readonly do: "warn"; readonly why: string; readonly lastUse: number }
  /** Warned, and still within the grace period. */
  | { readonly do: "wait"; readonly why: string; readonly lastUse: number; readonly until: Date }
  | { readonly do: "remove"; readonly why: string; readonly lastUse: number };

/** In milliseconds. */
export const DAY = 86_400_000;
/** How far a time may lie in the future before the clock is doubted, in milliseconds. */
const AHEAD = 3_600_000;

/** Decides about one catalog. */
export function decide(catalog: Pick<Catalog, "name" | "owner" | "properties">, usage: Usage, rules: Rules): Decision {
  const foreign = whyNotOurs(catalog, rules.ours);
  if (foreign.length > 0) return { do: "nothing", why: foreign.join("; ") };
  const mark = readMark(catalog.properties);
  const now = rules.now.getTime();
  if (mark.misspelt.length > 0) return misspelt(mark.misspelt);
  const times = timesOf(mark, now);
  if ("do" in times) return times;
  if (usage.unseen !== undefined) {
    const remedy = "Let dev's principal see it, then run this again.";
    return { do: "ask", id: "sandbox/unseen", why: usage.unseen, remedy };
  }
  const lastUse = Math.max(times.created, times.lastUse ?? 0, usage.lastChange ?? 0, usage.lastRun ?? 0);
  if (lastUse > now + AHEAD) return doubted("its last use", lastUse);
  const warned = times.warned;
  if (times.keepUntil !== undefined && now < times.keepUntil) {
    return { do: "keep", why: `it is kept until ${mark.keepUntil ?? ""}`, lastUse, unwarn: warned !== undefined };
  }
  const days = Math.floor((now - lastUse) / DAY);
  const left = usage.developerLeft;
  if (left === undefined && days < rules.keepDays) {
    return {
      do: "keep",
      why: `it was used ${days === 0 ? "today" : `${days} days ago`}`,
      lastUse,
      unwarn: warned !== undefined,
    };
  }
  const why = left ?? `nobody has used it for ${days} days`;
  // Whoever is here and has used it since the warning has answered it.
  if (warned === undefined || (left === undefined && lastUse > warned)) return { do: "warn", why, lastUse };
  const until = warned + rules.graceDays * DAY;
  if (now < until) return { do: "wait", why, lastUse, until: new Date(until) };
  return { do: "remove", why, lastUse };
}

interface Times {
  readonly created: number;
  readonly lastUse: number | undefined;
  readonly warned: number | undefined;
  /** The end of that day. */
  readonly keepUntil: number | undefined;
}

/** The mark's times, or what is wrong with them: a time that cannot be is no reason to remove anything. */
function timesOf(mark: Mark, now: number): Times | Decision {
  const read = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));
  const created = read(mark.created);
  const lastUse = read(mark.lastUse);
  const warned = read(mark.warned);
  const named = { four_tier_created: created, four_tier_last_use: lastUse, four_tier_warned: warned };
  for (const [name, time] of Object.entries(named)) {
    if (time !== undefined && Number.isNaN(time)) return unreadable(name);
    if (time !== undefined && time > now + AHEAD) return doubted(name, time);
  }
  if (created === undefined) {
    const remedy = "Provision the sandboxes once: that completes the mark.";
    return { do: "ask", id: "sandbox/incomplete-mark", why: "its mark does not say when it was made", remedy };
  }
  if (mark.keepUntil !== undefined && !isDate(mark.keepUntil)) return unreadable("keep_until");
  const keepUntil = mark.keepUntil === undefined ? undefined : Date.parse(`${mark.keepUntil}T00:00:00Z`) + DAY;
  return { created, lastUse, warned, keepUntil };
}

function unreadable(name: string): Decision {
  return {
    do: "ask",
    id: "sandbox/unreadable-mark",
    why: `its property ${name} is not a date`,
    remedy: `Correct ${name} (keep_until is a day such as 2027-06-30), or empty it.`,
  };
}

function misspelt(names: readonly string[]): Decision {
  return {
    do: "ask",
    id: "sandbox/unreadable-mark",
    why: `its ${names.length === 1 ? "property" : "properties"} ${names.join(", ")} may be meant as keep_until`,
    remedy: `Write keep_until=<a day such as 2027-06-30> if it shall stay, and empty ${names.join(", ")}.`,
  };
}

function doubted(what: string, time: number): Decision {
  return {
    do: "ask",
    id: "sandbox/clock",
    why: `${what} (${shownAt("UTC", time)}) lies in the future`,
    remedy: "Check the clock of the runner, and of whatever wrote that time; then run this again.",
  };
}
