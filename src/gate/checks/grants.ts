/** The tier's grant proof holds: nobody reads or writes the tier who should not. */
import { isFailure } from "../../findings.ts";
import { type Check, conclude, withFact } from "../check.ts";
import type { GateFacts } from "../facts.ts";
import { inUtc } from "../wall-clock.ts";

export const grants: Check = {
  id: "grants",
  title: "who can read and write the tier is who should",
  evaluate: (facts) =>
    withFact("grants", facts.grants, (findings) => {
      const failing = findings.filter(isFailure).length;
      const earlier = facts.provedEarlier;
      return conclude("grants", {
        summary: failing === 0 ? summaryOf(facts) : "",
        findings,
        ...(earlier === undefined ? {} : { evidence: [{ label: `run ${earlier.run}`, url: earlier.runUrl }] }),
      });
    }),
};

function summaryOf({ tier, provedEarlier }: GateFacts): string {
  if (provedEarlier === undefined) return `The grants of ${tier} are as the contract says.`;
  const { run, at } = provedEarlier;
  return `The grants on ${tier}'s catalog itself are as the contract says; those in it were proved by run ${run}, which brought this release, at ${inUtc(at)}, and were not asked for again; deep: true asks.`;
}
