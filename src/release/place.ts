/** Where a tier keeps what is the suite's, and whose it is. */
import type { Tier } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Ledger } from "../ledger/model.ts";
import { tierFolder } from "../ledger/paths.ts";
import { readLedger } from "../ledger/store.ts";

/** Where one tier's ledger and release folders are. */
export interface Place {
  readonly tier: Tier;
  /** The tier's application id. */
  readonly principal: string;
  /** The tier's folder in the workspace. */
  readonly folder: string;
}

/** The tier's place, by the application id of its principal. */
export function placeOf(tier: Tier, principal: string): Place {
  return { tier, principal, folder: tierFolder(principal, tier) };
}

/** The ledger there; undefined if there is none. Throws FourTierError `ledger/corrupt` for what is not one, ApiError. */
export function ledgerAt(workspace: Workspace, { tier, folder }: Place): Promise<Ledger | undefined> {
  return readLedger(workspace, folder, { project: tier.project, tier: tier.name });
}
