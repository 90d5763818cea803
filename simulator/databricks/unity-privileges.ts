/**
 * Which privilege can be granted on what (facts: unity-catalog 1.7, 1.8).
 */
export type SecurableType =
  | "metastore"
  | "catalog"
  | "schema"
  | "table"
  | "volume"
  | "function"
  | "model"
  | StorageType;
/** What the storage of catalogs hangs on. */
type StorageType = "external_location" | "storage_credential";

const everywhere = ["ALL_PRIVILEGES", "MANAGE"];
const inSchema = [
  "CREATE_TABLE",
  "CREATE_VOLUME",
  "CREATE_FUNCTION",
  "CREATE_MODEL",
  "CREATE_MATERIALIZED_VIEW",
  "CREATE_MODEL_VERSION",
  "USE_SCHEMA",
  "SELECT",
  "MODIFY",
  "REFRESH",
  "READ_VOLUME",
  "WRITE_VOLUME",
  "EXECUTE",
  "EXTERNAL_USE_SCHEMA",
  "APPLY_TAG",
];

/** By the type of securable. */
export const GRANTABLE: Readonly<Record<SecurableType, ReadonlySet<string>>> = {
  metastore: new Set([
    "CREATE_CATALOG",
    "CREATE_EXTERNAL_LOCATION",
    "CREATE_STORAGE_CREDENTIAL",
    "CREATE_CONNECTION",
    "CREATE_SHARE",
    "CREATE_RECIPIENT",
    "CREATE_PROVIDER",
    "USE_CONNECTION",
    "MANAGE_ALLOWLIST",
  ]),
  catalog: new Set([...everywhere, ...inSchema, "BROWSE", "USE_CATALOG", "CREATE_SCHEMA"]),
  schema: new Set([...everywhere, ...inSchema]),
  table: new Set([...everywhere, "SELECT", "MODIFY", "REFRESH", "APPLY_TAG"]),
  volume: new Set([...everywhere, "READ_VOLUME", "WRITE_VOLUME", "APPLY_TAG"]),
  function: new Set([...everywhere, "EXECUTE"]),
  external_location: new Set([
    ...everywhere,
    "BROWSE",
    "READ_FILES",
    "WRITE_FILES",
    "CREATE_EXTERNAL_TABLE",
    "CREATE_EXTERNAL_VOLUME",
    "CREATE_MANAGED_STORAGE",
    "EXTERNAL_USE_LOCATION",
  ]),
  storage_credential: new Set([
    ...everywhere,
    "READ_FILES",
    "WRITE_FILES",
    "CREATE_EXTERNAL_TABLE",
    "CREATE_EXTERNAL_LOCATION",
  ]),
  model: new Set([...everywhere, "EXECUTE", "APPLY_TAG", "CREATE_MODEL_VERSION"]),
};

/** Not in ALL PRIVILEGES, and left behind when it is revoked (facts: unity-catalog 1.2, 1.7). */
export const OUTSIDE_ALL: ReadonlySet<string> = new Set(["MANAGE", "EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"]);

/** facts: unity-catalog 1.1: blanks and case of a privilege do not matter on the way in. */
export function normalized(privilege: string): string {
  return privilege.trim().toUpperCase().replaceAll(/\s+/g, "_");
}
