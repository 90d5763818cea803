/** What a change means for what runs (facts: databricks-api 2.6, 3.3, 4). */
import { isObject, type JsonObject } from "../json.ts";
import { CHANGE_CLASSES, type Change, type ChangeClass } from "./change.ts";
import type { Difference } from "./fields.ts";

/** Fields of a job or of a task that no run notices. */
const JOB_METADATA = [
  "name",
  "description",
  "tags",
  "email_notifications",
  "webhook_notifications",
  "notification_settings",
  "permissions",
  "edit_mode",
  "deployment",
  "format",
];

const PIPELINE_METADATA = ["name", "tags", "notifications", "permissions", "deployment"];

/** Fields of a pipeline that cannot be changed: it has to be recreated (facts: databricks-api 4). */
const PIPELINE_FIXED = [
  ["storage"],
  ["ingestion_definition", "connection_name"],
  ["ingestion_definition", "ingestion_gateway_id"],
  ["ingestion_definition", "ingest_from_uc_foreign_catalog"],
  ["gateway_definition", "connection_id"],
  ["gateway_definition", "connection_name"],
  ["gateway_definition", "gateway_storage_catalog"],
  ["gateway_definition", "gateway_storage_schema"],
];

/** Where a pipeline's tables are: changed in place, but what was written before stays behind. */
const PIPELINE_TARGET = ["catalog", "schema", "target"];

/** Fields of the other kinds that are given once: where a thing is kept, and what it is called there. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  schemas: ["name", "catalog_name", "storage_root"],
  volumes: ["name", "catalog_name", "schema_name", "volume_type", "storage_location"],
  registered_models: ["name", "catalog_name", "schema_name", "storage_location"],
  experiments: ["artifact_location"],
};

/** True if the differences need a new resource in the place of the old one. */
export function needsReplacement(kind: string, found: readonly Difference[]): boolean {
  const given = FIXED[kind];
  if (given !== undefined) return found.some(({ segments: [field] }) => given.some((name) => name === field));
  if (kind !== "pipelines") return false;
  return found.some((difference) => {
    const path = difference.segments;
    // from the hive metastore to Unity Catalog, or back
    if (path[0] === "catalog") return difference.old === undefined || difference.new === undefined;
    return PIPELINE_FIXED.some((fixed) => {
      const shared = Math.min(fixed.length, path.length);
      return fixed.slice(0, shared).every((step, index) => step === path[index]);
    });
  });
}

/** What a create sets going: something that is declared to run all the time starts by itself. */
export function classOfCreate(kind: string, settings: JsonObject): ChangeClass {
  if (kind !== "jobs" && kind !== "pipelines") return "metadata";
  return runsAlways(kind, settings) ? "restarts" : "next-run";
}

/** Deleting a job loses its history; deleting anything that holds data loses the data. */
export function classOfDelete(kind: string): ChangeClass {
  return kind === "jobs" ? "deletes" : "data-losing";
}

/** What holds data loses it; a new pipeline does not take over the old one's tables, an ingestion gateway has none. */
export function classOfReplace(kind: string, settings: JsonObject): ChangeClass {
  if (kind !== "pipelines") return "data-losing";
  return settings["gateway_definition"] === undefined ? "data-losing" : "replaces";
}

/** The gravest class of an update's differences. */
export function classOfUpdate(
  kind: string,
  old: JsonObject,
  now: JsonObject,
  found: readonly Difference[],
): ChangeClass {
  const classes = found.map((difference): ChangeClass => {
    if (kind === "jobs") return classOfJobField(old, now, difference);
    if (kind === "pipelines") return classOfPipelineField(old, now, difference);
    // code that finds an experiment by its path starts another one
    if (kind === "experiments" && difference.segments[0] === "name") return "next-run";
    return "metadata";
  });
  return classes.reduce<ChangeClass>((gravest, each) => (rank(each) > rank(gravest) ? each : gravest), "no-op");
}

/** What a change takes away for good, in the words of whom it hurts; undefined if nothing. */
export function lossOf({ kind, action, class: each }: Pick<Change, "kind" | "action" | "class">): string | undefined {
  const gone = action === "delete" || action === "replace";
  if (!gone && each !== "data-losing") return undefined;
  switch (kind) {
    case "jobs":
      return "its runs and their history";
    case "pipelines":
      // deleted without cascade (facts: databricks-api 4)
      return gone
        ? "its history; its tables stay where they are, and nothing refreshes them"
        : "its tie to what it wrote so far, which stays where it was and is refreshed by nothing";
    case "schemas":
      return "the schema with its grants; while it holds a table, volume or model, nothing is dropped";
    case "volumes":
      return "all files of a managed volume";
    case "registered_models":
      return "all versions and aliases";
    case "experiments":
      return "all runs, with their metrics and artifacts";
    default:
      return "all that it holds";
  }
}

function classOfJobField(old: JsonObject, now: JsonObject, { segments }: Difference): ChangeClass {
  // written by a request of its own, which no run notices
  if (segments[0] === "permissions") return "metadata";
  // what runs all the time is rolled forward, or the new release never runs (roll-forward.ts)
  if (runsAlways("jobs", old) && runsAlways("jobs", now)) return "restarts";
  const field = segments[0] === "tasks" && segments.length > 2 ? segments[2] : segments[0];
  if (typeof field === "string" && JOB_METADATA.includes(field)) return "metadata";
  if (segments[0] === "release") return "re-point";
  // an unpaused continuous job starts a run by itself
  if (segments[0] === "continuous" && runsAlways("jobs", now) && !runsAlways("jobs", old)) return "restarts";
  return "next-run";
}

function classOfPipelineField(old: JsonObject, now: JsonObject, { segments }: Difference): ChangeClass {
  const [field] = segments;
  if (typeof field === "string" && PIPELINE_TARGET.includes(field)) return "data-losing";
  if (field === "permissions") return "metadata";
  // a running continuous update restarts on any edit
  if (runsAlways("pipelines", old) || runsAlways("pipelines", now)) return "restarts";
  if (typeof field === "string" && PIPELINE_METADATA.includes(field)) return "metadata";
  return field === "release" ? "re-point" : "next-run";
}

function runsAlways(kind: string, settings: JsonObject): boolean {
  const continuous = settings["continuous"];
  if (kind === "pipelines") return continuous === true;
  return isObject(continuous) && continuous["pause_status"] !== "PAUSED";
}

function rank(each: ChangeClass): number {
  return CHANGE_CLASSES.indexOf(each);
}
