/** What was applied is read back and compared: "verified" in this release means applied and re-read equal. */
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { isArray, isObject, type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import { type Observed, readBack } from "./observe.ts";
import { type Applied, type Drift, driftOf, type FieldChange } from "./plan.ts";

/** Reads may lag behind writes: milliseconds between looks before a difference counts. */
const LOOK_AGAIN = [1_000, 3_000];

interface VerifyOptions {
  readonly tier: string;
  readonly schedules: "paused" | "running";
  readonly principal: string;
  readonly resolve: (key: string, settings: JsonObject) => JsonObject;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** Findings for everything that does not live as it was applied; an empty list is the proof. */
export async function verifyApplied(
  workspace: Workspace,
  applied: Applied,
  options: VerifyOptions,
): Promise<readonly Finding[]> {
  let pending = applied;
  for (const wait of [...LOOK_AGAIN, undefined]) {
    const live = await readBack(
      workspace,
      [...pending].map(([key, resource]) => ({ key, ...resource })),
    );
    const drift = driftOf(pending, live, options);
    const findings = [...differences(drift, options.tier), ...runningSchedules(live, applied, options)];
    if (findings.length === 0 || wait === undefined) return findings;
    const wrong = new Set(drift.entries.map((entry) => entry.key));
    if (wrong.size > 0) pending = new Map([...pending].filter(([key]) => wrong.has(key)));
    await options.pause(wait);
  }
  return [];
}

function differences(drift: Drift, tier: string): Finding[] {
  return drift.entries.map((entry) => ({
    id: "release/not-as-applied",
    severity: "error",
    where: { kind: "resource", tier, key: entry.key },
    message:
      entry.what === "missing"
        ? `${entry.key} was applied and is not there.`
        : `${entry.key} was applied and reads back different: ${entry.fields.map(fieldText).join("; ")}.`,
    why: "Either somebody changed it in between, or the service understood a field in another way than it was written.",
    remedy: "Promote again. If the same fields differ again, write them in the bundle the way the service shows them.",
  }));
}

/** `max_retries: 1 → 3`; long values are cut. */
export function fieldText(field: FieldChange): string {
  return `${field.path}: ${valueText(field.old)} → ${valueText(field.new)}`;
}

/** A value on one line, at most 60 characters, digests by their first 12 digits; absent is `—`. */
export function valueText(value: JsonValue | undefined): string {
  if (value === undefined) return "—";
  const whole = typeof value === "string" ? value : stringifyJson(value);
  const text = whole.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/**
 * Outside prod nothing may be scheduled that the release did not declare, whatever the release says: what a field
 * comparison would not see (facts: databricks-api 3).
 */
function runningSchedules(
  live: ReadonlyMap<string, Observed | undefined>,
  applied: Applied,
  options: VerifyOptions,
): Finding[] {
  if (options.schedules === "running") return [];
  return [...live].flatMap(([key, found]) => {
    if (found === undefined) return [];
    const declared = new Set(runningPaths(applied.get(key)?.settings ?? {}, key));
    return runningPaths(found.settings, key)
      .filter((path) => !declared.has(path))
      .map((path) => ({
        id: "release/schedule-runs",
        severity: "error" as const,
        where: { kind: "resource" as const, tier: options.tier, key },
        message: `${path} of ${key} runs, and schedules are paused in ${options.tier}.`,
        remedy: "Promote again, which writes the whole resource; if it stays, pause it by hand and look who starts it.",
      }));
  });
}

/** Every schedule of a job or pipeline that is not paused: absent means running (facts: databricks-api 3.1). */
function runningPaths(settings: JsonObject, key: string): string[] {
  if (key.startsWith("pipelines.")) return settings["continuous"] === true ? ["continuous"] : [];
  const paths = ["schedule", "continuous", "trigger"].filter((field) => runs(settings[field]));
  const triggers = settings["triggers"];
  if (isArray(triggers)) {
    paths.push(...triggers.flatMap((trigger, index) => (runs(trigger) ? [`triggers[${index}]`] : [])));
  }
  return paths;
}

function runs(schedule: JsonValue | undefined): boolean {
  return isObject(schedule) && schedule["pause_status"] !== "PAUSED";
}
