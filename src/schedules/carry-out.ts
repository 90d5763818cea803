/** Carries out what was decided of schedules: what a hold is about to pause is remembered, what drifted is written. */
import type { Tier } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { LockedLedger } from "../ledger/locked.ts";
import { type Applied, type ApplyOptions, applyAll, type Order } from "./apply.ts";
import { remembering } from "./holds.ts";
import type { Decision } from "./policy.ts";

/** What a hold has not met, and is about to pause, is remembered first: so lifting gives it back. */
export async function remember(ledger: LockedLedger, decisions: readonly Decision[]): Promise<void> {
  const { holds } = ledger.current();
  const drifted = decisions.filter((decision) => decision.drifted.length > 0).map(({ resource }) => resource);
  const known = remembering(holds, drifted);
  if (known !== holds) await ledger.save({ ...ledger.current(), holds: known });
}

/** Writes what drifted, and lets the active runs of all that shall be paused end, as the options say. */
export async function carryOut(
  workspace: Workspace,
  tier: Pick<Tier, "name">,
  decisions: readonly Decision[],
  ledger: LockedLedger,
  options: ApplyOptions,
  log: { info(message: string): void },
): Promise<ReadonlyMap<Decision, Applied>> {
  const orders = ordersFor(decisions, options);
  const applied = await applyAll(
    workspace,
    tier.name,
    orders.map(({ order }) => order),
    { ...options, check: () => ledger.check() },
  );
  return new Map(
    orders.flatMap(({ decision, order }) => {
      const result = applied.get(order);
      if (result === undefined) return [];
      if (order.write || result.outcome !== "right") log.info(`${decision.resource.name}: ${result.outcome}`);
      return [[decision, result] as const];
    }),
  );
}

/**
 * What is to be written or ended; with `wait` and `cancel` not only what is written: what an earlier run paused may
 * still run.
 */
export function ordersFor(
  decisions: readonly Decision[],
  { activeRuns }: ApplyOptions,
): readonly { readonly decision: Decision; readonly order: Order }[] {
  return decisions.flatMap((decision): { decision: Decision; order: Order }[] => {
    const { resource, wanted = "paused", drifted } = decision;
    const target: Order["target"] = (starters) => starters.map(() => wanted);
    if (drifted.length > 0) return [{ decision, order: { resource, target, write: true } }];
    const ends = activeRuns !== "leave" && decision.wanted === "paused" && resource.kind === "jobs";
    return ends ? [{ decision, order: { resource, target, write: false } }] : [];
  });
}
