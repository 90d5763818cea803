/** Runs workflow files as GitHub would: the run is decided by the simulated service, its jobs run on this machine. */
import type { GitHubSimulator } from "../github/server.ts";
import { timestamp } from "../github/text.ts";
import type { Run } from "../github/world.ts";
import * as git from "../github/git.ts";
import type { GitHubFacts } from "./contexts.ts";
import { type DispatchOptions, notListening, type Trigger, triggerOf } from "./events.ts";
import { load, type LoadedWorkflow } from "./load.ts";
import type { JobResult, PendingReview, ReviewDecision, RunnerEvent, RunResult } from "./results.ts";
import { RunExecution, type RunOptions } from "./run.ts";
import { type RepositorySource, Sources } from "./sources.ts";
import { UnmodelledError } from "./unmodelled.ts";

export type { DispatchOptions } from "./events.ts";
export type * from "./results.ts";
export type { RepositorySource } from "./sources.ts";
export { UnmodelledError } from "./unmodelled.ts";

export interface RunnerOptions {
  readonly github: GitHubSimulator;
  /**
   * By `owner/name`: where `uses:` of other repositories are found; a list holds one entry a commit. The run's own
   * repository is the simulator's.
   */
  readonly repositories?: Readonly<Record<string, RepositorySource | readonly RepositorySource[]>>;
  readonly onEvent?: (event: RunnerEvent) => void;
  /**
   * Asked for each job that waits for a review. With `wait`, or without a hook, the job waits until somebody decides
   * through the REST API or the run is cancelled. A decision that GitHub would not take makes `dispatch` reject.
   */
  readonly reviewer?: (pending: PendingReview) => ReviewDecision | Promise<ReviewDecision>;
  /** Called before each step with the job's name, the step's, and the job's workspace: the place to tamper. */
  readonly between?: (job: string, step: string, workspace: string) => void | Promise<void>;
  /** Arguments for the Node that runs actions, such as a preload that closes the network. */
  readonly nodeArguments?: readonly string[];
  /** Sets RUNNER_DEBUG and shows `::debug::`. */
  readonly debug?: boolean;
}

export interface RunHandle {
  readonly id: number;
  readonly done: Promise<RunResult>;
}

export interface Runner {
  /** Starts one workflow and waits for its end. Rejects for what is not modelled or does not listen to the event. */
  dispatch(options: DispatchOptions): Promise<RunResult>;
  /** As dispatch, but gives the run as soon as it has an id: to approve, cancel or look at it meanwhile. */
  start(options: DispatchOptions): Promise<RunHandle>;
  /** A new attempt of a run, on the same commit with the same workflow files. */
  rerun(run: number, options: { readonly actor: string; readonly jobs?: "all" | "failed" }): Promise<RunResult>;
  /** Stops a run: what waits ends, running steps get SIGINT, then SIGTERM. */
  cancel(run: number): void;
  /** Cancels what still runs and removes what was extracted. */
  close(): Promise<void>;
}

interface Known {
  readonly facts: GitHubFacts;
  readonly loaded: LoadedWorkflow;
  execution: RunExecution;
  done: Promise<RunResult>;
}

