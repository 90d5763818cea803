/**
 * Runs of jobs (facts: databricks-api 2.3, 2.4, 3.3, 5).
 */
import * as v from "valibot";
import { type Answer, ApiError, badRequest, type Call, flag, forbidden, integer, type Route, route } from "./api.ts";
import { listAt } from "./job-settings.ts";
import { int64 } from "./job-shape.ts";
import { idOf, jobFor } from "./jobs.ts";
import { listed, pageOf } from "./pages.ts";
import type { Run } from "./run.ts";

const BASE = "/api/2.2/jobs";
const textMap = v.record(v.string(), v.string());
const texts = v.array(v.string());

const RunNow = v.strictObject({
  job_id: int64,
  idempotency_token: v.optional(v.pipe(v.string(), v.maxLength(64, "an idempotency token has at most 64 characters"))),
  job_parameters: v.optional(textMap),
  only: v.optional(texts),
  queue: v.optional(v.strictObject({ enabled: v.boolean() })),
});

export function runRoutes(): Route[] {
  const byRun = v.strictObject({ run_id: int64 });
  return [
    route("POST", `${BASE}/run-now`, { facts: "databricks-api 2.3, 5", body: RunNow, handle: runNow }),
    route("GET", `${BASE}/runs/get`, {
      facts: "databricks-api 5",
      query: ["run_id", "page_token"],
      handle: (call) => {
        const run = runFor(call, idOf(call.query, "run_id"), "CAN_VIEW");
        const token = call.query.get("page_token");
        if (token === null) call.workspace.jobs.step(run);
        const shown = run.show(call.workspace.url, call.workspace.id);
        // facts: databricks-api 2.4: at most 100 tasks a page
        const { items, next } = pageOf(listAt(shown, "tasks"), 100, token, `run ${run.id}`);
        return {
          body: { ...shown, tasks: items, ...(next === undefined ? {} : { has_more: true, next_page_token: next }) },
        };
      },
    }),
    route("GET", `${BASE}/runs/list`, {
      facts: "databricks-api 2.4",
      query: [
        "job_id",
        "active_only",
        "completed_only",
        "run_type",
        "limit",
        "page_token",
        "expand_tasks",
        "start_time_from",
        "start_time_to",
      ],
      handle: list,
    }),
    route("GET", `${BASE}/runs/get-output`, { facts: "databricks-api 5", query: ["run_id"], handle: output }),
    route("POST", `${BASE}/runs/cancel`, {
      facts: "databricks-api 5",
      body: byRun,
      handle: (call) => {
        call.workspace.jobs.cancel(runFor(call, BigInt(call.body.run_id), "CAN_MANAGE_RUN"));
        return {};
      },
    }),
    route("POST", `${BASE}/runs/cancel-all`, {
      facts: "databricks-api 3.3",
      body: v.strictObject({ job_id: int64 }),
      handle: (call) => {
        const job = jobFor(call, BigInt(call.body.job_id), "CAN_MANAGE_RUN", "Manage Run or Admin or Owner");
        for (const run of call.workspace.jobs.active(job)) call.workspace.jobs.cancel(run);
        return {};
      },
    }),
    route("POST", `${BASE}/runs/delete`, {
      facts: "databricks-api 2.3",
      body: byRun,
      handle: (call) => {
        const run = runFor(call, BigInt(call.body.run_id), "CAN_MANAGE");
        if (run.active) throw badRequest(`Run ${run.id} is active and cannot be deleted.`);
        call.workspace.jobs.deleteRun(run);
        return {};
      },
    }),
  ];
}

function runNow(call: Call<v.InferOutput<typeof RunNow>>): Answer {
  const { body, workspace, principal } = call;
  const job = jobFor(call, BigInt(body.job_id), "CAN_MANAGE_RUN", "Manage Run or Admin or Owner");
  const { idempotency_token: token } = body;
  const known = token === undefined || token === "" ? undefined : workspace.jobs.tokens.get(token);
  if (known !== undefined) {
    // facts: databricks-api 2.3: the token of a deleted run is an error
    if (workspace.jobs.run(known) === undefined)
      throw badRequest("The run that this idempotency token started was deleted.");
    return { body: { run_id: known, number_in_job: known } };
  }
  const run = workspace.jobs.start(job, {
    trigger: "ONE_TIME",
    creator: principal.name,
    parameters: body.job_parameters,
    only: body.only,
    queue: body.queue?.enabled,
  });
  if (token !== undefined && token !== "") workspace.jobs.tokens.set(token, run.id);
  return { body: { run_id: run.id, number_in_job: run.id } };
}

