/**
 * Unity Catalog: making, changing and dropping catalogs and schemas (facts: unity-catalog 1.4 to 1.6, 1.8, 1.10).
 */
import * as v from "valibot";
import { type Answer, ApiError, badRequest, type Call, flag, forbidden, notFound, type Route, route } from "./api.ts";
import { managed, show } from "./unity-catalogs.ts";
import { Rights } from "./unity-rights.ts";
import type { Securable } from "./unity-state.ts";

const BASE = "/api/2.1/unity-catalog";
const FACTS = "unity-catalog 1.4";

const Properties = v.record(v.string(), v.string());
const NewCatalog = v.strictObject({
  name: v.string(),
  comment: v.optional(v.string()),
  properties: v.optional(Properties),
  storage_root: v.optional(v.string()),
});
const ChangedCatalog = v.strictObject({
  comment: v.optional(v.string()),
  isolation_mode: v.optional(v.picklist(["OPEN", "ISOLATED"])),
  owner: v.optional(v.string()),
  properties: v.optional(Properties),
});
const NewSchema = v.strictObject({
  name: v.string(),
  catalog_name: v.string(),
  comment: v.optional(v.string()),
  properties: v.optional(Properties),
  storage_root: v.optional(v.string()),
});

export function unityWriteRoutes(): Route[] {
  return [
    route("POST", `${BASE}/catalogs`, { facts: FACTS, body: NewCatalog, handle: createCatalog }),
    route("PATCH", `${BASE}/catalogs/{name}`, {
      facts: "unity-catalog 1.5",
      body: ChangedCatalog,
      handle: changeCatalog,
    }),
    route("DELETE", `${BASE}/catalogs/{name}`, { facts: FACTS, query: ["force"], handle: deleteCatalog }),
    route("POST", `${BASE}/schemas`, { facts: FACTS, body: NewSchema, handle: createSchema }),
    route("DELETE", `${BASE}/schemas/{name}`, { facts: FACTS, query: ["force"], handle: deleteSchema }),
  ];
}

function createCatalog(call: Call<v.InferOutput<typeof NewCatalog>>): Answer {
  const { account, body, principal } = call;
  const { metastore } = account;
  const rights = new Rights(call);
  if (!rights.isMetastoreAdmin && !rights.granted("CREATE_CATALOG", metastore.root))
    throw forbidden(`User does not have CREATE CATALOG on Metastore '${metastore.name}'.`);
  const name = named(body.name, "catalog");
  if (metastore.catalogs.some((one) => one.name === name)) throw exists(call, "Catalog", name);
  // a metastore without root storage makes every catalog bring its own
  if (metastore.storageRoot === "" && body.storage_root === undefined) {
    const message =
      "Metastore storage root URL does not exist. Please provide a storage location for the catalog, or set up a metastore root storage location.";
    throw new ApiError(400, "INVALID_STATE", message);
  }
  const { comment, properties } = body;
  const catalog = metastore.add("catalog", name, metastore.root, principal.name, { comment, properties });
  catalog.storageRoot = body.storage_root;
  if (account.behaviours.default_schema) metastore.add("schema", "default", catalog, principal.name);
  return { body: show(call, catalog, false) };
}

function changeCatalog(call: Call<v.InferOutput<typeof ChangedCatalog>>): Answer {
  const catalog = managed(call, call.account.metastore.find("catalog", call.params["name"] ?? ""));
  const { account, workspace, body } = call;
  if (body.owner !== undefined) {
    const owner = account.directory.grantee(body.owner);
    if (owner === undefined)
      throw notFound(`Could not find principal with name ${body.owner}`, "PRINCIPAL_DOES_NOT_EXIST");
    catalog.owner = owner;
  }
  if (body.comment !== undefined) catalog.comment = body.comment === "" ? undefined : body.comment;
  if (body.properties !== undefined) {
    const before = account.behaviours.catalog_properties === "merge" ? catalog.properties : {};
    catalog.properties = { ...before, ...body.properties };
  }
  if (body.isolation_mode !== undefined) {
    // facts: unity-catalog 1.5: isolating binds the current workspace
    if (body.isolation_mode === "ISOLATED" && catalog.bindings.size === 0)
      catalog.bindings.set(workspace.name, "READ_WRITE");
    catalog.isolation = body.isolation_mode;
  }
  catalog.updated = account.clock.now();
  return { body: show(call, catalog, false) };
}

