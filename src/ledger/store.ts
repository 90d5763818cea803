/** The ledger's file in the tier: read, parsed, written whole. */
import type { TierName } from "../contract/model.ts";
import { ApiError } from "../databricks/errors.ts";
import { readFile, writeFile } from "../databricks/files.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";
import { ledgerText, parseLedger } from "./document.ts";
import type { Ledger } from "./model.ts";
import { ledgerPath } from "./paths.ts";

/** The tier's ledger; undefined if there is none. Throws FourTierError `ledger/corrupt` for what is not one. */
export async function readLedger(
  workspace: Workspace,
  folder: string,
  expected: { project: string; tier: TierName },
): Promise<Ledger | undefined> {
  const path = ledgerPath(folder);
  const bytes = await readFile(workspace, path);
  if (bytes === undefined) return undefined;
  const parsed = parseLedger(new TextDecoder().decode(bytes), { ...expected, path });
  if ("finding" in parsed) throw new FourTierError(parsed.finding);
  return parsed.ledger;
}

/** The same for a principal that only looks, which need not be let into the tier's own folder. */
export async function readLedgerIfAllowed(
  workspace: Workspace,
  folder: string,
  expected: { project: string; tier: TierName },
): Promise<Ledger | undefined | "refused"> {
  try {
    return await readLedger(workspace, folder, expected);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return "refused";
    throw error;
  }
}

/** Writes the ledger with the next serial, which it returns. Call it only while holding the lock. */
export async function writeLedger(workspace: Workspace, folder: string, ledger: Ledger): Promise<Ledger> {
  const next = { ...ledger, serial: ledger.serial + 1 };
  await writeFile(workspace, ledgerPath(folder), new TextEncoder().encode(ledgerText(next)), { overwrite: true });
  return next;
}
