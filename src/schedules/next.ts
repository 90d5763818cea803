/** When a clock strikes next: Quartz expressions, as Databricks takes them, in the job's own time zone. Pure. */
import { Cron } from "croner";
import type { Starter } from "./starters.ts";

/**
 * The next start by a Quartz expression after `now`; undefined if it never comes, or if the expression is one that the
 * library does not read (`L-3`, ranges that wrap round): to show nothing is better than a wrong time.
 */
export function nextFire({ expression, zone }: NonNullable<Starter["cron"]>, now: Date): Date | undefined {
  try {
    const cron = new Cron(quartz(expression), {
      paused: true, // Nothing is ever run here.
      timezone: zone,
      mode: "6-or-7-parts",
      alternativeWeekdays: true, // Quartz: 1 is Sunday.
      sloppyRanges: true, // Quartz: 0/15 is 0-59/15.
    });
    return cron.nextRun(now) ?? undefined;
  } catch {
    return undefined;
  }
}

/** `L` alone as a day of the week is Quartz' Saturday. */
function quartz(expression: string): string {
  const fields = expression.trim().split(/\s+/);
  if (fields[5]?.toUpperCase() === "L") fields[5] = "7";
  return fields.join(" ");
}

/** When a starter that runs starts next, as a person reads it: `2027-01-16 06:00 Europe/Berlin`. Outside text: escape it. */
export function nextStart(starter: Starter, now: Date): string {
  if (starter.field === "pipeline" || starter.what === "continuous") return "always";
  if (starter.cron === undefined) return starter.what.startsWith("every ") ? starter.what : `on ${starter.what}`;
  const { zone } = starter.cron;
  const next = nextFire(starter.cron, now);
  const shown = next === undefined ? undefined : inZone(next, zone);
  return shown === undefined ? "not known" : `${shown} ${zone}`;
}

/** Undefined for a zone that nobody knows, such as an empty one: nothing that is only shown may fail what was done. */
function inZone(time: Date, zone: string): string | undefined {
  try {
    // The Swedish way of writing a time is ISO's.
    return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" }).format(time);
  } catch {
    return undefined;
  }
}
