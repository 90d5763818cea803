/** Unity Catalog, writing: catalogs, schemas, grants, bindings (facts: unity-catalog 1.2, 1.4, 1.5, 1.10). */
import { ApiError, orMissing } from "./errors.ts";
import { ask, encodePath } from "./parse.ts";
import { type Binding, type Catalog, catalogSchema, root, toCatalog } from "./unity.ts";
import type { SecurableType } from "./unity-grants.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

interface NewCatalog {
  readonly name: string;
  readonly comment: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Cloud storage address; undefined: the metastore's own storage. */
  readonly storageRoot: string | undefined;
}

/** Makes a catalog, which its maker owns. Throws LostAnswer if it may have happened, ApiError (see `isTaken`) otherwise. */
export async function createCatalog(workspace: Workspace, catalog: NewCatalog): Promise<Catalog> {
  const { name, comment, properties, storageRoot } = catalog;
  const request: ApiRequest = {
    method: "POST",
    path: `${root}/catalogs`,
    json: { name, comment, properties, ...(storageRoot === undefined ? {} : { storage_root: storageRoot }) },
    repeatable: false,
  };
  return toCatalog(await ask(workspace, request, catalogSchema));
}

/**
 * Changes a catalog and gives what it is then. Properties are sent whole: whether the service replaces or merges them is
 * not documented, so one that shall go is sent empty.
 */
export async function updateCatalog(
  workspace: Workspace,
  name: string,
  change: {
    readonly properties?: Readonly<Record<string, string>>;
    readonly comment?: string;
    /** ISOLATED binds the catalog to the workspace that is asked. */
    readonly isolationMode?: "OPEN" | "ISOLATED";
  },
): Promise<Catalog> {
  const { properties, comment, isolationMode } = change;
  const request: ApiRequest = {
    method: "PATCH",
    path: `${root}/catalogs/${encodePath(name)}`,
    json: {
      ...(properties === undefined ? {} : { properties }),
      ...(comment === undefined ? {} : { comment }),
      ...(isolationMode === undefined ? {} : { isolation_mode: isolationMode }),
    },
    repeatable: true,
  };
  return toCatalog(await ask(workspace, request, catalogSchema));
}

/** Drops an empty catalog; that it is already gone is fine. One that holds schemas is refused by the service: ApiError. */
export async function deleteEmptyCatalog(workspace: Workspace, name: string): Promise<void> {
  await drop(workspace, "catalogs", name, false);
}

/** Drops an empty schema; that it is already gone is fine. One that holds something is refused by the service: ApiError. */
export async function deleteEmptySchema(workspace: Workspace, fullName: string): Promise<void> {
  await drop(workspace, "schemas", fullName, false);
}

/** Drops a schema with everything in it; that it is already gone is fine. */
export async function deleteSchemaAndContent(workspace: Workspace, fullName: string): Promise<void> {
  await drop(workspace, "schemas", fullName, true);
}

async function drop(
  workspace: Workspace,
  kind: "catalogs" | "schemas",
  fullName: string,
  force: boolean,
): Promise<void> {
  await orMissing(
    workspace.call({
      method: "DELETE",
      path: `${root}/${kind}/${encodePath(fullName)}`,
      query: { force },
      repeatable: true,
    }),
  );
}

/** One principal's rights on a securable, the difference only. */
export interface GrantChange {
  /** E-mail, group's display name or application id. */
  readonly principal: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Grants and revokes, all in one request; what is granted already, or was never, does no harm. Nothing is sent for nothing. */
export async function changeGrants(
  workspace: Workspace,
  type: SecurableType,
  fullName: string,
  changes: readonly GrantChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await workspace.call({
    method: "PATCH",
    path: `${root}/permissions/${type}/${encodePath(fullName)}`,
    json: {
      changes: changes.map(({ principal, add, remove }) => ({
        principal,
        ...(add.length === 0 ? {} : { add }),
        ...(remove.length === 0 ? {} : { remove }),
      })),
    },
    repeatable: true,
  });
}

/** Binds a catalog to workspaces and unbinds it from others; counts only if it is ISOLATED. */
export async function changeBindings(
  workspace: Workspace,
  catalog: string,
  change: { readonly add: readonly Binding[]; readonly remove: readonly Binding[] },
): Promise<void> {
  const wire = (bindings: readonly Binding[]) =>
    bindings.map(({ workspaceId, type }) => ({ workspace_id: BigInt(workspaceId), binding_type: type }));
  await workspace.call({
    method: "PATCH",
    path: `${root}/bindings/catalog/${encodePath(catalog)}`,
    json: { add: wire(change.add), remove: wire(change.remove) },
    repeatable: true,
  });
}

/** Whether an error says that the name is used: status and code differ by source (facts: unity-catalog 1.10). */
export function isTaken(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.status === 400 || error.status === 409) && error.code.endsWith("ALREADY_EXISTS")
  );
}
