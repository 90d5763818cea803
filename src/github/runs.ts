/** Workflow runs: what ran, from which commit, through which reusable workflows, and who let it through. */
import * as v from "valibot";
import { type GitHub, Id, Login, OptionalText } from "./client.ts";

/** One attempt of a workflow's run. */
export interface WorkflowRun {
  readonly id: string;
  readonly attempt: number;
  readonly event: string;
  readonly headBranch: string | undefined;
  readonly headSha: string;
  /** owner/name of the repository the head commit is in: a fork's, for its pull requests. */
  readonly headRepository: string | undefined;
  /** The caller's workflow file: `.github/workflows/promote.yml`. */
  readonly path: string;
  readonly status: string;
  readonly conclusion: string | undefined;
  /** Who started the first attempt. */
  readonly actor: string | undefined;
  /** Who started this attempt. */
  readonly triggeringActor: string | undefined;
  readonly url: string;
  /** The reusable workflows that the run calls, at the commits that were used. */
  readonly referencedWorkflows: readonly ReferencedWorkflow[];
}

interface ReferencedWorkflow {
  /** `four-tier/four-tier/.github/workflows/deploy-to-dev.yml`, without the ref. */
  readonly path: string;
  readonly sha: string;
}

interface Job {
  readonly id: string;
  /** `deploy-to-dev / promote` for a job of a reusable workflow. */
  readonly name: string;
  readonly attempt: number;
  readonly status: string;
  readonly conclusion: string | undefined;
  readonly url: string | undefined;
  /** ISO times; undefined before. */
  readonly startedAt: string | undefined;
  readonly completedAt: string | undefined;
  /** Names of its steps, expressions in them resolved, and how they ended. */
  readonly steps: readonly { readonly name: string; readonly conclusion: string | undefined }[];
}

interface Approval {
  readonly environments: readonly string[];
  /** approved, rejected, pending. */
  readonly state: string;
  readonly user: string | undefined;
  readonly comment: string;
}

interface PendingDeployment {
  readonly environment: string;
}

interface Artifact {
  readonly name: string;
  readonly expired: boolean;
}

const RunSchema = v.object({
  id: Id,
  run_attempt: v.optional(v.number(), 1),
  event: v.string(),
  head_branch: OptionalText,
  head_sha: v.string(),
  head_repository: v.nullish(v.object({ full_name: v.string() })),
  path: v.string(),
  status: OptionalText,
  conclusion: OptionalText,
  actor: Login,
  triggering_actor: Login,
  html_url: v.string(),
  referenced_workflows: v.nullish(v.array(v.object({ path: v.string(), sha: v.string() }))),
});

const JobSchema = v.object({
  id: Id,
  name: v.string(),
  run_attempt: v.optional(v.number(), 1),
  status: v.string(),
  conclusion: OptionalText,
  html_url: OptionalText,
  started_at: OptionalText,
  completed_at: OptionalText,
  steps: v.optional(v.array(v.object({ name: v.string(), conclusion: OptionalText })), []),
});

const ApprovalSchema = v.object({
  environments: v.array(v.object({ name: v.string() })),
  state: v.string(),
  user: Login,
  comment: v.optional(v.string(), ""),
});

const PendingSchema = v.object({ environment: v.object({ name: v.string() }) });

const ArtifactSchema = v.object({ name: v.string(), expired: v.boolean() });

const RUN = "/repos/{owner}/{repo}/actions/runs/{run_id}";

/** A run by id; undefined if there is none. */
export async function getRun(github: GitHub, id: string): Promise<WorkflowRun | undefined> {
  const found = await github.find(`GET ${RUN}`, { run_id: id }, RunSchema, "actions: read");
  return found === undefined ? undefined : runOf(found);
}

/** Runs of a workflow file on a branch, newest first; `workflow` is its name in .github/workflows. */
export async function* runsOfWorkflow(
  github: GitHub,
  filter: { readonly workflow: string; readonly branch: string; readonly status?: string; readonly sha?: string },
): AsyncGenerator<WorkflowRun> {
  const { workflow, branch, status, sha } = filter;
  const query = {
    workflow_id: workflow,
    branch,
    ...(status === undefined ? {} : { status }),
    ...(sha === undefined ? {} : { head_sha: sha }),
  };
  const route = "GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs";
  for await (const found of github.list(route, query, RunSchema, "actions: read")) yield runOf(found);
}

