/** What a change means for what runs (facts: databricks-api 2.6, 3.3, 4). */
import { isObject, type JsonObject } from "../json.ts";
import { CHANGE_CLASSES, type ChangeClass } from "./change.ts";
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

/** Fields of a pipeline that cannot be changed: it has to be made anew (facts: databricks-api 4). */
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

/** True if the differences need a new resource in the place of the old one. */
export function needsReplacement(kind: string, found: readonly Difference[]): boolean {
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
  return runsAlways(kind, settings) ? "restarts" : "next-run";
}

/** Deleting a job loses its history; deleting anything that holds data loses the data. */
export function classOfDelete(kind: string): ChangeClass {
  return kind === "jobs" ? "deletes" : "data-losing";
}

/** A new pipeline does not take over the old one's tables; an ingestion gateway has none of its own. */
export function classOfReplace(settings: JsonObject): ChangeClass {
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
    return "metadata";
  });
  return classes.reduce<ChangeClass>((gravest, each) => (rank(each) > rank(gravest) ? each : gravest), "no-op");
}

function classOfJobField(old: JsonObject, now: JsonObject, { segments }: Difference): ChangeClass {
  const field = segments[0] === "tasks" && segments.length > 2 ? segments[2] : segments[0];
  if (typeof field === "string" && JOB_METADATA.includes(field)) return "metadata";
  if (segments[0] === "release") return "re-point";
  // an unpaused continuous job starts a run by itself; its settings wait for the next one
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