function deleteCatalog(call: Call<unknown>): Answer {
  const catalog = managed(call, call.account.metastore.find("catalog", call.params["name"] ?? ""));
  const schemas = [...catalog.children.values()].filter(({ name }) => name !== "information_schema");
  if (schemas.length > 0 && !flag(call.query, "force")) {
    throw notEmpty(call, `Catalog '${catalog.name}'`, `The catalog has ${schemas.length} schema(s).`);
  }
  call.account.metastore.remove(catalog);
  return {};
}

function createSchema(call: Call<v.InferOutput<typeof NewSchema>>): Answer {
  const { account, body, principal } = call;
  const { metastore } = account;
  const catalog = metastore.find("catalog", body.catalog_name);
  const rights = new Rights(call);
  writable(rights, catalog);
  const may = rights.manages(catalog) || (rights.sees(catalog) && rights.granted("CREATE_SCHEMA", catalog));
  if (!may) throw forbidden(`User does not have CREATE SCHEMA on Catalog '${catalog.name}'.`);
  const name = named(body.name, "schema");
  if (metastore.children(catalog, "schema").some((one) => one.name === name))
    throw exists(call, "Schema", `${catalog.name}.${name}`);
  const { comment, properties, storage_root: storage } = body;
  const made = metastore.add("schema", name, catalog, principal.name, { comment, properties, storage });
  return { body: show(call, made, false) };
}

function deleteSchema(call: Call<unknown>): Answer {
  const { metastore } = call.account;
  const schema = metastore.find("schema", call.params["name"] ?? "");
  const rights = new Rights(call);
  writable(rights, schema);
  if (!rights.manages(schema)) throw forbidden(`User does not have MANAGE on Schema '${schema.fullName}'.`);
  if (schema.name === "information_schema") throw badRequest("information_schema cannot be deleted.");
  if (schema.children.size > 0 && !flag(call.query, "force")) {
    throw notEmpty(call, `Schema '${schema.fullName}'`, `The schema has ${schema.children.size} object(s).`);
  }
  const odd = [...schema.children.values()].filter(
    ({ type, variant = "MANAGED" }) => type === "model" || !PLAIN.has(variant),
  );
  if (odd.length > 0 && call.account.behaviours.forced_drop === "data-only")
    throw new ApiError(
      400,
      "INVALID_STATE",
      `Schema '${schema.fullName}' holds ${odd[0]?.name}, which is dropped by itself.`,
    );
  metastore.remove(schema);
  return {};
}

/** What a schema can hold that no other service looks after. */
const PLAIN = new Set(["MANAGED", "EXTERNAL", "VIEW"]);

function notEmpty({ account }: Call<unknown>, what: string, holds: string): ApiError {
  if (account.behaviours.not_empty === "said")
    return new ApiError(400, "INVALID_STATE", `${what} is not empty. ${holds}`);
  return new ApiError(409, "RESOURCE_CONFLICT", `${what} cannot be dropped. ${holds}`);
}

/** facts: unity-catalog 1.5: from a workspace it is not bound to, nothing in a catalog is touched. */
export function writable(rights: Rights, securable: Securable): void {
  const refusal = rights.unreachable(securable);
  if (refusal !== undefined) throw refusal;
  if (!rights.mayWriteFromHere(securable) || !rights.reaches(securable))
    throw forbidden(`Catalog of '${securable.fullName}' is bound read-only to this workspace.`);
}

/** facts: unity-catalog 1.4: no blanks, periods, slashes, control characters; names are kept in lower case. */
export function named(name: string, type: string): string {
  // oxlint-disable-next-line no-control-regex -- the service's own rule
  if (name === "" || name.length > 255 || /[\s./\u0000-\u001f\u007f]/.test(name))
    throw badRequest(`'${name}' is not a valid name of a ${type}.`);
  return name.toLowerCase();
}

/** The error for a name that is taken; which status it has is an open question of the scenario. */
export function exists(call: Call<unknown>, noun: string, name: string): ApiError {
  const code = `${noun.toUpperCase()}_ALREADY_EXISTS`;
  return new ApiError(call.account.behaviours.securable_exists, code, `${noun} '${name}' already exists`);
}
