/** The credential in hand is the tier's, and so are the workspace and the catalog behind it. */
import { type Check, conclude, type Problem, withFact } from "../check.ts";
import type { GateFacts } from "../facts.ts";

export const identity: Check = {
  id: "identity",
  title: "principal, workspace and catalog are the tier's, as the default branch names them now",
  evaluate: (facts) =>
    withFact("identity", facts.identity, (identity) =>
      conclude("identity", {
        summary: `${identity.servicePrincipal} in workspace ${identity.workspaceId}, on catalog ${identity.catalog}.`,
        findings: identity.findings,
        problems: movedProblems(facts),
      }),
    ),
};

/** While a run waits, the default branch may put its tier elsewhere, or replace a principal whose credential is lost. */
function movedProblems({ move: { where, principal }, tier }: GateFacts): Problem[] {
  const other = [...where, ...(principal === "other" ? ["principal"] : [])];
  if (other.length === 0) return [];
  return [
    {
      what: "moved",
      message: `The default branch's contract names another ${other.join(" and another ")} for ${tier} than this run's.`,
      why: "What enters now would be where nobody looks any more, or by a principal that was replaced.",
      remedy: "Start a new run from the default branch's head; if the contract is wrong there, correct it first.",
    },
  ];
}
