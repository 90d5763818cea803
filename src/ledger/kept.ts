/** What only the tier's ledger remembers of what people decided: records on GitHub can be deleted. */
import type { KeptFacts } from "../gate/decision-facts.ts";
import type { Ledger } from "./model.ts";

/** Holds of the tier and rejects, as gates read them; nothing for a tier without a ledger. */
export function keptOf(ledger: Ledger | undefined): KeptFacts {
  return {
    holds: (ledger?.holds ?? [])
      .filter(({ kind }) => kind === "tier")
      .map(({ reason, by, at, until, run, release }) => {
        const hold = { reason, by, at, until, runId: run.id };
        return release === undefined ? hold : { ...hold, release };
      }),
    rejects: (ledger?.rejects ?? []).map(({ run, ...reject }) => ({ ...reject, runId: run.id })),
  };
}
