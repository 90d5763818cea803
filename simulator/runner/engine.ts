/** The runner behind `createRunner`: loaded only after the hook that lets `@actions/workflow-parser` load. */
import * as git from "../github/git.ts";
import type { GitHubSimulator } from "../github/server.ts";
import { timestamp } from "../github/text.ts";
import { Refusal, type Run, type RunnerDoor } from "../github/world.ts";
import { type GitHubFacts, githubContext } from "./contexts.ts";
import { type DispatchOptions, notListening, type Trigger, triggerOf } from "./events.ts";
import { resolveText } from "./expressions.ts";
import { type LoadedWorkflow, load } from "./load.ts";
import { runProcess } from "./process.ts";
import type { JobResult, RunResult } from "./results.ts";
import { RunExecution, type RunOptions } from "./run.ts";
import type { RunHandle, Runner, RunnerOptions } from "./runner.ts";
import { Sources } from "./sources.ts";
import { tellOf } from "./told.ts";
import { UnmodelledError } from "./unmodelled.ts";

interface Known {
  readonly facts: GitHubFacts;
  readonly loaded: LoadedWorkflow;
  execution: RunExecution;
  done: Promise<RunResult>;
}

/** What createRunner promises, without its laziness. */
export function createEngine(options: RunnerOptions): Runner {
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
    runNode: options.runNode ?? runProcess,
    machine: options.environment ?? {},
    debug: options.debug ?? false,
  };

  const begin = (dispatch: DispatchOptions): Promise<RunHandle> =>
    started(dispatch).catch((error: unknown) => {
      if (error instanceof UnmodelledError) github.unmodelled.push(`${dispatch.workflow}: ${error.what}`);
      throw error;
    });

  const started = async (dispatch: DispatchOptions): Promise<RunHandle> => {
    const trigger = await triggerOf(world, github.apiUrl, dispatch);
    if (dispatch.event === "workflow_dispatch") await mustBeOnDefaultBranch(github, dispatch.workflow);
    const entry = {
      repository: world.scenario.repository,
      sha: trigger.sha,
      ref: trigger.ref,
      path: dispatch.workflow,
    };
    const setting = world.scenario.default_workflow_permissions;
    const found = await load(entry, { sources, defaultPermissions: setting });
    if (found.workflow !== undefined) tellOfAll(trigger.event, found.workflow);
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
    const { model } = found.workflow;
    const strange = Object.keys(trigger.inputs).filter((name) => !model.dispatchInputs.has(name));
    if (dispatch.event === "workflow_dispatch" && strange.length > 0) {
      throw new Error(`Unexpected inputs provided: ${JSON.stringify(strange)}`);
    }
    world.runs.push(run);
    const facts: GitHubFacts = {
      world,
      run,
      trigger,
      entry: model.origin,
      workflowName: model.name,
      apiUrl: github.apiUrl,
    };
    if (model.runName !== undefined) {
      const contexts = { github: githubContext(facts), inputs: { ...trigger.inputs }, vars: world.scenario.variables };
      run.title = resolveText(model.runName, { contexts }) || run.title;
    }
    const execution = new RunExecution(runOptions, facts, found.workflow);
    const done = watch(execution.execute());
    if (!world.runners.includes(door)) world.runners.push(door);
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

  const door: RunnerDoor = {
    async dispatch(workflow, ref, actor, inputs) {
      try {
        return (await begin({ event: "workflow_dispatch", workflow, ref, actor, inputs })).id;
      } catch (error) {
        if (error instanceof UnmodelledError) throw error;
        throw new Refusal(422, error instanceof Error ? error.message : String(error));
      }
    },
    cancel(run) {
      const mine = known.get(run.id);
      mine?.execution.cancel();
      return mine !== undefined;
    },
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
    cancel: async (id) => known.get(id)?.execution.cancel(),
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

function tellOfAll(event: string, { model, called }: LoadedWorkflow): void {
  tellOf(event, model);
  for (const callee of called.values()) tellOfAll("workflow_call", callee);
}
