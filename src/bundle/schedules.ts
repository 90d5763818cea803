/** What makes a resource run by itself, and the state that the tier gives it (design: schedules). */
import type { Tier } from "../contract/model.ts";
import type { Problems } from "./problems.ts";
import { get, getString, type Mapping, mapAt, type Node, scalar, withKey } from "./tree.ts";

type State = "running" | "paused";

/** The state of one resource: the tier's, or an exception's that has not expired on the day of `now` (UTC). */
export function scheduleState(tier: Tier, key: string, now: Date): State {
  const today = now.toISOString().slice(0, 10);
  const exception = tier.exceptions.find(({ resource, until }) => resource === key && until >= today);
  return exception?.state ?? tier.schedules;
}

const STATUS = { running: "UNPAUSED", paused: "PAUSED" } as const;

/** `presets.trigger_pause_status` must say what the tier says. */
export function checkPausePreset(merged: Mapping, tier: Tier, problems: Problems): void {
  const node = get(merged, ["presets", "trigger_pause_status"]);
  const status = getString(node, []);
  if (node === undefined || status === undefined || status === STATUS[tier.schedules]) return;
  const message = `The preset ${status} contradicts ${tier.name}, where schedules are ${tier.schedules}.`;
  problems.error("schedule-contradicts", node.where, message, "Remove it: the tier decides.");
}

/** A job with the tier's `pause_status` on each of its schedules; one that is written and says otherwise is a finding. */
export function pauseJob(job: Mapping, key: string, tier: Tier, state: State, problems: Problems): Mapping {
  let node: Node = job;
  for (const pattern of [["schedule"], ["continuous"], ["trigger"], ["triggers", "*"]]) {
    node = mapAt(node, pattern, (schedule) => {
      if (schedule.kind !== "map") return schedule;
      check(schedule, key, tier, state, problems);
      return withKey(schedule, "pause_status", scalar(STATUS[state], schedule.where));
    });
  }
  const declared = ["schedule", "continuous", "trigger", "triggers"].filter((name) => get(job, [name]) !== undefined);
  const [, second] = declared;
  if (second !== undefined) {
    const where = job.entries.get(second)?.key ?? job.where;
    const message = `${key} declares ${declared.join(" and ")}; a job has one of them.`;
    problems.error("schedules-many", where, message, "Keep one of them.");
  }
  return node.kind === "map" ? node : job;
}

function check(schedule: Mapping, key: string, tier: Tier, state: State, problems: Problems): void {
  const node = get(schedule, ["pause_status"]);
  const written = getString(node, []);
  if (node === undefined || written === STATUS[state]) return;
  const expected = state === tier.schedules ? `schedules are ${state} in ${tier.name}` : `an exception has it ${state}`;
  const message = `${key} says ${String(written)}, but ${expected}.`;
  const remedy =
    "Remove `pause_status`: the tier decides. For a while, add an exception under `schedules` to the contract.";
  problems.error("schedule-contradicts", node.where, message, remedy);
}

/** A pipeline's `continuous: true` holds only where it may run; `false` is never made true. */
export function pausePipeline(pipeline: Mapping, state: State): Mapping {
  const declared = get(pipeline, ["continuous"]);
  const continuous = declared?.kind === "scalar" && declared.value === true && state === "running";
  return withKey(pipeline, "continuous", scalar(continuous, declared?.where ?? pipeline.where));
}
