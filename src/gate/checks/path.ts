/** The release takes the way all releases take: dev, then staging, then prod, by a run of the default branch. */
import { shortSha } from "../../short-sha.ts";
import { type Check, conclude, type Problem, withFact } from "../check.ts";
import { DEPLOYING_EVENTS } from "../record-runs.ts";

export const path: Check = {
  id: "path",
  title: "the way is dev → staging → prod, from the default branch",
  evaluate: (facts) =>
    withFact("path", facts.repository, ({ defaultBranch }) => {
      const { run, previous, candidate } = facts;
      const problems: Problem[] = [];
      if (run.ref !== `refs/heads/${defaultBranch}` || !DEPLOYING_EVENTS.includes(run.event)) {
        problems.push({
          what: "off-branch",
          message: `This run is a ${run.event} of ${run.ref}, not of the default branch ${defaultBranch}.`,
          why: "On any other ref, whoever can push decides what the workflow does.",
          remedy: `Merge, and let the run of ${defaultBranch} promote.`,
        });
      }
      if (previous === undefined) {
        const what = facts.tier === "staging" ? "A hotfix" : "A release";
        return conclude("path", { summary: `${what} enters the path at ${facts.tier}.`, problems });
      }
      return withFact("path", facts.source, (below) => {
        if (!below.some(({ claim, deployment }) => claim?.tier === previous && deployment.state === "success")) {
          problems.push({
            what: "skipped-tier",
            message: `Commit ${shortSha(candidate.commit)} has not been deployed to ${previous}: the way is dev → staging → prod.`,
            remedy: `Let the same run deploy it to ${previous} first; start one on ${defaultBranch} if there is none.`,
          });
        }
        return conclude("path", {
          summary: `It comes from ${previous}.`,
          evidence: below.map(({ deployment }) => ({
            label: `deployment ${deployment.id} to ${previous}`,
            ...(deployment.url === undefined ? {} : { url: deployment.url }),
          })),
          problems,
        });
      });
    }),
};
