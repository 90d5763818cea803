/** Workflow runs, their jobs, approvals and artifacts. */
import { createHmac, randomBytes } from "node:crypto";
import * as v from "valibot";
import { ActionShapes } from "../action-shapes.ts";
import * as git from "../git.ts";
import { type Answer, bodyOf, type Call, route } from "../http.ts";
import { reviewRefusal } from "../rules.ts";
import { type Artifact, Refusal, type Run } from "../world.ts";

const REPO = "/repos/{owner}/{repo}";
const READ = ["actions", "read"] as const;
const WRITE = ["actions", "write"] as const;

const shapes = (call: Call): ActionShapes => new ActionShapes(call.world, call.apiUrl);

function runOf(call: Call): Run {
  const found = call.world.runs.find((run) => String(run.id) === call.params["run"]);
  if (found === undefined) throw new Refusal(404, "Not Found");
  return found;
}

async function oneRun(call: Call): Promise<Answer> {
  const run = runOf(call);
  return { body: shapes(call).run(run, await git.commit(call.world.dir, run.headSha)) };
}

/** A workflow without runs is known by its file on the default branch. */
async function hasWorkflow({ world }: Call, name: string): Promise<boolean> {
  const head = await git.resolveCommit(world.dir, `refs/heads/${world.scenario.default_branch}`);
  return head !== undefined && (await git.fileAt(world.dir, head, `.github/workflows/${name}`)) !== undefined;
}

async function listRuns(call: Call): Promise<Answer> {
  const { branch, event, status, head_sha: sha, actor } = call.query;
  const workflow = call.params["workflow"];
  const ofWorkflow = call.world.runs.filter(
    (run) => workflow === undefined || run.path.endsWith(`/${workflow}`) || String(run.workflowId) === workflow,
  );
  if (workflow !== undefined && ofWorkflow.length === 0 && !(await hasWorkflow(call, workflow)))
    throw new Refusal(404, "Not Found");
  const found = ofWorkflow
    .filter((run) => branch === undefined || run.headBranch === branch)
    .filter((run) => event === undefined || run.event === event)
    .filter((run) => status === undefined || statusOf(call, run) === status || run.conclusion === status)
    .filter((run) => sha === undefined || run.headSha === sha)
    .filter((run) => actor === undefined || run.actor === actor)
    .reverse();
  const list = [];
  for (const run of found) list.push(shapes(call).run(run, await git.commit(call.world.dir, run.headSha)));
  return { list, wrap: (page, total) => ({ total_count: total, workflow_runs: page }) };
}

/** What a run that waits for a review is listed as. */
function statusOf({ world: { scenario } }: Call, { status }: Run): string {
  return status === "waiting" && !scenario.assumptions.reviews_are_waited_for ? "in_progress" : status;
}

/** Of the newest attempt, or of the one that is named. A job that was not run again belongs to the attempts after it too. */
function jobs(call: Call): Answer {
  const run = runOf(call);
  const attempt = call.params["attempt"];
  if (attempt !== undefined && (Number(attempt) < 1 || Number(attempt) > run.attempt))
    throw new Refusal(404, "Not Found");
  const wanted = attempt === undefined ? run.attempt : Number(attempt);
  const all = attempt === undefined && call.query["filter"] === "all";
  const list = run.jobs.filter((job) => all || job.attempt === wanted).map((job) => shapes(call).job(job));
  return { list, wrap: (page, total) => ({ total_count: total, jobs: page }) };
}

function approvals(call: Call): Answer {
  const shape = shapes(call);
  const list = runOf(call).approvals.map((approval) => ({
    environments: approval.environments.map((environment) => ({
      ...shape.environmentStub(environment),
      created_at: environment.createdAt,
      updated_at: environment.createdAt,
    })),
    state: approval.state,
    user: shape.user(approval.user),
    comment: approval.comment,
  }));
  return { body: list };
}

function pending(call: Call): Answer {
  const run = runOf(call);
  const { world } = call;
  const list = run.pending.map((one) => {
    const refusal = reviewRefusal(
      world.settings(one.environment),
      world.scenario.teams,
      call.login,
      run.triggeringActor,
    );
    return shapes(call).pending(one, call.token?.kind === "user" && refusal === undefined);
  });
  return { body: list };
}

const decision = v.strictObject({
  environment_ids: v.array(v.number()),
  state: v.picklist(["approved", "rejected"]),
  comment: v.string(),
});

function decide(call: Call): Answer {
  const { environment_ids: ids, state, comment } = bodyOf(decision, call);
  const environments = call.world.decide(runOf(call), ids, call.login, state, comment);
  const shape = shapes(call);
  const list = call.world.deployments.filter((one) =>
    environments.some((environment) => environment.name === one.environment),
  );
  return { body: list.slice(-environments.length).map((one) => shape.deployment(one)) };
}

const dispatching = v.strictObject({
  ref: v.string(),
  inputs: v.optional(v.record(v.string(), v.string()), {}),
  return_run_details: v.optional(v.boolean(), false),
});

/**
 * A dispatch with a job's own token starts a run, unlike other events, and its actor is github-actions[bot] (assumption
 * A40). With `return_run_details` the answer names the run, without it says nothing (changelog of 2026-02-19).
 */
