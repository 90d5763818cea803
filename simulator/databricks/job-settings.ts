/**
 * What the service refuses in a job's settings, what it adds by itself, and how an update merges (facts: databricks-api 2.6, 3.1, 5).
 */
import { copy, isObject, type Json, type JsonObject } from "../json.ts";
import { ApiError, badRequest } from "./api.ts";
import { FIELDS } from "./job-shape.ts";

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
  if (typeof zone !== "string" || zones.has(zone)) return;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone }).format();
  } catch {
    throw badRequest(`Invalid timezone_id: '${zone}'.`);
  }
  zones.add(zone);
}

/** Those that there are, once they were asked for: to find out takes longer than all else about a job. */
const zones = new Set<string>();

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
    if (!FIELDS.has(name)) throw badRequest(`fields_to_remove: ${field} is not a field of a job.`);
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
