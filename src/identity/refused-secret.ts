/** Whose a client secret is that a workspace refused. */
import { type Contract, TIERS, type Tier } from "../contract/model.ts";
import type { Credentials } from "../databricks/auth.ts";
import { CredentialRefused } from "../databricks/auth-advice.ts";
import { ApiError } from "../databricks/errors.ts";
import { whoAmI } from "../databricks/identity.ts";
import { type ClientLog, connect, type Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";

/**
 * Says whose secret a refused one is. It is offered to the same workspace, the tier's own and nowhere else, as the
 * principals of the other tiers: a workspace that does not know a principal says so only once its secret is right.
 */
export async function explainRefusal(
  refused: CredentialRefused,
  contract: Contract,
  tier: Tier,
  credentials: Credentials,
  context: { readonly log: ClientLog; readonly cancelled: AbortSignal },
): Promise<FourTierError> {
  if (credentials.kind !== "secret") return refused;
  const tried = new Set([credentials.clientId]);
  for (const name of TIERS) {
    const clientId = contract.tiers[name].clientId?.toLowerCase();
    if (clientId === undefined || tried.has(clientId)) continue;
    tried.add(clientId);
    const asOther = connect({
      host: tier.host,
      workspaceId: tier.workspaceId,
      credentials: { ...credentials, clientId },
      log: context.log,
      signal: context.cancelled,
      http: { attempts: 1, overallMs: 10_000, attemptMs: 10_000 },
    });
    if (!(await isItsSecret(asOther, refused))) continue;
    const wanted = tier.clientId === undefined ? "" : ` (${tier.clientId})`;
    return new FourTierError({
      id: "identity/wrong-secret",
      severity: "error",
      where: contract.at(["tiers", tier.name]),
      message: `The client secret belongs to ${contract.tiers[name].servicePrincipal} (${clientId}), the principal of the tier ${name}; the tier ${tier.name} needs a secret of ${tier.servicePrincipal}${wanted}.`,
      why: `Nothing was done in ${tier.name}: its workspace refused the credential.`,
      remedy: `Put a secret of ${tier.servicePrincipal} into DATABRICKS_CLIENT_SECRET of the GitHub environment ${tier.name}, and see how the secret of ${contract.tiers[name].servicePrincipal} came there.`,
    });
  }
  return refused;
}

/** It was taken, or it was refused for another reason than a pair that does not match. */
async function isItsSecret(workspace: Workspace, refused: CredentialRefused): Promise<boolean> {
  try {
    await whoAmI(workspace);
    return true;
  } catch (error) {
    if (error instanceof CredentialRefused) return error.detail !== refused.detail;
    return error instanceof ApiError && (error.status === 401 || error.status === 403);
  }
}
