/** One run: which jobs start when, what each may see, what it waits for, and what comes of it. */
import { type Permissions, readOnly } from "../github/permissions.ts";
import { visibleSecrets } from "../github/rules.ts";
import type { GitHubSimulator } from "../github/server.ts";
import { timestamp } from "../github/text.ts";
import type { Run } from "../github/world.ts";
import { type GitHubFacts, githubContext } from "./contexts.ts";
import { EnvironmentEntry, environmentOf } from "./environments.ts";
import { isUntrusted, type Trigger } from "./events.ts";
import {
  condition,
  type Dictionary,
  isDictionary,
  resolve,
  resolveText,
  resolveTexts,
  type Scope,
} from "./expressions.ts";
import { type Entered, enterGroup, type GroupHolder } from "./groups.ts";
import { InputError, inputsContext } from "./inputs.ts";
import { executeJob } from "./job.ts";
import { type LoadedWorkflow, permissionsOf } from "./load.ts";
import { combinationName } from "./matrix.ts";
import type { RunProcess } from "./process.ts";
import { JobRecords } from "./records.ts";
import type { Conclusion, JobResult, PendingReview, ReviewDecision, RunnerEvent, RunResult } from "./results.ts";
import { ancestorsOf, labelsOf, type NodeResult, overall, pool, SKIPPED, settle, strategyOf } from "./schedule.ts";
import type { Sources } from "./sources.ts";
import type { CallJob, JobModel, StepsJob, TemplateToken } from "./workflow.ts";

/** With what a run is carried out. */
export interface RunOptions {
  readonly github: GitHubSimulator;
  readonly sources: Sources;
  readonly emit: (event: RunnerEvent) => void;
  readonly reviewer: ((pending: PendingReview) => ReviewDecision | Promise<ReviewDecision>) | undefined;
  readonly between: ((job: string, step: string, workspace: string) => void | Promise<void>) | undefined;
  readonly nodeArguments: readonly string[];
  readonly runNode: RunProcess;
  readonly machine: Readonly<Record<string, string>>;
  readonly debug: boolean;
}

/** What a workflow file is run with: the entry's, or what its caller gave. */
interface Frame extends GroupHolder {
  readonly names: readonly string[];
  readonly inputs: Dictionary;
  readonly secrets: Readonly<Record<string, string>>;
  readonly called: boolean;
  readonly inherited: boolean;
  readonly granted: Permissions | undefined;
}

interface Instance {
  readonly name: string;
  readonly matrix: Dictionary;
  readonly strategy: Dictionary;
  readonly signal: AbortSignal;
}

/** One attempt of one run. */
export class RunExecution {
  readonly #options: RunOptions;
  readonly #run: Run;
  readonly #trigger: Trigger;
  readonly #facts: GitHubFacts;
  readonly #loaded: LoadedWorkflow;
  readonly #cancelled = new AbortController();
  readonly #records: JobRecords;
  readonly #errors: string[] = [];
  readonly #environments: EnvironmentEntry;
  /** Successful jobs of the attempt before, which a re-run of the failed ones keeps. */
  readonly #kept: ReadonlyMap<string, JobResult>;

  constructor(
    options: RunOptions,
    facts: GitHubFacts,
    loaded: LoadedWorkflow,
    kept: ReadonlyMap<string, JobResult> = new Map(),
  ) {
    this.#options = options;
    this.#facts = facts;
    this.#run = facts.run;
    this.#trigger = facts.trigger;
    this.#loaded = loaded;
    this.#kept = kept;
    this.#records = new JobRecords(options.github.world, facts.run, options.emit);
    this.#environments = new EnvironmentEntry(options, facts, this.#records.results);
  }

  cancel(): void {
    this.#cancelled.abort();
  }

