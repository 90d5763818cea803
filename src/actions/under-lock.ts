/** Work under a tier's lock, as an action that writes there does it. */
import { type LockedLedger, withLedger } from "../ledger/locked.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf, pause, runHasEnded } from "./github.ts";
import type { TierAccess } from "./tier-access.ts";

/** Work under the tier's lock; another run's is waited for, and taken over only once that run has ended. */
export function withTier<T>(
  context: ActionContext,
  { tier, workspace, folder }: Pick<TierAccess, "tier" | "workspace"> & { readonly folder: string },
  waitMs: number,
  work: (ledger: LockedLedger) => Promise<T>,
): Promise<T> {
  const { run, log, cancelled } = context;
  const github = githubOf(context);
  return withLedger(
    workspace,
    {
      folder,
      project: tier.project,
      tier: tier.name,
      owner: { run: run.runId, attempt: run.runAttempt, job: run.job },
      runHasEnded: (id, attempt) => runHasEnded(github, id, attempt),
      waitMs,
      pollMs: 5_000,
      log,
      signal: cancelled,
      now: () => new Date(),
      pause,
    },
    work,
  );
}
