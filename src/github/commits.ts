/** Commits: how two relate, which pull requests brought one, what was checked and who approved. */
import * as v from "valibot";
import { type GitHub, Id, Login, OptionalText } from "./client.ts";

/** `ahead`: head has base in its history. */
export type Relation = "identical" | "ahead" | "behind" | "diverged";

/** A commit as GitHub has it, with the accounts that it found for its people. */
export interface CommitInfo {
  readonly sha: string;
  /** The first line of the message. */
  readonly title: string;
  /** The author's login, or the name git has when no account fits. */
  readonly author: string;
  /** Accounts of author and committer; undefined for one whose e-mail address no account has. GitHub itself is none. */
  readonly logins: readonly (string | undefined)[];
  readonly parents: readonly string[];
  /** A merge that GitHub made and signed, not somebody's own. */
  readonly mergedByGitHub: boolean;
  readonly url: string | undefined;
}

/** How one commit stands to another. */
export interface Comparison {
  readonly relation: Relation;
  /** What head has and base has not, oldest first. */
  readonly commits: readonly CommitInfo[];
}

/** A pull request, merged or not; commits are SHAs, `base` and `author` a branch and a login. */
export interface Pull {
  readonly number: string;
  readonly title: string;
  readonly url: string;
  readonly author: string | undefined;
  readonly base: string;
  /** Where the base stood. */
  readonly baseCommit: string;
  readonly head: string;
  readonly merged: boolean;
  /** ISO; undefined unless it was merged. */
  readonly mergedAt: string | undefined;
  readonly mergeCommit: string | undefined;
}

/** A review of a pull request; `state` is GitHub's word: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED. */
export interface Review {
  readonly user: string | undefined;
  readonly state: string;
  /** The head commit that was reviewed. */
  readonly commit: string | undefined;
}

/** A check run, or a commit status in the same words. */
interface CheckRun {
  readonly name: string;
  /** queued, in_progress, completed, … */
  readonly status: string;
  readonly conclusion: string | undefined;
  readonly url: string | undefined;
}

const Account = v.nullish(v.object({ login: v.optional(v.string()) }));

const CommitSchema = v.object({
  sha: v.string(),
  html_url: v.optional(v.string()),
  author: Account,
  committer: Account,
  parents: v.array(v.object({ sha: v.string() })),
  commit: v.object({
    message: v.string(),
    author: v.nullish(v.object({ name: v.optional(v.string()) })),
    verification: v.nullish(v.object({ verified: v.boolean() })),
  }),
});

/** The account that commits what is done on the web page. */
const WEB_FLOW = "web-flow";

const ComparisonSchema = v.object({
  status: v.picklist(["identical", "ahead", "behind", "diverged"]),
  total_commits: v.optional(v.number(), 0),
  commits: v.optional(v.array(CommitSchema), []),
});

const PullSchema = v.object({
  number: Id,
  title: v.string(),
  html_url: v.string(),
  user: Login,
  base: v.object({ ref: v.string(), sha: v.string() }),
  head: v.object({ sha: v.string() }),
  merged_at: OptionalText,
  merge_commit_sha: OptionalText,
});

const ReviewSchema = v.object({ user: Login, state: v.string(), commit_id: OptionalText });

const StatusSchema = v.object({ context: v.string(), state: v.string(), target_url: OptionalText });

const CheckRunSchema = v.object({
  id: Id,
  name: v.string(),
  status: v.string(),
  conclusion: OptionalText,
  html_url: OptionalText,
  started_at: OptionalText,
});

/** How `head` relates to `base`; undefined if one of them is unknown to the repository. Reads every page of commits. */
export async function compare(github: GitHub, base: string, head: string): Promise<Comparison | undefined> {
  const commits: CommitInfo[] = [];
  let relation: Relation | undefined;
  for (let page = 1; ; page++) {
    const found = await github.find(
      "GET /repos/{owner}/{repo}/compare/{basehead}",
      { basehead: `${base}...${head}`, per_page: 100, page },
      ComparisonSchema,
      "contents: read",
    );
    if (found === undefined) return undefined;
    relation = found.status;
    commits.push(...found.commits.map(commitInfo));
    if (found.commits.length === 0 || commits.length >= found.total_commits) return { relation, commits };
  }
}

