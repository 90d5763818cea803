/**
 * Somebody who did not start this run approved it: a reviewer of its environment, or as many people as the contract asks
 * for, who gave the digests of the brief. A review is of a run, and says nothing of its attempts; what was given for
 * digests holds as long as they do.
 */
import type { ApproverPolicy } from "../../contract/model.ts";
import { shortSha } from "../../short-sha.ts";
import { distinct, isPerson, logins, mayApprove, namedLeft, openingOf, startersOf, wrote } from "../approvers.ts";
import {
  type Check,
  conclude,
  type Evidence,
  evidenceOf,
  judgingProblems,
  type Problem,
  WORKFLOW_ACCOUNT,
  withFact,
} from "../check.ts";
import type { BroughtCommit } from "../commit-facts.ts";
import type { CollectedFacts } from "../decision-facts.ts";
import type { ApprovalFacts, GateFacts } from "../facts.ts";
import { DAY_MS, duration, shownAt } from "../wall-clock.ts";

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
  const others = reviews.filter(({ user }) => isPerson(user) && !startersOf(facts).has(user.toLowerCase()));
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

/** People, each once: those who gave the digests, and a reviewer of this very attempt. */
function dispatch(
  facts: GateFacts,
  policy: ApproverPolicy,
  reviews: readonly ApprovalFacts[],
  collected: CollectedFacts,
) {
  const { run, candidate } = facts;
  const starters = startersOf(facts);
  const opening = openingOf(facts);
  const requester = (opening === undefined ? run.actor : (opening.by ?? "")).toLowerCase();
  const reviewed =
    run.attempt > 1 ? [] : reviews.filter(({ user }) => isPerson(user) && !starters.has(user.toLowerCase()));
  // Whoever runs a failed job again asked for nothing new: only the run's own starter is left out.
  const given = collected.approved.filter(({ record }) => {
    return isPerson(record.by) && record.by.toLowerCase() !== requester;
  });
  const past = given.filter(({ record }) => isPast(facts, record.at));
  const valid = given.filter((each) => !past.includes(each));
  const outsiders = valid.filter(({ mayWrite }) => mayWrite !== true);
  const able = valid.filter(({ mayWrite }) => mayWrite === true);
  const people = distinct([...able.map(({ record }) => record.by ?? ""), ...logins(reviewed)]);
  const named = people.filter((login) => mayApprove(policy, login));
  const counting = policy.notAuthor ? named.filter((login) => !wrote(facts, login)) : named;
  const problems: Problem[] = [...starterProblems(facts)];
  if (counting.length < policy.count) {
    problems.push({
      what: "missing",
      message: `${counting.length} of ${policy.count} people approved release ${candidate.release} for ${facts.environment}${counting.length === 0 ? "" : `: ${counting.join(", ")}`}.`,
      why: "Each approval is a run of operate.yml on the default branch by another person who may write, with the digests of the brief.",
      remedy: `After reading the brief, each runs the caller of operate.yml: operation approve, tier ${facts.tier}, release-digest ${candidate.release}${facts.plan.known ? `, plan-digest ${facts.plan.value.digest}` : ", and the brief's plan-digest"}. Then re-run the failed job.`,
    });
    if (collected.approved.some(({ record }) => record.by?.toLowerCase() === requester)) {
      problems.push({
        what: "self",
        message: `${run.actor}, who started this run, approved it; that does not count.`,
        remedy: "Have somebody else approve.",
      });
    }
    if (past.length > 0) problems.push(pastProblem(facts, past));
    const left = namedLeft(facts, policy, requester);
    if (left !== undefined && left.length < policy.count) problems.push(nobodyLeft(facts, policy, left));
    const strangers = people.filter((login) => !named.includes(login));
    if (strangers.length > 0) problems.push(notNamed(facts, policy, strangers));
  }
  problems.push(
    ...outsiders.map(({ record, mayWrite }) => ({
      what: "outsider",
      severity: mayWrite === undefined && counting.length < policy.count ? ("unknown" as const) : ("warning" as const),
      message:
        mayWrite === undefined
          ? `GitHub does not say whether ${record.by ?? "?"}, who approved, may still write to this repository.`
          : `${record.by ?? "?"}, who approved, may not write to this repository any more.`,
      remedy: "Have somebody approve who may.",
    })),
    ...authorProblems(facts, policy, named),
    ...judgingProblems(
      // Once enough people approved, what else somebody wrote does not matter.
      counting.length < policy.count ? collected : { ...collected, unread: [], whole: true },
      { noun: "that these digests are approved" },
    ),
  );
  return conclude("approval", {
    summary: summaryOf(facts, counting),
    evidence: [...able.map(({ record }) => evidenceOf(record)), ...reviewed.map(reviewEvidence)],
    problems,
  });
}

/** As long as GitHub lets a job wait for its environment's reviewers. */
const VALID_MS = 30 * DAY_MS;

/**
 * Whether an approval is over: what was approved was to replace what the tier had then. So a rollback ends it, though the
 * plan from there may be the very same again. What the candidate's own promotion changed ends nothing.
 */
