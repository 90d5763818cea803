/** The sandbox's own principal, as dev's workspace knows it. */
import type { Contract } from "../contract/model.ts";
import { findServicePrincipals } from "../databricks/scim.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";

/** Its application id; undefined if the contract names none. Throws FourTierError if the name is nobody's, or several's. */
export async function sandboxPrincipalOf(workspace: Workspace, contract: Contract): Promise<string | undefined> {
  const { hasPrincipal, clientId, servicePrincipal } = contract.tiers.sandbox;
  if (!hasPrincipal) return undefined;
  if (clientId !== undefined) return clientId;
  const found = await findServicePrincipals(workspace, { displayName: servicePrincipal });
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only.applicationId;
  throw new FourTierError({
    id: "sandbox/principal",
    severity: "error",
    where: contract.at(["tiers", "sandbox", "service_principal"]),
    message: `${found.length === 0 ? "No" : found.length} service principal${found.length > 1 ? "s are" : " is"} called ${servicePrincipal} in dev's workspace.`,
    remedy: "Give its application id (tiers.sandbox.client_id), and assign it to dev's workspace.",
  });
}
