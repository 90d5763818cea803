/** Runs one job on this machine: steps in order, post steps in reverse, outputs at the end. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve as resolvePath } from "node:path";
import type { Permissions } from "../github/permissions.ts";
import type { GitHubSimulator } from "../github/server.ts";
import { timestamp } from "../github/text.ts";
import type { Job } from "../github/world.ts";
import { ActionSteps, type PreparedStep } from "./action-steps.ts";
import {
  baseEnvironment,
  foldersIn,
  type GitHubFacts,
  githubContext,
  type JobFolders,
  jobContext,
  runnerContext,
  tokenFacts,
} from "./contexts.ts";
import {
  asWritten,
  condition,
  type Dictionary,
  isDictionary,
  resolve,
  resolveText,
  resolveTexts,
  type Scope,
  textOf,
  truthy,
} from "./expressions.ts";
import { Masks } from "./masks.ts";
import type { RunProcess } from "./process.ts";
import type { Annotation, Conclusion, JobResult, RunnerEvent, StepResult } from "./results.ts";
import { minutesOf } from "./schedule.ts";
import type { Sources } from "./sources.ts";
import { StepLog } from "./step.ts";
import { UnmodelledError } from "./unmodelled.ts";
import type { StepModel, StepsJob, WorkflowModel } from "./workflow.ts";

interface JobRequest {
  readonly github: GitHubSimulator;
  readonly facts: GitHubFacts;
  readonly sources: Sources;
  readonly record: Job;
  readonly model: StepsJob;
  readonly workflow: WorkflowModel;
  readonly permissions: Permissions;
  readonly environment: string | undefined;
  readonly secrets: Readonly<Record<string, string>>;
  /** inputs, vars, needs, strategy, matrix. */
  readonly contexts: Dictionary;
  readonly signal: AbortSignal;
  readonly debug: boolean;
  readonly nodeArguments: readonly string[];
  readonly runNode: RunProcess;
  /** Variables that the machine's image sets. */
  readonly machine: Readonly<Record<string, string>>;
  readonly emit: (event: RunnerEvent) => void;
  readonly between: ((job: string, step: string, workspace: string) => void | Promise<void>) | undefined;
}

interface ExecutedJob {
  readonly result: JobResult;
  /** `environment.url`, for the Deployment; empty if it held a secret. */
  readonly url: string;
}

const DEFAULT_TIMEOUT_MINUTES = 360;
/** What is left of a cancelled job may still take this long. */
const CANCELLED_TIMEOUT_MINUTES = 5;
const SUMMARIES_SHOWN = 20;

/** Runs a job whose environment is open. Rejects only for what is not modelled. */
export async function executeJob(request: JobRequest): Promise<ExecutedJob> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "four-tier-job-")));
  const { world } = request.github;
  const token = world.issue({ kind: "job", job: request.record, permissions: request.permissions });
  try {
    const folders = foldersIn(root, world.scenario.repository);
    for (const folder of [
      folders.workspace,
      folders.temp,
      folders.tools,
      folders.home,
      join(folders.eventFile, ".."),
    ]) {
      await mkdir(folder, { recursive: true });
    }
    await writeFile(folders.eventFile, JSON.stringify(request.facts.trigger.payload, undefined, 2));
    return await new JobExecution(request, folders, token).execute();
  } finally {
    // The token ends with its job; what the job left on the disk too.
    world.tokens.delete(token);
    await rm(root, { recursive: true, force: true });
  }
}

/** One job from its first step to its last post step. */
export class JobExecution {
  readonly request: JobRequest;
  readonly folders: JobFolders;
  readonly token: string;
  readonly masks = new Masks();
  readonly steps: Record<string, Dictionary> = {};
  readonly paths: string[] = [];
  /** Variables set by `env:` of workflow and job, and by steps through GITHUB_ENV. */
  env: Record<string, string> = {};
  readonly #base: Dictionary;
  readonly #environment: Record<string, string>;
  readonly #timeout = new AbortController();
  readonly #results: StepResult[] = [];
  readonly #annotations: Annotation[] = [];
  #failed = false;
  /** Aborted when the run is cancelled or the job's time is over. */
  readonly #signal: AbortSignal;
  readonly #oidc: ReturnType<GitHubSimulator["offerOidc"]> | undefined;

