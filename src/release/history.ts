/** What happened on the default branch between two commits: commits, and the pull requests that brought them. */
import type { GitHub } from "../github/client.ts";
import { type CommitInfo, compare, type Pull, pullsOfCommit } from "../github/commits.ts";
import { mapBounded } from "../http/pool.ts";

/** What came between two commits. */
export interface History {
  /** Oldest first. */
  readonly commits: readonly Pick<CommitInfo, "sha" | "title" | "author" | "url">[];
  /** Merged ones, in the order of their commits. */
  readonly pulls: readonly Omit<Pull, "baseCommit" | "mergedAt">[];
  /** How many of the oldest commits were not asked for their pull requests: there may be more of these. */
  readonly unasked: number;
}

/** A merged pull request, and the newest commit between that it brought. */
export interface Brought extends Pull {
  readonly commit: string;
}

/** At most this many commits, the newest, are asked for their pull requests, a request each; the brief says how many were not. */
const MOST_COMMITS = 60;

/**
 * Commits after `from` up to `to`, with their merged pull requests; only those of `to` if there is no `from`. Throws
 * FourTierError `github/…`.
 */
export async function historyBetween(
  github: GitHub,
  from: string | undefined,
  to: string,
): Promise<Omit<History, "pulls"> & { readonly pulls: readonly Brought[] }> {
  const commits = from === undefined ? [] : ((await compare(github, from, to))?.commits ?? []);
  const asked = from === undefined ? [to] : commits.slice(-MOST_COMMITS).map(({ sha }) => sha);
  const pulls = new Map<string, Brought>();
  const found = await mapBounded(asked, 4, async (commit) =>
    (await pullsOfCommit(github, commit)).map((pull) => ({ ...pull, commit })),
  );
  for (const pull of found.flat()) if (pull.merged) pulls.set(pull.number, pull);
  return { commits, pulls: [...pulls.values()], unasked: Math.max(0, commits.length - asked.length) };
}
