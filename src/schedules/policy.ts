/** Whether what starts by itself may in this tier. Pure: resources, policy, holds and `now` in, decisions out. */
import type { ScheduleException, TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { Hold } from "../ledger/holds.ts";
import { shortSha } from "../short-sha.ts";
import { describeHold, type Holdable, holdsOn } from "./holds.ts";
import type { Ownership } from "./ownership.ts";
import type { Starter, State } from "./starters.ts";

/** A job or a pipeline as observed; its key only if it is ours for certain. */
export interface Resource extends Holdable, Ownership {
  readonly kind: "jobs" | "pipelines";
  readonly id: string;
  readonly key: string | undefined;
  readonly project: boolean;
  readonly starters: readonly Starter[];
  /** Milliseconds since 1970, if the list says. */
  readonly created: number | undefined;
  /** It is set not to start by itself, and goes on all the same: see `observe`. */
  readonly goesOn: boolean;
  /** Pipelines only: IDLE, RUNNING, … */
  readonly activity: string | undefined;
}

/** What a tier wants of its schedules. */
export interface SchedulePolicy {
  readonly tier: TierName;
  readonly rule: State;
  readonly exceptions: readonly ScheduleException[];
  /** What the tier's ledger keeps paused. */
  readonly holds: readonly Hold[];
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

/** True if the exception still holds: `until` is its last day, in UTC. */
export function holds(exception: Pick<ScheduleException, "until">, now: Date): boolean {
  return now.getTime() < Date.parse(`${exception.until}T00:00:00Z`) + 24 * 60 * 60 * 1000;
}

/** Decides about every resource that can start by itself. */
export function decide(resources: readonly Resource[], policy: SchedulePolicy, now: Date): Decision[] {
  return resources
    .filter((resource) => resource.starters.length > 0)
    .map((resource) => {
      const { wanted, why } = wantedOf(resource, policy, now);
      const wrong = (starter: Starter): boolean => {
        if (wanted === "paused") {
          return starter.state === "running" || (resource.goesOn && /^(continuous|pipeline)$/.test(starter.field));
        }
        // Nothing here makes a pipeline continuous.
        return starter.state === "paused" && starter.field !== "pipeline";
      };
      const drifted = wanted === undefined ? [] : resource.starters.filter(wrong);
      return { resource, wanted, drifted, why };
    });
}

/** The state that policy, exceptions and holds want of a resource, and why; undefined: it is none of ours. */
export function wantedOf(
  resource: Resource,
  policy: SchedulePolicy,
  now: Date,
): { readonly wanted: State | undefined; readonly why: string } {
  const held = holdsOn(policy.holds, resource);
  if (held.length > 0) return { wanted: "paused", why: held.map(describeHold).join("; ") };
  if (resource.others !== undefined) return { wanted: undefined, why: `of ${resource.others}: left as it is` };
  const exception = policy.exceptions.find((one) => one.resource === resource.key);
  if (exception !== undefined && holds(exception, now)) {
    return { wanted: exception.state, why: `exception until ${exception.until}: ${exception.reason}` };
  }
  const expired = exception === undefined ? "" : `; the exception ended on ${exception.until}`;
  if (policy.rule === "paused") return { wanted: "paused", why: `${policy.tier} is paused${expired}` };
  // Starting what somebody else has paused is not ours to do, whatever the scope.
  if (resource.key === undefined) {
    const whose =
      resource.claims === undefined
        ? "not of this project"
        : `has the tags of ${resource.claims}, not ours for certain`;
    return { wanted: undefined, why: `${whose}: left as it is` };
  }
  return { wanted: "running", why: `${policy.tier} runs what declares a schedule${expired}` };
}

/** True if its time is over; until somebody or `enforce` lifts it, it holds all the same. */
export function hasExpired(hold: Hold, now: Date): boolean {
  return hold.until !== undefined && Date.parse(hold.until) <= now.getTime();
}

/** Holds whose time is over. */
export function holdFindings(policy: SchedulePolicy, now: Date, onExpiry: "report" | "resume"): Finding[] {
  return policy.holds
    .filter((hold) => hold.kind === "schedules" && hasExpired(hold, now))
    .map((hold) => ({
      id: "schedules/hold-expired",
      severity: "warning",
      message: `The hold ${shortSha(hold.id)} in ${policy.tier} (${hold.selector}) has expired; it was ${describeHold(hold)}.`,
      why: "What it names stays paused until it is lifted.",
      remedy:
        onExpiry === "resume"
          ? "Run operate.yml with the operation enforce (action-pause-pipelines, mode: enforce): it lifts expired holds, as the contract says."
          : "Lift it (operate.yml, operation unpause), or hold again with a later end.",
    }));
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
