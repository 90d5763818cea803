/**
 * What a job's settings may hold, what the service refuses, and what it adds by itself (facts: databricks-api 3.1, 5).
 */
import * as v from "valibot";
import { copy, isObject, type Json, type JsonObject } from "../json.ts";
import { ApiError, badRequest } from "./api.ts";

const text = v.string();
const texts = v.array(v.string());
const textMap = v.record(v.string(), v.string());
const flag = v.boolean();
const whole = v.pipe(v.number(), v.integer());
/** An int64 as a bare number. */
export const int64 = v.union([whole, v.bigint()]);
const anything = v.record(v.string(), v.unknown());

const opt = v.optional;
const pause = opt(v.picklist(["PAUSED", "UNPAUSED"]));

const sqlCondition = v.strictObject({ sql_query_id: text, warehouse_id: text, trigger_mode: opt(text) });
const fileArrival = v.strictObject({
  url: text,
  min_time_between_triggers_seconds: opt(whole),
  wait_after_last_change_seconds: opt(whole),
});
const tableUpdate = v.strictObject({
  table_names: texts,
  condition: opt(v.picklist(["ANY_UPDATED", "ALL_UPDATED"])),
  min_time_between_triggers_seconds: opt(whole),
  wait_after_last_change_seconds: opt(whole),
});
const periodic = v.strictObject({
  interval: v.pipe(whole, v.minValue(1)),
  unit: v.picklist(["MINUTES", "HOURS", "DAYS", "WEEKS"]),
});
const model = v.strictObject({
  condition: text,
  securable_name: opt(text),
  aliases: opt(texts),
  min_time_between_triggers_seconds: opt(whole),
  wait_after_last_change_seconds: opt(whole),
});
const triggerKinds = {
  file_arrival: opt(fileArrival),
  table_update: opt(tableUpdate),
  periodic: opt(periodic),
  model: opt(model),
  sql_condition: opt(sqlCondition),
};
const schedule = v.strictObject({
  quartz_cron_expression: text,
  timezone_id: text,
  pause_status: pause,
  sql_condition: opt(sqlCondition),
});
const continuous = v.strictObject({ pause_status: pause, task_retry_mode: opt(v.picklist(["NEVER", "ON_FAILURE"])) });
// facts: databricks-api 3.1: each entry of the preview's triggers[] has its own pause_status
const manyTriggers = v.strictObject({
  ...triggerKinds,
  pause_status: pause,
  schedule: opt(v.strictObject({ quartz_cron_expression: text, timezone_id: text })),
  continuous: opt(v.strictObject({ task_retry_mode: opt(v.picklist(["NEVER", "ON_FAILURE"])) })),
});

const mails = v.strictObject({
  on_start: opt(texts),
  on_success: opt(texts),
  on_failure: opt(texts),
  on_duration_warning_threshold_exceeded: opt(texts),
  on_streaming_backlog_exceeded: opt(texts),
  no_alert_for_skipped_runs: opt(flag),
});
const hook = v.array(v.strictObject({ id: text }));
const webhooks = v.strictObject({
  on_start: opt(hook),
  on_success: opt(hook),
  on_failure: opt(hook),
  on_duration_warning_threshold_exceeded: opt(hook),
  on_streaming_backlog_exceeded: opt(hook),
});
const health = v.strictObject({
  rules: v.array(v.strictObject({ metric: text, op: v.literal("GREATER_THAN"), value: int64 })),
});
const source = opt(v.picklist(["WORKSPACE", "GIT"]));

