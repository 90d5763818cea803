/**
 * Who can do what, and by which path. Pure. Unity Catalog has no DENY, so access is a closure: grants on the securable
 * and above it, ALL PRIVILEGES, groups in groups, `account users`, ownership, MANAGE, the metastore's owner, GRANT policies
 * (facts: unity-catalog 1.2, 1.6, 1.7, 1.11). This module answers for one principal, with the path; `reachOf` for all.
 */
import {
  ACCOUNT_USERS,
  chainOf,
  type Estate,
  keyOf,
  type Policy,
  type Securable,
  type SecurableType,
  securableKey,
} from "./model.ts";
import {
  ALL_PRIVILEGES,
  applicableTo,
  applies,
  impliedByAll,
  impliedByOwnership,
  MANAGE,
  NEEDS_BESIDE,
} from "./privileges.ts";

/** One way in: the groups that lead from the principal to the one who holds the right, and where the right sits. */
export interface Path {
  /** Names of groups, the principal's own first; empty if the principal holds the right itself. */
  readonly groups: readonly string[];
  readonly how: "grant" | "all-privileges" | "owner" | "owner-above" | "metastore-owner" | "policy";
  /** Name of the policy, if it is one. */
  readonly policy?: string;
  /** Where the grant or the ownership sits. */
  readonly on: { readonly type: SecurableType | "metastore"; readonly name: string };
}

/** One privilege a principal has on a securable. */
interface Access {
  readonly privilege: string;
  /** `latent`: granted, and only the rights in `missing` keep it from working. */
  readonly state: "works" | "latent";
  /** `USE_CATALOG on catalog prod`. */
  readonly missing: readonly string[];
  /** The shortest path, one that works before one that does not. */
  readonly path: Path;
}

/** A principal and every group it is in, directly or not: key → the names of the groups on the shortest way there. */
type Identities = ReadonlyMap<string, readonly string[]>;

/** Everything a principal acts as. `principal` is a user name, an application id or a group's name. */
export function identitiesOf(estate: Estate, principal: string): Identities {
  const key = keyOf(principal);
  const found = new Map<string, readonly string[]>([[key, []]]);
  if (key !== ACCOUNT_USERS && !estate.groups.has(key)) found.set(ACCOUNT_USERS, [ACCOUNT_USERS]);
  const parents = parentsOf(estate);
  const queue = [...found.keys()];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const way = found.get(next) ?? [];
    for (const group of parents.get(next) ?? []) {
      const groupKey = keyOf(group);
      if (found.has(groupKey)) continue;
      found.set(groupKey, [...way, group]);
      queue.push(groupKey);
    }
  }
  return found;
}

const parentCache = new WeakMap<Estate["groups"], ReadonlyMap<string, readonly string[]>>();

/** Member → the groups it is directly in. Computed once. */
function parentsOf(estate: Estate): ReadonlyMap<string, readonly string[]> {
  const cached = parentCache.get(estate.groups);
  if (cached !== undefined) return cached;
  const parents = new Map<string, string[]>();
  for (const group of estate.groups.values()) {
    for (const member of group.members) {
      const key = keyOf(member);
      const list = parents.get(key);
      if (list === undefined) parents.set(key, [group.name]);
      else list.push(group.name);
    }
  }
  parentCache.set(estate.groups, parents);
  return parents;
}

/** Everything a principal can do on a securable, one entry a privilege, sorted by privilege. */
export function accessOf(estate: Estate, who: Identities, securable: Securable): Access[] {
  const held = heldOn(estate, who, securable);
  const usable = new Usage(estate, who, securable);
  const best = new Map<string, Access>();
  for (const { privilege, path } of held) {
    const missing = usable.missingFor(privilege, path, held);
    const access: Access = { privilege, state: missing.length === 0 ? "works" : "latent", missing, path };
    const other = best.get(privilege);
    if (other === undefined || better(access, other)) best.set(privilege, access);
  }
  return [...best.values()].sort((a, b) => (a.privilege < b.privilege ? -1 : 1));
}

interface Held {
  readonly privilege: string;
  readonly path: Path;
}

/** Every (privilege, path) on a securable, whether its USE_ rights are there or not. */
function heldOn(estate: Estate, who: Identities, securable: Securable): Held[] {
  const held: Held[] = [];
  for (const place of chainOf(estate, securable)) {
    const on = { type: place.type, name: place.name };
    for (const grant of place.grants) {
      const groups = grant.principal === undefined ? undefined : who.get(keyOf(grant.principal));
      if (groups === undefined) continue;
      for (const privilege of grant.privileges) {
        const how = privilege === ALL_PRIVILEGES ? "all-privileges" : "grant";
        for (const one of expand([privilege], securable.type)) held.push({ privilege: one, path: { groups, how, on } });
      }
    }
    const groups = place.owner === undefined ? undefined : who.get(keyOf(place.owner));
    if (groups === undefined) continue;
    if (place !== securable) held.push({ privilege: MANAGE, path: { groups, how: "owner-above", on } });
    else {
      for (const privilege of applicableTo(securable.type).filter(impliedByOwnership)) {
        held.push({ privilege, path: { groups, how: "owner", on } });
      }
    }
  }
  held.push(...byPolicies(estate, who, securable));
  const admin = estate.metastoreOwner === undefined ? undefined : who.get(keyOf(estate.metastoreOwner));
  if (admin !== undefined) {
    const on = { type: "metastore", name: "metastore" } as const;
    held.push({ privilege: MANAGE, path: { groups: admin, how: "metastore-owner", on } });
  }
  return held;
}

