/**
 * Unity Catalog: listing and reading what there is, and bindings (facts: unity-catalog 1.4 to 1.6).
 */
import * as v from "valibot";
import type { Json, JsonObject } from "../json.ts";
import {
  type Answer,
  badRequest,
  type Call,
  flag,
  forbidden,
  integer,
  type Route,
  required,
  route,
  Unmodelled,
} from "./api.ts";
import { int64 } from "./job-shape.ts";
import { listed, pageOf, tokenFor } from "./pages.ts";
import type { SecurableType } from "./unity-privileges.ts";
import { Rights } from "./unity-rights.ts";
import type { Securable } from "./unity-state.ts";

const BASE = "/api/2.1/unity-catalog";
const FACTS = "unity-catalog 1.4";
const PAGING = ["max_results", "page_token"];

export function unityRoutes(): Route[] {
  const inSchema: [SecurableType, string, string, string[]][] = [
    ["table", "tables", "tables", ["omit_columns", "omit_properties", "omit_username"]],
    ["volume", "volumes", "volumes", []],
    ["function", "functions", "functions", []],
    ["model", "models", "registered_models", []],
  ];
  return [
    route("GET", `${BASE}/metastore_summary`, { facts: "unity-catalog 1.6", handle: summary }),
    route("GET", `${BASE}/current-metastore-assignment`, {
      facts: "unity-catalog 1.6",
      handle: ({ account, workspace }) => ({
        body: {
          metastore_id: account.metastore.root.id,
          workspace_id: BigInt(workspace.id),
          default_catalog_name: "main",
        },
      }),
    }),
    route("GET", `${BASE}/catalogs`, {
      facts: FACTS,
      query: [...PAGING, "include_browse", "include_unbound"],
      handle: (call) => list(call, "catalogs", call.account.metastore.catalogs, "all"),
    }),
    ...(
      [
        ["external_location", "external-locations", "external_locations"],
        ["storage_credential", "storage-credentials", "storage_credentials"],
      ] as const
    ).flatMap(([type, path, key]) => [
      route("GET", `${BASE}/${path}`, {
        facts: FACTS,
        query: [...PAGING, "include_browse", "include_unbound"],
        handle: (call) => list(call, key, call.account.metastore.children(call.account.metastore.root, type), "all"),
      }),
      route("GET", `${BASE}/${path}/{name}`, { facts: FACTS, query: ["include_browse"], handle: one(type) }),
    ]),
    route("GET", `${BASE}/schemas`, {
      facts: FACTS,
      query: [...PAGING, "catalog_name", "include_browse"],
      handle: (call) => {
        const catalog = call.account.metastore.find("catalog", required(call.query, "catalog_name"));
        return list(call, "schemas", childrenOf(call, catalog, "schema"), "all");
      },
    }),
    ...inSchema.map(([type, path, key, more]) =>
      route("GET", `${BASE}/${path}`, {
        facts: FACTS,
        query: [...PAGING, "catalog_name", "schema_name", "include_browse", ...more],
        handle: (call) => {
          // facts: unity-catalog 1.4: models are listed without a place, too, in pages
          if (type === "model" && !call.query.has("catalog_name")) return list(call, key, allModels(call), "page");
          const name = `${required(call.query, "catalog_name")}.${required(call.query, "schema_name")}`;
          const schema = call.account.metastore.find("schema", name);
          // facts: unity-catalog 1.4: without max_results volumes and models come in pages
          const missing = type === "volume" || type === "model" ? "page" : "all";
          return list(call, key, childrenOf(call, schema, type), missing);
        },
      }),
    ),
    ...([["catalog", "catalogs"], ["schema", "schemas"], ...inSchema] as const).map(([type, path]) =>
      route("GET", `${BASE}/${path}/{name}`, {
        facts: FACTS,
        query: type === "model" ? ["include_browse", "include_aliases"] : ["include_browse"],
        handle: one(type),
      }),
    ),
    route("GET", `${BASE}/bindings/{type}/{name}`, {
      facts: "unity-catalog 1.5",
      query: PAGING,
      handle: (call) => {
        const bound = managed(call, boundOf(call));
        const rights = new Rights(call);
        if (rights.owns(bound) && !rights.isMetastoreAdmin && call.account.behaviours.catalog_owner_reads === "itself")
          throw forbidden(`User is not a metastore admin and cannot read the bindings of '${bound.name}'.`);
        return { body: bindings(call, bound) };
      },
    }),
    route("PATCH", `${BASE}/bindings/{type}/{name}`, {
      facts: "unity-catalog 1.5",
      body: v.strictObject({ add: v.optional(v.array(Binding), []), remove: v.optional(v.array(Binding), []) }),
      handle: (call) => {
        const catalog = managed(call, boundOf(call));
        const { add, remove } = call.body;
        for (const one of remove) catalog.bindings.delete(workspaceOf(call, one));
        for (const one of add) {
          catalog.bindings.set(
            workspaceOf(call, one),
            one.binding_type === "BINDING_TYPE_READ_ONLY" ? "READ_ONLY" : "READ_WRITE",
          );
        }
        return { body: bindings(call, catalog) };
      },
    }),
  ];
}

