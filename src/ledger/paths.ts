/** Where a tier keeps what is the suite's: below the home of the tier's principal, which nobody else may write. */
import type { Tier } from "../contract/model.ts";
import { FourTierError } from "../findings.ts";

/** `/Workspace/Users/<application id>/.four-tier/<project>/<tier>`; in the sandbox each developer's is one below it. */
export function tierFolder(applicationId: string, tier: Pick<Tier, "project" | "name" | "developer">): string {
  const own = tier.developer === undefined ? tier.name : `${tier.name}/${tier.developer}`;
  return `/Workspace/Users/${applicationId}/.four-tier/${tier.project}/${own}`;
}

/**
 * The application id of the tier's own principal, whose folder holds the ledger: as it was proven if that one looks, else
 * as the contract says. Throws FourTierError if nobody says it.
 */
export function ledgerOwner(tier: Pick<Tier, "name" | "clientId" | "servicePrincipal">, proven?: string): string {
  const owner = proven ?? tier.clientId;
  if (owner !== undefined) return owner;
  throw new FourTierError({
    id: "plan/no-client-id",
    severity: "error",
    message: `Whose folder holds ${tier.name}'s ledger is not known: the contract has no client_id for it.`,
    remedy: `Add tiers.${tier.name}.client_id (the application id of ${tier.servicePrincipal}) to the contract.`,
  });
}

/** The write-once folder of a component's content. */
export function componentFolder(tierFolder: string, component: string, digest: string): string {
  return `${tierFolder}/releases/${component}-${digest}`;
}

/** The ledger's file in a tier's folder. */
export function ledgerPath(tierFolder: string): string {
  return `${tierFolder}/ledger.json`;
}
