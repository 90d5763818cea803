/** What is about to be done is what was approved: the same release, the same plan. */
import { shortSha } from "../../short-sha.ts";
import { type Check, conclude, type Problem, withFact } from "../check.ts";

const HEX64 = /^[0-9a-f]{64}$/;

export const planDigest: Check = {
  id: "plan-digest",
  title: "release and plan are the approved ones",
  evaluate: (facts) =>
    withFact("plan-digest", facts.plan, (plan) => {
      // Only prod is approved by a person; elsewhere a digest that was handed over must hold, but none has to be.
      const required = facts.tier === "prod";
      const problems = [
        ...compare("release", facts.approved.release, facts.candidate.release, required),
        ...compare("plan", facts.approved.plan, plan.digest, required),
      ];
      const given = facts.approved.release !== undefined || facts.approved.plan !== undefined;
      return conclude("plan-digest", {
        summary: given
          ? `Release ${shortSha(facts.candidate.release)} and plan ${shortSha(plan.digest)} are what was handed over.`
          : "No digest was handed over, and none is needed here.",
        problems,
      });
    }),
};

function compare(what: "release" | "plan", given: string | undefined, now: string, required: boolean): Problem[] {
  if (given === undefined && !required) return [];
  if (given === undefined || !HEX64.test(given)) {
    return [
      {
        what: given === undefined ? `no-${what}` : `bad-${what}`,
        message:
          given === undefined
            ? `No ${what} digest was approved: the input ${what}-digest is empty.`
            : `The input ${what}-digest is not a digest (64 hex digits).`,
        remedy: `Pass the output ${what}-digest of the job that wrote the brief.`,
      },
    ];
  }
  if (given === now) return [];
  return [
    {
      what: `other-${what}`,
      message: `The ${what} that was approved is ${shortSha(given)}, the one at hand is ${shortSha(now)}.`,
      why:
        what === "plan"
          ? "Something changed between the brief and now: another promotion, or the tier itself."
          : "The files of the commit or the carried artifacts are not the ones of the brief.",
      remedy: "Nothing was changed. Start a new run and read its brief.",
    },
  ];
}
