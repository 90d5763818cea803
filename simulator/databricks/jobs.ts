/**
 * Jobs API 2.2 (facts: databricks-api 2.4, 2.6, 5).
 */
import * as v from "valibot";
import { copy, isObject, type JsonObject } from "../json.ts";
import { type Answer, badRequest, type Call, flag, forbidden, integer, type Route, required, route } from "./api.ts";
import { listAt, merged } from "./job-settings.ts";
import { CreateJob, int64, JobSettings } from "./job-shape.ts";
import { type Job, nameOf, noSuchJob } from "./job-store.ts";
import { listed, pageOf } from "./pages.ts";
import { fromRequests } from "./permissions.ts";
import { checkRunAs } from "./run-as.ts";

const BASE = "/api/2.2/jobs";
const FACTS = "databricks-api 5";

export function jobRoutes(): Route[] {
  return [
    route("POST", `${BASE}/create`, {
      facts: FACTS,
      body: CreateJob,
      handle: (call) => {
        const { account, workspace, principal } = call;
        const settings = call.body as JsonObject;
        checkRunAs(call, settings);
        const acl = fromRequests(account, workspace, "jobs", listAt(settings, "access_control_list"));
        const job = workspace.jobs.create(settings, principal.name);
        const others = acl.filter((entry) => entry.principal !== principal.name);
        workspace.acls.set("jobs", String(job.id), [...workspace.acls.of("jobs", String(job.id)), ...others]);
        return { body: { job_id: job.id } };
      },
    }),
    route("GET", `${BASE}/get`, {
      facts: FACTS,
      query: ["job_id", "page_token", "include_trigger_state"],
      handle: get,
    }),
    route("GET", `${BASE}/list`, {
      facts: "databricks-api 2.4",
      query: ["limit", "page_token", "name", "expand_tasks"],
      handle: list,
    }),
    route("POST", `${BASE}/reset`, {
      facts: "databricks-api 2.6",
      body: v.strictObject({ job_id: int64, new_settings: JobSettings }),
      handle: (call) => {
        const job = jobFor(call, BigInt(call.body.job_id), "CAN_MANAGE", "Admin or Manage or Owner");
        const settings = call.body.new_settings as JsonObject;
        checkRunAs(call, settings);
        call.workspace.jobs.change(job, settings);
        return {};
      },
    }),
    route("POST", `${BASE}/update`, {
      facts: "databricks-api 2.6",
      body: v.strictObject({
        job_id: int64,
        new_settings: v.optional(JobSettings, {}),
        fields_to_remove: v.optional(v.array(v.string()), []),
      }),
      handle: (call) => {
        const job = jobFor(call, BigInt(call.body.job_id), "CAN_MANAGE", "Admin or Manage or Owner");
        const changes = call.body.new_settings as JsonObject;
        checkRunAs(call, changes);
        call.workspace.jobs.change(job, merged(job.settings, changes, call.body.fields_to_remove));
        return {};
      },
    }),
    route("POST", `${BASE}/delete`, {
      facts: "databricks-api 2.6",
      body: v.strictObject({ job_id: int64 }),
      handle: (call) => {
        call.workspace.jobs.delete(jobFor(call, BigInt(call.body.job_id), "CAN_MANAGE", "Admin or Owner"));
        return {};
      },
    }),
  ];
}

/** The job, if the caller has the right; a missing right comes before a missing job (facts: databricks-api 2.1). */
export function jobFor(call: Call<unknown>, id: bigint, level: string, named: string): Job {
  const { workspace, principal } = call;
  const job = workspace.jobs.find(id);
  if (job === undefined) throw noSuchJob(id);
  if (!workspace.acls.can(principal, level, "jobs", String(id))) {
    throw forbidden(`User ${principal.name} does not have ${named} permissions on job ${id}.`);
  }
  return job;
}

/** An int64 of the query. */
export function idOf(query: URLSearchParams, name: string): bigint {
  const text = required(query, name);
  if (!/^\d+$/.test(text)) throw badRequest(`${name} must be an integer, not '${text}'`);
  return BigInt(text);
}

