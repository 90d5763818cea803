/**
 * Which tier this run is in, proved: the credential belongs to the tier's principal, the host is the tier's workspace,
 * and the tier's catalog can be reached from there. Nothing else runs before (design 5).
 */
import { type Contract, TIERS, type Tier, type TierName } from "./contract/model.ts";
import { CredentialRefused } from "./databricks/auth-advice.ts";
import { ApiError } from "./databricks/errors.ts";
import { type Identity, whoAmI } from "./databricks/identity.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { type Finding, isFailure } from "./findings.ts";
import { type CatalogProof, checkCatalog } from "./identity/catalog.ts";
import { tierOf } from "./identity/client-id.ts";

/** What was found; identity and catalog are undefined only if a finding says why. */
interface Proof extends CatalogProof {
  readonly identity: Identity | undefined;
}

/** Proves the tier behind a connection. Throws CredentialRefused, or FourTierError if the workspace cannot be asked. */
export async function proveTier(
  workspace: Workspace,
  contract: Contract,
  tier: Tier,
  clientId: string,
): Promise<Proof> {
  const identity = await whoAmI(workspace).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    throw new CredentialRefused(workspace.authType === "oauth-m2m" ? "secret" : "oidc", error.detail, {
      id: "identity/not-in-workspace",
      severity: "error",
      message: `The credential of ${describe(contract, clientId)} is good, but ${tier.host} does not let it in (${error.detail}).`,
      remedy: `The tier ${tier.name} needs ${tier.servicePrincipal}: sign in as that principal, and assign it to this workspace if it is not.`,
    });
  });
  const findings = [...checkPrincipal(identity, contract, tier, clientId), ...checkWorkspace(identity, contract, tier)];
  // The wrong principal's view of a catalog proves nothing, so it is not even asked.
  if (findings.some(isFailure)) return { identity, catalog: undefined, bindings: undefined, findings };
  const seen = await checkCatalog(workspace, identity, tier);
  return { ...seen, identity, findings: [...findings, ...seen.findings] };
}

function checkPrincipal(identity: Identity, contract: Contract, tier: Tier, clientId: string): Finding[] {
  const where = contract.at(["tiers", tier.name, "service_principal"]);
  const belongs = `${identity.displayName || "a principal without a name"} (${identity.userName})`;
  const needs = `the tier ${tier.name} needs ${tier.servicePrincipal}`;
  if (identity.userName.toLowerCase() !== clientId) {
    return [
      {
        id: "identity/principal",
        severity: "error",
        where,
        message: `The credential belongs to ${belongs}; it was given as ${clientId}, and ${needs}.`,
        remedy: `Put a credential of ${tier.servicePrincipal} into the GitHub environment of ${tier.name}.`,
      },
    ];
  }
  if (identity.displayName !== tier.servicePrincipal) {
    const owner = tierNamed(contract, identity.displayName);
    return [
      {
        id: "identity/principal",
        severity: "error",
        where,
        message: `The credential belongs to ${belongs}${owner === undefined ? "" : `, the principal of the tier ${owner}`}; ${needs}.`,
        remedy:
          owner === undefined && tier.clientId === clientId
            ? `The contract's client_id is this principal: write its display name as tiers.${tier.name}.service_principal, or rename it in Databricks.`
            : `Put the client id and a credential of ${tier.servicePrincipal} into the GitHub environment of ${tier.name}.`,
      },
    ];
  }
  if (identity.active) return [];
  return [
    {
      id: "identity/inactive",
      severity: "error",
      where,
      message: `The service principal ${belongs} is deactivated in this workspace.`,
      remedy: "Activate it, or name another one in the contract.",
    },
  ];
}

/** Whether the host is the workspace that the contract names. */
export function checkWorkspace(identity: Identity, contract: Contract, tier: Tier): Finding[] {
  const where = contract.at(["tiers", tier.name, "workspace_id"]);
  const { workspaceId } = identity;
  if (tier.workspaceId === undefined) {
    return [
      {
        id: "identity/workspace-unchecked",
        severity: "notice",
        where,
        message: `The contract does not say which workspace ${tier.name} is, so only its address was checked.`,
        remedy:
          workspaceId === undefined
            ? `Write the id of the workspace as tiers.${tier.name}.workspace_id.`
            : `Write workspace_id: "${workspaceId}" if that is the workspace of ${tier.name}.`,
      },
    ];
  }
  if (workspaceId === tier.workspaceId) return [];
  return [
    workspaceId === undefined
      ? {
          id: "identity/workspace-unknown",
          severity: "unknown",
          where,
          message: `${tier.host} did not say which workspace it is, so it is not proved to be ${tier.workspaceId}.`,
          remedy: "Check what stands between the runner and the workspace: a proxy that drops X-Databricks-Org-Id?",
        }
      : {
          id: "identity/workspace",
          severity: "error",
          where,
          message: `${tier.host} is the workspace ${workspaceId}; the tier ${tier.name} is the workspace ${tier.workspaceId}.`,
          remedy: `Fix tiers.${tier.name}.workspace or workspace_id in the contract, whichever is wrong.`,
        },
  ];
}

/** The tier whose principal is called so. The sandbox shares dev's workspace, so it is looked at last. */
function tierNamed(contract: Contract, displayName: string): TierName | undefined {
  return TIERS.toReversed().find((name) => contract.tiers[name].servicePrincipal === displayName);
}

function describe(contract: Contract, clientId: string): string {
  const owner = tierOf(contract, clientId);
  return owner === undefined ? clientId : `${contract.tiers[owner].servicePrincipal} (${clientId})`;
}
