/**
 * Unity Catalog, reading: what there is. Who is granted what is in unity-grants.ts, writing in unity-write.ts (facts:
 * unity-catalog 1).
 */
import * as v from "valibot";
import { orMissing } from "./errors.ts";
import { ask, collect, encodePath, id, integer, items, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** What all securables of Unity Catalog have. */
export interface Securable {
  readonly name: string;
  readonly fullName: string;
  readonly owner: string | undefined;
  /** True if the caller sees only that it exists. */
  readonly browseOnly: boolean;
  /** When it was last changed, milliseconds since 1970; undefined if the service did not say. */
  readonly updatedAt: number | undefined;
}

/** A catalog as its API gives it. */
export interface Catalog extends Securable {
  /** OPEN, ISOLATED; undefined if the service did not say. Bindings count only if ISOLATED. */
  readonly isolationMode: string | undefined;
  readonly type: string | undefined;
  readonly comment: string | undefined;
  readonly properties: Readonly<Record<string, string>>;
  /** Where it keeps managed data; undefined: in the metastore's own storage. */
  readonly storageRoot: string | undefined;
}

interface Schema extends Securable {
  /** Where it keeps managed data, if not where its catalog does. */
  readonly storageRoot: string | undefined;
}

interface Table extends Securable {
  /** MANAGED, VIEW, STREAMING_TABLE, MANAGED_SHALLOW_CLONE, …: an open list. */
  readonly type: string | undefined;
  readonly storageLocation: string | undefined;
}

interface Volume extends Securable {
  /** MANAGED, EXTERNAL. */
  readonly type: string | undefined;
  readonly storageLocation: string | undefined;
}

/** A workspace in which an isolated securable can be used. */
export interface Binding {
  readonly workspaceId: string;
  /** BINDING_TYPE_READ_WRITE or BINDING_TYPE_READ_ONLY. */
  readonly type: string;
}

/** The metastore that the workspace is attached to. */
export interface MetastoreSummary {
  readonly id: string;
  readonly name: string;
  /** Undefined if nobody is its admin (facts: unity-catalog 1.6). */
  readonly owner: string | undefined;
  readonly externalAccess: boolean;
  /** Where catalogs without storage of their own keep managed data; undefined if it has none. */
  readonly storageRoot: string | undefined;
}

/** Where the API is. */
export const root = "/api/2.1/unity-catalog";

const securableEntries = {
  name: v.string(),
  full_name: optionalText,
  owner: optionalText,
  browse_only: v.optional(v.boolean(), false),
  updated_at: v.optional(integer),
};
const securableSchema = v.looseObject(securableEntries);
/** A catalog as it is read or written back. */
export const catalogSchema = v.looseObject({
  ...securableEntries,
  isolation_mode: optionalText,
  catalog_type: optionalText,
  comment: optionalText,
  properties: v.optional(v.record(v.string(), v.string()), {}),
  storage_root: optionalText,
});
const schemaSchema = v.looseObject({ ...securableEntries, storage_root: optionalText });
const tableSchema = v.looseObject({ ...securableEntries, table_type: optionalText, storage_location: optionalText });
const volumeSchema = v.looseObject({ ...securableEntries, volume_type: optionalText, storage_location: optionalText });

/** Catalogs the caller can see; what it may only browse is marked. */
export async function* listCatalogs(
  workspace: Workspace,
  options: { readonly includeBrowse?: boolean; readonly includeUnbound?: boolean } = {},
): AsyncGenerator<Catalog> {
  const request = listing("catalogs", {
    include_browse: options.includeBrowse,
    include_unbound: options.includeUnbound,
  });
  for await (const catalog of items(workspace, request, "catalogs", catalogSchema)) yield toCatalog(catalog);
}

/** One catalog; undefined if it does not exist (one the caller may not see is a 403 ApiError). */
export async function getCatalog(workspace: Workspace, name: string): Promise<Catalog | undefined> {
  const request: ApiRequest = { method: "GET", path: `${root}/catalogs/${encodePath(name)}` };
  const catalog = await orMissing(ask(workspace, request, catalogSchema));
  return catalog === undefined ? undefined : toCatalog(catalog);
}

/** One schema; undefined if it does not exist (one the caller may not see is a 403 ApiError). */
export async function getSchema(workspace: Workspace, fullName: string): Promise<Securable | undefined> {
  const request: ApiRequest = { method: "GET", path: `${root}/schemas/${encodePath(fullName)}` };
  const schema = await orMissing(ask(workspace, request, securableSchema));
  return schema === undefined ? undefined : toSecurable(schema, [fullName.split(".")[0] ?? ""]);
}

/** Schemas of a catalog that the caller can see. */
export async function* listSchemas(workspace: Workspace, catalog: string): AsyncGenerator<Schema> {
  const request = listing("schemas", { catalog_name: catalog, include_browse: true });
  for await (const schema of items(workspace, request, "schemas", schemaSchema)) {
    yield { ...toSecurable(schema, [catalog]), storageRoot: schema.storage_root };
  }
}

/** Tables, views and the like of a schema. */
export async function* listTables(workspace: Workspace, catalog: string, schema: string): AsyncGenerator<Table> {
  const request = listing("tables", {
    catalog_name: catalog,
    schema_name: schema,
    include_browse: true,
    omit_columns: true,
    omit_properties: true,
  });
  for await (const table of items(workspace, request, "tables", tableSchema)) {
    const { table_type: type, storage_location: storageLocation } = table;
    yield { ...toSecurable(table, [catalog, schema]), type, storageLocation };
  }
}

/** Volumes of a schema that the caller can see. */
export async function* listVolumes(workspace: Workspace, catalog: string, schema: string): AsyncGenerator<Volume> {
  const request = listing("volumes", { catalog_name: catalog, schema_name: schema, include_browse: true });
  for await (const volume of items(workspace, request, "volumes", volumeSchema)) {
    const { volume_type: type, storage_location: storageLocation } = volume;
    yield { ...toSecurable(volume, [catalog, schema]), type, storageLocation };
  }
}

/** Functions of a schema that the caller can see. */
export function listFunctions(workspace: Workspace, catalog: string, schema: string): AsyncGenerator<Securable> {
  return listIn(workspace, "functions", "functions", catalog, schema);
}

/** Registered models; their grants are read as type `function`. */
export function listModels(workspace: Workspace, catalog: string, schema: string): AsyncGenerator<Securable> {
  return listIn(workspace, "models", "registered_models", catalog, schema);
}

/** Registered models of the whole metastore, as far as the caller sees them; `fullName` says where each is. */
export async function* listAllModels(workspace: Workspace): AsyncGenerator<Securable> {
  // Without a schema the service's own page is 100; this is its most (facts: unity-catalog 1.4).
  const request: ApiRequest = {
    method: "GET",
    path: `${root}/models`,
    query: { include_browse: true, max_results: 1000 },
  };
  for await (const model of items(workspace, request, "registered_models", securableSchema))
    yield toSecurable(model, []);
}

/** The workspaces a securable is bound to; counts only if it is ISOLATED. undefined if it does not exist. */
export async function getBindings(
  workspace: Workspace,
  type: "catalog" | "external_location" | "storage_credential" | "credential",
  name: string,
): Promise<readonly Binding[] | undefined> {
  const schema = v.looseObject({
    workspace_id: id,
    binding_type: v.optional(v.string(), "BINDING_TYPE_READ_WRITE"),
  });
  const request: ApiRequest = { method: "GET", path: `${root}/bindings/${type}/${encodePath(name)}` };
  const found = await orMissing(collect(items(workspace, request, "bindings", schema)));
  return found?.map((binding) => ({ workspaceId: binding.workspace_id, type: binding.binding_type }));
}

/** The metastore this workspace is in: its owner is metastore admin. */
export async function getMetastoreSummary(workspace: Workspace): Promise<MetastoreSummary> {
  const schema = v.looseObject({
    metastore_id: v.string(),
    name: v.optional(v.string(), ""),
    owner: optionalText,
    external_access_enabled: v.optional(v.boolean(), false),
    storage_root: optionalText,
  });
  const summary = await ask(workspace, { method: "GET", path: `${root}/metastore_summary` }, schema);
  return {
    id: summary.metastore_id,
    name: summary.name,
    owner: isNobody(summary.owner) ? undefined : summary.owner,
    externalAccess: summary.external_access_enabled,
    storageRoot: summary.storage_root || undefined,
  };
}

/** How a metastore that was made without an admin names its owner. */
function isNobody(owner: string | undefined): boolean {
  return owner === undefined || ["", "system user"].includes(owner.trim().toLowerCase());
}

function listing(kind: string, query: NonNullable<ApiRequest["query"]>): ApiRequest {
  return { method: "GET", path: `${root}/${kind}`, query: { ...query, max_results: 0 } };
}

async function* listIn(
  workspace: Workspace,
  kind: string,
  key: string,
  catalog: string,
  schema: string,
): AsyncGenerator<Securable> {
  const request = listing(kind, { catalog_name: catalog, schema_name: schema, include_browse: true });
  for await (const item of items(workspace, request, key, securableSchema)) {
    yield toSecurable(item, [catalog, schema]);
  }
}

function toSecurable(found: v.InferOutput<typeof securableSchema>, parents: readonly string[]): Securable {
  return {
    name: found.name,
    fullName: found.full_name ?? [...parents, found.name].join("."),
    owner: found.owner || undefined,
    browseOnly: found.browse_only,
    updatedAt: found.updated_at,
  };
}

/** A catalog as the service answers it, by our names. */
export function toCatalog(found: v.InferOutput<typeof catalogSchema>): Catalog {
  return {
    ...toSecurable(found, []),
    isolationMode: found.isolation_mode,
    type: found.catalog_type,
    comment: found.comment,
    properties: found.properties,
    storageRoot: found.storage_root,
  };
}
