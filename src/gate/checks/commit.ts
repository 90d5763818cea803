/**
 * What enters is what the team let in: the commit is on the default branch, and beyond dev each commit since the tier's
 * own came by an approved, green pull request. A reviewed one on top must not carry in what was pushed below it.
 */
import { listed } from "../../listed.ts";
import { shortSha } from "../../short-sha.ts";
import { type Check, conclude, type Evidence, type Problem, withFact } from "../check.ts";
import type { BroughtCommit, CommitFacts, HotfixFacts, PullFacts } from "../commit-facts.ts";
import { broughtBy } from "../entering.ts";
import type { GateFacts } from "../facts.ts";
import { pullProblems } from "./commit-pulls.ts";

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
            ...brought.pulls.flatMap(pullProblems),
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
  return `, by pull request${numbers.length === 1 ? "" : "s"} ${listed(numbers, SHOWN)}`;
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
  return [
    {
      what: "no-pull-request",
      message: alone
        ? `Commit ${named(first)} did not come from a pull request merged into ${base}.`
        : `With ${shortSha(candidate.commit)} ${strays.length === 1 ? "a commit enters that" : `${strays.length} commits enter that`} did not come from a pull request merged into ${base}: ${listed(strays.map(named), SHOWN)}.`,
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

function evidenceOf(pull: PullFacts): Evidence {
  return { label: `#${pull.number} ${pull.title}`, url: pull.url };
}