const taskFields = {
  task_key: v.pipe(text, v.regex(/^[\w-]{1,100}$/, "a task key is 1 to 100 letters, digits, - and _")),
  description: opt(text),
  depends_on: opt(v.array(v.strictObject({ task_key: text, outcome: opt(text) }))),
  run_if: opt(
    v.picklist(["ALL_SUCCESS", "ALL_DONE", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS", "ALL_FAILED", "AT_LEAST_ONE_FAILED"]),
  ),
  disabled: opt(flag),
  environment_key: opt(text),
  job_cluster_key: opt(text),
  existing_cluster_id: opt(text),
  new_cluster: opt(anything),
  libraries: opt(v.array(anything)),
  compute: opt(v.strictObject({ hardware_accelerator: opt(text) })),
  max_retries: opt(whole),
  min_retry_interval_millis: opt(whole),
  retry_on_timeout: opt(flag),
  disable_auto_optimization: opt(flag),
  timeout_seconds: opt(whole),
  email_notifications: opt(mails),
  webhook_notifications: opt(webhooks),
  notification_settings: opt(
    v.strictObject({
      alert_on_last_attempt: opt(flag),
      no_alert_for_canceled_runs: opt(flag),
      no_alert_for_skipped_runs: opt(flag),
    }),
  ),
  health: opt(health),
  notebook_task: opt(
    v.strictObject({ notebook_path: text, base_parameters: opt(textMap), source, warehouse_id: opt(text) }),
  ),
  spark_python_task: opt(v.strictObject({ python_file: text, parameters: opt(texts), source })),
  python_wheel_task: opt(
    v.strictObject({
      package_name: text,
      entry_point: text,
      parameters: opt(texts),
      named_parameters: opt(textMap),
    }),
  ),
  pipeline_task: opt(
    v.strictObject({
      pipeline_id: text,
      full_refresh: opt(flag),
      full_refresh_selection: opt(texts),
      refresh_selection: opt(texts),
      refresh_flow_selection: opt(texts),
      reset_checkpoint_selection: opt(texts),
      parameters: opt(textMap),
    }),
  ),
  run_job_task: opt(v.strictObject({ job_id: int64, job_parameters: opt(textMap) })),
  sql_task: opt(
    v.strictObject({
      warehouse_id: text,
      parameters: opt(textMap),
      file: opt(v.strictObject({ path: text, source })),
      query: opt(v.strictObject({ query_id: text })),
    }),
  ),
  condition_task: opt(v.strictObject({ left: text, op: text, right: text })),
  dbt_task: opt(
    v.strictObject({
      commands: texts,
      catalog: opt(text),
      schema: opt(text),
      source,
      warehouse_id: opt(text),
      project_directory: opt(text),
      profiles_directory: opt(text),
    }),
  ),
};
const task = v.strictObject({
  ...taskFields,
  for_each_task: opt(v.strictObject({ inputs: text, concurrency: opt(whole), task: v.strictObject(taskFields) })),
});

const settingsFields = {
  name: opt(v.pipe(text, v.maxLength(4096))),
  description: opt(text),
  tags: opt(textMap),
  tasks: opt(v.pipe(v.array(task), v.maxLength(1000))),
  job_clusters: opt(v.array(v.strictObject({ job_cluster_key: text, new_cluster: anything }))),
  environments: opt(
    v.array(
      v.strictObject({
        environment_key: text,
        spec: opt(
          v.strictObject({
            environment_version: opt(text),
            client: opt(text),
            base_environment: opt(text),
            dependencies: opt(texts),
            java_dependencies: opt(texts),
          }),
        ),
      }),
    ),
  ),
  parameters: opt(v.array(v.strictObject({ name: text, default: text }))),
  schedule: opt(schedule),
  continuous: opt(continuous),
  trigger: opt(v.strictObject({ ...triggerKinds, pause_status: pause })),
  triggers: opt(v.array(manyTriggers)),
  max_concurrent_runs: opt(v.pipe(whole, v.minValue(0), v.maxValue(1000))),
  queue: opt(v.strictObject({ enabled: flag })),
  timeout_seconds: opt(whole),
  health: opt(health),
  email_notifications: opt(mails),
  webhook_notifications: opt(webhooks),
  notification_settings: opt(
    v.strictObject({ no_alert_for_canceled_runs: opt(flag), no_alert_for_skipped_runs: opt(flag) }),
  ),
  run_as: opt(v.strictObject({ user_name: opt(text), service_principal_name: opt(text), group_name: opt(text) })),
  git_source: opt(
    v.strictObject({
      git_url: text,
      git_provider: opt(text),
      git_branch: opt(text),
      git_tag: opt(text),
      git_commit: opt(text),
      sparse_checkout: opt(v.strictObject({ patterns: texts })),
    }),
  ),
  performance_target: opt(v.picklist(["STANDARD", "PERFORMANCE_OPTIMIZED"])),
  budget_policy_id: opt(text),
  usage_policy_id: opt(text),
  format: opt(text),
  edit_mode: opt(v.picklist(["UI_LOCKED", "EDITABLE"])),
  deployment: opt(
    v.strictObject({
      kind: text,
      metadata_file_path: opt(text),
      deployment_id: opt(text),
      version_id: opt(text),
    }),
  ),
  parent_path: opt(text),
};

export const JobSettings = v.strictObject(settingsFields);
/** facts: databricks-api 8: access_control_list exists on create only. */
export const CreateJob = v.strictObject({ ...settingsFields, access_control_list: opt(v.array(anything)) });

/** Throws 400 for settings that the service refuses; shape is checked before. */
export function checkSettings(settings: JsonObject): void {
  const starters = ["schedule", "continuous", "trigger", "triggers"].filter((name) => settings[name] !== undefined);
  if (starters.length > 1) throw badRequest(`Only one of ${starters.join(", ")} may be given.`);
  if (Object.keys(objectAt(settings, "tags")).length > 25) throw badRequest("A job can have at most 25 tags.");
  checkSchedule(objectAt(settings, "schedule"));
  for (const entry of listAt(settings, "triggers")) checkSchedule(objectAt(entry, "schedule"));
  const { git_source } = settings;
  if (isObject(git_source) && git_source["git_provider"] === undefined)
    throw badRequest("git_source.git_provider is missing.");
  const runAs = Object.keys(objectAt(settings, "run_as"));
  if (settings["run_as"] !== undefined && runAs.length !== 1) throw badRequest("run_as names exactly one principal.");
  checkTasks(settings);
}

function checkTasks(settings: JsonObject): void {
  const tasks = listAt(settings, "tasks");
  const keys = tasks.map((one) => one["task_key"]);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw badRequest(`Task key '${twice as string}' is used twice.`);
  const environments = listAt(settings, "environments").map((one) => one["environment_key"]);
  const clusters = listAt(settings, "job_clusters").map((one) => one["job_cluster_key"]);
  for (const one of tasks) {
    const key = one["task_key"] as string;
    const missing = listAt(one, "depends_on").find((dependency) => !keys.includes(dependency["task_key"]));
    if (missing !== undefined)
      throw badRequest(`Task '${key}' depends on '${missing["task_key"] as string}', which is not a task.`);
    const { environment_key, job_cluster_key } = one;
    if (environment_key !== undefined && !environments.includes(environment_key)) {
      throw badRequest(`Task '${key}' uses environment '${environment_key as string}', which is not defined.`);
    }
    if (job_cluster_key !== undefined && !clusters.includes(job_cluster_key)) {
      throw badRequest(`Task '${key}' uses job cluster '${job_cluster_key as string}', which is not defined.`);
    }
    const kinds = Object.keys(one).filter((name) => name.endsWith("_task"));
    if (kinds.length !== 1) throw badRequest(`Task '${key}' must have exactly one kind of task, not ${kinds.length}.`);
  }
}

function checkSchedule(schedule: JsonObject): void {
  const { quartz_cron_expression: cron, timezone_id: zone } = schedule;
  if (typeof cron === "string" && ![6, 7].includes(cron.trim().split(/\s+/).length)) {
    throw badRequest(`Invalid quartz_cron_expression: '${cron}'.`);
  }
  if (typeof zone !== "string") return;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone }).format();
  } catch {
    throw badRequest(`Invalid timezone_id: '${zone}'.`);
  }
}

