/** Where a commit came from: the branch it is on, and the pull requests that brought it, with their reviews and checks. */
import { type CommitFacts, type Fact, known, type PullFacts } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import {
  checkRuns,
  compare,
  type Comparison,
  type Pull,
  pullsOfCommit,
  type Review,
  reviewsOfPull,
} from "../github/commits.ts";
import { mayWrite } from "../github/repository.ts";

/** Whether a commit is in the history of another. */
export async function isAncestor(github: GitHub, commit: string, head: string): Promise<boolean> {
  if (commit === head) return true;
  const found = await compare(github, commit, head);
  return found?.relation === "ahead" || found?.relation === "identical";
}

/** What is known of the candidate's commit, put together. */
export function commitFacts(
  onBranch: Fact<boolean>,
  pulls: Fact<readonly PullFacts[]>,
  history: Fact<{ readonly comparison: Comparison | undefined }>,
): Fact<CommitFacts> {
  if (!onBranch.known) return onBranch;
  if (!pulls.known) return pulls;
  const written = history.known ? (history.value.comparison?.commits ?? []).map(({ author }) => author) : [];
  const opened = pulls.value.flatMap(({ author, merged }) => (merged && author !== undefined ? [author] : []));
  return known({
    onDefaultBranch: onBranch.value,
    pulls: pulls.value,
    authors: [...new Set([...written, ...opened])],
  });
}

/** The pull requests that brought a commit into a branch; checks of the run that asks are left out. */
export async function readPulls(github: GitHub, commit: string, base: string, runId: string): Promise<PullFacts[]> {
  const pulls = await pullsOfCommit(github, commit);
  return Promise.all(
    pulls.filter((pull) => pull.merged && pull.base === base).map((pull) => readPull(github, pull, runId)),
  );
}

async function readPull(github: GitHub, pull: Pull, runId: string): Promise<PullFacts> {
  const [reviews, checks] = await Promise.all([reviewsOfPull(github, pull.number), checkRuns(github, pull.head)]);
  return {
    number: pull.number,
    title: pull.title,
    url: pull.url,
    author: pull.author,
    base: pull.base,
    merged: pull.merged,
    reviews: await Promise.all(
      verdictsOf(reviews, pull.head).map(async (review) => ({
        ...review,
        mayWrite: review.state === "APPROVED" ? await mayWrite(github, review.user) : undefined,
      })),
    ),
    // A fast-forward makes the pull request's head the commit that this very run is checking.
    checks: checks.filter(({ url }) => url?.includes(`/actions/runs/${runId}/`) !== true),
  };
}

type Verdict = Omit<PullFacts["reviews"][number], "mayWrite">;

/** The newest verdict of each reviewer; a comment changes nobody's. `head` is the pull request's head commit. */
export function verdictsOf(reviews: readonly Review[], head: string): Verdict[] {
  const newest = new Map<string, Verdict>();
  for (const { user, state, commit } of reviews) {
    if (user === undefined || !["APPROVED", "CHANGES_REQUESTED", "DISMISSED"].includes(state)) continue;
    newest.set(user, { user, state, stale: commit !== head });
  }
  return [...newest.values()];
}
