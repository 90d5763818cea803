/**
 * The SQL that is modelled: a list of statements, each known to be good Databricks SQL, which SQLite then runs. Anything
 * else is refused by name: a dialect is not imitated. `{catalog}` stands for a quoted name.
 */

const normal = (sql: string): string => sql.replaceAll(/\s+/g, " ").trim();

const INVENTORY = `SELECT 'catalog' AS kind, NULL AS schema_name, NULL AS object_name, NULL AS object_type, catalog_owner AS owner, NULL AS storage
   FROM {catalog}.information_schema.catalogs WHERE catalog_name = :catalog
   UNION ALL SELECT 'schema', schema_name, NULL, NULL, schema_owner, NULL
   FROM {catalog}.information_schema.schemata WHERE schema_name <> 'information_schema'
   UNION ALL SELECT 'table', table_schema, table_name, table_type, table_owner, storage_path
   FROM {catalog}.information_schema.tables WHERE table_schema <> 'information_schema'
   UNION ALL SELECT 'volume', volume_schema, volume_name, volume_type, volume_owner, storage_location
   FROM {catalog}.information_schema.volumes
   UNION ALL SELECT 'function', specific_schema, specific_name, routine_type, NULL, NULL
   FROM {catalog}.information_schema.routines WHERE specific_schema <> 'information_schema'`;

const PRIVILEGES = `SELECT 'on catalog' AS kind, NULL AS schema_name, NULL AS object_name, grantee, privilege_type, NULL AS unused
   FROM {catalog}.information_schema.catalog_privileges
   WHERE catalog_name = :catalog AND coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'on schema', schema_name, NULL, grantee, privilege_type, NULL
   FROM {catalog}.information_schema.schema_privileges
   WHERE schema_name <> 'information_schema' AND coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'on table', table_schema, table_name, grantee, privilege_type, NULL
   FROM {catalog}.information_schema.table_privileges
   WHERE table_schema <> 'information_schema' AND coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'on volume', volume_schema, volume_name, grantee, privilege_type, NULL
   FROM {catalog}.information_schema.volume_privileges WHERE coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'on function', specific_schema, specific_name, grantee, privilege_type, NULL
   FROM {catalog}.information_schema.routine_privileges WHERE coalesce(inherited_from, 'NONE') = 'NONE'`;

const LISTED: readonly string[] = [
  "SELECT 1 AS one",
  INVENTORY,
  PRIVILEGES,
  `${INVENTORY}
   UNION ALL ${PRIVILEGES}
   UNION ALL SELECT 'policy', schema_name, securable_name, on_securable_type, NULL, NULL
   FROM {catalog}.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'`,
  `SELECT DISTINCT on_securable_type, schema_name, securable_name
   FROM {catalog}.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'`,
].map(normal);

export interface KnownStatement {
  /** As SQLite runs it: the catalog's tables have no prefix there. */
  readonly sql: string;
  /** The catalog it reads; undefined if it reads none. */
  readonly catalog: string | undefined;
  /** Names of its parameters. */
  readonly parameters: readonly string[];
}

/** What a statement is; undefined if it is not on the list. */
export function knownStatement(text: string): KnownStatement | undefined {
  const quoted = /`(?:[^`]|``)+`(?=\.information_schema\.)/g;
  const given = [...new Set(normal(text).match(quoted) ?? [])];
  const skeleton = normal(text).replaceAll(quoted, "{catalog}");
  if (given.length > 1 || !LISTED.includes(skeleton)) return undefined;
  return {
    sql: skeleton.replaceAll("{catalog}.information_schema.", ""),
    catalog: given[0]?.slice(1, -1).replaceAll("``", "`"),
    parameters: [...new Set([...skeleton.matchAll(/:(\w+)/g)].map(([, name = ""]) => name))],
  };
}