const Binding = v.strictObject({
  workspace_id: int64,
  binding_type: v.optional(v.picklist(["BINDING_TYPE_READ_WRITE", "BINDING_TYPE_READ_ONLY"])),
});

function summary({ account }: Call<unknown>): Answer {
  const { root, name, storageRoot, externalAccess } = account.metastore;
  return {
    body: {
      metastore_id: root.id,
      name,
      owner: root.owner,
      privilege_model_version: "1.0",
      ...(storageRoot === "" ? {} : { storage_root: storageRoot }),
      external_access_enabled: externalAccess,
      cloud: "aws",
      region: "eu-central-1",
    },
  };
}

function allModels({ account: { metastore } }: Call<unknown>): Securable[] {
  const schemas = metastore.catalogs.flatMap((catalog) => metastore.children(catalog, "schema"));
  return schemas.flatMap((schema) => metastore.children(schema, "model"));
}

/** One securable of a type, by its name. */
function one(type: SecurableType): (call: Call<unknown>) => Answer {
  return (call) => {
    const found = call.account.metastore.find(type, call.params["name"] ?? "");
    const rights = new Rights(call);
    const refusal = rights.unreachable(found);
    if (refusal !== undefined) throw refusal;
    if (rights.sees(found)) return { body: show(call, found, false) };
    if (flag(call.query, "include_browse") && rights.browses(found)) return { body: show(call, found, true) };
    throw rights.missing(found);
  };
}

/** What is in a container; nothing when its catalog is not bound here (facts: unity-catalog 1.5). */
function childrenOf(call: Call<unknown>, parent: Securable, type: SecurableType): Securable[] {
  const rights = new Rights(call);
  if (!rights.reaches(parent)) {
    const refusal = rights.unreachable(parent);
    if (refusal !== undefined) throw refusal;
    return [];
  }
  // who may not even enter the container is told which right he lacks
  if (!rights.sees(parent) && !rights.browses(parent)) throw rights.missing(parent);
  return call.account.metastore.children(parent, type);
}

/** Filtered by the caller's rights: who may little sees an empty estate (facts: unity-catalog 1.4). */
function list(call: Call<unknown>, key: string, all: readonly Securable[], missing: "all" | "page"): Answer {
  const rights = new Rights(call);
  const browse = flag(call.query, "include_browse");
  const unbound = flag(call.query, "include_unbound");
  const rows: JsonObject[] = [];
  for (const one of all) {
    const reachable = rights.reaches(one) || (unbound && rights.manages(one));
    if (!reachable) continue;
    if (rights.sees(one)) rows.push(show(call, one, false));
    else if (browse && rights.browses(one)) rows.push(show(call, one, true));
  }
  return { body: paged(call, key, rows, missing) };
}

/** Unity Catalog's paging: 0 is the server's page, missing may mean everything, an empty page may go on. */
export function paged(
  call: Call<unknown>,
  key: string,
  rows: readonly Json[],
  missing: "all" | "page",
  least = 1,
): JsonObject {
  const { query, account } = call;
  const cap = account.scenario.page_size;
  const asked = integer(query, "max_results");
  if (asked !== undefined && (asked < 0 || (asked > 0 && asked < least))) {
    throw badRequest(`max_results must be 0 or at least ${least}, not ${asked}.`);
  }
  const size =
    asked === undefined
      ? missing === "all"
        ? Math.max(1, rows.length)
        : cap
      : asked === 0
        ? cap
        : Math.min(asked, cap);
  const token = query.get("page_token");
  const name = listed(`${call.params["name"] ?? ""} ${key}`, query);
  // facts: unity-catalog 1.1: a page may be empty and still go on
  if (account.behaviours.empty_pages && token === null && asked !== undefined)
    return { next_page_token: tokenFor(0, name) };
  const { items, next } = pageOf(rows, size, token, name);
  // facts: unity-catalog 1.1, 1.4: nothing there: the key is missing
  return {
    ...(items.length === 0 ? {} : { [key]: [...items] }),
    ...(next === undefined ? {} : { next_page_token: next }),
  };
}

