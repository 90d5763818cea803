/**
 * Somebody who did not start this run approved it: a reviewer of its environment, or as many people as the contract asks
 * for, who gave the digests of the brief. A review is of a run, and says nothing of its attempts; what was given for
 * digests holds as long as they do.
 */
import type { ApproverPolicy } from "../../contract/model.ts";
import { isAmong } from "../../login.ts";
import { isPerson, logins, mayApprove, startersOf } from "../approvers.ts";
import { type Check, conclude, withFact } from "../check.ts";
import type { ApprovalFacts, GateFacts } from "../facts.ts";
import { dispatch } from "./approval-dispatch.ts";
import { authorProblems, notNamed, reviewEvidence, starterProblems, summaryOf } from "./approval-people.ts";

export const approval: Check = {
  id: "approval",
  title: "approved by somebody who did not start this run, by as many as the contract asks for",
  evaluate: (facts) =>
    withFact("approval", facts.policy, ({ approvers }) =>
      withFact("approval", facts.approvals, (approvals) => {
        const reviews = approvals.filter(
          (each) => each.state === "approved" && each.environments.includes(facts.environment),
        );
        if (approvers.by === "review") return review(facts, approvers, reviews);
        return withFact("approval", facts.collected, (collected) => dispatch(facts, approvers, reviews, collected));
      }),
    ),
};

function review(facts: GateFacts, policy: ApproverPolicy, reviews: readonly ApprovalFacts[]) {
  const { run, environment } = facts;
  const others = reviews.filter(({ user }) => isPerson(user) && !isAmong(startersOf(facts), user));
  const named = others.filter(({ user = "" }) => mayApprove(policy, user));
  const problems = [...starterProblems(facts)];
  if (run.attempt > 1) {
    problems.push({
      what: "re-run",
      message: `This is attempt ${run.attempt} of run ${run.id}, and approvals do not say which attempt they are of.`,
      why: "An approval of an earlier attempt would let this one through unread.",
      remedy: "Start a new run and have that approved.",
    });
  }
  if (reviews.length === 0) {
    problems.push({
      what: "missing",
      message: `Nobody approved this run for ${environment}.`,
      why: "A job of an environment without required reviewers starts by itself.",
      remedy: `Give ${environment} required reviewers; one of them approves after reading the brief. Where GitHub has none (a private repository below the Enterprise plan): tiers.${facts.tier}.gate.approvers: { by: dispatch }.`,
    });
  } else if (others.length === 0) {
    problems.push({
      what: "self",
      message: `Nobody else than ${reviews.map(({ user }) => user ?? "a deleted account").join(", ")} approved this run: who started it, a workflow and an App do not count.`,
      remedy: "Have another person approve a new run.",
    });
  } else if (named.length === 0) {
    problems.push(notNamed(facts, policy, logins(others)));
  }
  problems.push(...authorProblems(facts, policy, logins(named)));
  return conclude("approval", {
    summary: summaryOf(facts, logins(named)),
    evidence: named.map(reviewEvidence),
    problems,
  });
}
