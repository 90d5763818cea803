/** Where a tier keeps what is the suite's: below the home of the tier's principal, which nobody else may write. */
import type { Tier } from "../contract/model.ts";

/** `/Workspace/Users/<application id>/.four-tier/<project>/<tier>`; in the sandbox each developer's is one below it. */
export function tierFolder(applicationId: string, tier: Pick<Tier, "project" | "name" | "developer">): string {
  const own = tier.developer === undefined ? tier.name : `${tier.name}/${tier.developer}`;
  return `/Workspace/Users/${applicationId}/.four-tier/${tier.project}/${own}`;
}

/** The write-once folder of a component's content. */
export function componentFolder(tierFolder: string, component: string, digest: string): string {
  return `${tierFolder}/releases/${component}-${digest}`;
}

export function ledgerPath(tierFolder: string): string {
  return `${tierFolder}/ledger.json`;
}
