/**
 * The jobs of one workspace and their runs: what the service does by itself, whoever asked.
 */
import { copy, isObject, type JsonObject } from "../json.ts";
import type { Account, Workspace } from "./account.ts";
import { ApiError, badRequest } from "./api.ts";
import { wildcard } from "./faults.ts";
import { parentOf, plainPath } from "./file-tree.ts";
import { checkSettings, listAt, objectAt, withDefaults } from "./job-settings.ts";
import { type Course, Run, type RunTrigger } from "./run.ts";

/** A job as the workspace keeps it. */
export interface Job {
  readonly id: bigint;
  /** Name of the principal, as creator_user_name shows it. */
  readonly creator: string;
  readonly created: number;
  settings: JsonObject;
  /** What they were before the last write. */
  previous: JsonObject;
  /** A run-now kick-started the loop of a paused continuous job (facts: databricks-api 3.3 [?]). */
  kicked: boolean;
}

interface RunRequest {
  readonly trigger: RunTrigger;
  readonly creator: string;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  readonly only?: readonly string[] | undefined;
  readonly queue?: boolean | undefined;
}

/** Jobs, what starts them by itself, and their runs. */
export class JobStore {
  readonly #account: Account;
  readonly #workspace: Workspace;
  readonly #jobs = new Map<bigint, Job>();
  readonly #runs = new Map<bigint, Run>();
  /** Token -> run; a run that was deleted keeps its token. */
  readonly tokens = new Map<string, bigint>();

  constructor(account: Account, workspace: Workspace) {
    this.#account = account;
    this.#workspace = workspace;
  }

