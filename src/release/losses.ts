/**
 * What would be taken away, and is not simply what the plan shows: deletions and replacements that an unfinished
 * promotion caused, and those of what does not carry our mark. Pure.
 */
import { keyByMark } from "../bundle/marks.ts";
import { mayGo } from "../contract/destructive.ts";
import type { Tier, TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { begunIntents } from "../ledger/model.ts";
import type { Standing } from "./standing.ts";
import type { Step } from "./step.ts";

/** One resource that would be deleted or replaced. */
export interface Loss {
  readonly key: string;
  readonly action: "delete" | "replace";
  /** What lives; undefined if nothing does any more. */
  readonly live: { readonly id: string; readonly name: string } | undefined;
  /** It carries our mark for this key. What does not live needs none. */
  readonly marked: boolean;
  /**
   * The plan shows it, or a promotion that did not end created it: what never belonged to a release may go again.
   */
  readonly planned: boolean;
}

/** Everything that the steps towards a release would delete or replace. */
export function lossesOf({ steps, plan, ledger }: Standing, tier: Tier): Loss[] {
  const planned = new Map(plan.changes.map(({ key, action }) => [key, action]));
  const begun = new Set(
    begunIntents(ledger)
      .filter(({ action }) => action === "create")
      .map(({ key }) => key),
  );
  return steps.flatMap((step) =>
    lossOf(step, tier).map((loss) => ({
      ...loss,
      planned: planned.get(loss.key) === loss.action || begun.has(loss.key),
    })),
  );
}

function lossOf({ key, action, live }: Step, tier: Tier): Omit<Loss, "planned">[] {
  if (action !== "delete" && action !== "replace") return [];
  return [{ key, action, live, marked: live === undefined || keyByMark(live.settings, tier) === key }];
}

/** What of it stops a promotion: the ledger alone does not make a resource ours, and nothing goes unseen. */
export function lossFindings(losses: readonly Loss[], tier: TierName, destructive: readonly string[]): Finding[] {
  return [
    ...losses.filter(({ planned, key }) => !planned && !mayGo(destructive, key)).map((loss) => unplanned(loss, tier)),
    ...losses.filter(({ marked }) => !marked).map((loss) => notMarked(loss, tier)),
  ];
}

/** Findings for what these steps would take away without its carrying our mark. */
export function unmarkedLosses(steps: readonly Step[], tier: Tier): Finding[] {
  return steps
    .flatMap((step) => lossOf(step, tier))
    .filter(({ marked }) => !marked)
    .map((loss) => notMarked(loss, tier.name));
}

function notMarked({ key, action, live }: Omit<Loss, "planned">, tier: TierName): Finding {
  return {
    id: "release/not-marked",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} would be ${PAST[action]}: ${live?.id ?? ""}, "${live?.name ?? ""}", which does not carry our mark for it.`,
    why: "Only what is ours by the ledger and by its mark is taken away: somebody may have made it their own.",
    remedy: `If it should go, delete it by hand; if it should stay, declare ${key} again, and the next promotion marks it.`,
  };
}

function unplanned({ key, action }: Loss, tier: TierName): Finding {
  return {
    id: "release/destructive",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} would be ${PAST[action]}: an unfinished promotion or a rollback left it.`,
    why: "The plan that was approved does not show it.",
    remedy: `List it on the default branch (tiers.${tier}.destructive: [${key}]), or promote again the commit that was not finished.`,
  };
}

const PAST = { delete: "deleted", replace: "replaced" } as const;