function isPast({ order, candidate, now }: GateFacts, at: string): boolean {
  const current = order.known ? order.value.current : undefined;
  const changed = current?.release === candidate.release ? undefined : current?.at;
  const given = Date.parse(at);
  return now.getTime() - given > VALID_MS || (changed !== undefined && given <= Date.parse(changed));
}

function pastProblem({ order, tier }: GateFacts, past: CollectedFacts["approved"]): Problem {
  const changed = order.known ? order.value.current?.at : undefined;
  const given = past.map(({ record }) => `${record.by ?? "?"} (${shownAt("UTC", Date.parse(record.at))})`).join(", ");
  return {
    what: "past",
    severity: "warning",
    message: `${given} approved it, and that is over: an approval holds for ${duration(VALID_MS)}, and until ${tier} changes${changed === undefined ? "" : `; it last did at ${shownAt("UTC", Date.parse(changed))}`}.`,
    why: "It was given for what the tier had then; a rollback since says that something was wrong with it.",
    remedy: "Read the new brief, and approve again.",
  };
}

function nobodyLeft({ tier, environment }: GateFacts, policy: ApproverPolicy, left: readonly string[]): Problem {
  return {
    what: "nobody-left",
    message: `Of ${policy.from.join(", ")}, whose approval counts for ${environment}, ${left.length === 0 ? "nobody" : `only ${left.join(", ")}`} neither started this run${policy.notAuthor ? " nor wrote commits of the release" : ""}; ${policy.count} must approve.`,
    remedy: `Let somebody else start the run, or name more people in tiers.${tier}.gate.approvers.from on the default branch.`,
  };
}

/**
 * Nobody can say whose a run is that a workflow started, except one: ours, that opens a run for a release that is ready.
 * Its record names the run, so no other can pass for it.
 */
function starterProblems(facts: GateFacts): Problem[] {
  if (!startersOf(facts).has(WORKFLOW_ACCOUNT)) return [];
  const { openings } = facts;
  if (!openings.known) {
    return [
      {
        what: "starter",
        severity: "unknown",
        message: `A workflow started this run: ${openings.why}`,
        remedy: openings.remedy,
      },
    ];
  }
  return [
    ...judgingProblems(openings.value, { noun: "that it opened a run for this release" }),
    {
      what: "starter",
      message: `This run was started by ${WORKFLOW_ACCOUNT}: a workflow started it, and nobody can say whose.`,
      why: "Whoever can push a branch can let its workflow start this one, and then approve what is their own run.",
      remedy: "Start a new run as a person, and have somebody else approve it; or let open-approval.yml open one.",
    },
  ];
}

function authorProblems(facts: GateFacts, policy: ApproverPolicy, approved: readonly string[]): Problem[] {
  const unknown = facts.commit.known && policy.notAuthor && approved.length > 0 ? facts.commit.value.authorless : [];
  return [...bothProblems(facts, policy, approved), ...unknownAuthors(unknown)];
}

function unknownAuthors(commits: readonly BroughtCommit[]): Problem[] {
  const [first] = commits;
  if (first === undefined) return [];
  const more = commits.length === 1 ? "" : ` and ${commits.length - 1} more`;
  return [
    {
      what: "author-unknown",
      severity: "unknown",
      message: `No account has the e-mail address in commit ${shortSha(first.commit)}${first.author === undefined ? "" : ` (by "${first.author}")`}${more}, so nobody can say that who approved did not write it.`,
      why: "The contract asks for somebody who did not (gate.approvers.not_author).",
      remedy:
        "Add the address to its owner's GitHub account, then start a new run; and set it in git for the next commits.",
    },
  ];
}

function bothProblems(facts: GateFacts, policy: ApproverPolicy, approved: readonly string[]): Problem[] {
  const both = approved.filter((login) => wrote(facts, login));
  if (approved.length === 0 || both.length < approved.length) return [];
  // An App that merges or starts runs hides who asked it to: then at least the author must be somebody else.
  const hidden = [facts.run.actor, facts.run.triggeringActor].some((login) => login.endsWith("[bot]"));
  return [
    {
      what: "author",
      severity: hidden || policy.notAuthor ? "error" : "warning",
      message: `${both.join(", ")}, who approved, also wrote commits of this release.`,
      remedy: "Have somebody approve who did not write it, where you can.",
    },
  ];
}

function notNamed({ tier }: GateFacts, { from }: ApproverPolicy, strangers: readonly string[]): Problem {
  return {
    what: "not-named",
    message: `${strangers.join(", ")} approved, and the contract counts only ${from.join(", ")}.`,
    remedy: `Have one of them approve, or change tiers.${tier}.gate.approvers.from on the default branch.`,
  };
}

function summaryOf({ commit }: GateFacts, approved: readonly string[]): string {
  const authors = commit.known
    ? [...commit.value.authors, ...(commit.value.authorless.length === 0 ? [] : ["somebody without an account"])]
    : [];
  return `Approved by ${approved.join(", ")}${authors.length === 0 ? "" : `; written by ${authors.join(", ")}`}.`;
}

function reviewEvidence({ user = "", comment }: ApprovalFacts): Evidence {
  return { label: comment === "" ? user : `${user}: ${comment}` };
}
