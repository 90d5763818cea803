/** Work on a tier's ledger under its lock: taken, read, written as often as needed, released whatever happens. */
import type { TierName } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { acquireLock, type Lock, type LockOptions, releaseQuietly } from "./lock.ts";
import { emptyLedger, type Ledger } from "./model.ts";
import { readLedger, writeLedger } from "./store.ts";

/** The ledger as it is under the lock. */
export interface LockedLedger {
  /** The newest: what was read, or saved since. */
  current(): Ledger;
  /** Asked before what is written beside it; throws FourTierError `ledger/lock-lost` if the lock is no longer ours. */
  check(): Promise<void>;
  /** Writes it; throws FourTierError `ledger/lock-lost` if the lock is no longer ours. */
  save(next: Ledger): Promise<void>;
}

interface LockedOptions extends LockOptions {
  readonly folder: string;
  readonly project: string;
  readonly tier: TierName;
  readonly log: { info(message: string): void; warning(message: string): void };
}

/** Runs `work` while holding the lock; a tier without a ledger gets an empty one, which only `save` writes. */
export async function withLedger<T>(
  workspace: Workspace,
  options: LockedOptions,
  work: (ledger: LockedLedger) => Promise<T>,
): Promise<T> {
  const { folder, project, tier, log } = options;
  const lock = await acquireLock(workspace, folder, options);
  try {
    const ledger = (await readLedger(workspace, folder, { project, tier })) ?? emptyLedger(project, tier);
    return await work(ledgerUnder(lock, workspace, folder, ledger));
  } finally {
    await releaseQuietly(lock, log);
  }
}

/** The ledger, as it was read just now, under a lock that is ours already. */
export function ledgerUnder(lock: Lock, workspace: Workspace, folder: string, read: Ledger): LockedLedger {
  let ledger = read;
  return {
    current: () => ledger,
    check: () => lock.check(),
    save: async (next) => {
      await lock.check();
      ledger = await writeLedger(workspace, folder, { ...next, serial: ledger.serial });
    },
  };
}
