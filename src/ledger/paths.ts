/** Where a tier keeps what is the suite's: below the home of the tier's principal, which nobody else may write. */
import type { TierName } from "../contract/model.ts";

/** `/Workspace/Users/<application id>/.four-tier/<project>/<tier>`. */
export function tierFolder(applicationId: string, project: string, tier: TierName): string {
  return `/Workspace/Users/${applicationId}/.four-tier/${project}/${tier}`;
}

/** The write-once folder of a component's content. */
export function componentFolder(tierFolder: string, component: string, digest: string): string {
  return `${tierFolder}/releases/${component}-${digest}`;
}

export function ledgerPath(tierFolder: string): string {
  return `${tierFolder}/ledger.json`;
}
