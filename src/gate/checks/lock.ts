/** No other run is at work in the tier. */
import { type Check, conclude, withFact } from "../check.ts";

export const lock: Check = {
  id: "lock",
  title: "no other run is at work in the tier",
  evaluate: (facts) =>
    withFact("lock", facts.lock, (lock) => {
      if (!lock.held) return conclude("lock", { summary: `No run is at work in ${facts.tier}.` });
      if (lock.runId === facts.run.id && lock.attempt === facts.run.attempt) {
        return conclude("lock", { summary: "This run holds the lock." });
      }
      const owner = `run ${lock.runId} (attempt ${lock.attempt})`;
      if (lock.ended) return conclude("lock", { summary: `The lock of ${owner} is left over: that run has ended.` });
      if (lock.waits)
        return conclude("lock", { summary: `${owner} is at work in ${facts.tier}; this run waits its turn.` });
      return conclude("lock", {
        summary: "",
        problems: [
          {
            what: "held",
            message: `${owner} is at work in ${facts.tier}.`,
            remedy: "Wait until it has ended, or cancel it; then start a new run.",
          },
        ],
      });
    }),
};
