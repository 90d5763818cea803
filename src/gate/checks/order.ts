/** Releases only move forward: what the tier has now is in the candidate's history. Going back is a rollback. */
import { shortSha } from "../../short-sha.ts";
import { type Check, conclude, withFact } from "../check.ts";

export const order: Check = {
  id: "order",
  title: "what the tier has now is in the candidate's history",
  evaluate: (facts) =>
    withFact("order", facts.order, ({ current, relation }) => {
      const to = shortSha(facts.candidate.commit);
      if (current === undefined) return conclude("order", { summary: `The first release of ${facts.tier}.` });
      const from = shortSha(current.commit);
      if (relation === "identical") return conclude("order", { summary: `${facts.tier} has commit ${to} already.` });
      // A hotfix passes by what waits in staging; that it begins at prod's commit, the check `commit` sees to.
      const hotfix = facts.commit.known ? facts.commit.value.hotfix : undefined;
      if (facts.tier === "staging" && hotfix !== undefined && relation === "diverged") {
        return conclude("order", {
          summary: `A hotfix: ${to} goes past ${from}, which waits for it to be merged back.`,
        });
      }
      if (relation === "ahead") return conclude("order", { summary: `${to} follows ${from}.` });
      return conclude("order", {
        summary: "",
        problems: [
          relation === "behind"
            ? {
                what: "older",
                message: `${facts.tier} has ${from}, which is newer than ${to}: this run would take it back.`,
                why: "An older run that was approved late, or re-run, must not overwrite a newer release.",
                remedy: "Promote the newest commit. To go back on purpose, roll back.",
              }
            : {
                what: "diverged",
                message: `${facts.tier} has ${from}, which is not in the history of ${to}.`,
                why:
                  relation === undefined
                    ? "GitHub does not know that commit any more: the branch was force-pushed."
                    : "The release would lose what the tier has now.",
                remedy:
                  "Merge what the tier has into the default branch by a merge commit (no squash), then promote that. After a hotfix, that is its branch.",
              },
        ],
      });
    }),
};
