/** The contexts of a job and the environment of its steps. */
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { TokenFacts } from "../github/oidc.ts";
import type { Job, Run, World } from "../github/world.ts";
import type { Trigger } from "./events.ts";
import { type Dictionary, textOf } from "./expressions.ts";
import type { FileOrigin } from "./workflow.ts";

/** Where a job works on this machine; absolute paths. */
export interface JobFolders {
  readonly root: string;
  readonly workspace: string;
  readonly temp: string;
  readonly tools: string;
  readonly home: string;
  readonly eventFile: string;
}

/** Links in summaries lead to the real pages; the API is on loopback. */
const SERVER = "https://github.com";

/** What the `github` context is made of. */
export interface GitHubFacts {
  readonly world: World;
  readonly run: Run;
  readonly trigger: Trigger;
  readonly entry: FileOrigin;
  readonly workflowName: string;
  readonly apiUrl: string;
}

/** `owner/repo/path@ref`: how a workflow file is named in contexts and tokens. */
function workflowRef(origin: FileOrigin): string {
  return `${origin.repository}/${origin.path}@${origin.ref}`;
}

/** The `github` context: the caller's in a called workflow too (facts: github 2). */
export function githubContext(
  facts: GitHubFacts,
  job?: { readonly id: string; readonly token: string; readonly folders: JobFolders },
): Dictionary {
  const { world, run, trigger, entry } = facts;
  return {
    actor: run.actor,
    actor_id: String(world.person(run.actor).id),
    triggering_actor: run.triggeringActor,
    api_url: facts.apiUrl,
    graphql_url: `${facts.apiUrl}/graphql`,
    server_url: SERVER,
    base_ref: trigger.baseRef,
    head_ref: trigger.headRef,
    event: trigger.payload,
    event_name: trigger.event,
    ref: trigger.ref,
    ref_name: trigger.ref.replace(/^refs\/(heads|tags|pull)\//, ""),
    ref_protected: refProtected(world, trigger.ref),
    ref_type: trigger.ref.startsWith("refs/tags/") ? "tag" : "branch",
    repository: world.scenario.repository,
    repository_id: String(world.scenario.id),
    repository_owner: world.owner,
    repository_owner_id: String(world.scenario.owner_id),
    repositoryUrl: `git://github.com/${world.scenario.repository}.git`,
    retention_days: "90",
    run_id: String(run.id),
    run_number: String(run.number),
    run_attempt: String(run.attempt),
    sha: trigger.sha,
    workflow: facts.workflowName,
    workflow_ref: workflowRef(entry),
    workflow_sha: entry.sha,
    ...(job === undefined
      ? {}
      : {
          job: job.id,
          token: job.token,
          workspace: job.folders.workspace,
          event_path: job.folders.eventFile,
        }),
  };
}

function refProtected(world: World, ref: string): boolean {
  return ref.startsWith("refs/heads/") && world.branchRules.has(ref.slice("refs/heads/".length));
}

/** The `runner` context. */
export function runnerContext(folders: JobFolders, debug: boolean): Dictionary {
  return {
    name: "simulated",
    os: "Linux",
    arch: "X64",
    temp: folders.temp,
    tool_cache: folders.tools,
    environment: "github-hosted",
    debug: debug ? "1" : "",
  };
}

/**
 * The variables of every step: nothing of this machine's but where programs are. GITHUB_* come from the `github`
 * context, as far as the runner exports it.
 */
export function baseEnvironment(github: Dictionary, folders: JobFolders, debug: boolean): Record<string, string> {
  const exported = [
    "actor",
    "actor_id",
    "triggering_actor",
    "api_url",
    "graphql_url",
    "server_url",
    "base_ref",
    "head_ref",
    "event_name",
    "event_path",
    "job",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_id",
    "run_number",
    "run_attempt",
    "sha",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
  ];
  return {
    PATH: [dirname(process.execPath), process.env["PATH"] ?? "/usr/bin:/bin"].join(":"),
    HOME: folders.home,
    LANG: "C.UTF-8",
    CI: "true",
    GITHUB_ACTIONS: "true",
    ...Object.fromEntries(exported.map((name) => [`GITHUB_${name.toUpperCase()}`, textOf(github[name] ?? null)])),
    RUNNER_NAME: "simulated",
    RUNNER_OS: "Linux",
    RUNNER_ARCH: "X64",
    RUNNER_ENVIRONMENT: "github-hosted",
    RUNNER_TEMP: folders.temp,
    RUNNER_TOOL_CACHE: folders.tools,
    ...(debug ? { RUNNER_DEBUG: "1" } : {}),
  };
}

/** The folders of one job under its root. */
export function foldersIn(root: string, repository: string): JobFolders {
  const name = repository.split("/")[1] ?? repository;
  if (root === homedir()) throw new Error("A job never runs in a person's home");
  return {
    root,
    workspace: join(root, "work", name, name),
    temp: join(root, "work", "_temp"),
    tools: join(root, "tools"),
    home: join(root, "home"),
    eventFile: join(root, "work", "_temp", "_github_workflow", "event.json"),
  };
}

/** What of a job its contexts and tokens speak of. */
interface JobFacts {
  readonly facts: GitHubFacts;
  readonly record: Job;
  readonly workflow: { readonly origin: FileOrigin };
  readonly environment: string | undefined;
}

/** The `job` context: which file holds the job, in a called workflow too (facts: github 2). */
export function jobContext({ record, workflow }: JobFacts, status: string): Dictionary {
  const { origin } = workflow;
  return {
    status,
    check_run_id: record.id,
    workflow_ref: workflowRef(origin),
    workflow_sha: origin.sha,
    workflow_repository: origin.repository,
    workflow_file_path: origin.path,
  };
}

/** What an OIDC token says about a job (facts: github 4). */
export function tokenFacts({ facts, record, workflow, environment }: JobFacts): TokenFacts {
  const { trigger, run, entry } = facts;
  return {
    environment,
    event: trigger.event,
    ref: trigger.ref,
    refProtected: refProtected(facts.world, trigger.ref),
    sha: trigger.sha,
    headRef: trigger.headRef,
    baseRef: trigger.baseRef,
    actor: run.actor,
    runId: run.id,
    runNumber: run.number,
    runAttempt: run.attempt,
    checkRunId: record.id,
    workflow: facts.workflowName,
    workflowRef: workflowRef(entry),
    workflowSha: entry.sha,
    jobWorkflowRef: workflowRef(workflow.origin),
    jobWorkflowSha: workflow.origin.sha,
  };
}