function commitInfo(found: v.InferOutput<typeof CommitSchema>): CommitInfo {
  const [author, committer] = [found.author?.login, found.committer?.login];
  return {
    sha: found.sha,
    title: found.commit.message.split("\n", 1)[0] ?? "",
    author: author ?? found.commit.author?.name ?? "unknown",
    logins: committer === WEB_FLOW ? [author] : [author, committer],
    parents: found.parents.map(({ sha }) => sha),
    mergedByGitHub: found.parents.length > 1 && committer === WEB_FLOW && found.commit.verification?.verified === true,
    url: found.html_url,
  };
}

/** A list of a pull request's commits ends here, however many there are. */
const MOST_OF_PULL = 250;

/** The commits that a pull request proposes: what its head has and its base had not. */
export async function commitsOfPull(github: GitHub, pull: Pull): Promise<CommitInfo[]> {
  const commits: CommitInfo[] = [];
  for await (const found of github.list(
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/commits",
    { pull_number: pull.number },
    CommitSchema,
    "pull-requests: read",
  )) {
    commits.push(commitInfo(found));
  }
  if (commits.length < MOST_OF_PULL) return commits;
  return [...((await compare(github, pull.baseCommit, pull.head))?.commits ?? commits)];
}

/** The pull requests that a commit belongs to, open ones included. */
export async function pullsOfCommit(github: GitHub, sha: string): Promise<Pull[]> {
  const pulls: Pull[] = [];
  for await (const found of github.list(
    "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    { commit_sha: sha },
    PullSchema,
    "pull-requests: read",
  )) {
    pulls.push({
      number: found.number,
      title: found.title,
      url: found.html_url,
      author: found.user,
      base: found.base.ref,
      baseCommit: found.base.sha,
      head: found.head.sha,
      merged: found.merged_at !== undefined,
      mergedAt: found.merged_at,
      mergeCommit: found.merge_commit_sha,
    });
  }
  return pulls;
}

/** What a pull request is at the moment. */
interface PullState {
  readonly isOpen: boolean;
  /** Its newest commit. */
  readonly head: string;
  readonly labels: readonly string[];
}

/** One pull request as it is now. Throws FourTierError. */
export async function pullState(github: GitHub, number: string): Promise<PullState> {
  const { state, head, labels } = await github.read(
    "GET /repos/{owner}/{repo}/pulls/{pull_number}",
    { pull_number: number },
    v.object({
      state: v.string(),
      head: v.object({ sha: v.string() }),
      labels: v.array(v.object({ name: v.nullish(v.string(), "") })),
    }),
    "pull-requests: read",
  );
  return { isOpen: state === "open", head: head.sha, labels: labels.map(({ name }) => name) };
}

/** All reviews of a pull request, oldest first. */
export async function reviewsOfPull(github: GitHub, number: string): Promise<Review[]> {
  const reviews: Review[] = [];
  for await (const found of github.list(
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
    { pull_number: number },
    ReviewSchema,
    "pull-requests: read",
  )) {
    reviews.push({ user: found.user, state: found.state.toUpperCase(), commit: found.commit_id });
  }
  return reviews;
}

/**
 * The newest check run of each name on a commit: a run that was started again has the same names again. Names that first
 * ran after `until` are left out: any workflow can run on the head of a branch long after it was merged.
 */
export async function checkRuns(github: GitHub, sha: string, until: string | undefined): Promise<CheckRun[]> {
  const newest = new Map<string, CheckRun & { readonly id: bigint }>();
  const early = new Set<string>();
  for await (const found of github.list(
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
    { ref: sha, filter: "all" },
    CheckRunSchema,
    "checks: read",
  )) {
    const { name, status, conclusion, html_url: url, started_at: from } = found;
    const id = BigInt(found.id);
    if (until === undefined || from === undefined || Date.parse(from) <= Date.parse(until)) early.add(name);
    if ((newest.get(name)?.id ?? -1n) < id) newest.set(name, { id, name, status, conclusion, url });
  }
  return [...newest.values()].filter(({ name }) => early.has(name)).map(({ id: _id, ...run }) => run);
}

/** The newest commit status of each context: what tools report that know no check runs. */
export async function commitStatuses(github: GitHub, sha: string): Promise<CheckRun[]> {
  const statuses: CheckRun[] = [];
  for await (const { context, state, target_url: url } of github.list(
    "GET /repos/{owner}/{repo}/commits/{ref}/status",
    { ref: sha },
    StatusSchema,
    "statuses: read",
  )) {
    const pending = state === "pending";
    statuses.push({ name: context, status: state, conclusion: pending ? undefined : state, url });
  }
  return statuses;
}
