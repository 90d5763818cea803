/**
 * information_schema of one catalog as tables of SQLite, with the rows that the caller may see (facts: unity-catalog 2).
 */
import { DatabaseSync } from "node:sqlite";
import type { Account, Workspace } from "./account.ts";
import type { Principal } from "./principals.ts";
import { policiesOn } from "./unity-policies.ts";
import { GRANTABLE } from "./unity-privileges.ts";
import { chainOf, Rights } from "./unity-rights.ts";
import type { Securable } from "./unity-state.ts";

/** Grants of one kind of thing: its view, the columns that name it, and how they are inherited. */
const PRIVILEGES = {
  catalog: ["catalog_privileges", ["catalog_name"]],
  schema: ["schema_privileges", ["catalog_name", "schema_name"]],
  table: ["table_privileges", ["table_catalog", "table_schema", "table_name"]],
  volume: ["volume_privileges", ["volume_catalog", "volume_schema", "volume_name"]],
  function: ["routine_privileges", ["specific_catalog", "specific_schema", "specific_name"]],
} as const;
type Kind = keyof typeof PRIVILEGES;

const LISTS = `
  CREATE TABLE catalogs (catalog_name TEXT, catalog_owner TEXT);
  CREATE TABLE schemata (catalog_name TEXT, schema_name TEXT, schema_owner TEXT);
  CREATE TABLE tables (table_catalog TEXT, table_schema TEXT, table_name TEXT, table_type TEXT, table_owner TEXT, storage_path TEXT);
  CREATE TABLE volumes (volume_catalog TEXT, volume_schema TEXT, volume_name TEXT, volume_type TEXT, volume_owner TEXT, storage_location TEXT);
  CREATE TABLE routines (specific_catalog TEXT, specific_schema TEXT, specific_name TEXT, routine_type TEXT);
  CREATE TABLE abac_policy_definitions (policy_name TEXT, policy_type TEXT, catalog_name TEXT, schema_name TEXT, securable_name TEXT, on_securable_type TEXT);
  CREATE TABLE fits (kind TEXT, privilege TEXT);
`;

/** A database whose tables are the catalog's information_schema, as `principal` sees it from `workspace`. */
export function informationSchema(
  account: Account,
  workspace: Workspace,
  principal: Principal,
  catalog: Securable,
): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(`BEGIN; ${LISTS}`);
  for (const kind of Object.keys(PRIVILEGES) as Kind[]) db.exec(privilegeViews(kind));
  const rights = new Rights({ account, workspace, principal });
  const insert = inserter(db);
  for (const [kind, privileges] of Object.entries(GRANTABLE))
    for (const privilege of privileges) insert("fits", [kind, privilege]);
  fill(account, rights, catalog, insert);
  db.exec("COMMIT");
  return db;
}

type Insert = (table: string, values: readonly (string | null)[]) => void;