async function dispatch(call: Call): Promise<Answer> {
  const { ref, inputs, return_run_details: details } = bodyOf(dispatching, call);
  const { world } = call;
  const runner = world.runners.at(-1);
  if (runner === undefined) throw new Refusal(501, "unmodelled: a dispatch where there is no runner");
  const id = await runner.dispatch(`.github/workflows/${call.params["workflow"] ?? ""}`, ref, call.login, inputs);
  if (!details || !world.scenario.assumptions.dispatch_names_run) return { status: 204, body: undefined };
  const page = `/repos/${world.scenario.repository}/actions/runs/${id}`;
  return {
    body: {
      workflow_run_id: id,
      run_url: `${call.apiUrl}${page}`,
      html_url: `https://github.com/${world.scenario.repository}/actions/runs/${id}`,
    },
  };
}

/** The run ends a moment later: 202. One that has ended is a conflict. */
function cancel(call: Call): Answer {
  const run = runOf(call);
  if (run.status === "completed") throw new Refusal(409, "Cannot cancel a workflow run that is completed.");
  if (!call.world.runners.some((runner) => runner.cancel(run))) {
    throw new Refusal(501, "unmodelled: the end of a run that no runner has");
  }
  return { status: 202, body: {} };
}

function artifacts(call: Call, list: readonly Artifact[]): Answer {
  const name = call.query["name"];
  const found = list.filter((one) => name === undefined || one.name === name).toReversed();
  return {
    list: found.map((one) => shapes(call).artifact(one)),
    wrap: (page, total) => ({ total_count: total, artifacts: page }),
  };
}

function artifactOf(call: Call): Artifact {
  const found = call.world.artifacts.find((one) => String(one.id) === call.params["artifact"]);
  if (found === undefined) throw new Refusal(404, "Not Found");
  return found;
}

const linkKey = randomBytes(32);
const signature = (id: number): string => createHmac("sha256", linkKey).update(String(id)).digest("hex");

/** The service redirects to storage, by a link that carries its own right and needs no token. */
function downloadArtifact(call: Call): Answer {
  const { id } = artifactOf(call);
  return { status: 302, location: `${call.apiUrl}/_storage/artifacts/${id}?sig=${signature(id)}` };
}

function storage(call: Call): Answer {
  const found = artifactOf(call);
  if (call.query["sig"] !== signature(found.id)) throw new Refusal(403, "Server failed to authenticate the request.");
  return { bytes: found.zip, type: "application/zip" };
}

/** A run is found by its status or by its conclusion. */
const RUNS = {
  query: ["branch", "event", "head_sha", "actor"],
  choices: {
    status:
      "completed in_progress queued requested waiting pending action_required cancelled failure neutral skipped stale success timed_out".split(
        " ",
      ),
  },
};

export const runRoutes = [
  route(`GET ${REPO}/actions/runs`, READ, listRuns, RUNS),
  route(`GET ${REPO}/actions/workflows/{workflow}/runs`, READ, listRuns, RUNS),
  route(`POST ${REPO}/actions/workflows/{workflow}/dispatches`, WRITE, dispatch, { body: dispatching }),
  route(`POST ${REPO}/actions/runs/{run}/cancel`, WRITE, cancel),
  route(`GET ${REPO}/actions/runs/{run}`, READ, oneRun),
  route(`GET ${REPO}/actions/runs/{run}/jobs`, READ, jobs, { choices: { filter: ["latest", "all"] } }),
  route(`GET ${REPO}/actions/runs/{run}/attempts/{attempt}/jobs`, READ, jobs),
  route(`GET ${REPO}/actions/runs/{run}/attempts/{attempt}`, READ, (call) => {
    // Only the newest attempt's own facts are kept; of an older one, only its jobs.
    if (String(runOf(call).attempt) !== call.params["attempt"]) {
      throw new Refusal(501, "unmodelled: an attempt before the newest");
    }
    return oneRun(call);
  }),
  route(`GET ${REPO}/actions/jobs/{job}`, READ, (call) => {
    const found = call.world.runs.flatMap((run) => run.jobs).find((job) => String(job.id) === call.params["job"]);
    if (found === undefined) throw new Refusal(404, "Not Found");
    return { body: shapes(call).job(found) };
  }),
  route(`GET ${REPO}/actions/runs/{run}/approvals`, READ, approvals),
  route(`GET ${REPO}/actions/runs/{run}/pending_deployments`, READ, pending),
  route(`POST ${REPO}/actions/runs/{run}/pending_deployments`, "person", decide, { body: decision }),
  route(
    `GET ${REPO}/actions/runs/{run}/artifacts`,
    READ,
    (call) => {
      const run = runOf(call);
      return artifacts(
        call,
        call.world.artifacts.filter((one) => one.run === run),
      );
    },
    { query: ["name"] },
  ),
  route(`GET ${REPO}/actions/artifacts`, READ, (call) => artifacts(call, call.world.artifacts), { query: ["name"] }),
  route(`GET ${REPO}/actions/artifacts/{artifact}`, READ, (call) => ({
    body: shapes(call).artifact(artifactOf(call)),
  })),
  route(`GET ${REPO}/actions/artifacts/{artifact}/zip`, READ, downloadArtifact),
  route(`GET ${REPO}/actions/oidc/customization/sub`, READ, (call) => ({
    body: { use_default: true, use_immutable_subject: call.world.scenario.immutable_subjects },
  })),
];

/** Storage is another host on the service: no token is looked at. */
export const storageRoutes = [route("GET /_storage/artifacts/{artifact}", "metadata", storage, { query: ["sig"] })];
