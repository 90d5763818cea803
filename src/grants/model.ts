/**
 * What was seen of Unity Catalog, in the shape the closure and the rules work on. Plain data: nothing here asks anybody.
 */

/**
 * The types of securable inside a catalog, itself included. Views are tables, models are functions (facts:
 * unity-catalog 1.1).
 */
type DataType = "catalog" | "schema" | "table" | "volume" | "function";

/** Everything that carries grants here: what is in catalogs, what their storage hangs on, and the metastore. */
export type SecurableType = DataType | "metastore" | "external_location" | "storage_credential";

/** A catalog, a schema, something in a schema, or what lies beside the catalogs. */
export interface Securable {
  readonly type: SecurableType;
  /** Full name, as Unity Catalog writes it: `prod.gold.scores`. */
  readonly name: string;
  /** `VIEW`, `STREAMING_TABLE`, `MODEL`, …: what the listing calls it; undefined where it does not say. */
  readonly kind: string | undefined;
  /** User name, group name or application id; undefined if the listing hid it. */
  readonly owner: string | undefined;
  /** Direct grants only, normalised. */
  readonly grants: readonly Grant[];
  /** A location's address, or where a catalog keeps its managed data; undefined where it has none or was not asked. */
  readonly storage?: string | undefined;
  /** Of an external location: the storage credential it uses. */
  readonly credential?: string | undefined;
}

/** What one principal was granted directly on one securable. */
export interface Grant {
  /** User name, group name or application id; undefined for a principal that was deleted (only its id is left). */
  readonly principal: string | undefined;
  readonly principalId: string | undefined;
  /** Upper case with underscores, sorted, no repetition. */
  readonly privileges: readonly string[];
}

/** A group, as far as it could be seen. */
export interface Group {
  readonly name: string;
  /** Keys of its direct members: user names, group names, application ids; display names where no better was seen. */
  readonly members: readonly string[];
  /** False if its members could not be read, or came back without what would tell who they are. */
  readonly complete: boolean;
  /** True if users among its members were shown by display name only. */
  readonly vague?: boolean;
}

/** A user or a service principal. */
export interface Principal {
  readonly kind: "user" | "service-principal";
  /** How grants call it: user name or application id. */
  readonly name: string;
  readonly displayName: string;
}

/**
 * An ABAC GRANT policy: rights that no list of grants shows, given at each access to whatever carries certain tags
 * (facts: unity-catalog 1.11). Tags are not read, so it counts for everything below where it is attached.
 */
export interface Policy {
  readonly name: string;
  readonly on: { readonly type: SecurableType; readonly name: string };
  readonly privileges: readonly string[];
  readonly to: readonly string[];
  readonly except: readonly string[];
  /** The type of securable it speaks of; undefined: any, or one we do not know. */
  readonly forType: SecurableType | undefined;
  readonly condition: string | undefined;
}

/** Which workspaces reach a catalog, an external location or a storage credential. */
export interface Bindings {
  readonly isolated: boolean;
  readonly workspaces: readonly { readonly id: string; readonly readOnly: boolean }[];
}

/** Everything that was seen of one metastore and decides who can do what. Keys are lower case: `keyOf`. */
export interface Estate {
  /** By `securableKey`. */
  readonly securables: ReadonlyMap<string, Securable>;
  /** Account groups by key; `account users` is never in here, everybody is a member. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Workspace-local groups, which Unity Catalog does not know (facts: unity-catalog 1.7): only to say so. */
  readonly localGroups: ReadonlyMap<string, Group>;
  /** Users and service principals that were met, by key. */
  readonly principals: ReadonlyMap<string, Principal>;
  /** Owner of the metastore, who can change every grant; undefined if it could not be read. */
  readonly metastoreOwner: string | undefined;
  /** Whether engines outside Databricks may be handed credentials; undefined if it could not be read. */
  readonly externalAccess: boolean | undefined;
  /** By `securableKey`; what is missing could not be read, or was not asked. */
  readonly bindings: ReadonlyMap<string, Bindings>;
  readonly policies: readonly Policy[];
}

