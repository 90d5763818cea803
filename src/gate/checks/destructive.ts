/** Nothing is deleted or replaced that the contract does not name. */
import { lossOf } from "../../release/impact.ts";
import { type Check, conclude, withFact } from "../check.ts";

export const destructive: Check = {
  id: "destructive",
  title: "deletes and replaces only what the contract lists",
  evaluate: (facts) =>
    withFact("destructive", facts.plan, ({ changes }) => {
      const losing = changes.filter(
        (change) => change.action === "delete" || change.action === "replace" || change.class === "data-losing",
      );
      const allowed = (key: string): boolean => facts.destructive.includes(key) || facts.destructive.includes("*");
      return conclude("destructive", {
        summary:
          losing.length === 0
            ? "Nothing is deleted or replaced."
            : `${losing.map((change) => `${change.key} (${lossOf(change) ?? change.class})`).join(", ")}: listed in the contract.`,
        problems: losing
          .filter(({ key }) => !allowed(key))
          .map((change) => ({
            message: `The plan would ${change.action === "update" ? "lose data of" : change.action} ${change.key} in ${facts.tier}.`,
            why: `Lost would be: ${lossOf(change) ?? change.class}.`,
            remedy: `If it is meant, list it: tiers.${facts.tier}.destructive: [${change.key}].`,
          })),
      });
    }),
};
