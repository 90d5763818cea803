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
    const [{ objects, granted }, schemas, models] = await together([
      everythingIn(ask, catalog.name, placed),
      storageOfSchemas(reading),
      modelsOf(reading),
    ]);
    const grants = grantsByKey(catalog.name, granted);
    const places = await withOwners(reading, placesOf(catalog.name, objects, schemas));
    count(reading, places);
    const own: Place = { ...place("catalog", catalog, undefined), storage: catalog.storageRoot };
    const securables = [own, ...places].map((one) => ({ ...one, grants: grants.get(securableKey(one)) ?? [] }));
    reading.counts.grantLists += securables.length;
    reading.counts.grants += securables.reduce((sum, one) => sum + one.grants.length, 0);
    return [...securables, ...models];
  };
}

interface Everything {
  readonly objects: readonly Row[];
  /** Kind, schema, name, grantee, privilege. */
  readonly granted: readonly Row[];
}

/**
 * One statement for what is there, what is granted on it, and where policies are. Where the preview that tells of policies
 * is missing, or all of it is too much for one result, two statements without the policies.
 */
async function everythingIn(
  ask: (text: string) => Promise<Row[]>,
  catalog: string,
  placed: (places: readonly PolicyPlace[]) => void,
): Promise<Everything> {
  let rows: readonly Row[];
  try {
    rows = await ask(`${inventory(catalog)}
UNION ALL ${privileges(catalog)}
UNION ALL SELECT 'policy', schema_name, securable_name, on_securable_type, NULL, NULL
FROM ${quoted(catalog)}.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'`);
  } catch (error) {
    if (!(error instanceof StatementFailed)) throw error;
    const [objects, granted] = await together([ask(inventory(catalog)), ask(privileges(catalog))]);
    return { objects, granted: granted.map(withoutMark) };
  }
  const policies = rows.filter(([kind]) => kind === "policy");
  placed(
    policyPlacesOf(
      catalog,
      policies.map(([, schema, name, type]) => [type ?? null, schema ?? null, name ?? null]),
    ),
  );
  const isGrant = ([kind]: Row): boolean => kind?.startsWith(GRANT) === true;
  return {
    objects: rows.filter((row) => row[0] !== "policy" && !isGrant(row)),
    granted: rows.filter(isGrant).map(withoutMark),
  };
}

/** How the kind of a grant's row begins, beside rows of what is there. */
const GRANT = "on ";

function withoutMark([kind, ...rest]: Row): Row {
  return [kind?.slice(GRANT.length) ?? null, ...rest];
}

/** Everything but models: kind, schema, name, type, owner, where it is stored. */
function inventory(catalog: string): string {
  const view = `${quoted(catalog)}.information_schema`;
  return `SELECT 'catalog' AS kind, NULL AS schema_name, NULL AS object_name, NULL AS object_type, catalog_owner AS owner, NULL AS storage
FROM ${view}.catalogs WHERE catalog_name = :catalog
UNION ALL SELECT 'schema', schema_name, NULL, NULL, schema_owner, NULL
FROM ${view}.schemata WHERE schema_name <> 'information_schema'
UNION ALL SELECT 'table', table_schema, table_name, table_type, table_owner, storage_path
FROM ${view}.tables WHERE table_schema <> 'information_schema'
UNION ALL SELECT 'volume', volume_schema, volume_name, volume_type, volume_owner, storage_location
FROM ${view}.volumes
UNION ALL SELECT 'function', specific_schema, specific_name, routine_type, NULL, NULL
FROM ${view}.routines WHERE specific_schema <> 'information_schema'`;
}

/** `on` the kind, schema, name, grantee, privilege. Direct grants only: inherited ones are as many again as there are objects (facts: unity-catalog 2). */
function privileges(catalog: string): string {
  const view = `${quoted(catalog)}.information_schema`;
  const direct = "coalesce(inherited_from, 'NONE') = 'NONE'";
  return `SELECT 'on catalog' AS kind, NULL AS schema_name, NULL AS object_name, grantee, privilege_type, NULL AS unused
FROM ${view}.catalog_privileges WHERE catalog_name = :catalog AND ${direct}
UNION ALL SELECT 'on schema', schema_name, NULL, grantee, privilege_type, NULL
FROM ${view}.schema_privileges WHERE schema_name <> 'information_schema' AND ${direct}
UNION ALL SELECT 'on table', table_schema, table_name, grantee, privilege_type, NULL
FROM ${view}.table_privileges WHERE table_schema <> 'information_schema' AND ${direct}
UNION ALL SELECT 'on volume', volume_schema, volume_name, grantee, privilege_type, NULL
FROM ${view}.volume_privileges WHERE ${direct}
UNION ALL SELECT 'on function', specific_schema, specific_name, grantee, privilege_type, NULL
FROM ${view}.routine_privileges WHERE ${direct}`;
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

function placesOf(catalog: string, rows: readonly Row[], schemas: ReadonlyMap<string, string | undefined>): Place[] {
  return rows.flatMap(([kind, schema, name, objectType, owner, storage]): Place[] => {
    const type = KINDS.get(kind ?? "");
    const full = fullName(catalog, schema, name);
    if (type === undefined || type === "catalog") return [];
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
  for (const [kind, schema, name, grantee, privilege] of rows) {
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
