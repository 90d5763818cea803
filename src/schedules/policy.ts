/**
 * What starts by itself, and whether it may in this tier. Pure: settings, policy and `now` in, decisions out
 * (facts: databricks-api 3).
 */
import type { ScheduleException, TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { isArray, isObject, type JsonObject, type JsonValue } from "../json.ts";

export type State = "running" | "paused";

/** One thing that makes a job or a pipeline start by itself. */
export interface Starter {
  readonly field: "schedule" | "trigger" | "continuous" | "triggers" | "pipeline";
  /** `cron 0 0 6 * * ? (Europe/Berlin)`, `file arrival`, `continuous`. Outside text: escape it. */
  readonly what: string;
  readonly state: State;
}

/** A job or a pipeline as observed. */
export interface Resource {
  readonly kind: "jobs" | "pipelines";
  readonly id: string;
  readonly name: string;
  /** `jobs.score`, if it carries this project's and this tier's tags. */
  readonly key: string | undefined;
  readonly starters: readonly Starter[];
  /** Pipelines only: IDLE, RUNNING, … */
  readonly activity: string | undefined;
}

/** What a tier wants of its schedules. */
export interface SchedulePolicy {
  readonly tier: TierName;
  readonly rule: State;
  readonly exceptions: readonly ScheduleException[];
}

/** What is to be done about one resource. */
export interface Decision {
  readonly resource: Resource;
  /** Undefined: it is none of ours, so nothing is wanted. */
  readonly wanted: State | undefined;
  /** The starters that are not as wanted. */
  readonly drifted: readonly Starter[];
  readonly why: string;
}

/** What makes a job start by itself; an absent pause_status is UNPAUSED (facts: databricks-api 3.1). */
export function startersOfJob(settings: JsonObject): Starter[] {
  const single = (["schedule", "trigger", "continuous"] as const).flatMap((field): Starter[] => {
    const value = settings[field];
    return isObject(value) ? [{ field, what: describe(field, value), state: stateOf(value) }] : [];
  });
  const several = isArray(settings["triggers"]) ? settings["triggers"] : [];
  return [
    ...single,
    ...several
      .filter(isObject)
      .map((value): Starter => ({ field: "triggers", what: describeEntry(value), state: stateOf(value) })),
  ];
}

/** A pipeline starts by itself only if it is continuous; there is no pause_status (facts: databricks-api 3.4). */
export function startersOfPipeline(spec: JsonObject): Starter[] {
  return spec["continuous"] === true ? [{ field: "pipeline", what: "continuous", state: "running" }] : [];
}

function stateOf(value: JsonObject): State {
  return value["pause_status"] === "PAUSED" ? "paused" : "running";
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

/** True if the exception still holds: `until` is its last day, in UTC. */
export function holds(exception: ScheduleException, now: Date): boolean {
  return now.getTime() < Date.parse(`${exception.until}T00:00:00Z`) + 24 * 60 * 60 * 1000;
}

/** Decides about every resource that can start by itself. */
export function decide(resources: readonly Resource[], policy: SchedulePolicy, now: Date): Decision[] {
  return resources
    .filter((resource) => resource.starters.length > 0)
    .map((resource) => {
      const { wanted, why } = wantedOf(resource, policy, now);
      // Nothing here makes a pipeline continuous: only what is continuous has a starter, and only stopping is wanted of it.
      const drifted = wanted === undefined ? [] : resource.starters.filter((starter) => starter.state !== wanted);
      return { resource, wanted, drifted, why };
    });
}

function wantedOf(
  resource: Resource,
  policy: SchedulePolicy,
  now: Date,
): { readonly wanted: State | undefined; readonly why: string } {
  const exception = policy.exceptions.find((one) => one.resource === resource.key);
  if (exception !== undefined && holds(exception, now)) {
    return { wanted: exception.state, why: `exception until ${exception.until}: ${exception.reason}` };
  }
  const expired = exception === undefined ? "" : `; the exception ended on ${exception.until}`;
  if (policy.rule === "paused") return { wanted: "paused", why: `${policy.tier} is paused${expired}` };
  // Starting what somebody else has paused is not ours to do, whatever the scope.
  if (resource.key === undefined) return { wanted: undefined, why: "not of this project: left as it is" };
  return { wanted: "running", why: `${policy.tier} runs what declares a schedule${expired}` };
}

/** What is wrong with the exceptions themselves: ended ones, and ones that speak of nothing that is there. */
export function exceptionFindings(resources: readonly Resource[], policy: SchedulePolicy, now: Date): Finding[] {
  return policy.exceptions.flatMap((exception): Finding[] => {
    if (!holds(exception, now)) {
      return [
        {
          id: "schedules/exception-expired",
          severity: "warning",
          where: exception.where,
          message: `The exception for ${exception.resource} in ${exception.tier} (${exception.reason}) ended on ${exception.until}.`,
          why: "The tier's rule holds for it again.",
          remedy: "Remove it from the contract, or give it a new date where a review sees it.",
        },
      ];
    }
    if (resources.some((resource) => resource.key === exception.resource)) return [];
    return [
      {
        id: "schedules/exception-unmatched",
        severity: "warning",
        where: exception.where,
        message: `The exception for ${exception.resource} matches nothing of this project in ${exception.tier}.`,
        remedy: "Correct the key, or remove the exception.",
      },
    ];
  });
}

/** Continuous pipelines of a running tier that stand still: their specs are right, so there is nothing to write. */
export function standingStill(decisions: readonly Decision[], policy: SchedulePolicy): Finding[] {
  return decisions
    .filter(({ resource, wanted }) => {
      const still = resource.activity === "IDLE" || resource.activity === "FAILED";
      return resource.kind === "pipelines" && wanted === "running" && still;
    })
    .map(({ resource }) => ({
      id: "schedules/pipeline-stopped",
      severity: "warning",
      where: { kind: "resource", tier: policy.tier, key: resource.key ?? resource.name },
      message: `${resource.name} is continuous and does not run: it is ${resource.activity}.`,
      why: "Somebody stopped it, or it failed.",
      remedy: "Look at its last update, then start it in the workspace.",
    }));
}

/**
 * The fields to send so that a job's starters are as wanted: each that drifted, whole, and nothing else. The service
 * replaces top-level fields entirely, so half a schedule would lose its cron (facts: databricks-api 2.6).
 */
export function jobFields(settings: JsonObject, wanted: State): JsonObject {
  const pause_status = wanted === "paused" ? "PAUSED" : "UNPAUSED";
  const fields: Record<string, JsonValue> = {};
  for (const field of ["schedule", "trigger", "continuous"]) {
    const value = settings[field];
    if (isObject(value) && stateOf(value) !== wanted) fields[field] = { ...value, pause_status };
  }
  const { triggers } = settings;
  if (isArray(triggers) && triggers.some((entry) => isObject(entry) && stateOf(entry) !== wanted)) {
    fields["triggers"] = triggers.map((entry) => (isObject(entry) ? { ...entry, pause_status } : entry));
  }
  return fields;
}

/** All that a pipeline is updated with so that it no longer starts by itself: an update replaces everything. */
export function stoppedSpec(spec: JsonObject, parameters: JsonObject | undefined): JsonObject {
  return { ...spec, ...(parameters === undefined ? {} : { parameters }), continuous: false };
}
