/** Access entries and grants, as plans and drifts compare them and as they are written. */
import type { AccessEntry } from "../databricks/permissions.ts";
import type { GrantChange } from "../databricks/unity-write.ts";
import { isArray, isObject, type JsonArray, type JsonObject, type JsonValue } from "../json.ts";

const PRINCIPAL_FIELDS = {
  user_name: "user",
  group_name: "group",
  service_principal_name: "service principal",
} as const;

/**
 * Entries told apart by their principal; of two for one principal the last counts (facts: databricks-api 8).
 * `principal`, if given, is the tier's application id that `${principal}` stands for. Grants keep their privileges.
 */
export function accessByPrincipal(entries: JsonArray, principal?: string): JsonObject[] {
  const levels = new Map<string, JsonObject>();
  for (const entry of entries) {
    if (!isObject(entry)) continue;
    const grantee = entry["principal"];
    if (typeof grantee === "string") {
      const name = grantee === "${principal}" && principal !== undefined ? principal : grantee;
      levels.set(name, { principal: name, privileges: entry["privileges"] ?? [] });
      continue;
    }
    for (const [field, kind] of Object.entries(PRINCIPAL_FIELDS)) {
      const name = entry[field];
      if (typeof name !== "string") continue;
      const resolved = name === "${principal}" && principal !== undefined ? principal : name;
      const key = `${kind} ${resolved}`;
      levels.set(key, { principal: key, permission_level: entry["permission_level"] ?? null });
    }
  }
  return [...levels.values()];
}

/**
 * The declared entries as the API takes them: exactly one owner, which is the tier's principal unless declared, and the
 * owner not listed a second time (facts: databricks-api 8). What has no owner is managed by the principal instead.
 */
export function accessList(declared: JsonArray, principal: string, most = "IS_OWNER"): AccessEntry[] {
  const kinds = { user_name: "user", group_name: "group", service_principal_name: "service-principal" } as const;
  const byPrincipal = new Map<string, AccessEntry>();
  for (const entry of declared) {
    if (!isObject(entry)) continue;
    for (const [field, kind] of Object.entries(kinds)) {
      const name = entry[field];
      const level = entry["permission_level"];
      if (typeof name !== "string" || typeof level !== "string") continue;
      const resolved = name === "${principal}" ? principal : name;
      byPrincipal.set(`${kind} ${resolved}`, { kind, principal: resolved, level });
    }
  }
  const entries = [...byPrincipal.values()];
  if (entries.some((entry) => entry.level === "IS_OWNER")) return entries;
  const others = entries.filter((entry) => entry.kind !== "service-principal" || entry.principal !== principal);
  return [...others, { kind: "service-principal", principal, level: most }];
}

/** Privileges by principal; principals compare without their case (facts: unity-catalog 1.2). */
type Grants = ReadonlyMap<string, { readonly principal: string; readonly privileges: ReadonlySet<string> }>;

function grantsOf(entries: JsonArray | undefined, principal: string): Grants {
  return new Map(
    accessByPrincipal(entries ?? [], principal).flatMap(({ principal: name, privileges }) => {
      if (typeof name !== "string") return [];
      const all = privileges !== undefined && isArray(privileges) ? privileges : [];
      const texts = all.filter((one) => typeof one === "string");
      return [[name.toLowerCase(), { principal: name, privileges: new Set(texts) }] as const];
    }),
  );
}

/** Not in ALL PRIVILEGES (facts: unity-catalog 1.7). */
const OUTSIDE_ALL = ["MANAGE", "EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"];

function covers(live: ReadonlySet<string> | undefined, privilege: string): boolean {
  if (live === undefined) return false;
  return live.has(privilege) || (live.has("ALL_PRIVILEGES") && !OUTSIDE_ALL.includes(privilege));
}

/**
 * The smallest change that makes declared grants hold: what is missing is added; what we granted with an earlier release
 * and is declared no more is removed. What somebody else granted is never touched here: that is the grants proof's.
 */
export function grantChanges(
  declared: JsonArray,
  before: JsonArray | undefined,
  live: JsonArray | undefined,
  principal: string,
): GrantChange[] {
  const [wanted, ours, there] = [declared, before, live].map((entries) => grantsOf(entries, principal));
  const changes: GrantChange[] = [];
  for (const key of [...new Set([...(wanted?.keys() ?? []), ...(ours?.keys() ?? [])])].sort()) {
    const want = wanted?.get(key)?.privileges ?? new Set<string>();
    const has = there?.get(key)?.privileges;
    const remove = [...(ours?.get(key)?.privileges ?? [])].filter((one) => !want.has(one) && has?.has(one) === true);
    // to take ALL PRIVILEGES away takes what it implies with it (facts: unity-catalog 1.2)
    const left = remove.includes("ALL_PRIVILEGES") ? undefined : has;
    const add = [...want].filter((one) => !covers(left, one));
    const name = wanted?.get(key)?.principal ?? there?.get(key)?.principal ?? ours?.get(key)?.principal ?? key;
    if (add.length > 0 || remove.length > 0) changes.push({ principal: name, add: add.sort(), remove: remove.sort() });
  }
  return changes;
}

/** Declared grants as far as they live: what a comparison sees of the live ones. */
export function declaredOf(declared: JsonArray, live: JsonArray, principal: string): JsonObject[] {
  const there = grantsOf(live, principal);
  return [...grantsOf(declared, principal)].flatMap(([key, { principal: name, privileges }]) => {
    const held = [...privileges].filter((one) => covers(there.get(key)?.privileges, one)).sort();
    return held.length === 0 ? [] : [{ principal: name, privileges: held satisfies JsonValue }];
  });
}

/** True for kinds that are granted in Unity Catalog; the others have an access control list. */
export function hasGrants(kind: string): boolean {
  return kind === "schemas" || kind === "volumes" || kind === "registered_models";
}
