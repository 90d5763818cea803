/** Of the check `commit`: whether a pull request that enters was approved and checked as it was merged. */
import { isAmong, isApp, isSameLogin } from "../../login.ts";
import type { Problem } from "../check.ts";
import type { PullFacts } from "../commit-facts.ts";

/** What is wrong with a pull request that enters; empty if it was let in as it should be. */
export function pullProblems(pull: PullFacts): Problem[] {
  return [...approvalProblems(pull), ...checkProblems(pull)];
}

/** Somebody else than its author approved it as it was merged, and nobody who counts wants it otherwise. */
function approvalProblems(pull: PullFacts): Problem[] {
  const others = pull.reviews.filter(({ user }) => !isSameLogin(user, pull.author));
  const approvals = others.filter(({ state }) => state === "APPROVED");
  const approved = approvals.filter((review) => counts(review, pull) && !review.stale);
  return [
    ...refusedProblems(others, pull),
    ...(approved.length > 0 ? authorProblems(approved, pull) : [notApproved(approvals, pull)]),
  ];
}

type Review = PullFacts["reviews"][number];

function didWrite({ user }: Review, { authors }: PullFacts): boolean {
  return isAmong(authors, user);
}

/** Whether an approval is by somebody who may give it. */
function counts(review: Review, pull: PullFacts): boolean {
  return review.mayWrite === true && !didWrite(review, pull);
}

function refusedProblems(reviews: readonly Review[], { number }: PullFacts): Problem[] {
  // Anybody may ask for changes in a public repository; only who may write is waited for.
  const refused = reviews.filter(
    ({ user, state, mayWrite }) => state === "CHANGES_REQUESTED" && (mayWrite !== false || isApp(user)),
  );
  if (refused.length === 0) return [];
  return [
    {
      what: "changes-requested",
      message: `${names(refused)} asked for changes in pull request #${number}, and did not approve it since.`,
      remedy: "Let them approve or dismiss their review, then start a new run.",
    },
  ];
}

/** Who opened it answers for it; where that is no person, only who wrote it does, and nobody may know who that is. */
function authorProblems(approved: readonly Review[], { number, author, authorUnknown }: PullFacts): Problem[] {
  if (!authorUnknown || (author !== undefined && !isApp(author))) return [];
  return [
    {
      what: "author-unknown",
      severity: "unknown",
      message: `Pull request #${number} was opened by ${author ?? "a deleted account"}, and no account stands for the e-mail address in one of its commits: nobody can say that ${names(approved)}, who approved it, did not write it.`,
      remedy: AGAIN,
    },
  ];
}

/** Why none of the approvals suffices: the reason that is nearest to one that does. */
function notApproved(approvals: readonly Review[], pull: PullFacts): Problem {
  const number = `#${pull.number}`;
  const stale = approvals.filter((review) => counts(review, pull));
  if (stale.length > 0) {
    return {
      what: "stale-approval",
      message: `Pull request ${number} was changed after ${names(stale)} approved it, and merged so: nobody approved what was merged.`,
      remedy: `${AGAIN} Let the branch rule dismiss stale approvals.`,
    };
  }
  const independent = approvals.filter((review) => !didWrite(review, pull));
  const unsure = independent.filter(({ mayWrite }) => mayWrite === undefined);
  if (unsure.length > 0) {
    return {
      what: "reviewer-unknown",
      severity: "unknown",
      message: `GitHub does not say whether ${names(unsure)}, who approved pull request ${number}, may write to this repository.`,
      remedy: "Give the job `contents: read`. If the account is gone, have somebody else approve it.",
    };
  }
  if (independent.length > 0) {
    return {
      what: "not-approved",
      message: `Pull request ${number} was approved only by ${names(independent)}, who may not write to this repository or is an App.`,
      why: "Anybody can review in a public repository, and any workflow can as github-actions[bot].",
      remedy: `${AGAIN} Require it by a branch rule.`,
    };
  }
  if (approvals.length > 0) {
    return {
      what: "not-approved",
      message: `Pull request ${number} was approved only by ${names(approvals)}, who wrote or committed part of it.`,
      why: "Whoever lets another account open the pull request would approve what is their own.",
      remedy: `${AGAIN} Require by a branch rule that somebody else than who pushed last approves.`,
    };
  }
  return {
    what: "not-approved",
    message: `Pull request ${number} was merged without the approval of anybody but its author.`,
    remedy: `${AGAIN} Require it by a branch rule.`,
  };
}

/** GitHub takes reviews of merged pull requests, of the head that was merged. */
const AGAIN =
  "Have somebody who may write and did not write it approve it now (a merged pull request can be), then start a new run.";

const GREEN = ["success", "neutral", "skipped"];

function checkProblems(pull: PullFacts): Problem[] {
  const red = pull.checks
    .filter(({ conclusion }) => !GREEN.includes(conclusion ?? ""))
    .map((check) => ({
      what: "checks",
      message: `The check ${check.name} of pull request #${pull.number} ${check.conclusion === undefined ? `has not ended (${check.status})` : `ended as ${check.conclusion}`}.`,
      remedy:
        "Re-run it until it is green. If it cannot be, fix what it found and let a reviewed pull request add this one's merge to the contract's accepted_commits, with the reason.",
    }));
  if (red.length > 0 || pull.checks.some(({ conclusion }) => conclusion === "success")) return red;
  return [
    {
      what: "unchecked",
      message:
        pull.checks.length === 0
          ? `No check ran on pull request #${pull.number}.`
          : `Every check of pull request #${pull.number} was skipped, so nothing was checked.`,
      remedy: "Add the caller of validate.yml for pull_request and require its check by a branch rule.",
    },
  ];
}

function names(reviews: readonly { readonly user: string }[]): string {
  return reviews.map(({ user }) => user).join(", ");
}
