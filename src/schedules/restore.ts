/**
 * Lifts holds: what they kept paused goes back to what it was before any hold, one by one, and not to "all on". What
 * another hold names stays paused.
 */
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded } from "../http/pool.ts";
import type { Hold } from "../ledger/holds.ts";
import type { Ledger } from "../ledger/model.ts";
import { type Applied, apply, type ApplyOptions } from "./apply.ts";
import { describeHold, holdsOn, priorOf, restoredStates } from "./holds.ts";
import { type Decision, type Resource, type SchedulePolicy, wantedOf, WRITES } from "./policy.ts";
import type { State } from "./starters.ts";

/** One resource that a lifted hold named. */
interface Restored {
  readonly decision: Decision;
  /** `right`: it is already what it was. `held`: another hold keeps it. */
  readonly outcome: "right" | "held" | Applied["outcome"];
  readonly finding: Applied["finding"];
}

/** Restores everything that `lifted` kept paused and `remaining` does not. */
export async function restore(
  workspace: Workspace,
  resources: readonly Resource[],
  lifted: readonly Hold[],
  question: {
    readonly remaining: readonly Hold[];
    /** What the tier wants of what no hold has met. */
    readonly policy: SchedulePolicy;
    readonly ledger: Ledger;
    readonly now: Date;
    readonly options: ApplyOptions;
  },
): Promise<Restored[]> {
  const { remaining, policy, ledger, now, options } = question;
  const covered = resources.filter((resource) => holdsOn(lifted, resource).length > 0);
  const done = await mapBounded(covered, WRITES, async (resource): Promise<Restored | undefined> => {
    const others = holdsOn(remaining, resource);
    if (others.length > 0 && (resource.starters.length > 0 || resource.kind === "pipelines")) {
      const why = others.map(describeHold).join("; ");
      return { decision: { resource, wanted: "paused", drifted: [], why }, outcome: "held", finding: undefined };
    }
    const prior = lifted.map((hold) => priorOf(hold, resource)).find((each) => each !== undefined);
    const ruled = wantedOf(resource, { ...policy, holds: [] }, now);
    const otherwise = ruled.wanted ?? "paused";
    const why = prior === undefined ? `it came under the hold: ${ruled.why}` : "as it was before the hold";
    if (resource.kind === "pipelines") {
      const before = prior === undefined ? otherwise : (prior.starters[0]?.state ?? "paused");
      if (!runsAgain(resource, before, prior !== undefined, ledger)) return undefined;
      return outcomeOf({ resource, wanted: "running", drifted: [], why }, () => ["running"]);
    }
    if (resource.starters.length === 0) return undefined;
    const states = restoredStates(prior, resource.starters, otherwise);
    const drifted = resource.starters.filter(({ state }, index) => state !== states[index]);
    const [common, ...more] = new Set(states);
    const decision = { resource, wanted: more.length === 0 ? common : undefined, drifted, why };
    if (drifted.length === 0) return { decision, outcome: "right", finding: undefined };
    return outcomeOf(decision, (starters) => restoredStates(prior, starters, otherwise));
  });
  return done.filter((each) => each !== undefined);

  async function outcomeOf(decision: Decision, target: Parameters<typeof apply>[3]): Promise<Restored> {
    return { decision, ...(await apply(workspace, policy.tier, decision.resource, target, options)) };
  }
}

/**
 * Whether a pipeline that a hold stopped is made continuous again: only what ran before, and if a release of ours
 * declares it, only if that declares it continuous still.
 */
function runsAgain({ key, starters }: Resource, before: State, met: boolean, ledger: Ledger): boolean {
  if (starters.length > 0 || before === "paused") return false;
  const declared = key === undefined ? undefined : ledger.resources.get(key);
  return declared === undefined ? met : declared.settings["continuous"] === true;
}
