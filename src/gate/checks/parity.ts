/** What staging verified is what prod would run: the bundle renders the same for both, but for what is a tier's own. */
import { type Check, conclude, withFact } from "../check.ts";

export const parity: Check = {
  id: "parity",
  title: "staging and prod are rendered alike",
  evaluate: ({ parity: found }) =>
    withFact("parity", found, ({ findings, allowed }) =>
      conclude("parity", {
        summary:
          allowed.length === 0
            ? "Rendered for staging and prod, the bundle differs only in what is a tier's own."
            : `Rendered for staging and prod, the bundle differs only in what is a tier's own and in what the contract lists: ${allowed.join(", ")}.`,
        findings,
      }),
    ),
};
