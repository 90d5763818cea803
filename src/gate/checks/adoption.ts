/**
 * Nothing in the tier has the name of something we would create, unless the contract adopts it; and a first promotion says
 * of which names nobody here can tell.
 */
import type { TierName } from "../../contract/model.ts";
import type { Plan } from "../../release/change.ts";
import { type Check, conclude, type Problem, withFact } from "../check.ts";
import type { OrderFacts } from "../commit-facts.ts";
import type { GateFacts } from "../facts.ts";
import type { NamesakeFacts } from "../live-facts.ts";

export const adoption: Check = {
  id: "adoption",
  title: "no resource of the same name that is not ours",
  evaluate: (facts) =>
    withFact("adoption", facts.adoption, (namesakes) => {
      const refused = namesakes.filter(({ adopted, key, id }) => !adopted || facts.adopt.get(key) !== id);
      return conclude("adoption", {
        summary:
          namesakes.length === 0
            ? `No namesakes among what the principal of ${facts.tier} may see.`
            : `Adopted: ${namesakes.map(({ key }) => key).join(", ")}.`,
        // where something is refused nothing is made
        problems: refused.length === 0 ? hiddenProblems(facts) : refused.map((each) => namesakeProblem(facts, each)),
      });
    }),
};

function namesakeProblem({ tier }: GateFacts, { key, name, id, managedBy }: NamesakeFacts): Problem {
  const byBundle = managedBy === "bundle";
  return {
    what: byBundle ? "bundle" : "namesake",
    message: `${tier} has a resource named "${name}" (id ${id}) that ${byBundle ? "a bundle deployment manages" : "is not ours"}; ${key} would become its double.`,
    why: byBundle ? "Two deployers would undo each other's work." : "Both would run.",
    remedy: `Adopt it in the contract on the default branch (adopt: { ${tier}: { ${key}: "${id}" } }), rename it, or delete it.`,
  };
}

/**
 * The jobs that a first promotion makes, of whose names the workspace may have others that nobody here is shown: a list has
 * what its caller may view, and two jobs may have one name. Of every other kind the service refuses a second one. What the
 * contract adopts is new to the plan, and is there.
 */
export function perhapsDoubled(first: {
  readonly tier: TierName;
  /** What the tier has. */
  readonly current: OrderFacts["current"];
  readonly plan: Pick<Plan, "changes">;
  readonly facts: Pick<GateFacts, "adopt">;
}): string[] {
  const { tier, current, plan, facts } = first;
  if (tier === "sandbox" || current !== undefined) return [];
  const made = plan.changes.filter(({ kind, action }) => kind === "jobs" && action === "create");
  return made.map(({ key }) => key).filter((key) => !facts.adopt.has(key));
}

/** Said where it happens; a brief has it among its risks, before. */
function hiddenProblems(facts: GateFacts): Problem[] {
  const { stage, tier, order, plan } = facts;
  if (stage !== "promote" || !order.known || !plan.known) return [];
  const keys = perhapsDoubled({ tier, current: order.value.current, plan: plan.value, facts });
  if (keys.length === 0) return [];
  return [
    {
      what: "unseen",
      severity: "warning",
      message: `Whether ${tier} has jobs of these names that its principal may not see, only an administrator of its workspace can tell: ${keys.join(", ")}.`,
      why: "They would run beside the new ones. This is said with the first release alone.",
      remedy:
        "Look at the workspace's jobs as an administrator, and pause or delete the one of two that is not to stay. To keep one that was there, give the principal CAN_MANAGE on it and adopt it before the first promotion.",
    },
  ];
}