function runFor({ workspace, principal }: Call<unknown>, id: bigint, level: string): Run {
  const run = workspace.jobs.run(id);
  if (run === undefined) throw new ApiError(400, "INVALID_PARAMETER_VALUE", `Run ${id} does not exist.`);
  const own = run.creator === principal.name;
  if (!own && !workspace.acls.can(principal, level, "jobs", String(run.jobId))) {
    throw forbidden(`User ${principal.name} does not have the permission for run ${id}.`);
  }
  return run;
}

const RUN_TYPES = ["JOB_RUN", "WORKFLOW_RUN", "SUBMIT_RUN"];

function list(call: Call<unknown>): Answer {
  const { query, workspace, principal } = call;
  const limit = integer(query, "limit") ?? 20;
  if (limit < 1 || limit > 25) throw badRequest("limit must be between 1 and 25.");
  const active = flag(query, "active_only");
  const completed = flag(query, "completed_only");
  if (active && completed) throw badRequest("active_only and completed_only cannot both be true.");
  const from = integer(query, "start_time_from") ?? 0;
  const to = integer(query, "start_time_to") ?? Number.POSITIVE_INFINITY;
  const type = query.get("run_type") ?? "JOB_RUN";
  if (!RUN_TYPES.includes(type)) throw badRequest(`run_type must be one of ${RUN_TYPES.join(", ")}.`);
  const job = query.get("job_id");
  const wanted = job === null ? undefined : jobFor(call, idOf(query, "job_id"), "CAN_VIEW", "View").id;
  const visible = (run: Run) =>
    (wanted === undefined || run.jobId === wanted) &&
    run.started >= from &&
    run.started <= to &&
    workspace.acls.can(principal, "CAN_VIEW", "jobs", String(run.jobId)) &&
    type === "JOB_RUN";
  const first = query.get("page_token") === null;
  // one reading of the list is one look at each of its runs
  if (first) for (const run of workspace.jobs.runs.filter(visible)) workspace.jobs.step(run);
  const found = workspace.jobs.runs.filter(
    (run) => visible(run) && (!active || run.active) && (!completed || !run.active),
  );
  const { items, next } = pageOf(found, limit, query.get("page_token"), listed("runs", query));
  const expand = flag(query, "expand_tasks");
  return {
    body: {
      ...(items.length === 0
        ? {}
        : {
            runs: items.map((run) => {
              const { tasks, ...shown } = run.show(workspace.url, workspace.id);
              return expand ? { ...shown, tasks } : shown;
            }),
          }),
      has_more: next !== undefined,
      ...(next === undefined ? {} : { next_page_token: next }),
    },
  };
}

/** facts: databricks-api 5: by the run id of a task; a run of several tasks has no output of its own. */
function output(call: Call<unknown>): Answer {
  const id = idOf(call.query, "run_id");
  const parent = call.workspace.jobs.runs.find((run) => run.tasks.some((task) => task.runId === id));
  if (parent === undefined) {
    const run = runFor(call, id, "CAN_VIEW");
    if (run.tasks.length > 1)
      throw badRequest(
        "Retrieving the output of runs with multiple tasks is not supported. Please retrieve the output of each individual task run instead.",
      );
    return { body: outputOf(call, run, run.tasks[0]?.runId) };
  }
  return { body: outputOf(call, runFor(call, parent.id, "CAN_VIEW"), id) };
}

function outputOf({ workspace }: Call<unknown>, run: Run, taskRunId: bigint | undefined): object {
  const { tasks, ...metadata } = run.show(workspace.url, workspace.id);
  const task = Array.isArray(tasks) ? tasks[run.tasks.findIndex(({ runId }) => runId === taskRunId)] : undefined;
  const failed = run.result === "FAILED";
  const { output, error = "The simulated run failed." } = run.course;
  return {
    metadata: { ...metadata, ...(task as object | undefined) },
    ...(run.active
      ? {}
      : { notebook_output: { result: output ?? "", truncated: false }, logs: output ?? "", logs_truncated: false }),
    ...(failed ? { error, error_trace: error } : {}),
  };
}
