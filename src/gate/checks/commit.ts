/**
 * What enters is what the team let in: the commit is on the default branch, and beyond dev each commit since the tier's
 * own came by an approved, green pull request. A reviewed one on top must not carry in what was pushed below it.
 */
import { shortSha } from "../../short-sha.ts";
import { type Check, conclude, type Evidence, type Problem, withFact } from "../check.ts";
import type { BroughtCommit, CommitFacts, HotfixFacts, PullFacts } from "../commit-facts.ts";
import { broughtBy } from "../entering.ts";
import type { GateFacts } from "../facts.ts";

const GREEN = ["success", "neutral", "skipped"];

export const commit: Check = {
  id: "commit",
  title: "on the default branch; every commit that enters from a merged, approved pull request with green checks",
  evaluate: (facts) =>
    withFact("commit", facts.repository, ({ defaultBranch }) =>
      withFact("commit", facts.commit, (found) => {
        const { onDefaultBranch, hotfix } = found;
        const sha = shortSha(facts.candidate.commit);
        const problems: Problem[] = [];
        if (hotfix !== undefined) problems.push(...hotfixProblems(facts, hotfix, defaultBranch));
        else if (!onDefaultBranch) problems.push(offBranch(sha, defaultBranch));
        const base = hotfix?.branch ?? defaultBranch;
        const brought = broughtBy(found, base);
        // Dev takes every merge, so that what is wrong is seen early; beyond it, every pull request must be whole.
        if (facts.tier !== "dev" && facts.tier !== "sandbox") {
          problems.push(
            ...strayProblems(brought.strays, facts, base),
            ...brought.pulls.flatMap((pull) => [...approvalProblems(pull), ...checkProblems(pull)]),
            ...leftProblems(found, facts),
            ...brought.accepted.map(acceptedProblem),
          );
        }
        const numbers = brought.pulls.map(({ number }) => `#${number}`);
        return conclude("commit", {
          summary: `${sha} ${hotfix === undefined ? "is" : "is a hotfix"} on ${base}${by(numbers)}${sinceWhat(found, facts)}.`,
          evidence: brought.pulls.map(evidenceOf),
          problems,
        });
      }),
    ),
};

function by(numbers: readonly string[]): string {
  if (numbers.length === 0) return "";
  const more = numbers.length > SHOWN ? ` and ${numbers.length - SHOWN} more` : "";
  return `, by pull request${numbers.length === 1 ? "" : "s"} ${numbers.slice(0, SHOWN).join(", ")}${more}`;
}

/** At most this many are named in a sentence. */
const SHOWN = 10;

/** How far was looked back. */
function sinceWhat({ entering: { since, line } }: CommitFacts, { tier, candidate }: GateFacts): string {
  if (tier === "dev" || tier === "sandbox" || since === candidate.commit) return "";
  if (since === undefined) return `; ${tier} has no release yet, so what is older was not looked at`;
  return `; ${line.length === 1 ? "one merge or push" : `${line.length} merges or pushes`} since ${shortSha(since)}, which ${tier} has`;
}

function strayProblems(strays: readonly BroughtCommit[], { candidate }: GateFacts, base: string): Problem[] {
  const [first] = strays;
  if (first === undefined) return [];
  const alone = strays.length === 1 && first.commit === candidate.commit;
  const shown = strays.slice(0, SHOWN).map(named).join(", ");
  const more = strays.length > SHOWN ? ` and ${strays.length - SHOWN} more` : "";
  return [
    {
      what: "no-pull-request",
      message: alone
        ? `Commit ${named(first)} did not come from a pull request merged into ${base}.`
        : `With ${shortSha(candidate.commit)} ${strays.length === 1 ? "a commit enters that" : `${strays.length} commits enter that`} did not come from a pull request merged into ${base}: ${shown}${more}.`,
      why: "Whoever could push it put there what nobody reviewed; a reviewed change on top does not make it so.",
      remedy:
        "Read what it does. If it may stay, let a reviewed pull request add it to the contract's accepted_commits, with the reason; if not, take it back by a pull request and accept both. Forbid direct pushes by a branch rule.",
    },
  ];
}