  constructor(request: JobRequest, folders: JobFolders, token: string) {
    this.request = request;
    this.folders = folders;
    this.token = token;
    this.#signal = AbortSignal.any([request.signal, this.#timeout.signal]);
    const github = githubContext(request.facts, { id: request.model.id, token, folders });
    this.#base = {
      ...request.contexts,
      github,
      runner: runnerContext(folders, request.debug),
      secrets: { ...request.secrets, GITHUB_TOKEN: token, github_token: token },
    };
    this.#environment = { ...request.machine, ...baseEnvironment(github, folders, request.debug) };
    for (const secret of [...Object.values(request.secrets), token]) this.masks.add(secret);
    this.#oidc =
      request.permissions["id-token"] === "write" ? request.github.offerOidc(tokenFacts(request)) : undefined;
    if (this.#oidc !== undefined) this.masks.add(this.#oidc.token);
  }

  async execute(): Promise<ExecutedJob> {
    const { model, workflow, emit, record } = this.request;
    const run = record.run.id;
    const started = performance.now();
    emit({ type: "job-start", run, job: record.name, environment: this.request.environment });
    const minutes =
      model.timeoutMinutes === undefined
        ? DEFAULT_TIMEOUT_MINUTES
        : minutesOf(resolveText(model.timeoutMinutes, this.scope()));
    const timer = setTimeout(() => this.#timeout.abort(), minutes * 60_000);
    let url = "";
    let outputs: Record<string, string> = {};
    try {
      this.env = { ...resolveTexts(workflow.env, this.scope()) };
      this.env = { ...this.env, ...resolveTexts(model.env, this.scope()) };
      await this.#allSteps();
      outputs = this.#outputs();
      url = this.#url();
    } finally {
      clearTimeout(timer);
      this.#oidc?.close();
    }
    if (this.#timeout.signal.aborted) {
      this.#annotations.push({
        level: "error",
        message: `The job has exceeded the maximum execution time of ${minutes}m0s`,
      });
    }
    const conclusion: Conclusion = this.#signal.aborted ? "cancelled" : this.#failed ? "failure" : "success";
    const summaries = this.#results.map((step) => step.summary).filter((summary) => summary !== "");
    const result: JobResult = {
      name: record.name,
      conclusion,
      seconds: seconds(started),
      environment: this.request.environment,
      steps: this.#results,
      outputs,
      summary: summaries.slice(0, SUMMARIES_SHOWN).join("\n"),
      annotations: [...this.#results.flatMap((step) => step.annotations), ...this.#annotations],
    };
    return { result, url };
  }

  /** What a step's expressions see. */
  scope(env: Readonly<Record<string, string>> = {}): Scope {
    const cancelled = this.#signal.aborted;
    return {
      contexts: {
        ...this.#base,
        env: { ...this.env, ...env },
        steps: this.steps,
        job: jobContext(this.request, cancelled ? "cancelled" : this.#failed ? "failure" : "success"),
      },
      status: { success: !this.#failed && !cancelled, failure: this.#failed && !cancelled, cancelled },
    };
  }

  /** The variables of a step's process. */
  environment(step: Readonly<Record<string, string>>): Record<string, string> {
    const offer = this.#oidc;
    const own = Object.entries(this.#environment).filter(([name]) => /^(GITHUB|RUNNER)_/.test(name));
    const merged: Record<string, string> = {
      ...this.#environment,
      ...this.env,
      ...step,
      ...Object.fromEntries(own),
      ...(offer === undefined
        ? {}
        : { ACTIONS_ID_TOKEN_REQUEST_URL: offer.url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: offer.token }),
    };
    return { ...merged, PATH: [...this.paths.toReversed(), merged["PATH"] ?? ""].join(":") };
  }

  async #allSteps(): Promise<void> {
    const actions = new ActionSteps(this);
    const prepared = await this.#setUp(actions);
    if (prepared === undefined) return;
    for (const step of prepared) {
      const pre = actions.pre(step);
      if (pre !== undefined) await this.runStep(`Pre ${pre.name}`, pre.condition, undefined, pre.run);
    }
    for (const step of prepared) {
      const name = this.#name(step.model);
      await this.runStep(name, step.model.condition, step.model, (log, signal) =>
        actions.main(step, name, log, signal),
      );
    }
    for (const post of actions.posts.toReversed()) {
      await this.runStep(`Post ${post.name}`, post.condition, undefined, post.run);
    }
  }

  /** What the service does before the first step: finds every action. A missing one fails the job. */
  async #setUp(actions: ActionSteps): Promise<PreparedStep[] | undefined> {
    const log = new StepLog(this.masks, this.request.debug);
    const started = performance.now();
    try {
      const prepared: PreparedStep[] = [];
      for (const model of this.request.model.steps) prepared.push(await actions.prepare(model));
      return prepared;
    } catch (error) {
      if (error instanceof UnmodelledError) throw error;
      log.annotate("error", error instanceof Error ? error.message : String(error));
      this.#failed = true;
      this.#record("Set up job", "failure", started, timestamp(), log, "");
      return undefined;
    }
  }

  #name(model: StepModel): string {
    const name = model.name === undefined ? "" : resolveText(model.name, this.scope());
    if (name !== "") return this.masks.apply(name);
    if (model.uses !== undefined) return `Run ${model.uses}`;
    return this.masks.apply(`Run ${resolveText(model.run, this.scope()).trim().split("\n")[0] ?? ""}`);
  }

