/** Time, as something that can be handed in: tests wait for nothing and see what would have been waited. */
import { setTimeout as delay } from "node:timers/promises";

/** The time, waiting and chance. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason if it is aborted before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1, for jitter. */
  random(): number;
}

/** What `performance.now` counts; to touch that loads Node's measuring of performance, which nothing else of a start needs. */
const elapsed = (): number => Number(process.hrtime.bigint()) / 1e6;
const began = Date.now() - elapsed();

/** The machine's own. */
export const realClock: Clock = {
  // does not jump when the machine's clock is set
  now: () => began + elapsed(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
  random: () => Math.random(),
};
