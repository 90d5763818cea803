/**
 * What was seen of Unity Catalog, in the shape the closure and the rules work on. Plain data: nothing here asks anybody.
 */

/** The types of securable a tier's catalog holds. Views are tables, models are functions (facts: unity-catalog 1.1). */
export type SecurableType = "catalog" | "schema" | "table" | "volume" | "function";

/** A catalog, a schema, or something in a schema. */
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
}

/** Which workspaces reach a catalog. */
export interface Bindings {
  readonly isolated: boolean;
  readonly workspaces: readonly { readonly id: string; readonly readOnly: boolean }[];
}

/** One catalog and everything that decides who can do what in it. Keys are lower case: `keyOf`. */
export interface Estate {
  readonly catalog: string;
  /** By `securableKey`, the catalog itself included. */
  readonly securables: ReadonlyMap<string, Securable>;
  /** By key; `account users` is never in here, everybody is a member. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Display name by application id (a key), for sentences. */
  readonly names: ReadonlyMap<string, string>;
  /** Owner of the metastore, who can change every grant; undefined if it could not be read. */
  readonly metastoreOwner: string | undefined;
  /** Undefined if they could not be read. */
  readonly bindings: Bindings | undefined;
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
  const name = estate.names.get(keyOf(principal));
  return name === undefined || keyOf(name) === keyOf(principal) ? principal : `${name} (${principal})`;
}

/** True for an application id, which is how grants name service principals (facts: unity-catalog 1.9). */
export function isApplicationId(principal: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(principal.trim());
}
