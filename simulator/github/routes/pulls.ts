/** Pull requests, their reviews and files, and checks of commits. */
import * as v from "valibot";
import { ActionShapes } from "../action-shapes.ts";
import * as git from "../git.ts";
import { type Answer, bodyOf, type Call, hasRole, type Partly, route, type Schemas } from "../http.ts";
import { timestamp } from "../text.ts";
import { type CommitStatus, type Job, type Pull, Refusal } from "../world.ts";
import { diffEntry } from "./code.ts";

const REPO = "/repos/{owner}/{repo}";
const READ = ["pull-requests", "read"] as const;

const shapes = (call: Call): ActionShapes => new ActionShapes(call.world, call.apiUrl);

function pullOf(call: Call): Pull {
  const pull = call.world.pulls.find((candidate) => String(candidate.number) === call.params["number"]);
  if (pull === undefined) throw new Refusal(404, "Not Found");
  return pull;
}

function listPulls(call: Call): Answer {
  const { state = "open", base, head } = call.query;
  // without an owner the service does not look at it
  if (head !== undefined && !head.includes(":")) throw new Refusal(501, "unmodelled: a head without its owner");
  const list = call.world.pulls
    .filter((pull) => state === "all" || ((pull.merged?.at ?? pull.closed) === undefined ? "open" : "closed") === state)
    .filter((pull) => base === undefined || pull.base === base)
    .filter((pull) => head === undefined || `${pull.headOwner}:${pull.headBranch}` === head)
    .reverse();
  return { list: list.map((pull) => shapes(call).pull(pull)) };
}

function onePull(call: Call): Answer {
  const pull = pullOf(call);
  const body: Partly<Schemas["pull-request"]> = {
    ...shapes(call).pull(pull),
    merged: pull.merged !== undefined,
    mergeable: pull.merged === undefined ? pull.mergeSha !== undefined : null,
    merged_by: pull.merged === undefined ? null : shapes(call).user(pull.merged.by),
  };
  return { body };
}

function reviews(call: Call): Answer {
  const pull = pullOf(call);
  const list = pull.reviews.map(
    (review): Partly<Schemas["pull-request-review"]> => ({
      id: review.id,
      user: shapes(call).user(review.user),
      body: "",
      state: review.state,
      submitted_at: review.at,
      commit_id: review.commit,
      author_association: hasRole(call.world, review.user, "write") ? "COLLABORATOR" : "NONE",
    }),
  );
  return { list };
}

async function pullFiles(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  const { dir } = call.world;
  const { mergeBase } = await git.compare(dir, pull.baseSha, pull.headSha);
  if (mergeBase === undefined) throw new Refusal(404, "Not Found");
  const list = (await git.changedFiles(dir, mergeBase, pull.headSha)).map(diffEntry);
  return { list };
}

async function pullCommits(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  const list = (await git.commits(call.world.dir, [`${pull.baseSha}..${pull.headSha}`])).reverse();
  return { list: list.map((commit) => shapes(call).commit(commit)) };
}

/** The pull requests that brought a commit in: those it is the merge of, or that contain it. */
async function pullsOfCommit(call: Call): Promise<Answer> {
  const { dir, pulls } = call.world;
  const sha = await git.resolveRef(dir, call.params["sha"] ?? "");
  if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${call.params["sha"]}`);
  const found: Pull[] = [];
  for (const pull of pulls) {
    const proposed = (): Promise<git.Commit[]> => git.commits(dir, [`${pull.baseSha}..${pull.headSha}`]);
    const isOwn = pull.merged?.made.includes(sha) === true || (await proposed()).some((one) => one.sha === sha);
    if (isOwn) found.push(pull);
  }
  return { list: found.map((pull) => shapes(call).pull(pull)) };
}

/** The newest attempt of each job on a commit; `filter=all` gives every one. */
async function checkRuns(call: Call): Promise<Answer> {
  const sha = await git.resolveRef(call.world.dir, call.params["sha"] ?? "");
  if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${call.params["sha"]}`);
  const { filter = "latest", check_name: name, status } = call.query;
  const all = call.world.runs
    .filter((run) => run.headSha === sha)
    .flatMap((run) => run.jobs)
    .reverse();
  const seen = new Set<string>();
  const latest = (job: Job): boolean => {
    const key = `${job.run.id} ${job.name}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  const list = all
    .filter((job) => filter === "all" || latest(job))
    .filter((job) => name === undefined || job.name === name)
    .filter((job) => status === undefined || job.status === status)
    .map((job) => shapes(call).checkRun(job));
  return { list, wrap: (page, total) => ({ total_count: total, check_runs: page }) };
}

/** The combined status counts commit statuses only, not check runs; with none of them it is pending. */
async function combinedStatus(call: Call): Promise<Answer> {
  const sha = await git.resolveRef(call.world.dir, call.params["sha"] ?? "");
  if (sha === undefined) throw new Refusal(404, "Not Found");
  const newest = new Map<string, CommitStatus>();
  for (const status of call.world.statuses) if (status.sha === sha) newest.set(status.context, status);
  const states = [...newest.values()].map((status) => status.state);
  const state = states.some((one) => one === "failure" || one === "error")
    ? "failure"
    : states.length > 0 && states.every((one) => one === "success")
      ? "success"
      : "pending";
  return {
    list: [...newest.values()].map((status) => shapes(call).status(status)),
    wrap: (page, total) => ({ state, sha, total_count: total, statuses: page, repository: shapes(call).repository() }),
  };
}

const newStatus = v.strictObject({
  state: v.picklist(["error", "failure", "pending", "success"]),
  context: v.optional(v.string(), "default"),
  description: v.optional(v.nullable(v.string()), null),
  target_url: v.optional(v.nullable(v.string()), null),
});

async function createStatus(call: Call): Promise<Answer> {
  const given = bodyOf(newStatus, call);
  // a commit by its id alone, as the parameter's name says
  const id = call.params["sha"] ?? "";
  const sha = /^[0-9a-f]{40}$/.test(id) ? await git.resolveCommit(call.world.dir, id) : undefined;
  if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${id}`);
  const status: CommitStatus = {
    id: call.world.id(),
    sha,
    context: given.context,
    state: given.state,
    description: given.description,
    targetUrl: given.target_url,
    creator: call.login,
    at: timestamp(),
  };
  call.world.statuses.push(status);
  return { status: 201, body: shapes(call).status(status) };
}

export const pullRoutes = [
  route(`GET ${REPO}/pulls`, READ, listPulls, {
    query: ["base", "head"],
    choices: { state: ["open", "closed", "all"] },
  }),
  route(`GET ${REPO}/pulls/{number}`, READ, onePull),
  route(`GET ${REPO}/pulls/{number}/reviews`, READ, reviews),
  route(`GET ${REPO}/pulls/{number}/files`, READ, pullFiles),
  route(`GET ${REPO}/pulls/{number}/commits`, READ, pullCommits),
  route(`GET ${REPO}/commits/{sha}/pulls`, [READ, ["contents", "read"]], pullsOfCommit),
  route(`GET ${REPO}/commits/{sha}/check-runs`, ["checks", "read"], checkRuns, {
    query: ["check_name"],
    choices: { filter: ["latest", "all"], status: ["queued", "in_progress", "completed"] },
  }),
  route(`GET ${REPO}/commits/{sha}/status`, ["statuses", "read"], combinedStatus),
  route(`POST ${REPO}/statuses/{sha}`, ["statuses", "write"], createStatus, { body: newStatus }),
];
