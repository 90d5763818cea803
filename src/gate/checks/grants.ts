/** The tier's grant proof holds: nobody reads or writes the tier who should not. */
import { isFailure } from "../../findings.ts";
import { type Check, conclude, withFact } from "../check.ts";

export const grants: Check = {
  id: "grants",
  title: "who can read and write the tier is who should",
  evaluate: (facts) =>
    withFact("grants", facts.grants, (findings) => {
      const failing = findings.filter(isFailure).length;
      return conclude("grants", {
        summary: failing === 0 ? `The grants of ${facts.tier} are as the contract says.` : "",
        findings,
      });
    }),
};
