/** Where a commit came from: the branch it is on, and the pull requests that brought it, with their reviews and checks. */
import {
  type CommitFacts,
  type Fact,
  type HotfixFacts,
  known,
  type PullFacts,
  type RepositoryFacts,
} from "../gate/facts.ts";
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
import { getBranch, mayWrite } from "../github/repository.ts";
import { together } from "../http/pool.ts";

/** Whether a commit is in the history of another. */
export async function isAncestor(github: GitHub, commit: string, head: string): Promise<boolean> {
  if (commit === head) return true;
  const found = await compare(github, commit, head);
  return found?.relation === "ahead" || found?.relation === "identical";
}

/** Where a hotfix branch's name begins. */
const HOTFIX = "hotfix/";

/** Where the candidate's commit came from, without who wrote it. */
type Origin = Omit<CommitFacts, "authors">;

/** Reads it; `prod` is asked what prod has, for a hotfix only. Checks of the run that asks are left out. */
export async function readOrigin(
  github: GitHub,
  commit: string,
  { defaultBranch, head }: Pick<RepositoryFacts, "defaultBranch" | "head">,
  runId: string,
  prod: () => Promise<Fact<{ readonly commit: string } | undefined>>,
): Promise<Origin> {
  const [onDefaultBranch, pulls] = await together([
    isAncestor(github, commit, head),
    pullsOfCommit(github, commit).then((found) => found.filter(({ merged }) => merged)),
  ]);
  const branch = onDefaultBranch ? undefined : pulls.find(({ base }) => base.startsWith(HOTFIX))?.base;
  const base = branch ?? defaultBranch;
  const [hotfix, read] = await together([
    branch === undefined ? undefined : readHotfix(github, commit, branch, prod),
    Promise.all(pulls.filter((pull) => pull.base === base).map((pull) => readPull(github, pull, runId))),
  ]);
  return { onDefaultBranch, hotfix, pulls: read };
}

async function readHotfix(
  github: GitHub,
  commit: string,
  branch: string,
  prod: () => Promise<Fact<{ readonly commit: string } | undefined>>,
): Promise<HotfixFacts> {
  const [found, current] = await together([getBranch(github, branch), prod()]);
  const from = current.known ? current.value?.commit : undefined;
  const [holds, comparison] = await together([
    found === undefined ? false : isAncestor(github, commit, found.commit),
    from === undefined || from === commit ? undefined : compare(github, from, commit),
  ]);
  return {
    branch,
    protected: found?.protected,
    holds,
    prod:
      from === undefined ? undefined : { commit: from, relation: from === commit ? "identical" : comparison?.relation },
  };
}

/** What is known of the candidate's commit, put together. */
export function commitFacts(
  origin: Fact<Origin>,
  history: Fact<{ readonly comparison: Comparison | undefined }>,
): Fact<CommitFacts> {
  if (!origin.known) return origin;
  const written = history.known ? (history.value.comparison?.commits ?? []).map(({ author }) => author) : [];
  const opened = origin.value.pulls.flatMap(({ author, merged }) => (merged && author !== undefined ? [author] : []));
  return known({ ...origin.value, authors: [...new Set([...written, ...opened])] });
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