  /** One step with its condition, its log and its place in the job's record. */
  async runStep(
    name: string,
    when: string,
    model: StepModel | undefined,
    body: (log: StepLog, signal: AbortSignal) => Promise<StepBody>,
  ): Promise<void> {
    const { emit, record, between } = this.request;
    const run = record.run.id;
    const log = new StepLog(this.masks, this.request.debug);
    const started = performance.now();
    const startedAt = timestamp();
    const written = asWritten(model?.name);
    if (!this.#wanted(when, model, log)) {
      if (model !== undefined) this.steps[model.id] = { outputs: {}, outcome: "skipped", conclusion: "skipped" };
      this.#record(name, "skipped", started, startedAt, log, "", written);
      return;
    }
    if (model !== undefined) await between?.(record.name, name, this.folders.workspace);
    emit({ type: "step-start", run, job: record.name, step: name });
    // What starts after a cancellation, because it says always(), has five minutes.
    const signal = this.#signal.aborted ? AbortSignal.timeout(CANCELLED_TIMEOUT_MINUTES * 60_000) : this.#signal;
    let end: StepBody;
    try {
      end = await body(log, signal);
    } catch (error) {
      if (error instanceof UnmodelledError) throw error;
      log.annotate("error", error instanceof Error ? error.message : String(error));
      end = { ok: false, cancelled: false, outputs: {}, summary: "" };
    }
    const outcome: Conclusion = end.cancelled ? "cancelled" : end.ok ? "success" : "failure";
    const tolerated = outcome === "failure" && this.#tolerates(model);
    if (outcome === "failure" && !tolerated) this.#failed = true;
    const conclusion = tolerated ? "success" : outcome;
    if (model !== undefined) this.steps[model.id] = { outputs: end.outputs, outcome, conclusion };
    this.#record(name, conclusion, started, startedAt, log, end.summary, written);
  }

  #wanted(when: string, model: StepModel | undefined, log: StepLog): boolean {
    try {
      return condition(when, this.scope(model === undefined ? {} : resolveTexts(model.env, this.scope())));
    } catch (error) {
      if (error instanceof UnmodelledError) throw error;
      log.annotate("error", error instanceof Error ? error.message : String(error));
      this.#failed = true;
      return false;
    }
  }

  #tolerates(model: StepModel | undefined): boolean {
    return model?.continueOnError !== undefined && truthy(resolve(model.continueOnError, this.scope()));
  }

  #record(
    name: string,
    conclusion: Conclusion,
    started: number,
    at: string,
    log: StepLog,
    summary: string,
    written?: string,
  ): void {
    const { emit, record } = this.request;
    const result: StepResult = {
      name,
      conclusion,
      seconds: seconds(started),
      log: log.text(),
      summary: this.masks.apply(summary),
      annotations: log.annotations,
    };
    this.#results.push(result);
    record.steps.push({
      name,
      ...(written === undefined || written === name ? {} : { written }),
      number: record.steps.length + 2,
      conclusion,
      startedAt: at,
      completedAt: timestamp(),
    });
    emit({ type: "step-end", run: record.run.id, job: record.name, result });
  }

  #outputs(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [name, value] of Object.entries(resolveTexts(this.request.model.outputs, this.scope()))) {
      if (value === "") continue;
      if (this.masks.contains(value)) {
        this.#annotations.push({ level: "warning", message: `Skip output '${name}' since it may contain secret.` });
      } else found[name] = value;
    }
    return found;
  }

  #url(): string {
    const { environment } = this.request.model;
    if (environment === undefined) return "";
    const whole = resolve(environment, this.scope());
    const url = isDictionary(whole) ? textOf(whole["url"] ?? null) : "";
    return this.masks.contains(url) ? "" : url;
  }

  /** A path of the workspace, for `working-directory` and actions by `./`. */
  inWorkspace(path: string): string {
    return resolvePath(this.folders.workspace, path);
  }
}

/** What a step's work came to. */
export interface StepBody {
  readonly ok: boolean;
  readonly cancelled: boolean;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

function seconds(since: number): number {
  return Math.round(performance.now() - since) / 1000;
}