/** The part of an estate that is one catalog: its securables and policies. Everything else stays. */
export function catalogPart(estate: Estate, catalog: string): Estate {
  const below = (place: { readonly type: SecurableType; readonly name: string }): boolean =>
    isDataType(place.type) &&
    (keyOf(place.name) === keyOf(catalog) || keyOf(place.name).startsWith(`${keyOf(catalog)}.`));
  return {
    ...estate,
    securables: new Map([...estate.securables].filter(([, securable]) => below(securable))),
    policies: estate.policies.filter((policy) => below(policy.on)),
  };
}

/** One catalog with the storage that was read for it: all that its tier's data is reached by. */
export function tierPart(estate: Estate, catalog: string): Estate {
  const storage = [...estate.securables].filter(([, { type }]) => isStorage(type));
  const part = catalogPart(estate, catalog);
  return { ...part, securables: new Map([...part.securables, ...storage]) };
}

/** True for what the storage of catalogs hangs on. */
export function isStorage(type: SecurableType): boolean {
  return type === "external_location" || type === "storage_credential";
}

/** True for what is in catalogs, and for catalogs. */
export function isDataType(type: SecurableType): type is DataType {
  return type !== "metastore" && type !== "external_location" && type !== "storage_credential";
}

/** Every user and every service principal of the account (facts: unity-catalog 1.7). */
export const ACCOUNT_USERS = "account users";

/** Principals and names of securables compare without case (facts: unity-catalog 1.2). */
export function keyOf(name: string): string {
  return name.trim().toLowerCase();
}

/** The key of a securable in an estate. */
export function securableKey(securable: { readonly type: SecurableType; readonly name: string }): string {
  return `${securable.type} ${keyOf(securable.name)}`;
}

/** `ALL PRIVILEGES`, ` select`, `Use Catalog` → the one way they are written here (facts: unity-catalog 1.1). */
export function normalisePrivilege(privilege: string): string {
  return privilege.trim().toUpperCase().replace(/\s+/g, "_");
}

/** Grants as they are compared: one a principal, privileges normalised, sorted, without repetition, principals sorted. */
export function normaliseGrants(
  grants: readonly {
    readonly principal: string;
    readonly principalId?: string | undefined;
    readonly privileges: readonly string[];
  }[],
): Grant[] {
  const merged = new Map<
    string,
    { principal: string | undefined; principalId: string | undefined; privileges: Set<string> }
  >();
  for (const grant of grants) {
    const name = grant.principal.trim();
    const key = name === "" ? `#${grant.principalId ?? ""}` : keyOf(name);
    const entry = merged.get(key) ?? {
      principal: name === "" ? undefined : name,
      principalId: grant.principalId,
      privileges: new Set<string>(),
    };
    for (const privilege of grant.privileges) entry.privileges.add(normalisePrivilege(privilege));
    merged.set(key, entry);
  }
  return [...merged.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([, entry]) => entry.privileges.size > 0)
    .map(([, entry]) => ({ ...entry, privileges: [...entry.privileges].sort() }));
}

/** A securable's chain, itself first, then its schema and its catalog as far as the estate has them. */
export function chainOf(estate: Estate, securable: Securable): Securable[] {
  if (!isDataType(securable.type)) return [securable];
  const parts = securable.name.split(".");
  const above: Securable[] = [];
  if (parts.length > 2) above.push(...found(estate, "schema", parts.slice(0, 2).join(".")));
  if (parts.length > 1) above.push(...found(estate, "catalog", parts[0] ?? ""));
  return [securable, ...above];
}

function found(estate: Estate, type: SecurableType, name: string): Securable[] {
  const securable = estate.securables.get(securableKey({ type, name }));
  return securable === undefined ? [] : [securable];
}

/** How a person names a principal: `ml-pipelines-dev (1111…)` for a service principal, its own name for everybody else. */
export function nameOf(estate: Estate, principal: string): string {
  const name = estate.principals.get(keyOf(principal))?.displayName;
  if (!isApplicationId(principal)) return principal;
  return name === undefined || name === "" || keyOf(name) === keyOf(principal) ? principal : `${name} (${principal})`;
}

/** True for an application id, which is how grants name service principals (facts: unity-catalog 1.9). */
export function isApplicationId(principal: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(principal.trim());
}
