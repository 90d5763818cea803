/** Nothing in the tier has the name of something we would create, unless the contract adopts it. */
import { type Check, conclude, withFact } from "../check.ts";

export const adoption: Check = {
  id: "adoption",
  title: "no resource of the same name that is not ours",
  evaluate: (facts) =>
    withFact("adoption", facts.adoption, (namesakes) =>
      conclude("adoption", {
        summary:
          namesakes.length === 0
            ? `No namesakes among what the principal of ${facts.tier} may see.`
            : `Adopted: ${namesakes.map(({ key }) => key).join(", ")}.`,
        problems: namesakes
          .filter(({ adopted, key, id }) => !adopted || facts.adopt.get(key) !== id)
          .map(({ key, name, id, managedBy }) => ({
            what: managedBy === "bundle" ? "bundle" : "namesake",
            message:
              managedBy === "bundle"
                ? `${facts.tier} has a resource named "${name}" (id ${id}) that a bundle deployment manages; ${key} would become its double.`
                : `${facts.tier} has a resource named "${name}" (id ${id}) that is not ours; ${key} would become its double.`,
            why: managedBy === "bundle" ? "Two deployers would undo each other's work." : "Both would run.",
            remedy: `Adopt it in the contract on the default branch (adopt: { ${facts.tier}: { ${key}: "${id}" } }), rename it, or delete it.`,
          })),
      }),
    ),
};