function named({ commit: sha, title, author }: BroughtCommit): string {
  return title === undefined
    ? shortSha(sha)
    : `${shortSha(sha)} (${JSON.stringify(title)} by ${author ?? "nobody known"})`;
}

function leftProblems({ entering: { left, line } }: CommitFacts, { tier, candidate }: GateFacts): Problem[] {
  if (left === 0) return [];
  return [
    {
      what: "too-many",
      severity: "unknown",
      message: `${line.length + left} commits enter ${tier} with ${shortSha(candidate.commit)}, and only the newest ${line.length} are looked at.`,
      why: "Each costs several of the thousand requests that GitHub allows a repository in an hour.",
      remedy: "Promote a commit in between first: re-run its own run, or start one for it.",
    },
  ];
}

function acceptedProblem({ reason, ...commit }: BroughtCommit & { readonly reason: string }): Problem {
  return {
    what: "accepted",
    severity: "warning",
    message: `${named(commit)} enters without an approved pull request: the contract accepts it (${reason}).`,
    remedy: "Read it yourself before you approve; take it out of accepted_commits when prod has it.",
  };
}

function offBranch(sha: string, defaultBranch: string): Problem {
  return {
    what: "off-branch",
    message: `Commit ${sha} is not on ${defaultBranch}.`,
    why: "It was never merged, or the branch was force-pushed since.",
    remedy: `Merge it into ${defaultBranch} and promote the merge. To repair prod past what waits in staging, merge it into a protected branch hotfix/….`,
  };
}

/** A hotfix repairs what prod has: it comes by review, from a branch that nobody can push to, and straight from there. */
function hotfixProblems(facts: GateFacts, hotfix: HotfixFacts, defaultBranch: string): Problem[] {
  const { branch, holds, prod, other } = hotfix;
  const sha = shortSha(facts.candidate.commit);
  const problems: Problem[] = [];
  if (facts.tier === "dev" || facts.tier === "sandbox") {
    problems.push({
      what: "hotfix-in-dev",
      message: `A hotfix (${sha}, on ${branch}) enters at staging, not at ${facts.tier}.`,
      remedy: `Start it with gate-to-staging and approve-to-prod only; ${facts.tier} gets it when it is merged back into ${defaultBranch}.`,
    });
  }
  if (hotfix.protected !== true || !holds) {
    problems.push({
      what: "hotfix-branch",
      message: !holds
        ? `${branch} does not have commit ${sha} any more.`
        : `The branch ${branch} is not protected: whoever may push can put there what nobody reviewed.`,
      remedy:
        "Protect hotfix/** by a branch rule as the default branch is: pull requests, approvals, checks, no force pushes.",
    });
  }
  if (prod === undefined || (prod.relation !== "ahead" && prod.relation !== "identical")) {
    problems.push({
      what: "hotfix-stray",
      message:
        prod === undefined
          ? "Nothing shows what prod has, so nothing shows that this hotfix repairs it."
          : `prod has ${shortSha(prod.commit)}, which is not in the history of ${sha}.`,
      why: "A hotfix that does not begin at prod's commit brings or loses what nobody meant.",
      remedy: `Begin ${branch} at the commit that prod has, and merge the repair into it.`,
    });
  }
  if (other !== undefined) {
    problems.push({
      what: "hotfix-other",
      severity: "warning",
      message: `staging ${facts.tier === "staging" ? "has" : "had"} another hotfix, ${shortSha(other)}, which neither ${defaultBranch} nor ${sha} brings.`,
      why: "prod takes only one of the two as they are: the second does not begin at what prod has then.",
      remedy:
        "Ask whoever made it. If prod needs both, merge one of the branches into the other by a pull request, and promote that merge.",
    });
  }
  return problems;
}

