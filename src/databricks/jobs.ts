/** Jobs API 2.2 (facts: databricks-api 2.4, 2.6, 5). Ids are strings. */
import * as v from "valibot";
import { isArray, type JsonObject, type JsonValue } from "../json.ts";
import { isMissing, orMissing } from "./errors.ts";
import { ask, collect, id, integer, items, jsonObject, optionalText, pages, parse } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** A job with its settings. */
export interface Job {
  readonly id: string;
  readonly name: string;
  /** As the service has them, defaults filled in; ids inside are numbers or bigints. */
  readonly settings: JsonObject;
  /** Who made it: user name, or application id of a service principal. */
  readonly creator: string | undefined;
  /** Whom its runs act as: user name, or application id. */
  readonly runAs: string | undefined;
  /** Milliseconds since 1970. */
  readonly created: number | undefined;
}

/** A run of a job, active or over. */
export interface Run {
  readonly id: string;
  readonly jobId: string | undefined;
  /** `status.state`, else the older life cycle state: an open list. */
  readonly state: string;
  readonly done: boolean;
  /** True only for the termination code SUCCESS; what succeeded with failures did not succeed. */
  readonly succeeded: boolean;
  /** The termination code or the older result state, once done. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly url: string | undefined;
  /** Milliseconds since 1970. */
  readonly startTime: number | undefined;
  /** Milliseconds since 1970; undefined while it is active. */
  readonly endTime: number | undefined;
  /** PERIODIC, ONE_TIME (by hand or API), FILE_ARRIVAL, CONTINUOUS, …: an open list. */
  readonly trigger: string | undefined;
}

const jobSchema = v.looseObject({
  job_id: id,
  settings: v.optional(jsonObject, {}),
  creator_user_name: optionalText,
  run_as_user_name: optionalText,
  created_time: v.optional(integer),
});

/** All jobs the caller can see. `name` is matched by the service, exactly but for case: compare it again. */
export async function* listJobs(
  workspace: Workspace,
  options: { readonly name?: string; readonly expandTasks?: boolean } = {},
): AsyncGenerator<Job> {
  const request: ApiRequest = {
    method: "GET",
    path: "/api/2.2/jobs/list",
    query: { limit: 100, name: options.name, expand_tasks: options.expandTasks },
  };
  for await (const job of items(workspace, request, "jobs", jobSchema)) yield toJob(job);
}

