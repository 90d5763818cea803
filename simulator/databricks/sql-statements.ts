/**
 * The SQL that is modelled: a list of statements, each known to be good Databricks SQL, which SQLite then runs. Anything
 * else is refused by name: a dialect is not imitated. `{catalog}` stands for a quoted name.
 */

const normal = (sql: string): string => sql.replaceAll(/\s+/g, " ").trim();

const INVENTORY = `SELECT 'catalog' AS kind, NULL AS schema_name, NULL AS object_name, NULL AS object_type, o.catalog_owner AS owner, NULL AS storage, p.grantee, p.privilege_type
   FROM {catalog}.information_schema.catalogs o LEFT JOIN {catalog}.information_schema.catalog_privileges p
   ON p.catalog_name = o.catalog_name AND coalesce(p.inherited_from, 'NONE') = 'NONE'
   WHERE o.catalog_name = :catalog
   UNION ALL SELECT 'schema', o.schema_name, NULL, NULL, o.schema_owner, NULL, p.grantee, p.privilege_type
   FROM {catalog}.information_schema.schemata o LEFT JOIN {catalog}.information_schema.schema_privileges p
   ON p.schema_name = o.schema_name AND coalesce(p.inherited_from, 'NONE') = 'NONE'
   WHERE o.schema_name <> 'information_schema'
   UNION ALL SELECT 'table', o.table_schema, o.table_name, o.table_type, o.table_owner, o.storage_path, p.grantee, p.privilege_type
   FROM {catalog}.information_schema.tables o LEFT JOIN {catalog}.information_schema.table_privileges p
   ON p.table_schema = o.table_schema AND p.table_name = o.table_name AND coalesce(p.inherited_from, 'NONE') = 'NONE'
   WHERE o.table_schema <> 'information_schema'
   UNION ALL SELECT 'volume', o.volume_schema, o.volume_name, o.volume_type, o.volume_owner, o.storage_location, p.grantee, p.privilege_type
   FROM {catalog}.information_schema.volumes o LEFT JOIN {catalog}.information_schema.volume_privileges p
   ON p.volume_schema = o.volume_schema AND p.volume_name = o.volume_name AND coalesce(p.inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'function', o.specific_schema, o.specific_name, o.routine_type, NULL, NULL, p.grantee, p.privilege_type
   FROM {catalog}.information_schema.routines o LEFT JOIN {catalog}.information_schema.routine_privileges p
   ON p.specific_schema = o.specific_schema AND p.specific_name = o.specific_name AND coalesce(p.inherited_from, 'NONE') = 'NONE'
   WHERE o.specific_schema <> 'information_schema'`;

const LISTED: readonly string[] = [
  "SELECT 1 AS one",
  INVENTORY,
  `${INVENTORY}
   UNION ALL SELECT 'policy', schema_name, securable_name, on_securable_type, NULL, NULL, NULL, NULL
   FROM {catalog}.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'`,
  `SELECT 'catalog' AS kind, NULL AS schema_name, NULL AS object_name, grantee, privilege_type
   FROM {catalog}.information_schema.catalog_privileges
   WHERE catalog_name = :catalog AND coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'schema', schema_name, NULL, grantee, privilege_type
   FROM {catalog}.information_schema.schema_privileges
   WHERE schema_name <> 'information_schema' AND coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'table', table_schema, table_name, grantee, privilege_type
   FROM {catalog}.information_schema.table_privileges
   WHERE table_schema <> 'information_schema' AND coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'volume', volume_schema, volume_name, grantee, privilege_type
   FROM {catalog}.information_schema.volume_privileges WHERE coalesce(inherited_from, 'NONE') = 'NONE'
   UNION ALL SELECT 'function', specific_schema, specific_name, grantee, privilege_type
   FROM {catalog}.information_schema.routine_privileges WHERE coalesce(inherited_from, 'NONE') = 'NONE'`,
  `SELECT DISTINCT on_securable_type, schema_name, securable_name
   FROM {catalog}.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'`,
].map(normal);

/** A statement that is in the list. */
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