function approvalProblems(pull: PullFacts): Problem[] {
  const same = (one: string, other: string | undefined): boolean => one.toLowerCase() === other?.toLowerCase();
  const others = pull.reviews.filter(({ user }) => !same(user, pull.author));
  // Anybody may ask for changes in a public repository; only who may write is waited for.
  const refused = others.filter(
    ({ user, state, mayWrite }) => state === "CHANGES_REQUESTED" && (mayWrite !== false || isApp(user)),
  );
  const approvals = others.filter(({ state }) => state === "APPROVED");
  const wrote = approvals.filter(({ user }) => pull.authors.some((author) => same(user, author)));
  const independent = approvals.filter((review) => !wrote.includes(review));
  const able = independent.filter(({ mayWrite }) => mayWrite === true);
  const unsure = independent.filter(({ mayWrite }) => mayWrite === undefined);
  const outsiders = independent.filter(({ mayWrite }) => mayWrite === false);
  const approved = able.filter(({ stale }) => !stale);
  const number = `#${pull.number}`;
  const problems: Problem[] = [];
  if (refused.length > 0) {
    problems.push({
      what: "changes-requested",
      message: `${names(refused)} asked for changes in pull request ${number}, and did not approve it since.`,
      remedy: "Let them approve or dismiss their review, then start a new run.",
    });
  }
  if (approved.length > 0) {
    // Who opened it answers for it; where that is no person, only who wrote it does.
    if (!pull.authorUnknown || (pull.author !== undefined && !isApp(pull.author))) return problems;
    problems.push({
      what: "author-unknown",
      severity: "unknown",
      message: `Pull request ${number} was opened by ${pull.author ?? "a deleted account"}, and no account stands for the e-mail address in one of its commits: nobody can say that ${names(approved)}, who approved it, did not write it.`,
      remedy: AGAIN,
    });
    return problems;
  }
  if (able.length > 0) {
    problems.push({
      what: "stale-approval",
      message: `Pull request ${number} was changed after ${names(able)} approved it, and merged so: nobody approved what was merged.`,
      remedy: `${AGAIN} Let the branch rule dismiss stale approvals.`,
    });
  } else if (unsure.length > 0) {
    problems.push({
      what: "reviewer-unknown",
      severity: "unknown",
      message: `GitHub does not say whether ${names(unsure)}, who approved pull request ${number}, may write to this repository.`,
      remedy: "Give the job `contents: read`. If the account is gone, have somebody else approve it.",
    });
  } else if (outsiders.length > 0) {
    problems.push({
      what: "not-approved",
      message: `Pull request ${number} was approved only by ${names(outsiders)}, who may not write to this repository or is an App.`,
      why: "Anybody can review in a public repository, and any workflow can as github-actions[bot].",
      remedy: `${AGAIN} Require it by a branch rule.`,
    });
  } else if (wrote.length > 0) {
    problems.push({
      what: "not-approved",
      message: `Pull request ${number} was approved only by ${names(wrote)}, who wrote or committed part of it.`,
      why: "Whoever lets another account open the pull request would approve what is their own.",
      remedy: `${AGAIN} Require by a branch rule that somebody else than who pushed last approves.`,
    });
  } else {
    problems.push({
      what: "not-approved",
      message: `Pull request ${number} was merged without the approval of anybody but its author.`,
      remedy: `${AGAIN} Require it by a branch rule.`,
    });
  }
  return problems;
}

/** GitHub takes reviews of merged pull requests, of the head that was merged. */
const AGAIN =
  "Have somebody who may write and did not write it approve it now (a merged pull request can be), then start a new run.";

function isApp(login: string): boolean {
  return login.endsWith("[bot]");
}

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

function evidenceOf(pull: PullFacts): Evidence {
  return { label: `#${pull.number} ${pull.title}`, url: pull.url };
}
