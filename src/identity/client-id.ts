/** As whom a job signs in to its tier. */
import { type Contract, TIERS, type Tier, type TierName } from "../contract/model.ts";
import { FourTierError } from "../findings.ts";

/**
 * The application id to sign in as: the input's, which must not contradict the contract's, else the contract's.
 * Throws FourTierError before anything is sent.
 */
export function clientIdFor(contract: Contract, tier: Tier, given: string): string {
  if (!tier.hasPrincipal) {
    throw new FourTierError({
      id: "identity/no-principal",
      severity: "error",
      where: contract.at(["tiers", tier.name]),
      message: `The tier ${tier.name} has no service principal of its own, so a run in it has nobody to act as.`,
      why: "Whoever can push a branch decides what its workflow does, so dev's principal, which owns every sandbox, is never lent to one.",
      remedy: `Make a service principal that can write sandboxes and nothing else, and name it in the contract (tiers.${tier.name}.service_principal, client_id); or leave this tier to the developers' own sign-in.`,
    });
  }
  const wanted = tier.clientId?.toLowerCase();
  const clientId = given === "" ? wanted : given;
  if (clientId === undefined) {
    throw new FourTierError({
      id: "identity/client-id",
      severity: "error",
      where: contract.at(["tiers", tier.name]),
      message: `The application id of ${tier.servicePrincipal} is not known.`,
      remedy: `Put it into the contract (tiers.${tier.name}.client_id; it is not a secret), or give the input client-id.`,
    });
  }
  if (wanted !== undefined && clientId !== wanted) {
    const owner = tierOf(contract, clientId);
    const whose =
      owner === undefined
        ? "no tier's principal"
        : `${contract.tiers[owner].servicePrincipal}, the principal of the tier ${owner}`;
    throw new FourTierError({
      id: "identity/wrong-principal",
      severity: "error",
      where: contract.at(["tiers", tier.name, "client_id"]),
      message: `The input client-id ${clientId} is ${whose}; the tier ${tier.name} needs ${tier.servicePrincipal} (${wanted}). Nothing was sent.`,
      why: "A tier's principal can write that tier's catalog and no other; a run under another tier's name would mix them.",
      remedy: `Give the environment ${tier.name} the client id ${wanted} and a credential of that principal, or leave the input client-id out.`,
    });
  }
  return clientId;
}

/** The tier whose principal has this application id, in lower case; undefined if none has. */
export function tierOf(contract: Contract, clientId: string): TierName | undefined {
  return TIERS.find((name) => contract.tiers[name].clientId?.toLowerCase() === clientId);
}
