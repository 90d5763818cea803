/** A pull request that brings a commit: who wrote it, how it was reviewed, what was checked. */
import type { PullFacts } from "../gate/commit-facts.ts";
import type { GitHub } from "../github/client.ts";
import {
  type CommitInfo,
  checkRuns,
  commitStatuses,
  commitsOfPull,
  type Pull,
  type Review,
  reviewsOfPull,
} from "../github/commits.ts";
import { mayWrite } from "../github/repository.ts";
import { together } from "../http/pool.ts";

/** What is known of a pull request, and its commits. */
export interface PullRead {
  readonly facts: PullFacts;
  readonly written: readonly CommitInfo[];
}

/** Reads it. `permissions` keeps who may write, asked once each. Throws FourTierError `github/…`. */
export async function readPull(
  github: GitHub,
  pull: Pull,
  runId: string,
  permissions: Map<string, Promise<boolean | undefined>>,
): Promise<PullRead> {
  const [reviews, written, runs, statuses] = await together([
    reviewsOfPull(github, pull.number),
    commitsOfPull(github, pull),
    checkRuns(github, pull.head, pull.mergedAt),
    commitStatuses(github, pull.head),
  ]);
  const own = written.filter(({ mergedByGitHub }) => !mergedByGitHub);
  const permissionOf = (login: string): Promise<boolean | undefined> => {
    const asked = permissions.get(login) ?? mayWrite(github, login);
    permissions.set(login, asked);
    return asked;
  };
  const facts = {
    number: pull.number,
    title: pull.title,
    url: pull.url,
    author: pull.author,
    base: pull.base,
    head: pull.head,
    merged: pull.merged,
    mergeCommit: pull.mergeCommit,
    commits: written.map(({ sha }) => sha),
    authors: [...new Set(own.flatMap(({ logins }) => logins.flatMap((login) => login ?? [])))],
    authorUnknown: own.some(({ logins }) => logins.includes(undefined)),
    reviews: await together(
      verdictsOf(reviews, pull.head).map(async (review) => ({
        ...review,
        mayWrite: review.state === "DISMISSED" ? undefined : await permissionOf(review.user),
      })),
    ),
    // A fast-forward makes the pull request's head the commit that this very run is checking.
    checks: [...runs, ...statuses].filter(({ url }) => url?.includes(`/actions/runs/${runId}/`) !== true),
  };
  return { facts, written };
}

type Verdict = Omit<PullFacts["reviews"][number], "mayWrite">;

/** The newest verdict of each reviewer; a comment changes nobody's. `head` is the pull request's head commit. */
export function verdictsOf(reviews: readonly Review[], head: string): Verdict[] {
  const newest = new Map<string, Verdict>();
  for (const { user, state, commit } of reviews) {
    if (user === undefined || !["APPROVED", "CHANGES_REQUESTED", "DISMISSED"].includes(state)) continue;
    newest.set(user.toLowerCase(), { user, state, stale: commit !== head });
  }
  return [...newest.values()];
}
