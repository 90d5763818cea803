/** The commit is one that the team let in: on the default branch, and beyond dev from an approved, green pull request. */
import { type Check, conclude, type Evidence, type Problem, short, withFact } from "../check.ts";
import type { PullFacts } from "../facts.ts";

const GREEN = ["success", "neutral", "skipped"];

export const commit: Check = {
  id: "commit",
  title: "on the default branch, from a merged, approved pull request with green checks",
  evaluate: (facts) =>
    withFact("commit", facts.repository, ({ defaultBranch }) =>
      withFact("commit", facts.commit, ({ onDefaultBranch, pulls }) => {
        const sha = short(facts.candidate.commit);
        const problems: Problem[] = [];
        if (!onDefaultBranch) {
          problems.push({
            what: "off-branch",
            message: `Commit ${sha} is not on ${defaultBranch}.`,
            why: "It was never merged, or the branch was force-pushed since.",
            remedy: `Merge it into ${defaultBranch} and promote the merge.`,
          });
        }
        const merged = pulls.filter((pull) => pull.merged && pull.base === defaultBranch);
        // Dev takes every merge, so that what is wrong is seen early; beyond it, the pull request must be whole.
        if (facts.tier !== "dev" && facts.tier !== "sandbox") {
          if (merged.length === 0) {
            problems.push({
              what: "no-pull-request",
              message: `Commit ${sha} did not come from a pull request merged into ${defaultBranch}.`,
              remedy: "Bring the change by a pull request, and forbid direct pushes by a branch rule.",
            });
          }
          for (const pull of merged) problems.push(...approvalProblems(pull), ...checkProblems(pull));
        }
        const numbers = merged.map(({ number }) => `#${number}`).join(", ");
        return conclude("commit", {
          summary: `${sha} is on ${defaultBranch}${numbers === "" ? "" : `, by pull request ${numbers}`}.`,
          evidence: merged.map(evidenceOf),
          problems,
        });
      }),
    ),
};

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