  async execute(): Promise<RunResult> {
    const { world } = this.#options.github;
    const started = performance.now();
    const run = this.#run;
    run.status = "in_progress";
    run.startedAt = timestamp();
    this.#options.emit({ type: "run-start", run: run.id, workflow: run.path, event: run.event });
    const untrusted = isUntrusted(world, this.#trigger);
    const dispatched = this.#trigger.event === "workflow_dispatch";
    let end: NodeResult;
    try {
      const frame: Frame = {
        names: [],
        inputs: dispatched
          ? inputsContext(this.#loaded.model.dispatchInputs, this.#trigger.inputs, { contexts: this.#contexts({}) })
          : {},
        secrets: untrusted ? {} : world.scenario.secrets,
        called: false,
        inherited: true,
        granted: undefined,
        groups: [],
      };
      end = await this.#workflow(this.#loaded, frame, this.#cancelled.signal);
    } catch (error) {
      this.#finish(run, "failure");
      throw error;
    }
    const conclusion: Conclusion = this.#cancelled.signal.aborted ? "cancelled" : end.result;
    this.#finish(run, conclusion);
    const result: RunResult = {
      id: run.id,
      attempt: run.attempt,
      conclusion,
      seconds: Math.round(performance.now() - started) / 1000,
      jobs: this.#records.results,
      errors: this.#errors,
    };
    this.#options.emit({ type: "run-end", run: run.id, result });
    return result;
  }

  #finish(run: Run, conclusion: Conclusion): void {
    run.status = "completed";
    run.conclusion = conclusion;
    run.updatedAt = timestamp();
  }

  #contexts(inputs: Dictionary): Dictionary {
    return { github: githubContext(this.#facts), inputs, vars: this.#options.github.world.scenario.variables };
  }

  /** Runs the jobs of one file, each when those it needs have ended. */
  async #workflow(loaded: LoadedWorkflow, frame: Frame, outer: AbortSignal): Promise<NodeResult> {
    const { model } = loaded;
    const scope: Scope = { contexts: this.#contexts(frame.inputs) };
    const own = new AbortController();
    const group = await this.#enter(model.concurrency, scope, frame, outer, own);
    if (group.kind === "refused") {
      this.#errors.push(group.why);
      return { result: "cancelled", outputs: {} };
    }
    const signal = AbortSignal.any([outer, own.signal]);
    const inside: Frame = { ...frame, groups: group.groups };
    try {
      const started = new Map<string, Promise<NodeResult>>();
      const start = (id: string): Promise<NodeResult> => {
        const known = started.get(id);
        if (known !== undefined) return known;
        const job = model.jobs.find((one) => one.id === id);
        if (job === undefined) throw new Error(`There is no job ${id}`);
        const ancestors = ancestorsOf(model.jobs, id);
        const result = (async () => {
          try {
            const needed = new Map<string, NodeResult>();
            for (const one of ancestors) needed.set(one, await start(one));
            return await this.#job(loaded, job, inside, needed, signal);
          } catch (error) {
            // What is not modelled ends the run at once: no other job goes on meanwhile, or waits for a review.
            this.cancel();
            throw error;
          }
        })();
        started.set(id, result);
        return result;
      };
      const ends = await settle(model.jobs.map((job) => start(job.id)));
      const results = new Map(model.jobs.map((job, index) => [job.id, ends[index] ?? SKIPPED]));
      return { result: overall([...results.values()]), outputs: this.#workflowOutputs(loaded, frame, results) };
    } finally {
      group.leave();
    }
  }

  #workflowOutputs(
    loaded: LoadedWorkflow,
    frame: Frame,
    results: ReadonlyMap<string, NodeResult>,
  ): Record<string, string> {
    const { call } = loaded.model;
    if (call === undefined || !frame.called) return {};
    const jobs = Object.fromEntries(
      [...results].map(([id, one]) => [id, { result: one.result, outputs: one.outputs }]),
    );
    const scope: Scope = { contexts: { ...this.#contexts(frame.inputs), jobs } };
    return Object.fromEntries([...call.outputs].map(([name, token]) => [name, resolveText(token, scope)]));
  }

  /** One job of a file: its condition, its matrix, its instances. */
  async #job(
    loaded: LoadedWorkflow,
    job: JobModel,
    frame: Frame,
    needed: ReadonlyMap<string, NodeResult>,
    signal: AbortSignal,
  ): Promise<NodeResult> {
    const needs = Object.fromEntries(
      job.needs.map((id) => [
        id,
        { result: needed.get(id)?.result ?? "skipped", outputs: needed.get(id)?.outputs ?? {} },
      ]),
    );
    const all = [...needed.values()].map((one) => one.result);
    // success() asks the whole chain of needs: a job that was skipped on the way is no success.
    const status = {
      success: all.every((one) => one === "success") && !signal.aborted,
      failure: all.includes("failure"),
      cancelled: signal.aborted,
    };
    const contexts = { ...this.#contexts(frame.inputs), needs };
    const scope: Scope = { contexts, status };
    const plainName = [...frame.names, job.name === undefined ? job.id : this.#quietName(job, scope)].join(" / ");
    if (!condition(job.condition, scope))
      return this.#records.skip(plainName, signal.aborted ? "cancelled" : "skipped");
    const { instances, failFast, limit } = strategyOf(job, scope);
    if (instances.length === 0) return this.#records.skip(plainName, "skipped");
    const stop = new AbortController();
    const shared = AbortSignal.any([signal, stop.signal]);
    const outputs: Record<string, string> = {};
    const ends = await pool(instances, limit, async (row, index) => {
      const matrix = row ?? {};
      const strategy = {
        "fail-fast": failFast,
        "job-index": index,
        "job-total": instances.length,
        "max-parallel": limit,
      };
      const own: Scope = { contexts: { ...contexts, matrix, strategy }, status };
      const given = job.name === undefined ? "" : resolveText(job.name, own);
      const base = given === "" ? job.id : given;
      const name = row !== undefined && given === "" ? `${base} (${combinationName(row)})` : base;
      const instance: Instance = { name: [...frame.names, name].join(" / "), matrix, strategy, signal: shared };
      const end =
        job.kind === "call"
          ? await this.#call(loaded, job, frame, own, { ...instance, name })
          : await this.#steps(loaded, job, frame, own, instance);
      if (end.result === "failure" && failFast) stop.abort();
      // Of a matrix, the last successful instance that set an output decides (facts: github 2).
      if (end.result === "success" || row === undefined) Object.assign(outputs, end.outputs);
      return end;
    });
    return { result: overall(ends), outputs };
  }

  #quietName(job: JobModel, scope: Scope): string {
    try {
      return resolveText(job.name, { ...scope, contexts: { ...scope.contexts, matrix: {}, strategy: {} } }) || job.id;
    } catch {
      return job.id;
    }
  }

  /** A job that calls another workflow: what it gives is what the called one sees. */
  async #call(
    loaded: LoadedWorkflow,
    job: CallJob,
    frame: Frame,
    scope: Scope,
    instance: Instance,
  ): Promise<NodeResult> {
    const { world } = this.#options.github;
    const callee = loaded.called.get(job.id);
    if (callee?.model.call === undefined) throw new Error(`Nothing was loaded for ${job.uses}`);
    const own = new AbortController();
    const group = await this.#enter(job.concurrency, scope, frame, instance.signal, own);
    if (group.kind === "refused")
      return this.#records.fail([...frame.names, instance.name].join(" / "), group.why, "cancelled");
    try {
      const given = job.with === undefined ? {} : resolve(job.with, scope);
      const secrets = { ...scope, contexts: { ...scope.contexts, secrets: { ...frame.secrets } } };
      const inner: Frame = {
        names: [...frame.names, instance.name],
        inputs: inputsContext(callee.model.call.inputs, isDictionary(given) ? given : {}, {
          contexts: this.#contexts({}),
        }),
        secrets: job.secrets === "inherit" ? frame.secrets : resolveTexts(job.secrets, secrets),
        called: true,
        inherited: frame.inherited && job.secrets === "inherit",
        granted: permissionsOf(loaded.model, job, frame.granted, world.scenario.default_workflow_permissions),
        groups: group.groups,
      };
      return await this.#workflow(callee, inner, AbortSignal.any([instance.signal, own.signal]));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return this.#records.fail([...frame.names, instance.name].join(" / "), error.message, "failure");
    } finally {
      group.leave();
    }
  }

  /** A job with steps: enters its environment and its concurrency group, then runs. */
  async #steps(
    loaded: LoadedWorkflow,
    job: StepsJob,
    frame: Frame,
    scope: Scope,
    instance: Instance,
  ): Promise<NodeResult> {
    const { world } = this.#options.github;
    const labels = job.runsOn === undefined ? [] : labelsOf(resolve(job.runsOn, scope));
    const record = this.#records.open(instance.name, labels);
    const kept = this.#kept.get(instance.name);
    if (kept !== undefined) return this.#records.close(record, kept);
    const own = new AbortController();
    const signal = AbortSignal.any([instance.signal, own.signal]);
    const wanted = environmentOf(job, scope);
    const enterOwn = (): Promise<Entered> => {
      record.status = "pending";
      return this.#enter(job.concurrency, scope, frame, instance.signal, own);
    };
    const first = world.scenario.assumptions.concurrency_before_approval ? await enterOwn() : undefined;
    if (first?.kind === "refused") return this.#records.end(record, "cancelled", first.why, wanted?.name);
    const entry = await this.#environments.enter(record, wanted, signal);
    if (entry.kind === "refused") {
      first?.leave();
      return this.#records.end(record, entry.conclusion, entry.why, wanted?.name);
    }
    const group = first ?? (await enterOwn());
    if (group.kind === "refused") return this.#records.end(record, "cancelled", group.why, wanted?.name);
    try {
      record.status = "in_progress";
      record.startedAt = timestamp();
      this.#environments.started(record, entry);
      const untrusted = isUntrusted(world, this.#trigger);
      const permissions = permissionsOf(loaded.model, job, frame.granted, world.scenario.default_workflow_permissions);
      const settings = entry.environment === undefined ? undefined : world.settings(entry.environment);
      const { result, url } = await executeJob({
        ...this.#options,
        facts: this.#facts,
        record,
        model: job,
        workflow: loaded.model,
        permissions: untrusted ? readOnly(permissions) : permissions,
        environment: entry.environment?.name,
        secrets: visibleSecrets({
          given: frame.secrets,
          environment: settings?.secrets,
          called: frame.called,
          inherited: frame.inherited,
          untrusted,
          environmentSecretsNeedInherit: world.scenario.assumptions.environment_secrets_need_inherit,
        }),
        contexts: { ...scope.contexts, vars: { ...world.scenario.variables, ...settings?.variables } },
        signal,
      });
      this.#environments.ended(record, entry, result.conclusion === "success", url);
      return this.#records.close(record, result);
    } finally {
      group.leave();
    }
  }

  /** Enters a concurrency group; whoever is pushed out of it, waiting or running, is stopped by `own`. */
  #enter(
    concurrency: TemplateToken | undefined,
    scope: Scope,
    frame: Frame,
    signal: AbortSignal,
    own: AbortController,
  ): Promise<Entered> {
    const groups = this.#options.github.world.concurrency;
    return enterGroup(concurrency, scope, frame, groups, signal, () => own.abort());
  }
}
