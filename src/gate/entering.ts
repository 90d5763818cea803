/**
 * Which pull request brought what enters a tier. The branch's own line is walked from the candidate back: each of its
 * commits must be what a merge made of a pull request. What a merge brings beside the line must be proposed by one.
 */
import type { BroughtCommit, CommitFacts, LineCommit, PullFacts } from "./commit-facts.ts";

/** What enters, sorted by what let it in. */
interface Brought {
  /** What must be approved and green. */
  readonly pulls: readonly PullFacts[];
  /** What no pull request brought: pushed past review. */
  readonly strays: readonly BroughtCommit[];
  /** What the contract lets in by name. */
  readonly accepted: readonly (BroughtCommit & { readonly reason: string })[];
}

/** Sorts what enters; `base` is the branch that the pull requests must have been merged into. */
export function broughtBy({ entering, pulls }: CommitFacts, base: string): Brought {
  const reasons = new Map(entering.accepted.map(({ commit, reason }) => [commit, reason]));
  const merged = new Map(pulls.filter((pull) => pull.merged && pull.base === base).map((pull) => [pull.number, pull]));
  const wanted = new Set<PullFacts>();
  const strays: BroughtCommit[] = [];
  const accepted: Brought["accepted"][number][] = [];
  const set = (commit: BroughtCommit): void => {
    const reason = reasons.get(commit.commit);
    if (reason === undefined) strays.push(commit);
    else accepted.push({ ...commit, reason });
  };
  let newer: readonly PullFacts[] = [];
  for (const commit of entering.line) {
    const found = commit.pulls.flatMap((number) => merged.get(number) ?? []);
    newer = found.filter((pull) => made(pull, commit, newer.includes(pull)));
    // The pull request of what the contract lets in by name need not be approved.
    if (newer.length === 0 || reasons.has(commit.commit)) set(commit);
    else for (const pull of newer) wanted.add(pull);
  }
  const proposed = new Set([...merged.values()].flatMap(({ commits }) => commits));
  for (const commit of entering.beside) if (!proposed.has(commit.commit)) set(commit);
  return { pulls: [...wanted], strays, accepted };
}

/**
 * Whether merging the pull request made this commit of the line. `goesOn`: it made the one after it. A commit that was
 * pushed past review can be in a pull request, too, if that was opened first: then the reviewer does not see it.
 */
function made({ mergeCommit, head, commits }: PullFacts, { commit, parents }: LineCommit, goesOn: boolean): boolean {
  if (commit === mergeCommit) return true;
  if (!goesOn) return false;
  // The head itself was put onto the branch (a fast-forward), or each of its commits was made again there (a rebase).
  return mergeCommit === head ? commits.includes(commit) : parents === 1 && !commits.includes(commit);
}
