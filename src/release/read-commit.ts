/** Where what enters came from: the branch it is on, and the pull requests that brought it. */
import type { TierName } from "../contract/model.ts";
import type { BroughtCommit, CommitFacts, EnteringFacts, HotfixFacts } from "../gate/commit-facts.ts";
import type { Fact, RepositoryFacts } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { type CommitInfo, type Comparison, compare, type Pull, pullsOfCommit } from "../github/commits.ts";
import { getBranch } from "../github/repository.ts";
import { mapBounded, together } from "../http/pool.ts";
import { type PullRead, readPull } from "./read-pull.ts";

/** Whether a commit is in the history of another. */
async function isAncestor(github: GitHub, commit: string, head: string): Promise<boolean> {
  if (commit === head) return true;
  const found = await compare(github, commit, head);
  return found?.relation === "ahead" || found?.relation === "identical";
}

/** Where a hotfix branch's name begins. */
const HOTFIX = "hotfix/";

/** What the tier has, and what the candidate has beyond it. */
export interface Reach {
  /** Undefined before the first release. */
  readonly since: string | undefined;
  /** Undefined where nothing is to be compared, or GitHub does not know one of the two. */
  readonly comparison: Comparison | undefined;
}

interface OriginRequest {
  readonly github: GitHub;
  readonly tier: TierName;
  readonly commit: string;
  readonly repository: Pick<RepositoryFacts, "defaultBranch" | "head">;
  /** Checks of the run that asks are left out. */
  readonly runId: string;
  readonly reach: Promise<Fact<Reach>>;
  /** What prod has; asked for a hotfix only. */
  readonly prod: () => Promise<Fact<{ readonly commit: string } | undefined>>;
  /** What staging has, or had before this commit; asked for a hotfix only. */
  readonly staging: () => Promise<Fact<{ readonly commit: string } | undefined>>;
  /** What may enter without a pull request. */
  readonly accepted: () => Promise<EnteringFacts["accepted"]>;
}

/**
 * So many commits of the branch's line are looked at: each costs a request, and each pull request four, of the thousand
 * that a repository's runs have in an hour (facts: github 6).
 */
const MOST_ENTERING = 100;
const AT_ONCE = 8;

/** Where what enters came from. Throws FourTierError `github/…`. */
export async function readOrigin(request: OriginRequest): Promise<CommitFacts> {
  const { github, commit, repository } = request;
  const merged = async (sha: string): Promise<Pull[]> =>
    (await pullsOfCommit(github, sha)).filter((pull) => pull.merged);
  const [onDefaultBranch, own, reach, accepted] = await together([
    isAncestor(github, commit, repository.head),
    merged(commit),
    request.reach,
    request.accepted(),
  ]);
  const branch = hotfixBranch(request, onDefaultBranch, own);
  const { since, comparison } = reach.known ? reach.value : { since: undefined, comparison: undefined };
  const commits = new Map((comparison?.commits ?? []).map((each) => [each.sha, each]));
  const whole = lineOf(commits, commit);
  const looked = whole.slice(0, MOST_ENTERING);
  const [hotfix, brought] = await together([
    branch === undefined ? undefined : readHotfix(request, branch),
    mapBounded(looked, AT_ONCE, (sha) => (sha === commit ? Promise.resolve(own) : merged(sha))),
  ]);
  const base = branch ?? repository.defaultBranch;
  const wanted = new Map(brought.flat().map((pull) => [pull.number, pull]));
  const permissions = new Map<string, Promise<boolean | undefined>>();
  const pulls = await mapBounded(
    [...wanted.values()].filter((pull) => pull.base === base),
    AT_ONCE,
    (pull) => readPull(github, pull, request.runId, permissions),
  );
  const besides = [...commits.values()].filter(({ sha }) => !whole.includes(sha));
  const unbrought = looked.flatMap((sha, index) => (brought[index]?.length === 0 ? (commits.get(sha) ?? []) : []));
  return {
    onDefaultBranch,
    hotfix,
    entering: {
      since,
      line: looked.map((sha, index) => ({
        ...broughtCommit(sha, commits.get(sha)),
        parents: commits.get(sha)?.parents.length ?? 1,
        pulls: (brought[index] ?? []).map(({ number }) => number),
      })),
      beside: besides.map((each) => broughtCommit(each.sha, each)),
      left: whole.length - looked.length,
      accepted,
    },
    pulls: pulls.map(({ facts }) => facts),
    ...writersOf(pulls, [...besides, ...unbrought]),
  };
}

