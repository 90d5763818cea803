/**
 * The reader for big catalogs: one statement on the catalog's information_schema, whatever is in it. What it is blind
 * to is read through REST (models, and the owners of functions) or said (facts: unity-catalog 2).
 */
import { query, quoted, type Row, StatementFailed, type StatementOptions } from "../databricks/statements.ts";
import { getSchema, listAllModels, listFunctions, listSchemas } from "../databricks/unity.ts";
import { mapBounded, together } from "../http/pool.ts";
import { type Grant, keyOf, normaliseGrants, type Securable, type SecurableType, securableKey } from "./model.ts";
import type { Contents, Reading } from "./read.ts";
import { externalStorage, listingNeeds, type Place, place, READS, withGrants } from "./read-rest.ts";

/** Where GRANT policies are attached below a catalog, if the preview that tells is there. */
export interface PolicyPlace {
  readonly type: "catalog" | "schema" | "table";
  readonly name: string;
}

/** What the SQL reader never sees, in a sentence each: for the certificate. */
export const SQL_BLIND: readonly string[] = [
  "Grants of principals that were deleted: information_schema does not name them; `reader: rest` shows them.",
];

/**
 * Everything in a catalog, itself first; `placed` is told where GRANT policies are attached, if the preview that tells is
 * there. Throws StatementFailed, WarehouseUnusable, ApiError.
 */
export function sqlContents(
  options: StatementOptions,
  placed: (places: readonly PolicyPlace[]) => void = () => {},
): Contents {
  return async (reading) => {
    const { workspace, catalog } = reading;
    const parameters = { catalog: catalog.name };
    const ask = (text: string): Promise<Row[]> => query(workspace, text, { ...options, parameters });
    const [rows, schemas, models] = await together([
      everythingIn(ask, catalog.name, placed),
      storageOfSchemas(reading),
      modelsOf(reading),
    ]);
    const grants = grantsByKey(catalog.name, rows);
    const places = await withOwners(reading, placesOf(catalog.name, rows, schemas));
    count(reading, places);
    const own: Place = { ...place("catalog", catalog, undefined), storage: catalog.storageRoot };
    const securables = [own, ...places].map((one) => ({ ...one, grants: grants.get(securableKey(one)) ?? [] }));
    reading.counts.grantLists += securables.length;
    reading.counts.grants += securables.reduce((sum, one) => sum + one.grants.length, 0);
    return [...securables, ...models];
  };
}

/**
 * One statement for what is there with what is granted on it, and where policies are; without the latter where that
 * preview is missing.
 */
async function everythingIn(
  ask: (text: string) => Promise<Row[]>,
  catalog: string,
  placed: (places: readonly PolicyPlace[]) => void,
): Promise<readonly Row[]> {
  try {
    const rows = await ask(`${inventory(catalog)}
UNION ALL SELECT 'policy', schema_name, securable_name, on_securable_type, NULL, NULL, NULL, NULL
FROM ${quoted(catalog)}.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'`);
    const policies = rows.filter(([kind]) => kind === "policy");
    placed(
      policyPlacesOf(
        catalog,
        policies.map(([, schema, name, type]) => [type ?? null, schema ?? null, name ?? null]),
      ),
    );
    return rows.filter(([kind]) => kind !== "policy");
  } catch (error) {
    if (!(error instanceof StatementFailed)) throw error;
    return ask(inventory(catalog));
  }
}

/**
 * Everything but models: kind, schema, name, type, owner, where it is stored, and a grant on it; a row for each grant, and
 * one for what has none, so that a result has as few rows as can be. Direct grants only: inherited ones are as many again
 * as there are objects (facts: unity-catalog 2).
 */
function inventory(catalog: string): string {
  const view = `${quoted(catalog)}.information_schema`;
  const direct = "coalesce(p.inherited_from, 'NONE') = 'NONE'";
  return `SELECT 'catalog' AS kind, NULL AS schema_name, NULL AS object_name, NULL AS object_type, o.catalog_owner AS owner, NULL AS storage, p.grantee, p.privilege_type
FROM ${view}.catalogs o LEFT JOIN ${view}.catalog_privileges p
ON p.catalog_name = o.catalog_name AND ${direct}
WHERE o.catalog_name = :catalog
UNION ALL SELECT 'schema', o.schema_name, NULL, NULL, o.schema_owner, NULL, p.grantee, p.privilege_type
FROM ${view}.schemata o LEFT JOIN ${view}.schema_privileges p
ON p.schema_name = o.schema_name AND ${direct}
WHERE o.schema_name <> 'information_schema'
UNION ALL SELECT 'table', o.table_schema, o.table_name, o.table_type, o.table_owner, o.storage_path, p.grantee, p.privilege_type
FROM ${view}.tables o LEFT JOIN ${view}.table_privileges p
ON p.table_schema = o.table_schema AND p.table_name = o.table_name AND ${direct}
WHERE o.table_schema <> 'information_schema'
UNION ALL SELECT 'volume', o.volume_schema, o.volume_name, o.volume_type, o.volume_owner, o.storage_location, p.grantee, p.privilege_type
FROM ${view}.volumes o LEFT JOIN ${view}.volume_privileges p
ON p.volume_schema = o.volume_schema AND p.volume_name = o.volume_name AND ${direct}
UNION ALL SELECT 'function', o.specific_schema, o.specific_name, o.routine_type, NULL, NULL, p.grantee, p.privilege_type
FROM ${view}.routines o LEFT JOIN ${view}.routine_privileges p
ON p.specific_schema = o.specific_schema AND p.specific_name = o.specific_name AND ${direct}
WHERE o.specific_schema <> 'information_schema'`;
}

