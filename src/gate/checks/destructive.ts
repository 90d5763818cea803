/** Nothing is deleted or replaced that the contract does not name. */
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
            : `${losing.map(({ key }) => key).join(", ")}: listed in the contract.`,
        problems: losing
          .filter(({ key }) => !allowed(key))
          .map(({ key, action, class: loss }) => ({
            message: `The plan would ${action === "update" ? `lose data of (${loss})` : action} ${key} in ${facts.tier}.`,
            why: "Deleting a job loses its history; deleting a pipeline drops its tables.",
            remedy: `If it is meant, list it: tiers.${facts.tier}.destructive: [${key}].`,
          })),
      });
    }),
};
