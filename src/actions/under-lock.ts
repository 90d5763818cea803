/** Work under a tier's lock, as an action that writes there does it. */
import { lockFor } from "../ledger/lock.ts";
import { type LockedLedger, withLedger } from "../ledger/locked.ts";
import type { ActionContext } from "./frame.ts";
import { lockAccess } from "./github.ts";
import type { TierAccess } from "./tier-access.ts";

/** Work under the tier's lock; another run's is waited for, and taken over only once that run has ended. */
export function withTier<T>(
  context: ActionContext,
  { tier, workspace, folder }: Pick<TierAccess, "tier" | "workspace"> & { readonly folder: string },
  waitMs: number,
  work: (ledger: LockedLedger) => Promise<T>,
): Promise<T> {
  return withLedger(
    workspace,
    { ...lockFor(lockAccess(context), waitMs), folder, project: tier.project, tier: tier.name },
    work,
  );
}
