/** Nothing is deleted or replaced that the contract does not name, nor anything that does not carry our mark. */
import { mayGo } from "../../contract/destructive.ts";
import { lossOf } from "../../release/impact.ts";
import { lossFindings } from "../../release/losses.ts";
import { type Check, conclude, withFact } from "../check.ts";
import { type GateFacts, known } from "../facts.ts";

export const destructive: Check = {
  id: "destructive",
  title: "deletes and replaces only what the contract lists and what carries our mark",
  evaluate: (facts) =>
    withFact("destructive", facts.plan, ({ changes }) =>
      withFact("destructive", lossesAsked(facts), (losses) => {
        const losing = changes.filter(
          (change) => change.action === "delete" || change.action === "replace" || change.class === "data-losing",
        );
        const allowed = (key: string): boolean => mayGo(facts.destructive, key);
        return conclude("destructive", {
          summary:
            losing.length === 0
              ? "Nothing is deleted or replaced."
              : `${losing.map((change) => `${change.key} (${lossOf(change) ?? change.class})`).join(", ")}: listed in the contract.`,
          problems: losing
            .filter(({ key }) => !allowed(key))
            .map((change) => ({
              message: `The plan would ${change.action === "update" ? "lose data of" : change.action} ${change.key} in ${facts.tier}. Lost would be: ${lossOf(change) ?? change.class}.`,
              remedy: `If it is meant, list it in the contract on the default branch: tiers.${facts.tier}.destructive: [${change.key}]. If not, take the change back.`,
            })),
          findings: lossFindings(losses, facts.tier, facts.destructive),
        });
      }),
    ),
};

/** Before the approval it is told where somebody looked, and the brief says where nobody did; then it must be known. */
function lossesAsked({ losses, stage }: GateFacts): GateFacts["losses"] {
  return losses.known || stage === "promote" ? losses : known([]);
}