/** Something whose grants, owner, bindings and properties the caller may change. */
export function managed(call: Call<unknown>, securable: Securable): Securable {
  const noun = securable.type === "catalog" ? "Catalog" : securable.type;
  if (!new Rights(call).manages(securable))
    throw forbidden(`User does not have MANAGE on ${noun} '${securable.name}'.`);
  return securable;
}

function boundOf({ account, params }: Call<unknown>): Securable {
  const type = params["type"]?.toLowerCase();
  if (type !== "catalog" && type !== "external_location" && type !== "storage_credential")
    throw new Unmodelled(`the simulator does not model bindings of ${params["type"]}`);
  return account.metastore.find(type, params["name"] ?? "");
}

function bindings(call: Call<unknown>, catalog: Securable): JsonObject {
  const rows = [...catalog.bindings].map(([name, type]) => ({
    workspace_id: BigInt(call.account.workspaces.get(name)?.id ?? 0),
    binding_type: `BINDING_TYPE_${type}`,
  }));
  return paged(call, "bindings", rows, "all");
}

function workspaceOf({ account }: Call<unknown>, { workspace_id }: { workspace_id: number | bigint }): string {
  const found = [...account.workspaces.values()].find(({ id }) => BigInt(id) === BigInt(workspace_id));
  if (found === undefined)
    throw badRequest(`Workspace ${workspace_id} does not exist or is not attached to this metastore.`);
  return found.name;
}

/** A securable as the API shows it to the caller; `browseOnly` cuts it to what BROWSE shows. */
export function show(call: Call<unknown>, one: Securable, browseOnly: boolean): JsonObject {
  const [catalog, schema] = one.fullName.split(".");
  const omitted = (name: string) => call.query.get(name) === "true";
  const marks = !browseOnly || call.account.behaviours.browse_shows_marks;
  const common: JsonObject = {
    name: one.name,
    full_name: one.fullName,
    owner: one.owner,
    metastore_id: call.account.metastore.root.id,
    securable_type: one.type.toUpperCase(),
    created_at: one.created,
    updated_at: one.updated,
    created_by: one.owner,
    ...(marks && one.comment !== undefined ? { comment: one.comment } : {}),
    ...(marks && one.properties !== undefined && !omitted("omit_properties")
      ? { properties: { ...one.properties } }
      : {}),
    ...(browseOnly ? { browse_only: true } : {}),
  };
  switch (one.type) {
    case "metastore":
      return common;
    case "catalog":
      return {
        ...common,
        isolation_mode: one.isolation,
        catalog_type: one.variant ?? "MANAGED_CATALOG",
        ...stored("storage_root", one),
      };
    // facts: unity-catalog 1.5: they say ISOLATION_MODE_*
    case "external_location":
      return {
        ...common,
        ...stored("url", one),
        credential_name: one.credential ?? "",
        isolation_mode: `ISOLATION_MODE_${one.isolation}`,
      };
    case "storage_credential":
      return { ...common, isolation_mode: `ISOLATION_MODE_${one.isolation}` };
    case "schema":
      return { ...common, catalog_name: catalog ?? "", schema_id: one.id, ...stored("storage_root", one) };
    case "table": {
      const columns = Object.entries(one.columns).map(([name, type], position) => ({
        name,
        type_text: type,
        type_name: type.toUpperCase(),
        position,
      }));
      const within = {
        catalog_name: catalog ?? "",
        schema_name: schema ?? "",
        table_id: one.id,
        table_type: one.variant ?? "MANAGED",
        ...stored("storage_location", one),
      };
      return { ...common, ...within, ...(columns.length === 0 || omitted("omit_columns") ? {} : { columns }) };
    }
    case "volume":
      return {
        ...common,
        catalog_name: catalog ?? "",
        schema_name: schema ?? "",
        volume_id: one.id,
        volume_type: one.variant ?? (one.storageRoot === undefined ? "MANAGED" : "EXTERNAL"),
        ...stored("storage_location", one),
      };
    case "function":
      return { ...common, catalog_name: catalog ?? "", schema_name: schema ?? "", function_id: one.id };
    case "model":
      return {
        ...common,
        catalog_name: catalog ?? "",
        schema_name: schema ?? "",
        id: one.id,
        ...stored("storage_location", one),
      };
  }
}

function stored(field: string, { storageRoot }: Securable): JsonObject {
  return storageRoot === undefined ? {} : { [field]: storageRoot };
}
