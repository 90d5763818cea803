/** The commit is one that the team let in: on the default branch, and beyond dev from an approved, green pull request. */
import { type Check, conclude, type Evidence, type Problem, short, withFact } from "../check.ts";
import type { GateFacts, HotfixFacts, PullFacts } from "../facts.ts";

const GREEN = ["success", "neutral", "skipped"];

export const commit: Check = {
  id: "commit",
  title: "on the default branch, from a merged, approved pull request with green checks",
  evaluate: (facts) =>
    withFact("commit", facts.repository, ({ defaultBranch }) =>
      withFact("commit", facts.commit, ({ onDefaultBranch, hotfix, pulls }) => {
        const sha = short(facts.candidate.commit);
        const problems: Problem[] = [];
        if (!onDefaultBranch) {
          problems.push(
            ...(hotfix === undefined ? [offBranch(sha, defaultBranch)] : hotfixProblems(facts, hotfix, defaultBranch)),
          );
        }
        const base = onDefaultBranch ? defaultBranch : (hotfix?.branch ?? defaultBranch);
        const merged = pulls.filter((pull) => pull.merged && pull.base === base);
        // Dev takes every merge, so that what is wrong is seen early; beyond it, the pull request must be whole.
        if (facts.tier !== "dev" && facts.tier !== "sandbox") {
          if (merged.length === 0) {
            problems.push({
              what: "no-pull-request",
              message: `Commit ${sha} did not come from a pull request merged into ${base}.`,
              remedy: "Bring the change by a pull request, and forbid direct pushes by a branch rule.",
            });
          }
          for (const pull of merged) problems.push(...approvalProblems(pull), ...checkProblems(pull));
        }
        const numbers = merged.map(({ number }) => `#${number}`).join(", ");
        const what = onDefaultBranch ? "is" : "is a hotfix";
        return conclude("commit", {
          summary: `${sha} ${what} on ${base}${numbers === "" ? "" : `, by pull request ${numbers}`}.`,
          evidence: merged.map(evidenceOf),
          problems,
        });
      }),
    ),
};

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
  const { branch, holds, prod } = hotfix;
  const sha = short(facts.candidate.commit);
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
          : `prod has ${short(prod.commit)}, which is not in the history of ${sha}.`,
      why: "A hotfix that does not begin at prod's commit brings or loses what nobody meant.",
      remedy: `Begin ${branch} at the commit that prod has, and merge the repair into it.`,
    });
  }
  return problems;
}

function approvalProblems(pull: PullFacts): Problem[] {
  const others = pull.reviews.filter(({ user }) => user !== pull.author);
  const refused = others.filter(({ state }) => state === "CHANGES_REQUESTED");
  const approvals = others.filter(({ state }) => state === "APPROVED");
  // Anybody may review in a public repository, and any workflow as github-actions[bot].
  const approved = approvals.filter(({ mayWrite }) => mayWrite !== false);
  const outsiders = approvals.filter(({ mayWrite }) => mayWrite === false);
  const problems: Problem[] = [];
  if (refused.length > 0) {
    problems.push({
      what: "changes-requested",
      message: `${names(refused)} asked for changes in pull request #${pull.number}, and did not approve it since.`,
      remedy: "Let them approve or dismiss their review, then start a new run.",
    });
  }
  if (approved.length === 0 && outsiders.length > 0) {
    problems.push({
      what: "not-approved",
      message: `Pull request #${pull.number} was approved only by ${names(outsiders)}, who may not write to this repository.`,
      why: "Anybody can review in a public repository, and any workflow can as github-actions[bot].",
      remedy: "Have it approved by somebody with write access, then start a new run; require it by a branch rule.",
    });
  } else if (approved.length === 0) {
    problems.push({
      what: "not-approved",
      message: `Pull request #${pull.number} was merged without the approval of anybody but its author.`,
      remedy: "Have it reviewed and approved by somebody else, then start a new run; require it by a branch rule.",
    });
  } else if (approved.every(({ stale }) => stale)) {
    problems.push({
      what: "stale-approval",
      severity: "warning",
      message: `Pull request #${pull.number} was changed after ${names(approved)} approved it.`,
      remedy: "Let the branch rule dismiss stale approvals.",
    });
  }
  return problems;
}

function checkProblems(pull: PullFacts): Problem[] {
  if (pull.checks.length === 0) {
    return [
      {
        what: "unchecked",
        message: `No check ran on pull request #${pull.number}.`,
        remedy: "Add the caller of validate.yml for pull_request and require its check by a branch rule.",
      },
    ];
  }
  return pull.checks
    .filter(({ conclusion }) => !GREEN.includes(conclusion ?? ""))
    .map((check) => ({
      what: "checks",
      message: `The check ${check.name} of pull request #${pull.number} is ${check.conclusion ?? check.status}.`,
      remedy: "Mend it in a new pull request, or re-run the check until it is green.",
    }));
}

function names(reviews: readonly { readonly user: string }[]): string {
  return reviews.map(({ user }) => user).join(", ");
}

function evidenceOf(pull: PullFacts): Evidence {
  return { label: `#${pull.number} ${pull.title}`, url: pull.url };
}