const PAGED = ["tasks", "job_clusters", "environments", "parameters"] as const;
const ITEMS = 100;

/** facts: databricks-api 2.4: arrays come 100 at a time; later pages leave out what is exhausted. */
function get(call: Call<unknown>): Answer {
  const { query, stale } = call;
  const job = jobFor(call, idOf(query, "job_id"), "CAN_VIEW", "View or Admin or Manage Run or Owner");
  const settings = copy(stale ? job.previous : job.settings);
  const longest = Math.max(0, ...PAGED.map((name) => listAt(settings, name).length));
  const pages = Array.from({ length: Math.max(1, Math.ceil(longest / ITEMS)) }, (_, index) => index * ITEMS);
  const { items, next } = pageOf(pages, 1, query.get("page_token"), `job ${job.id}`);
  const start = items[0] ?? 0;
  for (const name of PAGED) {
    const all = listAt(settings, name);
    const part = all.slice(start, start + ITEMS);
    if (part.length > 0) settings[name] = part;
    else delete settings[name];
  }
  const runAs = (settings["run_as"] ?? runAsOf(call, job)) as JsonObject;
  return {
    body: {
      job_id: job.id,
      creator_user_name: job.creator,
      run_as_user_name: Object.values(runAs)[0],
      run_as: runAs,
      settings,
      created_time: job.created,
      ...(flag(query, "include_trigger_state") && call.account.behaviours.trigger_state_shown ? triggerState(job) : {}),
      ...(next === undefined ? {} : { has_more: true, next_page_token: next }),
    },
  };
}

/** facts: databricks-api 3.1: it can differ from what is configured, after a start by hand; a job that starts by hand only has none. */
function triggerState(job: Job): JsonObject {
  const configured = ["schedule", "continuous", "trigger"].map((name) => job.settings[name]).find(isObject);
  if (configured === undefined) return {};
  return { trigger_state: { pause_status: job.kicked ? "UNPAUSED" : (configured["pause_status"] ?? "UNPAUSED") } };
}

function runAsOf({ account }: Call<unknown>, job: Job): JsonObject {
  const kind = account.directory.byName(job.creator)?.kind;
  return kind === "user" ? { user_name: job.creator } : { service_principal_name: job.creator };
}

function list({ account, query, workspace, principal }: Call<unknown>): Answer {
  const limit = integer(query, "limit") ?? 20;
  if (limit < 1 || limit > 100) throw badRequest("limit must be between 1 and 100.");
  const expand = flag(query, "expand_tasks");
  const name = query.get("name");
  const found = (name === null || name === "" ? workspace.jobs.all : workspace.jobs.named(name)).filter(({ id }) =>
    workspace.acls.can(principal, "CAN_VIEW", "jobs", String(id)),
  );
  const { items, next } = pageOf(found, limit, query.get("page_token"), listed("jobs", query));
  return {
    body: {
      ...(items.length === 0
        ? {}
        : { jobs: items.map((job) => summary(job, expand, account.behaviours.listed_starters)) }),
      has_more: next !== undefined,
      ...(next === undefined ? {} : { next_page_token: next }),
    },
  };
}

const STARTERS = ["schedule", "trigger", "continuous", "triggers"] as const;

/** facts: databricks-api 2.4: without expand_tasks no arrays; with it the first 100 of each. */
function summary(job: Job, expand: boolean, starters: boolean): JsonObject {
  const settings = copy(job.settings);
  if (!starters && !expand) for (const name of STARTERS) delete settings[name];
  let more = false;
  for (const name of PAGED) {
    const all = listAt(settings, name);
    if (!expand) delete settings[name];
    else if (all.length > ITEMS) {
      settings[name] = all.slice(0, ITEMS);
      more = true;
    }
  }
  return {
    job_id: job.id,
    creator_user_name: job.creator,
    settings: { ...settings, name: nameOf(job) },
    created_time: job.created,
    ...(more ? { has_more: true } : {}),
  };
}
