/** What people do on the web page: open, review and merge pull requests. The code they move is moved in git. */
import * as git from "./git.ts";
import { timestamp } from "./text.ts";
import type { Pull, World } from "./world.ts";

/** The pull request that somebody opens. */
export interface PullRequestOptions {
  /** A branch of the repository directory; for a fork, still a branch there that holds the fork's commits. */
  readonly head: string;
  /** Default: the default branch. */
  readonly base?: string;
  readonly user: string;
  readonly title?: string;
  readonly body?: string;
  /** The owner of the fork the pull request comes from. */
  readonly fork?: string;
  readonly labels?: readonly string[];
}

/** Opens a pull request. */
export async function openPullRequest(world: World, options: PullRequestOptions): Promise<Pull> {
  const base = options.base ?? world.scenario.default_branch;
  const headSha = await branchCommit(world, options.head);
  const baseSha = await branchCommit(world, base);
  const pull: Pull = {
    number: world.nextNumber(),
    id: world.id(),
    user: options.user,
    title: options.title ?? options.head,
    body: options.body ?? "",
    headBranch: options.head,
    headOwner: options.fork ?? world.owner,
    base,
    createdAt: timestamp(),
    headSha,
    baseSha,
    mergeSha: undefined,
    merged: undefined,
    reviews: [],
    labels: [...(options.labels ?? [])],
  };
  world.pulls.push(pull);
  await refresh(world, pull);
  return pull;
}

/** Brings a pull request up to its branches: `refs/pull/N/head`, and `refs/pull/N/merge` if it merges cleanly. */
export async function refresh(world: World, pull: Pull): Promise<void> {
  const head = await branchCommit(world, pull.headBranch);
  const base = await branchCommit(world, pull.base);
  if (pull.mergeSha !== undefined && head === pull.headSha && base === pull.baseSha) return;
  const rules = world.branchRules.get(pull.base);
  if (head !== pull.headSha && rules?.dismiss_stale_reviews === true) {
    for (const [index, review] of pull.reviews.entries()) {
      if (review.state === "APPROVED") pull.reviews[index] = { ...review, state: "DISMISSED" };
    }
  }
  pull.headSha = head;
  pull.baseSha = base;
  const message = `Merge ${pull.headSha} into ${pull.baseSha}`;
  pull.mergeSha = await git.mergeCommit(world.dir, pull.baseSha, pull.headSha, message, {
    name: "GitHub",
    email: "noreply@github.com",
  });
  const refs = new Map([[`refs/pull/${pull.number}/head`, pull.headSha]]);
  if (pull.mergeSha !== undefined) refs.set(`refs/pull/${pull.number}/merge`, pull.mergeSha);
  await git.moveRefs(world.dir, refs);
}

/** Reviews a pull request at its head. */
export async function review(
  world: World,
  number: number,
  user: string,
  state: "APPROVED" | "CHANGES_REQUESTED",
): Promise<void> {
  const pull = pullNumber(world, number);
  if (user === pull.user && state === "APPROVED") throw new Error("Can not approve your own pull request");
  pull.reviews.push({ id: world.id(), user, state, commit: pull.headSha, at: timestamp() });
}

/** The three buttons that merge a pull request. */
export type MergeMethod = "merge" | "squash" | "rebase";

/** Merges a pull request; gives the commit that the base branch then has. */
export async function mergePullRequest(
  world: World,
  number: number,
  user: string,
  method: MergeMethod = "merge",
): Promise<string> {
  const pull = pullNumber(world, number);
  await refresh(world, pull);
  const conflict = new Error(`Pull request ${number} has conflicts with ${pull.base}`);
  if (pull.mergeSha === undefined) throw conflict;
  const made = method === "rebase" ? await rebased(world, pull) : await oneCommit(world, pull, user, method);
  const sha = made?.at(-1);
  if (made === undefined || sha === undefined) throw conflict;
  await git.git(world.dir, ["update-ref", `refs/heads/${pull.base}`, sha, pull.baseSha]);
  pull.merged = { by: user, at: timestamp(), sha, made };
  return sha;
}

/** A merge by whoever merges, or all in one commit by whoever opened it. */
async function oneCommit(
  world: World,
  pull: Pull,
  user: string,
  method: "merge" | "squash",
): Promise<string[] | undefined> {
  const login = method === "merge" ? user : pull.user;
  const author = { name: login, email: `${world.person(login).id}+${login}@users.noreply.github.com` };
  const message =
    method === "merge"
      ? `Merge pull request #${pull.number} from ${pull.headOwner}/${pull.headBranch}\n\n${pull.title}`
      : `${pull.title} (#${pull.number})`;
  const merge = await git.mergeCommit(world.dir, pull.baseSha, pull.headSha, message, author);
  if (merge === undefined || method === "merge") return merge === undefined ? undefined : [merge];
  return [await git.commitTree(world.dir, `${merge}^{tree}`, [pull.baseSha], message, author)];
}

/** Each commit made again on the base, by the same author. */
async function rebased(world: World, pull: Pull): Promise<string[] | undefined> {
  const made: string[] = [];
  const proposed = await git.commits(world.dir, ["--no-merges", `${pull.baseSha}..${pull.headSha}`]);
  for (const commit of proposed.toReversed()) {
    const onto = made.at(-1) ?? pull.baseSha;
    const tree = await git.treeOnto(world.dir, commit.sha, onto);
    if (tree === undefined) return undefined;
    made.push(await git.commitTree(world.dir, tree, [onto], commit.message, commit.author));
  }
  return made;
}

/** The pull request of a number. Throws if there is none. */
export function pullNumber(world: World, number: number): Pull {
  const pull = world.pulls.find((one) => one.number === number);
  if (pull === undefined) throw new Error(`There is no pull request ${number}`);
  return pull;
}

async function branchCommit(world: World, branch: string): Promise<string> {
  const sha = await git.resolveCommit(world.dir, `refs/heads/${branch}`);
  if (sha === undefined) throw new Error(`The repository has no branch ${branch}`);
  return sha;
}