/**
 * Starts a workflow that listens to `workflow_dispatch` on a branch. Gives the run's id; undefined where GitHub does not
 * say it (a server before 3.21).
 */
export async function dispatchWorkflow(
  github: GitHub,
  {
    workflow,
    ref,
    inputs,
  }: { readonly workflow: string; readonly ref: string; readonly inputs: Readonly<Record<string, string>> },
): Promise<string | undefined> {
  const answer = await github.send(
    "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
    { workflow_id: workflow, ref, inputs, return_run_details: true },
    v.optional(v.union([v.object({ workflow_run_id: Id }), v.literal("")])),
    "actions: write",
  );
  return answer === undefined || answer === "" ? undefined : answer.workflow_run_id;
}

/** Asks for a run's end; it ends a moment later. */
export async function cancelRun(github: GitHub, id: string): Promise<void> {
  await github.send(`POST ${RUN}/cancel`, { run_id: id }, v.unknown(), "actions: write");
}

function runOf(found: v.InferOutput<typeof RunSchema>): WorkflowRun {
  return {
    id: found.id,
    attempt: found.run_attempt,
    event: found.event,
    headBranch: found.head_branch,
    headSha: found.head_sha,
    headRepository: found.head_repository?.full_name,
    path: withoutRef(found.path),
    status: found.status ?? "",
    conclusion: found.conclusion,
    actor: found.actor,
    triggeringActor: found.triggering_actor,
    url: found.html_url,
    referencedWorkflows: (found.referenced_workflows ?? []).map(({ path, sha }) => ({ path: withoutRef(path), sha })),
  };
}

function withoutRef(path: string): string {
  return path.split("@", 1)[0] ?? path;
}

/** The jobs of all attempts of a run. */
export async function jobsOfRun(github: GitHub, id: string): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const found of github.list(`GET ${RUN}/jobs`, { run_id: id, filter: "all" }, JobSchema, "actions: read")) {
    jobs.push({
      id: found.id,
      name: found.name,
      attempt: found.run_attempt,
      status: found.status,
      conclusion: found.conclusion,
      url: found.html_url,
      startedAt: found.started_at,
      completedAt: found.completed_at,
      steps: found.steps.map(({ name, conclusion }) => ({ name, conclusion })),
    });
  }
  return jobs;
}

/** Who approved or rejected what in a run: all of it, without pages. Approvals carry no attempt (facts: github 3). */
export async function approvalsOfRun(github: GitHub, id: string): Promise<Approval[]> {
  const found = await github.read(`GET ${RUN}/approvals`, { run_id: id }, v.array(ApprovalSchema), "actions: read");
  return found.map(({ environments, state, user, comment }) => ({
    environments: environments.map(({ name }) => sameCase(name)),
    state,
    user,
    comment,
  }));
}

/**
 * An environment's name does not mind case, and GitHub tells it as whoever made it wrote it: `Prod` is what a job calls
 * `prod`.
 */
function sameCase(environment: string): string {
  return environment.toLowerCase();
}

/** What a run waits for: all of it, without pages. */
export async function pendingDeployments(github: GitHub, id: string): Promise<PendingDeployment[]> {
  const route = `GET ${RUN}/pending_deployments`;
  const found = await github.read(route, { run_id: id }, v.array(PendingSchema), "actions: read");
  return found.map(({ environment }) => ({ environment: sameCase(environment.name) }));
}

/** The artifacts of a run. */
export async function artifactsOfRun(github: GitHub, id: string): Promise<Artifact[]> {
  const artifacts: Artifact[] = [];
  for await (const found of github.list(`GET ${RUN}/artifacts`, { run_id: id }, ArtifactSchema, "actions: read")) {
    artifacts.push({ name: found.name, expired: found.expired });
  }
  return artifacts;
}
