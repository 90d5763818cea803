/** Of the check `approval`: what both ways of approving say of people, who started the run, approved it and wrote it. */
import type { ApproverPolicy } from "../../contract/model.ts";
import { isApp, isWorkflow, WORKFLOW_ACCOUNT } from "../../login.ts";
import { shortSha } from "../../short-sha.ts";
import { startersOf, wrote } from "../approvers.ts";
import { type Evidence, judgingProblems, type Problem } from "../check.ts";
import type { BroughtCommit } from "../commit-facts.ts";
import type { ApprovalFacts, GateFacts } from "../facts.ts";

/**
 * Nobody can say whose a run is that a workflow started, except one: ours, that opens a run for a release that is ready.
 * Its record names the run, so no other can pass for it.
 */
export function starterProblems(facts: GateFacts): Problem[] {
  if (!startersOf(facts).some(isWorkflow)) return [];
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

/** What who wrote the release means for who approved it. */
export function authorProblems(facts: GateFacts, policy: ApproverPolicy, approved: readonly string[]): Problem[] {
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
  const hidden = [facts.run.actor, facts.run.triggeringActor].some(isApp);
  return [
    {
      what: "author",
      severity: hidden || policy.notAuthor ? "error" : "warning",
      message: `${both.join(", ")}, who approved, also wrote commits of this release.`,
      remedy: "Have somebody approve who did not write it, where you can.",
    },
  ];
}

/** Who approved is not among those whom the contract names. */
export function notNamed({ tier }: GateFacts, { from }: ApproverPolicy, strangers: readonly string[]): Problem {
  return {
    what: "not-named",
    message: `${strangers.join(", ")} approved, and the contract counts only ${from.join(", ")}.`,
    remedy: `Have one of them approve, or change tiers.${tier}.gate.approvers.from on the default branch.`,
  };
}

/** Who approved, and who wrote it. */
export function summaryOf({ commit }: GateFacts, approved: readonly string[]): string {
  const authors = commit.known
    ? [...commit.value.authors, ...(commit.value.authorless.length === 0 ? [] : ["somebody without an account"])]
    : [];
  return `Approved by ${approved.join(", ")}${authors.length === 0 ? "" : `; written by ${authors.join(", ")}`}.`;
}

/** A reviewer, with their comment. */
export function reviewEvidence({ user = "", comment }: ApprovalFacts): Evidence {
  return { label: comment === "" ? user : `${user}: ${comment}` };
}
