/** Whether a tier's catalog is there, and whether it may be written from this workspace (facts: unity-catalog 1.5). */
import type { Tier } from "../contract/model.ts";
import { ApiError } from "../databricks/errors.ts";
import type { Identity } from "../databricks/identity.ts";
import { type Binding, type Catalog, getBindings, getCatalog } from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { together } from "../http/pool.ts";
import { markFinding } from "../sandboxes/mark.ts";

/** What was found of a catalog, which is undefined only if a finding says why. */
export interface CatalogProof {
  readonly catalog: Catalog | undefined;
  /** To which workspaces the catalog is bound; undefined if it is open, or if it was not shown. */
  readonly bindings: readonly Binding[] | undefined;
  readonly findings: readonly Finding[];
}

/** Looks at the tier's catalog and its bindings. Throws ApiError for what is no refusal. */
export async function checkCatalog(workspace: Workspace, identity: Identity, tier: Tier): Promise<CatalogProof> {
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
