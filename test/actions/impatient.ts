/** Preloaded into an action: deadlines of requests and waits take a hundredth of what they are, so that tests need not wait. */
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

const deadline = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (milliseconds) => deadline(Math.ceil(milliseconds / 100));

const wait = timers.setTimeout;
timers.setTimeout = (milliseconds, ...more) => wait(Math.ceil((milliseconds ?? 0) / 100), ...more);
syncBuiltinESMExports();