/** Whom a policy takes in is in nothing that it leaves out. */
function byPolicies(estate: Estate, who: Identities, securable: Securable): Held[] {
  return policiesOn(estate, securable).flatMap(({ name, on, to, except, privileges }) => {
    const ways = to.map((principal) => who.get(keyOf(principal))).filter((groups) => groups !== undefined);
    const [groups] = ways.sort((a, b) => a.length - b.length);
    if (groups === undefined || except.some((principal) => who.has(keyOf(principal)))) return [];
    const path: Path = { groups, how: "policy", policy: name, on };
    return expand(privileges, securable.type).map((privilege) => ({ privilege, path }));
  });
}

/** The policies that speak of a securable: attached to it or above it, and of its type. */
export function policiesOn(estate: Estate, securable: Securable): Policy[] {
  if (estate.policies.length === 0) return [];
  const chain = new Set(chainOf(estate, securable).map(securableKey));
  return estate.policies.filter(
    ({ on, forType }) => chain.has(securableKey(on)) && (forType === undefined || forType === securable.type),
  );
}

/** Privileges as they work on a type: ALL PRIVILEGES as what it implies, the others where they apply. */
export function expand(privileges: readonly string[], type: SecurableType): string[] {
  return privileges.flatMap((privilege) => {
    if (privilege === ALL_PRIVILEGES) return applicableTo(type).filter(impliedByAll);
    return applies(privilege, type) ? [privilege] : [];
  });
}

/** Which USE_ rights a path still needs. Owners need none on what they own (facts: unity-catalog 1.6). */
class Usage {
  readonly #catalog: string | undefined;
  readonly #schema: string | undefined;
  readonly #type: SecurableType;

  constructor(estate: Estate, who: Identities, securable: Securable) {
    this.#type = securable.type;
    const chain = chainOf(estate, securable);
    const catalog = chain.find((place) => place.type === "catalog");
    const schema = chain.find((place) => place.type === "schema");
    const holds = (place: Securable, privilege: string): boolean =>
      heldOn(estate, who, place).some((entry) => entry.privilege === privilege);
    if (catalog !== undefined && !holds(catalog, "USE_CATALOG"))
      this.#catalog = `USE_CATALOG on catalog ${catalog.name}`;
    if (schema !== undefined && !holds(schema, "USE_SCHEMA")) this.#schema = `USE_SCHEMA on schema ${schema.name}`;
  }

  missingFor(privilege: string, path: Path, held: readonly Held[]): string[] {
    if (path.how === "owner" || path.how === "metastore-owner") return [];
    // Whoever owns the catalog can give himself what he lacks below it; whoever owns a schema cannot open the catalog.
    if (path.how === "owner-above") return path.on.type === "catalog" ? [] : listed(this.#catalog);
    if (privilege === "BROWSE" || privilege === "USE_CATALOG") return [];
    const missing = listed(
      this.#catalog,
      this.#type === "catalog" || privilege === "USE_SCHEMA" ? undefined : this.#schema,
    );
    const beside = NEEDS_BESIDE.get(privilege);
    const fit = beside === undefined || held.some((entry) => entry.privilege === beside);
    return fit ? missing : [...missing, `${beside} beside ${privilege}`];
  }
}

function listed(...parts: readonly (string | undefined)[]): string[] {
  return parts.filter((part) => part !== undefined);
}

function better(a: Access, b: Access): boolean {
  if (a.state !== b.state) return a.state === "works";
  return a.path.groups.length < b.path.groups.length;
}

/** A grant or an ownership that gives a principal something: the findings speak of these, not of what they reach. */
export interface Source {
  readonly securable: Securable;
  /** Sorted. Empty for ownership. */
  readonly privileges: readonly string[];
  readonly path: Path;
}

/** Every grant and ownership in the estate that a principal profits from, each once. */
export function sourcesOf(estate: Estate, who: Identities): Source[] {
  const sources: Source[] = [];
  for (const securable of estate.securables.values()) {
    const on = { type: securable.type, name: securable.name };
    for (const grant of securable.grants) {
      const groups = grant.principal === undefined ? undefined : who.get(keyOf(grant.principal));
      if (groups !== undefined)
        sources.push({ securable, privileges: grant.privileges, path: { groups, how: "grant", on } });
    }
    const groups = securable.owner === undefined ? undefined : who.get(keyOf(securable.owner));
    if (groups !== undefined) sources.push({ securable, privileges: [], path: { groups, how: "owner", on } });
  }
  return sources;
}

/** The securable of an estate by type and name, case ignored. */
export function securableOf(estate: Estate, type: SecurableType, name: string): Securable | undefined {
  return estate.securables.get(securableKey({ type, name }));
}
