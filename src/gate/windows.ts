/** When a promotion may enter: windows by the clock on the wall, and freezes, which win. */
import type { Freeze, Window } from "../contract/model.ts";
import { changeBetween, DAY_MS, instantsOf, wallClock } from "./wall-clock.ts";

/** How far ahead a next opening is looked for, in days: a window of one day a week that a change of clocks swallows. */
const AHEAD_DAYS = 15;

interface Opening {
  /** The window that lets in; undefined where there are none and nothing is frozen. */
  readonly window: Window | undefined;
  /** The freezes in force; any of them shuts. */
  readonly freezes: readonly Freeze[];
  readonly open: boolean;
}

/** Whether a promotion may enter at an instant (milliseconds). */
export function openingAt(windows: readonly Window[], freezes: readonly Freeze[], instant: number): Opening {
  const window = windows.find((each) => inWindow(each, instant));
  const frozen = freezes.filter((each) => inFreeze(each, instant));
  return { window, freezes: frozen, open: frozen.length === 0 && (windows.length === 0 || window !== undefined) };
}

/** The first instant after `instant` at which it opens; undefined if it does not within two weeks of any freeze's end. */
export function nextOpening(
  windows: readonly Window[],
  freezes: readonly Freeze[],
  instant: number,
): number | undefined {
  const ends = freezes.map((freeze) => endOf(freeze)).filter((end) => end > instant);
  const candidates = [instant, ...ends].flatMap((base) => [
    base,
    ...windows.flatMap((window) => beginnings(window, base)),
  ]);
  return candidates
    .filter((candidate) => candidate > instant && openingAt(windows, freezes, candidate).open)
    .sort((a, b) => a - b)[0];
}

/** By what the clock shows: an hour that comes twice is in or out both times. */
function inWindow({ days, from, to, zone }: Window, instant: number): boolean {
  const { weekday, minutes } = wallClock(zone, instant);
  if (from < to) return days.includes(weekday) && minutes >= from && minutes < to;
  // Past midnight: the rest of the day before is its own.
  const yesterday = weekday === 1 ? 7 : weekday - 1;
  return (days.includes(weekday) && minutes >= from) || (days.includes(yesterday) && minutes < to);
}

/** A freeze is one stretch: it begins when the clock first shows its beginning and ends when it last shows its end. */
function inFreeze(freeze: Freeze, instant: number): boolean {
  const [from = Number.NaN] = instantsOf(freeze.zone, freeze.from);
  return instant >= from && instant < endOf(freeze);
}

/** The end of a freeze as an instant. */
export function endOf({ zone, until }: Freeze): number {
  return instantsOf(zone, until).at(-1) ?? Number.NaN;
}

/** Every instant of the next days at which a window can begin: its hour, and any change of clocks. */
function beginnings({ zone, from }: Window, base: number): number[] {
  const found: number[] = [];
  for (let day = -1; day <= AHEAD_DAYS; day += 1) {
    const at = base + day * DAY_MS;
    const date = wallClock(zone, at);
    found.push(...instantsOf(zone, { ...date, minutes: from }), ...instantsOf(zone, { ...date, minutes: 0 }));
    const change = changeBetween(zone, at, at + DAY_MS);
    if (change !== undefined) found.push(change);
  }
  return found;
}
