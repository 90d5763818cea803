/** Preloaded into an action: deadlines of requests and waits take a hundredth of what they are, so that tests need not wait. */
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

const deadline = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (milliseconds) => deadline(Math.ceil(milliseconds / 100));

const later = globalThis.setTimeout;
/** Only what waits for longer than a test may: short timers are of what is under test. */
const SHORT_MS = 10_000;
globalThis.setTimeout = Object.assign(
  (callback: (...args: unknown[]) => void, milliseconds = 0, ...args: unknown[]) =>
    later(callback, milliseconds < SHORT_MS ? milliseconds : Math.ceil(milliseconds / 100), ...args),
  later,
);

const wait = timers.setTimeout;
timers.setTimeout = (milliseconds, ...more) => wait(Math.ceil((milliseconds ?? 0) / 100), ...more);
syncBuiltinESMExports();
