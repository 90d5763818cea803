/** Nobody stopped the line: the tier takes promotions. */
import { sentence } from "../../findings.ts";
import { type Check, conclude, evidenceOf, judgingProblems, type Problem, withFact } from "../check.ts";
import type { HoldFacts } from "../decision-facts.ts";
import type { GateFacts } from "../facts.ts";
import { endInUtc, inUtc, isSecondsLater } from "../wall-clock.ts";

export const hold: Check = {
  id: "hold",
  title: "the tier is not held",
  evaluate: (facts) =>
    withFact("hold", facts.policy, ({ onExpiry }) =>
      withFact("hold", facts.holds, (found) => {
        // Only the promotion itself sees the tier's ledger, and then it must.
        if (facts.stage === "promote" && !facts.kept.known)
          return withFact("hold", facts.kept, () => conclude("hold", { summary: "" }));
        const holds = [...found.standing.map(shown), ...closed(facts, found), ...keptHolds(facts, found)];
        const over = (until: string | undefined): boolean => until !== undefined && endOf(until) <= facts.now.getTime();
        return conclude("hold", {
          summary: found.resumed === undefined ? `${facts.tier} is not held.` : `${facts.tier} was held, and resumed.`,
          evidence: found.standing.map(evidenceOf),
          problems: [
            ...holds.map(({ by, at, until, reason }): Problem => {
              const said = `${facts.tier} was held by ${by} at ${inUtc(at)}: ${reason}`;
              const remedy = `Lift it when the reason is gone: operate.yml, operation resume, in ${facts.tier}.`;
              if (!over(until)) {
                const message = sentence(`${said}${until === undefined ? "" : ` (until ${endInUtc(until)})`}`);
                return { what: "held", message, remedy };
              }
              return {
                what: "expired",
                severity: onExpiry === "resume" ? "warning" : "error",
                message: `${sentence(said)} It expired at ${endInUtc(until ?? "")}${onExpiry === "resume" ? "." : " and still stands."}`,
                why: "The contract's holds.on_expiry says what becomes of a hold whose time is over.",
                remedy,
              };
            }),
            ...judgingProblems(found, { noun: "that this tier is held or resumed" }),
          ],
        });
      }),
    ),
};

interface Standing {
  readonly by: string;
  readonly at: string;
  readonly until: string | undefined;
  readonly reason: string;
}

function shown({ claim, by, at }: HoldFacts["standing"][number]): Standing {
  return { by: by ?? "a deleted account", at, until: claim.until ?? undefined, reason: claim.reason };
}

/** A rollback closes the tier to everything, a promotion that stopped half way to every other release. */
function closed({ candidate }: GateFacts, { rolledBack, halfWay }: HoldFacts): Standing[] {
  const other = halfWay?.release === candidate.release ? undefined : halfWay;
  return [rolledBack, other].flatMap((each) =>
    each === undefined ? [] : [{ by: each.by, at: each.at, until: undefined, reason: each.reason }],
  );
}

/** What only the tier's own ledger remembers: somebody deleted the record, or it could not be written. */
function keptHolds({ kept, candidate }: GateFacts, found: HoldFacts): Standing[] {
  const { standing, resumed, rolledBack, halfWay } = found;
  if (!kept.known) return [];
  return kept.value.holds
    .filter(({ release }) => release !== candidate.release)
    .filter(({ runId }) => !standing.some(({ claim }) => claim.run.id === runId))
    .filter(({ runId }) => runId !== rolledBack?.run.id && runId !== halfWay?.run.id)
    .filter(({ at }) => resumed === undefined || !isSecondsLater(resumed.at, at));
}

/** A date is its whole day, in UTC. */
function endOf(until: string): number {
  return until.includes("T") ? Date.parse(until) : Date.parse(`${until}T24:00:00Z`);
}
