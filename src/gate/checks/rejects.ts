/** Nobody rejected the release, in whatever tier it showed itself bad. */
import { shortSha } from "../../short-sha.ts";
import { type Check, conclude, evidenceOf, judgingProblems, withFact } from "../check.ts";
import type { KeptReject, RejectFacts } from "../decision-facts.ts";
import { inUtc, isSecondsLater } from "../wall-clock.ts";

export const rejects: Check = {
  id: "rejects",
  title: "not rejected in any tier",
  evaluate: (facts) =>
    withFact("rejects", facts.rejects, (found) => {
      const release = shortSha(facts.candidate.release);
      const kept = facts.kept.known ? facts.kept.value.rejects : [];
      const standing = standingRejects(found, kept, { tier: facts.tier, release: facts.candidate.release });
      return conclude("rejects", {
        summary:
          found.lifted.length === 0
            ? `Nobody rejected ${release}.`
            : `Rejected once, and accepted again by ${found.lifted.map(({ by }) => by ?? "a deleted account").join(", ")}.`,
        evidence: [...found.standing, ...found.lifted].map(evidenceOf),
        problems: [
          ...standing.map(({ tier, by, at, reason }) => ({
            what: "rejected",
            message: `Release ${release} was rejected in ${tier} by ${by} at ${inUtc(at)}: ${reason}`,
            remedy: `Fix it in a new release. If it was a mistake, accept it again: operate.yml, operation accept, in ${tier}.`,
          })),
          ...judgingProblems(found, { noun: "that this release is rejected or accepted" }),
        ],
      });
    }),
};

/** A reject that nobody took back. */
interface Standing {
  readonly tier: string;
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

function shown({ claim, by, at }: RejectFacts["standing"][number]): Standing {
  return { tier: claim.tier, by: by ?? "a deleted account", at, reason: claim.reason };
}

/**
 * What stands against a release: by records, and what only the tier's own ledger remembers, since somebody deleted the
 * record, or it could not be written.
 */
export function standingRejects(
  { standing, lifted }: Pick<RejectFacts, "standing" | "lifted">,
  kept: readonly KeptReject[],
  { tier, release }: { readonly tier: string; readonly release: string },
): Standing[] {
  const own = kept
    .filter((reject) => reject.release === release)
    .filter(({ runId }) => !standing.some(({ claim }) => claim.run.id === runId))
    .filter(({ at }) => !lifted.some((accept) => isSecondsLater(accept.at, at)))
    .map(({ by, at, reason }) => ({ tier, by, at, reason }));
  return [...standing.map(shown), ...own];
}