/**
 * Settings as the service keeps and shows them: with its own defaults, without what it does not echo.
 * Read in the CLI's own test server, which mirrors recorded answers (facts: databricks-api 5, 9).
 */
export function withDefaults(given: JsonObject): JsonObject {
  const settings = copy(given);
  delete settings["access_control_list"];
  settings["name"] ??= "Untitled";
  settings["email_notifications"] ??= {};
  settings["webhook_notifications"] ??= {};
  settings["timeout_seconds"] ??= 0;
  settings["max_concurrent_runs"] ??= 1;
  settings["format"] = "MULTI_TASK";
  // facts: databricks-api 9: queueing is on by default since 2.2
  settings["queue"] ??= { enabled: true };
  for (const name of ["schedule", "continuous", "trigger"]) {
    const starter = settings[name];
    if (isObject(starter)) starter["pause_status"] ??= "UNPAUSED";
  }
  // facts: databricks-api 3.1: the server returns an explicit pause_status for each
  for (const entry of listAt(settings, "triggers")) entry["pause_status"] ??= "UNPAUSED";
  const tableUpdate = objectAt(objectAt(settings, "trigger"), "table_update");
  delete tableUpdate["condition"];
  const inGit = settings["git_source"] !== undefined;
  for (const one of listAt(settings, "tasks")) {
    one["run_if"] ??= "ALL_SUCCESS";
    one["timeout_seconds"] ??= 0;
    one["email_notifications"] ??= {};
    const notebook = one["notebook_task"];
    if (isObject(notebook)) notebook["source"] ??= inGit ? "GIT" : "WORKSPACE";
    const { depends_on } = one;
    if (Array.isArray(depends_on)) {
      const keyOf = (one: Json) => (one as JsonObject)["task_key"] as string;
      depends_on.sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
    }
  }
  return settings;
}

