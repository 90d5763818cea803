/** Waiting for what the service does later: bounded, and with a word now and then. */
import { setTimeout as delay } from "node:timers/promises";

/** How long to wait for what the service does later. */
export interface Patience {
  /** Milliseconds in all, for one resource. */
  readonly timeoutMs: number;
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Told what is waited for, at most once in a while. */
  readonly progress?: ((message: string) => void) | undefined;
}

/** Milliseconds between two words about the same wait. */
const WORD_EVERY = 15_000;

/** Looks until there is something to say or the time is up (then undefined); it looks at least once. */
export async function until<Found>(
  { timeoutMs, everyMs, signal, progress }: Patience,
  what: string,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const begin = performance.now();
  let said = begin;
  for (;;) {
    const found = await look();
    const now = performance.now();
    if (found !== undefined || now - begin >= timeoutMs) return found;
    if (now - said >= WORD_EVERY) {
      said = now;
      progress?.(`Waiting for ${what}: ${Math.round((now - begin) / 1000)} of ${Math.round(timeoutMs / 1000)} s`);
    }
    await delay(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}
