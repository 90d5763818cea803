/** Progress for long work: a line every few seconds, however often it is told. */
import type { Progress } from "../grants/read.ts";
import { type Clock, realClock } from "../http/clock.ts";
import type { Log } from "./frame.ts";

const EVERY_MS = 5_000;

/** Says in the log what it is told, at most once in five seconds, and not before the first five are over. */
export function steadily(log: Pick<Log, "info">, clock: Pick<Clock, "now"> = realClock): (line: string) => void {
  let said = clock.now();
  return (line) => {
    if (clock.now() - said < EVERY_MS) return;
    said = clock.now();
    log.info(line);
  };
}

/** The progress of reading an estate, said in the log. */
export function readingProgress(log: Pick<Log, "info">): Progress {
  const say = steadily(log);
  return (what, read, known) => say(`${known === undefined ? read : `${read} of ${known}`} ${what} read`);
}