/** facts: databricks-api 2.6: top-level fields replace whole; tasks and job_clusters merge by key. */
export function merged(old: JsonObject, changes: JsonObject, remove: readonly string[]): JsonObject {
  const result = copy(old);
  for (const field of remove) removeField(result, field);
  for (const [name, value] of Object.entries(copy(changes))) {
    const key = name === "tasks" ? "task_key" : name === "job_clusters" ? "job_cluster_key" : undefined;
    result[name] = key === undefined ? value : byKey(key, listAt(result, name), value as JsonObject[]);
  }
  return result;
}

function removeField(settings: JsonObject, field: string): void {
  const [name = "", key] = field.split("/");
  if (key === undefined) {
    if (!(name in settingsFields)) throw badRequest(`fields_to_remove: ${field} is not a field of a job.`);
    delete settings[name];
  } else if (name === "tasks" || name === "job_clusters") {
    const idField = name === "tasks" ? "task_key" : "job_cluster_key";
    settings[name] = listAt(settings, name).filter((one) => one[idField] !== key);
  } else {
    throw new ApiError(400, "INVALID_PARAMETER_VALUE", `fields_to_remove: ${field} cannot be removed.`);
  }
}

function byKey(key: string, old: JsonObject[], changed: JsonObject[]): JsonObject[] {
  const result = [...old];
  for (const one of changed) {
    const at = result.findIndex((other) => other[key] === one[key]);
    if (at === -1) result.push(one);
    else result[at] = one;
  }
  return result;
}

/** The object under a key, or an empty one that belongs to nobody. */
export function objectAt(value: JsonObject, name: string): JsonObject {
  const found = value[name];
  return isObject(found) ? found : {};
}

/** The objects of the list under a key. */
export function listAt(value: JsonObject, name: string): JsonObject[] {
  const found: Json | undefined = value[name];
  return Array.isArray(found) ? found.filter(isObject) : [];
}
