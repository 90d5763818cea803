/**
 * Which tier this run is in, proved: the credential belongs to the tier's principal, the host is the tier's workspace,
 * and the tier's catalog can be reached from there. Nothing else runs before (design 5).
 */
import type { Contract, Tier, TierName } from "./contract/model.ts";
import { TIERS } from "./contract/model.ts";
import type { Credentials } from "./databricks/auth.ts";
import { CredentialRefused } from "./databricks/auth-advice.ts";
import { ApiError } from "./databricks/errors.ts";
import { type Identity, whoAmI } from "./databricks/identity.ts";
import { type Binding, type Catalog, getBindings, getCatalog } from "./databricks/unity.ts";
import { type ClientLog, connect, type Workspace } from "./databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "./findings.ts";
import { together } from "./http/pool.ts";
import { markFinding } from "./sandboxes/mark.ts";

/** What was found; identity and catalog are undefined only if a finding says why. */
interface Proof {
  readonly identity: Identity | undefined;
  readonly catalog: Catalog | undefined;
  /** To which workspaces the catalog is bound; undefined if it is open, or if it was not shown. */
  readonly bindings: readonly Binding[] | undefined;
  readonly findings: readonly Finding[];
}

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

/** Whether the catalog is there, and whether it may be written from this workspace (facts: unity-catalog 1.5). */
async function checkCatalog(
  workspace: Workspace,
  identity: Identity,
  tier: Tier,
): Promise<Pick<Proof, "catalog" | "bindings" | "findings">> {
  const where = { kind: "securable", type: "catalog", name: tier.catalog } as const;
  const unseen = (severity: "error" | "unknown", message: string, remedy: string) => ({
    catalog: undefined,
    bindings: undefined,
    findings: [{ id: "identity/catalog", severity, where, message, remedy }],
  });
  const [catalog, bindings] = await together([
    unlessRefused(getCatalog(workspace, tier.catalog)),
    unlessRefused(getBindings(workspace, "catalog", tier.catalog)),
  ]);
  if (catalog instanceof ApiError) {
    return unseen(
      "unknown",
      `${tier.servicePrincipal} may not see the catalog ${tier.catalog} from this workspace (${catalog.detail}).`,
      `Make ${tier.servicePrincipal} the owner of ${tier.catalog}, or grant it USE_CATALOG, and bind the catalog to this workspace.`,
    );
  }
  if (catalog === undefined) {
    return unseen(
      "error",
      `There is no catalog ${tier.catalog} in this workspace's metastore.`,
      tier.name === "sandbox"
        ? "The sandbox of this developer has not been made yet: have it provisioned first."
        : `Create it, owned by ${tier.servicePrincipal}, or fix tiers.${tier.name}.catalog in the contract.`,
    );
  }
  const mark = markFinding(tier, catalog);
  if (mark !== undefined) return { catalog: undefined, bindings: undefined, findings: [mark] };
  if (catalog.isolationMode === undefined || catalog.isolationMode === "OPEN") {
    const finding: Finding = {
      id: "identity/catalog-open",
      severity: "warning",
      where,
      message: `The catalog ${tier.catalog} is open to every workspace of the metastore.`,
      why: "Grants alone then keep the tiers apart.",
      remedy: `Set its isolation mode to ISOLATED and bind it to the workspace of ${tier.name} only.`,
    };
    return { catalog, bindings: undefined, findings: [finding] };
  }
  if (bindings instanceof ApiError)
    return { catalog, bindings: undefined, findings: checkBinding(identity, tier, undefined) };
  return { catalog, bindings, findings: checkBinding(identity, tier, bindings ?? []) };
}

/** What the service knows and does not show comes as its error; every other failure is thrown. */
async function unlessRefused<T>(asked: Promise<T>): Promise<T | ApiError> {
  return asked.catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return error;
    throw error;
  });
}

/** Whether the tier's workspace may write its catalog; `bindings` is undefined if they were not shown. */
function checkBinding(identity: Identity, tier: Tier, bindings: readonly Binding[] | undefined): Finding[] {
  const where = { kind: "securable", type: "catalog", name: tier.catalog } as const;
  const finding = (severity: Finding["severity"], message: string, remedy: string): Finding[] => [
    { id: "identity/catalog-binding", severity, where, message, remedy },
  ];
  if (bindings === undefined) {
    // Only its owner reads them, and a sandbox's owner is dev's principal, which binds it.
    if (tier.name === "sandbox") return [];
    return finding(
      "warning",
      `${tier.servicePrincipal} may not read to which workspaces ${tier.catalog} is bound; it can be reached from this one.`,
      `Make ${tier.servicePrincipal} the owner of ${tier.catalog}.`,
    );
  }
  const own = bindings.find((binding) => binding.workspaceId === identity.workspaceId);
  if (own?.type === "BINDING_TYPE_READ_WRITE") return [];
  return finding(
    "error",
    `The catalog ${tier.catalog} is ${own === undefined ? "not bound" : "bound read-only"} to this workspace (${identity.workspaceId ?? "unknown"}).`,
    `Bind it with read and write access to the workspace of ${tier.name}, and to no other.`,
  );
}

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

function tierOf(contract: Contract, clientId: string): TierName | undefined {
  return TIERS.find((name) => contract.tiers[name].clientId?.toLowerCase() === clientId);
}

/** The tier whose principal is called so. The sandbox shares dev's workspace, so it is looked at last. */
function tierNamed(contract: Contract, displayName: string): TierName | undefined {
  return TIERS.toReversed().find((name) => contract.tiers[name].servicePrincipal === displayName);
}

function describe(contract: Contract, clientId: string): string {
  const owner = tierOf(contract, clientId);
  return owner === undefined ? clientId : `${contract.tiers[owner].servicePrincipal} (${clientId})`;
}
