/**
 * What makes a job or a pipeline start by itself, and the fields that make it start or not (facts: databricks-api 3). Pure.
 */
import { canonicalJson, isArray, isObject, type JsonObject, type JsonValue } from "../json.ts";
import { sha256 } from "../sha256.ts";

/** Whether something starts by itself. */
export type State = "running" | "paused";

/** One thing that makes a job or a pipeline start by itself. */
export interface Starter {
  readonly field: "schedule" | "trigger" | "continuous" | "triggers" | "pipeline";
  /** `cron 0 0 6 * * ? (Europe/Berlin)`, `file arrival`, `continuous`. Outside text: escape it. */
  readonly what: string;
  readonly state: State;
  /** Digest of all that is set of it but its state: tells two file arrivals apart. Absent for a pipeline. */
  readonly entry?: string;
  /** If it goes by a clock. Outside text. */
  readonly cron?: { readonly expression: string; readonly zone: string };
}

/** What makes a job start by itself; an absent pause_status is UNPAUSED (facts: databricks-api 3.1). */
export function startersOfJob(settings: JsonObject): Starter[] {
  const single = (["schedule", "trigger", "continuous"] as const).flatMap((field): Starter[] => {
    const value = settings[field];
    return isObject(value)
      ? [{ field, what: describe(field, value), state: stateOf(value), entry: entryOf(value), ...cronOf(value) }]
      : [];
  });
  const several = isArray(settings["triggers"]) ? settings["triggers"] : [];
  return [
    ...single,
    ...several.filter(isObject).map(
      (value): Starter => ({
        field: "triggers",
        what: describeEntry(value),
        state: stateOf(value),
        entry: entryOf(value),
        ...cronOf(isObject(value["schedule"]) ? value["schedule"] : value),
      }),
    ),
  ];
}

/** A pipeline starts by itself only if it is continuous; there is no pause_status (facts: databricks-api 3.4). */
export function startersOfPipeline(spec: JsonObject): Starter[] {
  return spec["continuous"] === true ? [{ field: "pipeline", what: "continuous", state: "running" }] : [];
}

function stateOf(value: JsonObject): State {
  return value["pause_status"] === "PAUSED" ? "paused" : "running";
}

function entryOf({ pause_status: _state, ...entry }: JsonObject): string {
  return sha256(canonicalJson(entry)).slice(0, 16);
}

function cronOf(value: JsonObject): Pick<Starter, "cron"> {
  const { quartz_cron_expression: expression, timezone_id: zone } = value;
  return typeof expression === "string" && typeof zone === "string" ? { cron: { expression, zone } } : {};
}

function describe(field: "schedule" | "trigger" | "continuous", value: JsonObject): string {
  if (field === "schedule") return describeCron(value);
  return field === "continuous" ? "continuous" : describeTrigger(value);
}

/** An entry of `triggers[]` carries what the three older fields do (facts: databricks-api 3.1). */
function describeEntry(entry: JsonObject): string {
  const { schedule, continuous } = entry;
  if (isObject(schedule)) return describeCron(schedule);
  if (isObject(continuous)) return "continuous";
  return describeTrigger(isObject(entry["trigger"]) ? entry["trigger"] : entry);
}

function describeCron(schedule: JsonObject): string {
  return `cron ${textOf(schedule["quartz_cron_expression"])} (${textOf(schedule["timezone_id"])})`;
}

function describeTrigger(trigger: JsonObject): string {
  const periodic = trigger["periodic"];
  if (isObject(periodic)) return `every ${textOf(periodic["interval"])} ${textOf(periodic["unit"]).toLowerCase()}`;
  const kind = Object.keys(trigger).find((key) => isObject(trigger[key]));
  if (kind !== undefined) return kind.replaceAll("_", " ");
  return trigger["quartz_cron_expression"] === undefined ? "trigger" : describeCron(trigger);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : "?";
}

/**
 * The fields to send so that a job's starters are as wanted: each that drifted, whole, and nothing else. The service
 * replaces top-level fields entirely, so half a schedule would lose its cron (facts: databricks-api 2.6). `wanted` is one
 * state for all, or one for each of `startersOfJob`; `again` names fields that are sent though they are as wanted.
 */
export function jobFields(
  settings: JsonObject,
  wanted: State | readonly State[],
  again: readonly string[] = [],
): JsonObject {
  const states = typeof wanted === "string" ? startersOfJob(settings).map(() => wanted) : [...wanted];
  const fields: Record<string, JsonValue> = {};
  for (const field of ["schedule", "trigger", "continuous"]) {
    const value = settings[field];
    if (!isObject(value)) continue;
    const state = states.shift();
    if (state !== undefined && (stateOf(value) !== state || again.includes(field))) fields[field] = put(value, state);
  }
  const { triggers } = settings;
  if (!isArray(triggers)) return fields;
  const entries = triggers.map((entry) => (isObject(entry) ? put(entry, states.shift() ?? stateOf(entry)) : entry));
  const differs = (entry: JsonValue, index: number): boolean => {
    const old = triggers[index];
    return isObject(entry) && isObject(old) && stateOf(entry) !== stateOf(old);
  };
  return entries.some(differs) ? { ...fields, triggers: entries } : fields;
}

function put(value: JsonObject, state: State): JsonObject {
  return { ...value, pause_status: state === "paused" ? "PAUSED" : "UNPAUSED" };
}

/** All that a pipeline is updated with so that it starts by itself or no longer does: an update replaces everything. */
export function continuousSpec(spec: JsonObject, parameters: JsonObject | undefined, continuous: boolean): JsonObject {
  return { ...spec, ...(parameters === undefined ? {} : { parameters }), continuous };
}
