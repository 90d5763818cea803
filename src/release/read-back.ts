/** What was applied is read back and compared: "verified" in this release means applied and re-read equal. */
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { isArray, isObject, type JsonObject, type JsonValue } from "../json.ts";
import type { Applied, DriftEntry } from "./change.ts";
import { driftOf } from "./drift.ts";
import { fieldText } from "./fields.ts";
import { type Observed, readBack } from "./observe.ts";

/** Reads may lag behind writes: milliseconds between looks before a difference counts. */
const LOOK_AGAIN = [1_000, 3_000];

interface VerifyOptions {
  readonly tier: string;
  readonly schedules: "paused" | "running";
  readonly principal: string;
  readonly resolve: (key: string, settings: JsonObject) => JsonObject;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** What is to be run again if something differs, as a clause; undefined: the promotion. */
  readonly rerun?: string | undefined;
}

/** Findings for everything that does not live as it was applied; an empty list is the proof. */
export async function verifyApplied(
  workspace: Workspace,
  applied: Applied,
  options: VerifyOptions,
): Promise<readonly Finding[]> {
  let pending = applied;
  for (let look = 0; ; look += 1) {
    const live = await readBack(
      workspace,
      [...pending].map(([key, resource]) => ({ key, ...resource })),
    );
    const { entries } = driftOf(pending, live, options);
    const running = runningSchedules(live, applied, options);
    const wait = LOOK_AGAIN[look];
    if ((entries.length === 0 && running.length === 0) || wait === undefined) {
      return [...entries.map((entry) => different(entry, options)), ...running.map((each) => runs(each, options))];
    }
    const wrong = new Set([...entries, ...running].map(({ key }) => key));
    pending = new Map([...pending].filter(([key]) => wrong.has(key)));
    await options.pause(wait);
  }
}

function different(entry: DriftEntry, { tier, rerun = RERUN }: VerifyOptions): Finding {
  return {
    id: "release/not-as-applied",
    severity: "error",
    where: { kind: "resource", tier, key: entry.key },
    message:
      entry.what === "missing"
        ? `${entry.key} was applied and is not there.`
        : `${entry.key} was applied and reads back different: ${entry.fields.map(fieldText).join("; ")}.`,
    why: "Either somebody changed it in between, or the service understood a field in another way than it was written.",
    remedy: `To write it again, ${rerun}. If the same fields differ again, write them in the bundle the way the service shows them.`,
  };
}

const RERUN = "promote again";

/** A schedule that runs. */
interface Running {
  readonly key: string;
  /** `triggers[1]`. */
  readonly path: string;
}

/**
 * Outside prod nothing may be scheduled that the release did not declare, whatever the release says: what a field
 * comparison would not see (facts: databricks-api 3).
 */
function runningSchedules(
  live: ReadonlyMap<string, Observed | undefined>,
  applied: Applied,
  options: VerifyOptions,
): Running[] {
  if (options.schedules === "running") return [];
  return [...live].flatMap(([key, found]) => {
    if (found === undefined) return [];
    const declared = new Set(runningPaths(applied.get(key)?.settings ?? {}, key));
    return runningPaths(found.settings, key)
      .filter((path) => !declared.has(path))
      .map((path) => ({ key, path }));
  });
}

function runs({ key, path }: Running, { tier, rerun = RERUN }: VerifyOptions): Finding {
  return {
    id: "release/schedule-runs",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${path} of ${key} runs, and schedules are paused in ${tier}.`,
    remedy: `To write the whole resource again, ${rerun}; if it stays, pause it by hand and look who starts it.`,
  };
}

/** Every schedule of a job or pipeline that is not paused: absent means running (facts: databricks-api 3.1). */
function runningPaths(settings: JsonObject, key: string): string[] {
  if (key.startsWith("pipelines.")) return settings["continuous"] === true ? ["continuous"] : [];
  const paths = ["schedule", "continuous", "trigger"].filter((field) => isRunning(settings[field]));
  const triggers = settings["triggers"];
  if (isArray(triggers)) {
    paths.push(...triggers.flatMap((trigger, index) => (isRunning(trigger) ? [`triggers[${index}]`] : [])));
  }
  return paths;
}

function isRunning(schedule: JsonValue | undefined): boolean {
  return isObject(schedule) && schedule["pause_status"] !== "PAUSED";
}