/** Where in a catalog GRANT policies are attached. Throws StatementFailed where the preview is missing. */
export async function policyPlaces(
  { workspace, catalog }: Pick<Reading, "workspace" | "catalog">,
  options: StatementOptions,
): Promise<PolicyPlace[]> {
  const rows = await query(
    workspace,
    `SELECT DISTINCT on_securable_type, schema_name, securable_name
FROM ${quoted(catalog.name)}.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'`,
    options,
  );
  return policyPlacesOf(catalog.name, rows);
}

/** Rows of type, schema and name; each place once. */
function policyPlacesOf(catalog: string, rows: readonly Row[]): PolicyPlace[] {
  const places = rows.flatMap(([type, schema, name]): PolicyPlace[] => {
    const parts = [catalog, schema, name].filter((part) => typeof part === "string" && part !== "");
    const found = (["catalog", "schema", "table"] as const)[parts.length - 1];
    return found === undefined || type === "METASTORE" ? [] : [{ type: found, name: parts.join(".") }];
  });
  return [...new Map(places.map((place) => [securableKey(place), place])).values()];
}

const KINDS: ReadonlyMap<string, SecurableType> = new Map<string, SecurableType>([
  ["catalog", "catalog"],
  ["schema", "schema"],
  ["table", "table"],
  ["volume", "volume"],
  ["function", "function"],
]);

/** Each once, however many rows it has. */
function placesOf(catalog: string, rows: readonly Row[], schemas: ReadonlyMap<string, string | undefined>): Place[] {
  const seen = new Set<string>();
  return rows.flatMap(([kind, schema, name, objectType, owner, storage]): Place[] => {
    const type = KINDS.get(kind ?? "");
    const full = fullName(catalog, schema, name);
    if (type === undefined || type === "catalog") return [];
    const key = securableKey({ type, name: full });
    if (seen.has(key)) return [];
    seen.add(key);
    return [
      {
        type,
        name: full,
        kind: type === "table" ? (objectType ?? undefined) : undefined,
        owner: owner ?? undefined,
        storage:
          type === "schema" ? schemas.get(keyOf(full)) : externalStorage(objectType ?? undefined, storage ?? undefined),
      },
    ];
  });
}

function grantsByKey(catalog: string, rows: readonly Row[]): Map<string, Grant[]> {
  const raw = new Map<string, { principal: string; privileges: string[] }[]>();
  for (const [kind, schema, name, _type, _owner, _storage, grantee, privilege] of rows) {
    const type = KINDS.get(kind ?? "");
    if (type === undefined || typeof grantee !== "string" || typeof privilege !== "string") continue;
    const key = securableKey({ type, name: fullName(catalog, schema, name) });
    const list = raw.get(key);
    const grant = { principal: grantee, privileges: [privilege] };
    if (list === undefined) raw.set(key, [grant]);
    else list.push(grant);
  }
  return new Map([...raw].map(([key, grants]) => [key, normaliseGrants(grants)]));
}

function fullName(catalog: string, schema: string | null | undefined, name: string | null | undefined): string {
  return [catalog, schema, name].filter((part) => typeof part === "string").join(".");
}

/** Where schemas keep managed data, which SQL does not show: one list. */
async function storageOfSchemas({ workspace, catalog, notes }: Reading): Promise<Map<string, string | undefined>> {
  const schemas = await notes.list(`the schemas of catalog ${catalog.name}`, listingNeeds(catalog.name), () =>
    listSchemas(workspace, catalog.name),
  );
  return new Map(schemas.map(({ fullName: name, storageRoot }) => [keyOf(name), storageRoot]));
}

/** Functions show no owner in SQL: the lists of the schemas that have some do. */
async function withOwners({ workspace, catalog, notes }: Reading, places: readonly Place[]): Promise<Place[]> {
  const schemas = [
    ...new Set(places.filter((one) => one.type === "function").map((one) => one.name.split(".")[1] ?? "")),
  ];
  const owners = new Map<string, string | undefined>();
  await mapBounded(schemas, READS, async (schema) => {
    const what = `the functions of schema ${catalog.name}.${schema}`;
    const listed = await notes.list(
      what,
      listingNeeds(catalog.name),
      () => listFunctions(workspace, catalog.name, schema),
      async () => (await getSchema(workspace, `${catalog.name}.${schema}`)) === undefined,
    );
    for (const one of listed) owners.set(keyOf(one.fullName), one.owner);
  });
  return places.map((one) => (one.type === "function" ? { ...one, owner: owners.get(keyOf(one.name)) } : one));
}

/** Models have no view of their own: one list of the metastore's, then the grants of those in this catalog. */
async function modelsOf(reading: Reading): Promise<Securable[]> {
  const { workspace, catalog, notes, counts } = reading;
  const all = await notes.list("the registered models", listingNeeds(catalog.name), () => listAllModels(workspace));
  const own = all.filter((model) => keyOf(model.fullName).startsWith(`${keyOf(catalog.name)}.`));
  counts.models += own.length;
  let read = 0;
  const found = await mapBounded(own, READS, async (model) => {
    const securable = await withGrants(reading, place("function", model, "MODEL"));
    read += 1;
    reading.progress("models", read, own.length);
    return securable;
  });
  return found.filter((securable) => securable !== undefined);
}

function count({ counts }: Reading, places: readonly Place[]): void {
  for (const { type } of places) {
    if (type === "schema") counts.schemas += 1;
    if (type === "table") counts.tables += 1;
    if (type === "volume") counts.volumes += 1;
    if (type === "function") counts.functions += 1;
  }
}