/** One job, all pages of its tasks merged (facts: databricks-api 2.4); undefined if it does not exist. */
export async function getJob(workspace: Workspace, jobId: string): Promise<Job | undefined> {
  const request: ApiRequest = { method: "GET", path: "/api/2.2/jobs/get", query: { job_id: jobId } };
  let job: Job | undefined;
  try {
    for await (const page of pages(workspace, request)) {
      const part = toJob(parse(jobSchema, page, request));
      job = job === undefined ? part : { ...job, settings: mergeSettings(job.settings, part.settings) };
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return job;
}

/** Later pages carry the next items of the long lists; what is not a list is as on the first page. */
function mergeSettings(first: JsonObject, later: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...first };
  for (const key of ["tasks", "job_clusters", "environments", "parameters"]) {
    const more = later[key];
    if (!isArray(more)) continue;
    const before = merged[key];
    merged[key] = [...(isArray(before) ? before : []), ...more];
  }
  return merged;
}

/**
 * Whether a job's loop stands still, which its settings do not tell: a start by hand can set a paused continuous job
 * going (facts: databricks-api 3.1, 3.3). Undefined if the service does not say or the job is gone.
 */
export async function triggerIsPaused(workspace: Workspace, jobId: string): Promise<boolean | undefined> {
  const request: ApiRequest = {
    method: "GET",
    path: "/api/2.2/jobs/get",
    query: { job_id: jobId, include_trigger_state: true },
  };
  const schema = v.looseObject({ trigger_state: v.optional(v.looseObject({ pause_status: optionalText })) });
  const status = (await orMissing(ask(workspace, request, schema)))?.trigger_state?.pause_status;
  return status === undefined ? undefined : status === "PAUSED";
}

/** Creates a job and gives its id. There is no idempotency token: throws LostAnswer if it may have happened. */
export async function createJob(workspace: Workspace, settings: JsonObject): Promise<string> {
  const request: ApiRequest = { method: "POST", path: "/api/2.2/jobs/create", json: settings, repeatable: false };
  return (await ask(workspace, request, v.looseObject({ job_id: id }))).job_id;
}

/** Replaces all settings of a job; a `run_as` left out stays as it was (facts: databricks-api 2.6). */
export async function resetJob(workspace: Workspace, jobId: string, settings: JsonObject): Promise<void> {
  await workspace.call({
    method: "POST",
    path: "/api/2.2/jobs/reset",
    json: { job_id: BigInt(jobId), new_settings: settings },
    repeatable: true,
  });
}

/** Replaces the given top-level settings whole: nothing below the top level is merged, except tasks by key. */
export async function updateJob(workspace: Workspace, jobId: string, newSettings: JsonObject): Promise<void> {
  await workspace.call({
    method: "POST",
    path: "/api/2.2/jobs/update",
    json: {
      job_id: BigInt(jobId),
      new_settings: newSettings,
    },
    repeatable: true,
  });
}

/** Deletes a job; that it is already gone is fine. */
export async function deleteJob(workspace: Workspace, jobId: string): Promise<void> {
  await orMissing(
    workspace.call({
      method: "POST",
      path: "/api/2.2/jobs/delete",
      json: { job_id: BigInt(jobId) },
      repeatable: true,
    }),
  );
}

const runSchema = v.looseObject({
  run_id: id,
  job_id: v.optional(id),
  run_page_url: optionalText,
  start_time: v.optional(integer),
  end_time: v.optional(integer),
  trigger: optionalText,
  state: v.optional(
    v.looseObject({ life_cycle_state: optionalText, result_state: optionalText, state_message: optionalText }),
  ),
  status: v.optional(
    v.looseObject({
      state: optionalText,
      termination_details: v.optional(v.looseObject({ code: optionalText, message: optionalText })),
    }),
  ),
});

/** Runs, newest first. */
export async function* listRuns(
  workspace: Workspace,
  options: { readonly jobId?: string; readonly activeOnly?: boolean } = {},
): AsyncGenerator<Run> {
  const request: ApiRequest = {
    method: "GET",
    path: "/api/2.2/jobs/runs/list",
    query: { limit: 24, job_id: options.jobId, active_only: options.activeOnly },
  };
  for await (const run of items(workspace, request, "runs", runSchema)) yield toRun(run);
}

/** What runs now, of all jobs. */
export function listActiveRuns(workspace: Workspace): AsyncGenerator<Run> {
  return listRuns(workspace, { activeOnly: true });
}

/** Every run of one job that is active, queued ones too. Throws ApiError. */
export function activeRunsOf(workspace: Workspace, jobId: string): Promise<readonly Run[]> {
  return collect(listRuns(workspace, { jobId, activeOnly: true }));
}

/** One run; undefined if it does not exist. */
export async function getRun(workspace: Workspace, runId: string): Promise<Run | undefined> {
  const request: ApiRequest = { method: "GET", path: "/api/2.2/jobs/runs/get", query: { run_id: runId } };
  const run = await orMissing(ask(workspace, request, runSchema));
  return run === undefined ? undefined : toRun(run);
}

/** Asks for a run to be cancelled; the service does it later, so poll `getRun`. */
export async function cancelRun(workspace: Workspace, runId: string): Promise<void> {
  await workspace.call({
    method: "POST",
    path: "/api/2.2/jobs/runs/cancel",
    json: { run_id: BigInt(runId) },
    repeatable: true,
  });
}

/**
 * Starts a run and gives its id; the same token gives the same run (facts: databricks-api 2.3), so it is safe to repeat.
 * It waits in the job's queue behind others, also where the job would have it skipped (facts: databricks-api 5).
 * Throws RangeError for a token that is empty or longer than 64 characters.
 */
export async function runNow(
  workspace: Workspace,
  jobId: string,
  options: {
    readonly idempotencyToken: string;
    readonly jobParameters?: Readonly<Record<string, string>>;
    /** Task keys to run, all if absent. */
    readonly only?: readonly string[];
  },
): Promise<string> {
  const token = options.idempotencyToken;
  if (token === "" || token.length > 64) throw new RangeError("an idempotency token has 1 to 64 characters");
  const request: ApiRequest = {
    method: "POST",
    path: "/api/2.2/jobs/run-now",
    json: {
      job_id: BigInt(jobId),
      idempotency_token: token,
      queue: { enabled: true },
      ...(options.jobParameters === undefined ? {} : { job_parameters: options.jobParameters }),
      ...(options.only === undefined ? {} : { only: options.only }),
    },
    repeatable: true,
  };
  return (await ask(workspace, request, v.looseObject({ run_id: id }))).run_id;
}

function toJob(job: v.InferOutput<typeof jobSchema>): Job {
  const name = job.settings["name"];
  return {
    id: job.job_id,
    name: typeof name === "string" ? name : "",
    settings: job.settings,
    creator: job.creator_user_name || undefined,
    runAs: job.run_as_user_name || undefined,
    created: job.created_time,
  };
}

/** Two status systems, the newer one wins (facts: databricks-api 5). */
function toRun(run: v.InferOutput<typeof runSchema>): Run {
  const older = run.state;
  const newer = run.status;
  const details = newer?.termination_details;
  const done =
    newer?.state === undefined
      ? ["TERMINATED", "SKIPPED", "INTERNAL_ERROR"].includes(older?.life_cycle_state ?? "")
      : newer.state === "TERMINATED";
  const code = done ? (details?.code ?? older?.result_state) : undefined;
  return {
    id: run.run_id,
    jobId: run.job_id,
    state: newer?.state ?? older?.life_cycle_state ?? "UNKNOWN",
    done,
    succeeded: done && code === "SUCCESS",
    code,
    message: details?.message ?? older?.state_message,
    url: run.run_page_url,
    startTime: run.start_time,
    endTime: run.end_time || undefined,
    trigger: run.trigger || undefined,
  };
}
