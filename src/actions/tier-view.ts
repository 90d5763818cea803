/**
 * A look at a tier that changes nothing, for the brief. The principal may be a view-only one that the contract does not
 * know, in an environment of its own (`prod-read`), so that whoever writes the brief holds nothing that could deploy.
 */
import { type Contract, TIERS, type Tier } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import type { Credentials } from "../databricks/auth.ts";
import { CredentialRefused } from "../databricks/auth-advice.ts";
import { type Identity, whoAmI } from "../databricks/identity.ts";
import { connect, type Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import { checkWorkspace } from "../setup-env.ts";
import { beginning } from "./begun.ts";
import type { ActionContext } from "./frame.ts";
import { accessTier, credentialsFor, resolveTierOfRun, whereAndWho } from "./tier-access.ts";
import { trustedContract } from "./tier-contract.ts";

/** A connection to look with. */
export interface TierView {
  readonly workspace: Workspace;
  readonly identity: Identity;
  /** Only if it is the tier's own principal that looks: its application id. */
  readonly clientId?: string;
  /** What does not stop the run but should be known. */
  readonly findings: readonly Finding[];
}

/** Signs in to look: as the principal of the input `client-id`, or as the tier's own without it. Throws FourTierError. */
export async function viewTier(context: ActionContext): Promise<TierView> {
  const { inputs, contract, tier: own } = await resolveTierOfRun(context);
  const trusted = await trustedContract(context, inputs, contract);
  const tier = { ...own, ...whereAndWho(resolveTier(trusted, inputs.tier, { developer: inputs.developer })) };
  const clientId = inputs.clientId;
  if (clientId === "" || clientId === tier.clientId?.toLowerCase()) return accessTier(context);
  refuseOtherTiers(trusted, tier, (name) => trusted.tiers[name].clientId?.toLowerCase() === clientId);
  const [first, second] = credentialsFor(context, inputs, clientId);
  const sign = async (credentials: Credentials): Promise<TierView> => {
    const { host, workspaceId } = tier;
    const { run, log, cancelled: signal } = context;
    const workspace = connect({ host, workspaceId, credentials, log, signal, ...beginning(run) });
    const identity = await whoAmI(workspace);
    const findings = viewFindings(trusted, tier, clientId, identity);
    // A contract without client_id knows its principal by name alone.
    const own = tier.clientId === undefined && identity.displayName === tier.servicePrincipal;
    return { workspace, identity, findings, ...(own ? { clientId } : {}) };
  };
  const view = await sign(first).catch((error: unknown) => {
    if (!(error instanceof CredentialRefused) || second === undefined) throw error;
    context.log.info("Databricks does not take GitHub's token for this principal; signing in with the client secret.");
    return sign(second);
  });
  if (view.findings.some(isFailure)) throw new FourTierError(view.findings);
  return view;
}

function viewFindings(contract: Contract, tier: Tier, clientId: string, identity: Identity): Finding[] {
  refuseOtherTiers(contract, tier, (name) => contract.tiers[name].servicePrincipal === identity.displayName);
  if (identity.userName.toLowerCase() === clientId && identity.active) {
    return checkWorkspace(identity, contract, tier);
  }
  return [
    {
      id: "identity/principal",
      severity: "error",
      message: identity.active
        ? `The credential belongs to ${identity.displayName} (${identity.userName}), not to ${clientId}, which was named to look at ${tier.name}.`
        : `The principal ${clientId}, which was named to look at ${tier.name}, is deactivated in this workspace.`,
      remedy: "Give the environment that the brief runs in a principal that may only read, and its own credential.",
    },
  ];
}

/** Looking at one tier as the principal of another would mix what design keeps apart. */
function refuseOtherTiers(contract: Contract, tier: Tier, is: (name: (typeof TIERS)[number]) => boolean): void {
  const owner = TIERS.find((name) => name !== tier.name && is(name));
  if (owner === undefined) return;
  throw new FourTierError({
    id: "identity/wrong-principal",
    severity: "error",
    where: contract.at(["tiers", owner]),
    message: `To look at ${tier.name}, a credential of ${contract.tiers[owner].servicePrincipal} was given, the principal of the tier ${owner}.`,
    remedy: `Make a principal for looking at ${tier.name} alone, with rights to view and none to change.`,
  });
}
