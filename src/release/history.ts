/** What happened on the default branch between two commits: commits, and the pull requests that brought them. */
import type { GitHub } from "../github/client.ts";
import type { CommitInfo, Pull } from "../github/commits.ts";

export interface History {
  /** Oldest first. */
  readonly commits: readonly CommitInfo[];
  readonly pulls: readonly Pull[];
}

/** Commits after `from` up to `to`, with their merged pull requests. Throws FourTierError `github/…`. */
export async function historyBetween(_github: GitHub, _from: string, _to: string): Promise<History> {
  throw new Error("not built yet");
}
