/**
 * What runs all the time: a continuous job or pipeline, which the service starts again by itself. Of these it is decided
 * here what has to be stopped once when a release changes, to run the new code or to end for good (ADR 773).
 */
import type { Tier } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { canonicalJson, isObject, type JsonObject } from "../json.ts";
import { begunIntents, type Ledger } from "../ledger/model.ts";
import { underHolds } from "../schedules/holds.ts";
import type { AppliedResource, Desired } from "./change.ts";
import type { Observed } from "./observe.ts";
import type { Step } from "./step.ts";

/** True for a continuous job that is not paused (facts: databricks-api 3.1, 3.3). */
export function runsAllTheTime(settings: JsonObject): boolean {
  const { continuous } = settings;
  return isObject(continuous) && continuous["pause_status"] !== "PAUSED";
}

/**
 * What has to be stopped once the steps are done, to be restarted or for good: what ran all the time and is updated
 * now, or was by a promotion that could not stop it or did not come that far.
 */
export function dueToRoll(
  ledger: Ledger | undefined,
  steps: readonly Step[],
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): readonly Step[] {
  // What is owed ran all the time once, whatever a hold has made of it since.
  const owed = new Set(ledger?.unrolled);
  const begun = begunIntents(ledger)
    .filter(({ key, action, target }) => action === "update" && !onlyAccess(ledger?.resources.get(key), target))
    .map(({ key }) => key);
  const stepped = new Set(steps.map(({ key }) => key));
  const left = desired.flatMap((resource): Step[] => {
    const { key, kind, name } = resource;
    if (stepped.has(key) || !(owed.has(key) || begun.includes(key))) return [];
    const none = { settings: true, permissions: false, accessBefore: undefined, references: [] };
    return [{ key, kind, name, action: "update", desired: resource, live: live.get(key), ...none }];
  });
  return [...steps, ...left].filter((step) => {
    const { key, kind, action } = step;
    if (action !== "update" || step.live === undefined || !(step.settings || owed.has(key))) return false;
    if (owed.has(key) || runsByItself(kind, step.live.settings)) return true;
    const wanted = step.desired?.settings ?? {};
    if (runsByItself(kind, wanted) || hasLoop(kind, wanted)) return false;
    // Its loop is held, or the settings were written already and nothing after that.
    const applied = begun.includes(key) ? ledger?.resources.get(key)?.settings : undefined;
    return hasLoop(kind, step.live.settings) || hasLoop(kind, applied ?? {});
  });
}

/** True if a write changed who may do what and nothing that runs. */
function onlyAccess(before: AppliedResource | undefined, target: AppliedResource | undefined): boolean {
  if (before === undefined || target === undefined) return false;
  const told = (resource: AppliedResource): string => canonicalJson({ ...resource, id: "", permissions: null });
  const access = (resource: AppliedResource): string => canonicalJson(resource.permissions ?? null);
  return told(before) === told(target) && access(before) !== access(target);
}

/** What an earlier promotion or rollback owes, and no hold is in the way of: it may run the release before. */
export function owedNow(
  { schedules }: Pick<Tier, "schedules">,
  ledger: Ledger | undefined,
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): readonly Step[] {
  if (ledger === undefined || schedules !== "running") return [];
  return dueToRoll(ledger, [], desired, live).filter(({ key, kind, name, live: found, desired: wanted }) => {
    const settings = wanted?.settings ?? {};
    const held = underHolds(ledger.holds, { key, kind, name, id: found?.id }, settings);
    return !runsByItself(kind, settings) || runsByItself(kind, held);
  });
}

/** True for what the service keeps running by itself unless it is paused. */
export function hasLoop(kind: string, settings: JsonObject): boolean {
  const { continuous } = settings;
  return kind === "jobs" ? isObject(continuous) : kind === "pipelines" && continuous === true;
}

/** True for what the service keeps running by itself. */
export function runsByItself(kind: string, settings: JsonObject): boolean {
  return kind === "jobs" ? runsAllTheTime(settings) : kind === "pipelines" && settings["continuous"] === true;
}

/**
 * What ran all the time outside prod, where it must not, and is paused now: the run that is at work goes on with the old
 * code until it ends. Nothing is started or stopped there by a promotion, so it is said.
 */
export function loopsLeft(tier: string, steps: readonly Step[], done: readonly string[]): Finding[] {
  return steps
    .filter(({ key, kind, action, live, desired }) => {
      if (action !== "update" || live === undefined || !done.includes(key)) return false;
      return runsByItself(kind, live.settings) && !runsByItself(kind, desired?.settings ?? {});
    })
    .map((step) => goesOn(tier, step, "warning", "what is at work of it goes on with the release before"));
}

/** What may go on at work of a loop that is to end; `how` ends the sentence, and `rerun` is what is to be run again. */
export function goesOn(tier: string, step: Step, severity: "error" | "warning", how: string, rerun?: string): Finding {
  const { key, kind, name, live } = step;
  const stop = kind === "jobs" ? "Cancel its active run" : "Stop its update";
  return {
    id: "promote/loop-goes-on",
    severity,
    where: { kind: "resource", tier, key },
    message: `${key} (${kind} ${live?.id ?? ""}, "${name}") ran all the time and is not to any more; ${how}.`,
    why: "A run keeps the code and the settings that it began with, and a loop may never end by itself.",
    remedy: rerun === undefined ? `${stop} if the old code is to stop now.` : `${stop}, then ${rerun}.`,
  };
}