/** Who wrote what enters. Who merged a pull request wrote nothing; of what none brought, the commit itself is all there is. */
function writersOf(
  pulls: readonly PullRead[],
  without: readonly CommitInfo[],
): Pick<CommitFacts, "authors" | "authorless"> {
  const written = [...pulls.flatMap((pull) => pull.written), ...without].filter(
    ({ mergedByGitHub }) => !mergedByGitHub,
  );
  const logins = written.flatMap(({ logins }) => logins.flatMap((login) => login ?? []));
  const unknown = written.filter(({ logins }) => logins.includes(undefined));
  return {
    authors: [...new Set([...logins, ...pulls.flatMap(({ facts }) => facts.author ?? [])])],
    authorless: [...new Map(unknown.map((each) => [each.sha, broughtCommit(each.sha, each)])).values()],
  };
}

/** What tells a hotfix from what the default branch brings. */
interface HotfixQuestion extends Pick<OriginRequest, "commit" | "tier"> {
  readonly repository: Pick<RepositoryFacts, "defaultBranch">;
}

/**
 * The branch of a hotfix, by the merged pull requests of its commit: it is one still when it was merged back before prod
 * had it. Undefined for what a pull request made on the default branch itself, and in dev for whatever that branch has.
 */
export function hotfixBranch(
  { commit, repository, tier }: HotfixQuestion,
  onDefaultBranch: boolean,
  own: readonly Pick<Pull, "base" | "mergeCommit">[],
): string | undefined {
  const ordinary = own.some(({ base, mergeCommit }) => base === repository.defaultBranch && mergeCommit === commit);
  if (onDefaultBranch && (tier === "dev" || ordinary)) return undefined;
  return own.find(({ base }) => base.startsWith(HOTFIX))?.base;
}

/** A branch's own line from its head back, as far as these commits go: each one's first parent is what it was put onto. */
function lineOf(commits: ReadonlyMap<string, CommitInfo>, head: string): string[] {
  const line = [head];
  for (let parent = commits.get(head)?.parents[0]; parent !== undefined && commits.has(parent); ) {
    line.push(parent);
    parent = commits.get(parent)?.parents[0];
  }
  return line;
}

function broughtCommit(commit: string, info: CommitInfo | undefined): BroughtCommit {
  return { commit, title: info?.title, author: info?.author };
}

/**
 * The same origin, from branches that still say so: while a run waits, one can be force-pushed, deleted or left without a
 * rule. `before` and `now` are the default branch then and now; where it stands as it did, nothing is asked of it.
 * Throws FourTierError `github/…`.
 */
export async function readOriginAgain(
  github: GitHub,
  commit: string,
  origin: CommitFacts,
  before: OriginRequest["repository"],
  now: OriginRequest["repository"],
): Promise<CommitFacts> {
  const { hotfix } = origin;
  if (hotfix !== undefined) return { ...origin, hotfix: { ...hotfix, ...(await readBranch(github, commit, hotfix)) } };
  if (now.head === before.head) return origin;
  return { ...origin, onDefaultBranch: await isAncestor(github, commit, now.head) };
}

/** What a hotfix's branch says of the commit. */
async function readBranch(
  github: GitHub,
  commit: string,
  { branch }: Pick<HotfixFacts, "branch">,
): Promise<Pick<HotfixFacts, "protected" | "holds">> {
  const found = await getBranch(github, branch);
  const holds = found !== undefined && (await isAncestor(github, commit, found.commit));
  return { protected: found?.protected, holds };
}

async function readHotfix(request: OriginRequest, branch: string): Promise<HotfixFacts> {
  const { github, commit } = request;
  const relating = request.prod().then(async (current) => {
    const from = current.known ? current.value?.commit : undefined;
    if (from === undefined) return undefined;
    const relation = from === commit ? "identical" : (await compare(github, from, commit))?.relation;
    return { commit: from, relation } as const;
  });
  const [now, prod, other] = await together([readBranch(github, commit, { branch }), relating, otherHotfix(request)]);
  return { branch, ...now, prod, other };
}

/** A repair that staging got from elsewhere than the default branch, and that this one would leave behind. */
async function otherHotfix({ github, commit, repository, staging }: OriginRequest): Promise<string | undefined> {
  const found = await staging();
  const other = found.known ? found.value?.commit : undefined;
  if (other === undefined) return undefined;
  const brought = await together([isAncestor(github, other, commit), isAncestor(github, other, repository.head)]);
  return brought.includes(true) ? undefined : other;
}

/** Nobody can say what enters a tier while nobody can say what it has. */
export function commitFacts(origin: Fact<CommitFacts>, reach: Fact<Reach>): Fact<CommitFacts> {
  return origin.known && !reach.known ? reach : origin;
}
