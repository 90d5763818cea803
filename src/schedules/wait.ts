/** Waiting for what the service does later: everything at once, within one time, and with a word now and then. */
import { setTimeout as delay } from "node:timers/promises";
import { mapBounded } from "../http/pool.ts";

/** How long to wait for what the service does later. */
export interface Patience {
  /** Milliseconds in all, for everything that is waited for together. */
  readonly timeoutMs: number;
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Told what is waited for, at most once in a while. */
  readonly progress?: ((message: string) => void) | undefined;
}

/** One thing that is waited for. */
export interface Waiting<Found> {
  /** `the active runs of score`. */
  readonly what: string;
  /** What there is to say by now; undefined: nothing yet. */
  readonly look: () => Promise<Found | undefined>;
  /** What there is to say when the time is up, or the run was cancelled. */
  readonly late: (why: "time" | "cancelled") => Found;
}

/** Milliseconds between two words. */
const WORD_EVERY = 15_000;
/** Looks in flight. */
const LOOKS = 8;

/**
 * Looks at each until it has something to say or the time is up, at least once; results in the order given. All are
 * looked at in turn: one that takes long keeps none of the others waiting.
 */
export async function settle<Found>(
  waiting: readonly Waiting<Found>[],
  { timeoutMs, everyMs, signal, progress }: Patience,
): Promise<Found[]> {
  const begin = performance.now();
  let said = begin;
  const found = new Map<Waiting<Found>, Found>();
  for (;;) {
    const left = waiting.filter((each) => !found.has(each));
    await mapBounded(left, LOOKS, async (each) => {
      const seen = await each.look();
      if (seen !== undefined) found.set(each, seen);
    });
    const now = performance.now();
    const cancelled = signal?.aborted === true;
    const over = cancelled || now - begin >= timeoutMs || found.size === waiting.length;
    if (over) return waiting.map((each) => found.get(each) ?? each.late(cancelled ? "cancelled" : "time"));
    if (now - said >= WORD_EVERY) {
      said = now;
      const [first, ...more] = left.filter((each) => !found.has(each));
      const others = more.length === 0 ? "" : ` and ${more.length} more`;
      progress?.(
        `Waiting for ${first?.what ?? ""}${others}: ${Math.round((now - begin) / 1000)} of ${Math.round(timeoutMs / 1000)} s`,
      );
    }
    // An abort ends the wait early; what is left is looked at once more, and then it is over.
    await delay(everyMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}
