/** action-promote, mode: drift: what somebody did to the tier by hand. A principal that may only view is enough. */
import { findDrift } from "../drift.ts";
import { ledgerOwner } from "../ledger/paths.ts";
import { currentRelease } from "../release/current-release.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import { resolveTierOfRun } from "./tier-access.ts";
import { viewTier } from "./tier-view.ts";

/** Says what somebody did to a tier by hand, and whether its ledger is true. Throws FourTierError for what stops it. */
export async function drift(context: ActionContext): Promise<ActionResult> {
  const { contract, tier } = await resolveTierOfRun(context);
  const { workspace, clientId, findings } = await viewTier(context);
  const result = await findDrift({
    tier,
    workspace,
    principal: ledgerOwner(tier, clientId),
    current: () => currentRelease({ github: githubOf(context), contract, tier }),
    log: context.log,
  });
  return { ...result, findings: [...findings, ...result.findings] };
}