  /** Newest first. */
  get all(): Job[] {
    return [...this.#jobs.values()].reverse();
  }

  get runs(): Run[] {
    return [...this.#runs.values()].reverse();
  }

  find(id: bigint): Job | undefined {
    return this.#jobs.get(id);
  }

  run(id: bigint): Run | undefined {
    return this.#runs.get(id);
  }

  /** Jobs of this exact name, in any case: the service allows many (facts: databricks-api 2.3). */
  named(name: string): Job[] {
    return this.all.filter((job) => nameOf(job).toLowerCase() === name.toLowerCase());
  }

  create(settings: JsonObject, creator: string, id = this.#account.nextId()): Job {
    checkSettings(settings);
    const kept = withDefaults(settings);
    this.#lose(kept);
    const job = { id, creator, created: this.#account.clock.now(), settings: kept, previous: kept, kicked: false };
    this.#jobs.set(id, job);
    this.#workspace.acls.set("jobs", String(id), [{ principal: creator, level: "IS_OWNER" }]);
    this.#keepRunning(job);
    return job;
  }

  /** New settings, whole. facts: databricks-api 2.6: leaving run_as out keeps the old one. */
  change(job: Job, settings: JsonObject): void {
    checkSettings(settings);
    const kept = withDefaults(settings);
    const runAs = job.settings["run_as"];
    const keeps = kept["run_as"] === undefined && runAs !== undefined;
    if (keeps && this.#account.behaviours.reset_without_run_as === "keeps") kept["run_as"] = copy(runAs);
    this.#lose(kept);
    job.previous = job.settings;
    job.settings = kept;
    if (this.#account.behaviours.update_ends_loop) job.kicked = false;
    this.#keepRunning(job);
  }

  /** Takes away what the service does not give back. */
  #lose(settings: JsonObject): void {
    const update = objectAt(objectAt(settings, "trigger"), "table_update");
    if ("condition" in update && this.#account.behaviours.table_update_condition === "dropped")
      delete update["condition"];
  }

  /** facts: databricks-api 2.6: its runs are not deleted with it. */
  delete(job: Job): void {
    this.#jobs.delete(job.id);
    this.#workspace.acls.retire("jobs", String(job.id));
  }

  deleteRun(run: Run): void {
    this.#runs.delete(run.id);
  }

  /** facts: databricks-api 3.3, 5. */
  start(job: Job, request: RunRequest): Run {
    if (isContinuous(job) && request.trigger === "ONE_TIME") {
      const kick = !isPaused(job) || this.#account.behaviours.run_now_on_paused_continuous === "kick-start";
      job.kicked = kick && isPaused(job);
      // run-now on a continuous job cancels the active run and starts a new one
      if (kick) for (const run of this.active(job)) run.end("CANCELED", this.#account.clock.now());
    }
    if (request.trigger === "ONE_TIME" && isPausedSchedule(job)) {
      if (this.#account.behaviours.run_now_on_paused_schedule === "refused")
        throw badRequest(`Job ${job.id} is paused and cannot be run.`);
    }
    const run = this.#newRun(job, request);
    const limit = isContinuous(job) ? 1 : Number(job.settings["max_concurrent_runs"] ?? 1);
    const occupied = this.active(job).filter((other) => other.occupying).length;
    this.#runs.set(run.id, run);
    if (occupied >= limit) {
      const queues = request.queue ?? objectAt(job.settings, "queue")["enabled"] === true;
      if (queues && limit > 0) run.state = "QUEUED";
      else run.end("MAXIMUM_CONCURRENT_RUNS_REACHED", this.#account.clock.now());
    }
    return run;
  }

  active(job: Job): Run[] {
    return this.runs.filter((run) => run.jobId === job.id && run.active);
  }

  /** Somebody reads the run: it goes on, and what waited for its end begins. */
  step(run: Run): void {
    if (run.step(this.#account.clock.now())) this.#afterEnd(run);
  }

  end(run: Run, result: Course["result"]): void {
    run.end(result, this.#account.clock.now());
    this.#afterEnd(run);
  }

  cancel(run: Run): void {
    run.cancel(this.#account.clock.now());
  }

  #newRun(job: Job, { trigger, creator, parameters = {}, only }: RunRequest): Run {
    const keys = listAt(job.settings, "tasks").map((task) => task["task_key"] as string);
    const unknown = only?.find((key) => !keys.includes(key));
    if (unknown !== undefined) throw badRequest(`Task '${unknown}' of 'only' is not a task of the job.`);
    const defaults = listAt(job.settings, "parameters").map(
      ({ name, default: value }) => [name as string, value as string] as const,
    );
    return new Run({
      id: this.#account.nextId(),
      jobId: job.id,
      number: this.runs.filter((run) => run.jobId === job.id).length + 1,
      creator,
      trigger,
      settings: copy(job.settings),
      tasks: keys.filter((key) => only?.includes(key) ?? true).map((key) => ({ key, runId: this.#account.nextId() })),
      parameters: { ...Object.fromEntries(defaults), ...parameters },
      started: this.#account.clock.now(),
      course: this.#course(job, trigger),
    });
  }

  #course(job: Job, trigger: RunTrigger): Course {
    const rule = this.#account.scenario.runs.find(
      (rule) =>
        wildcard(rule.job).test(nameOf(job)) && (rule.workspace ?? this.#workspace.name) === this.#workspace.name,
    );
    const { result = "SUCCESS", polls = trigger === "CONTINUOUS" ? "never" : 2, output, error } = rule ?? {};
    return { result, polls: polls === "never" ? Number.POSITIVE_INFINITY : polls, output, error };
  }

  #afterEnd(run: Run): void {
    const job = this.#jobs.get(run.jobId);
    if (usesFiles(run.settings)) this.#compile(run.settings);
    if (job === undefined) return;
    const waiting = [...this.#runs.values()].find((other) => other.jobId === job.id && other.state === "QUEUED");
    if (waiting !== undefined) waiting.state = "PENDING";
    const ended = isContinuous(job) && run.result === "CANCELED" && !this.#account.behaviours.cancelled_loop_restarts;
    if (!ended) this.#keepRunning(job);
  }

  /** What Python may leave beside the files that it ran. */
  #compile(settings: JsonObject): void {
    if (this.#account.behaviours.python_cache === "nowhere") return;
    const { files } = this.#workspace;
    for (const task of listAt(settings, "tasks")) {
      const path = objectAt(task, "spark_python_task")["python_file"];
      if (typeof path !== "string" || files.at(plainPath(path)) === undefined) continue;
      const folder = `${parentOf(plainPath(path))}/__pycache__`;
      files.mkdirs(undefined, folder);
      const name = `${folder}/${path.slice(path.lastIndexOf("/") + 1).replace(/\.py$/, "")}.cpython-312.pyc`;
      files.write(undefined, name, { bytes: Buffer.from([0xcb, 0x0d]), overwrite: true });
    }
  }

  // facts: databricks-api 3.3: a continuous job that is not paused always has a run; unpausing starts one
  #keepRunning(job: Job): void {
    if (!isContinuous(job) || (isPaused(job) && !job.kicked) || this.active(job).length > 0) return;
    this.start(job, { trigger: "CONTINUOUS", creator: job.creator });
  }
}

/** The name that a job is shown by; the service calls one without a name Untitled. */
export function nameOf(job: Job): string {
  return (job.settings["name"] ?? "Untitled") as string;
}

function isContinuous(job: Job): boolean {
  return job.settings["continuous"] !== undefined;
}

function isPausedSchedule(job: Job): boolean {
  return objectAt(job.settings, "schedule")["pause_status"] === "PAUSED";
}

/** Python in workspace files, not in a notebook. */
function usesFiles(settings: JsonObject): boolean {
  return listAt(settings, "tasks").some((task) => isObject(task["spark_python_task"]));
}

function isPaused(job: Job): boolean {
  return objectAt(job.settings, "continuous")["pause_status"] === "PAUSED";
}

/** facts: databricks-api 2.1: a missing job is a 400 with this message. */
export function noSuchJob(id: bigint | string): ApiError {
  return new ApiError(400, "INVALID_PARAMETER_VALUE", `Job ${id} does not exist.`);
}