function inserter(db: DatabaseSync): Insert {
  const prepared = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  return (table, values) => {
    const key = `${table} ${values.length}`;
    const statement =
      prepared.get(key) ?? db.prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`);
    prepared.set(key, statement);
    statement.run(...values);
  };
}

function fill(account: Account, rights: Rights, catalog: Securable, insert: Insert): void {
  const mark = account.behaviours.direct_grant_mark === "NONE" ? "NONE" : null;
  const add = (one: Securable): void => {
    // facts: unity-catalog 1.5, 2: of a catalog that is not bound here nothing below it is shown
    if (one !== catalog && !rights.reaches(one)) return;
    if (one.name === "information_schema" && one.type === "schema") {
      insert("schemata", [catalog.name, one.name, one.owner]);
      return;
    }
    if (rights.sees(one)) addObject(one, catalog.name, insert);
    addGrants(one, catalog.name, rights, mark, insert);
    if (rights.manages(one)) {
      for (const policy of policiesOn(account, one)) {
        const [, schema = null, leaf = null] = one.fullName.split(".");
        insert("abac_policy_definitions", [
          policy.name,
          policy.type,
          catalog.name,
          schema,
          leaf,
          one.type.toUpperCase(),
        ]);
      }
    }
    for (const child of one.children.values()) add(child);
  };
  add(catalog);
}

function addObject(one: Securable, catalog: string, insert: Insert): void {
  const [, schema = null, leaf = null] = one.fullName.split(".");
  if (one.type === "catalog") insert("catalogs", [one.name, one.owner]);
  if (one.type === "schema") insert("schemata", [catalog, one.name, one.owner]);
  if (one.type === "table")
    insert("tables", [catalog, schema, leaf, one.variant ?? "MANAGED", one.owner, one.storageRoot ?? null]);
  if (one.type === "volume") {
    const type = one.variant ?? (one.storageRoot === undefined ? "MANAGED" : "EXTERNAL");
    insert("volumes", [catalog, schema, leaf, type, one.owner, one.storageRoot ?? null]);
  }
  // facts: unity-catalog 2: registered models have no view of their own, and routines show no owner
  if (one.type === "function") insert("routines", [catalog, schema, leaf, "FUNCTION"]);
}

/** facts: unity-catalog 2: who has MANAGE only, sees no grants but his own; owners and metastore admins see all. */
function addGrants(one: Securable, catalog: string, rights: Rights, mark: string | null, insert: Insert): void {
  const kind = one.type;
  if (kind !== "catalog" && kind !== "schema" && kind !== "table" && kind !== "volume" && kind !== "function") return;
  const all = rights.isMetastoreAdmin || chainOf(one).some((place) => rights.owns(place));
  const path = [catalog, ...one.fullName.split(".").slice(1)];
  for (const { principal, privileges } of one.grants.values()) {
    // facts: unity-catalog 1.1: what a deleted principal left has no name to show
    if (principal === "" || !(all || rights.is(principal))) continue;
    for (const privilege of privileges) insert(`direct_${kind}`, [principal, ...path, privilege, mark]);
  }
}

/** Direct grants and what is inherited from above, in one view. */
function privilegeViews(kind: Kind): string {
  const [view, names] = PRIVILEGES[kind];
  const columns = ["grantee", ...names, "privilege_type"];
  const direct = `CREATE TABLE direct_${kind} (grantee TEXT, ${names.map((name) => `${name} TEXT`).join(", ")}, privilege_type TEXT, inherited_from TEXT);`;
  const own = `SELECT ${columns.join(", ")}, inherited_from FROM direct_${kind}`;
  const fits = `JOIN fits ON fits.kind = '${kind}' AND fits.privilege = above.privilege_type`;
  const lists: Record<Kind, readonly [table: string, catalog: string, schema: string]> = {
    catalog: ["catalogs", "catalog_name", ""],
    schema: ["schemata", "catalog_name", ""],
    table: ["tables", "table_catalog", "table_schema"],
    volume: ["volumes", "volume_catalog", "volume_schema"],
    function: ["routines", "specific_catalog", "specific_schema"],
  };
  const [list, catalogColumn, schemaColumn] = lists[kind];
  const inherited = (from: "catalog" | "schema", on: string): string =>
    `SELECT above.grantee, ${names.map((name) => `one.${name}`).join(", ")}, above.privilege_type, '${from.toUpperCase()}'
     FROM ${list} AS one JOIN direct_${from} AS above ON ${on} ${fits}`;
  const fromCatalog = inherited("catalog", `above.catalog_name = one.${catalogColumn}`);
  const fromSchema = inherited("schema", `above.schema_name = one.${schemaColumn}`);
  const parts = [own, ...(kind === "catalog" ? [] : [fromCatalog]), ...(schemaColumn === "" ? [] : [fromSchema])];
  return `${direct} CREATE VIEW ${view} AS ${parts.join(" UNION ALL ")};`;
}