/** A runner on this machine for the simulator's repository. */
export function createRunner(options: RunnerOptions): Runner {
  const { github } = options;
  const { world } = github;
  const sources = new Sources({
    [world.scenario.repository]: { dir: world.dir },
    ...options.repositories,
  });
  const known = new Map<number, Known>();
  const runOptions: RunOptions = {
    github,
    sources,
    emit: options.onEvent ?? (() => undefined),
    reviewer: options.reviewer,
    between: options.between,
    nodeArguments: options.nodeArguments ?? [],
    debug: options.debug ?? false,
  };

  const begin = async (dispatch: DispatchOptions): Promise<RunHandle> => {
    const trigger = await triggerOf(world, github.apiUrl, dispatch);
    if (dispatch.event === "workflow_dispatch") await mustBeOnDefaultBranch(github, dispatch.workflow);
    const entry = {
      repository: world.scenario.repository,
      sha: trigger.sha,
      ref: trigger.ref,
      path: dispatch.workflow,
    };
    const setting = world.scenario.default_workflow_permissions;
    const found = await load(entry, { sources, defaultPermissions: setting }).catch((error: unknown) => {
      if (error instanceof UnmodelledError) github.unmodelled.push(`${dispatch.workflow}: ${error.what}`);
      throw error;
    });
    const run = newRun(github, trigger, found.workflow?.model.name ?? dispatch.workflow);
    run.referenced = found.referenced;
    if (found.workflow === undefined) {
      run.status = "completed";
      run.conclusion = "startup_failure";
      world.runs.push(run);
      const result: RunResult = {
        id: run.id,
        attempt: 1,
        conclusion: "startup_failure",
        seconds: 0,
        jobs: [],
        errors: found.errors,
      };
      runOptions.emit({ type: "run-start", run: run.id, workflow: run.path, event: run.event });
      runOptions.emit({ type: "run-end", run: run.id, result });
      return { id: run.id, done: Promise.resolve(result) };
    }
    const why = notListening(found.workflow.model.events, trigger);
    if (why !== undefined) throw new Error(`${dispatch.workflow} does not run for this event: ${why}`);
    world.runs.push(run);
    const { model } = found.workflow;
    const facts: GitHubFacts = {
      world,
      run,
      trigger,
      entry: model.origin,
      workflowName: model.name,
      apiUrl: github.apiUrl,
    };
    const execution = new RunExecution(runOptions, facts, found.workflow);
    const done = watch(execution.execute());
    known.set(run.id, { facts, loaded: found.workflow, execution, done });
    return { id: run.id, done };
  };

  /** A refusal of ours is remembered wherever it comes up. */
  const watch = (done: Promise<RunResult>): Promise<RunResult> => {
    const watched = done.catch((error: unknown) => {
      if (error instanceof UnmodelledError) github.unmodelled.push(error.what);
      throw error;
    });
    // Whoever holds the handle gets the rejection; nobody else is to be told.
    watched.catch(() => undefined);
    return watched;
  };

  return {
    start: begin,
    dispatch: async (dispatch) => (await begin(dispatch)).done,
    rerun: async (id, { actor, jobs = "all" }) => {
      const run = known.get(id);
      if (run === undefined) throw new Error(`There is no run ${id} to run again`);
      const last = await run.done;
      const kept = new Map<string, JobResult>(
        jobs === "all" ? [] : last.jobs.filter((job) => job.conclusion === "success").map((job) => [job.name, job]),
      );
      run.facts.run.attempt += 1;
      run.facts.run.triggeringActor = actor;
      run.facts.run.conclusion = null;
      run.execution = new RunExecution(runOptions, run.facts, run.loaded, kept);
      run.done = watch(run.execution.execute());
      return run.done;
    },
    cancel: (id) => known.get(id)?.execution.cancel(),
    close: async () => {
      for (const run of known.values()) run.execution.cancel();
      await Promise.allSettled([...known.values()].map((run) => run.done));
      await sources.close();
    },
  };
}

function newRun(github: GitHubSimulator, trigger: Trigger, name: string): Run {
  const { world } = github;
  const now = timestamp();
  return {
    id: world.id(),
    number: world.runs.filter((run) => run.path === trigger.workflow).length + 1,
    workflowId: world.workflowId(trigger.workflow),
    path: trigger.workflow,
    name,
    title: trigger.title,
    event: trigger.event,
    headBranch: trigger.headBranch,
    headSha: trigger.headSha,
    sha: trigger.sha,
    ref: trigger.ref,
    actor: trigger.actor,
    headOwner: trigger.headOwner,
    pull: trigger.pull,
    createdAt: now,
    attempt: 1,
    triggeringActor: trigger.actor,
    startedAt: now,
    updatedAt: now,
    status: "queued",
    conclusion: null,
    referenced: [],
    jobs: [],
    approvals: [],
    pending: [],
  };
}

/** A dispatch needs the file on the default branch, whatever branch it is for. */
async function mustBeOnDefaultBranch(github: GitHubSimulator, path: string): Promise<void> {
  const { world } = github;
  const sha = await git.resolveCommit(world.dir, `refs/heads/${world.scenario.default_branch}`);
  if (sha === undefined || (await git.fileAt(world.dir, sha, path)) === undefined) {
    throw new Error(`${path} is not on ${world.scenario.default_branch}: it cannot be dispatched`);
  }
}
