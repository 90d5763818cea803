/**
 * What a tier expects of its grants: design 1 (each principal has everything on its own catalog, nothing elsewhere)
 * plus the contract's rules.
 */
import { SOURCES } from "../contract/defaults.ts";
import type { Contract, Tier, TierName } from "../contract/model.ts";
import type { Where } from "../findings.ts";
import { covers } from "./compare.ts";
import { isDataType, keyOf, type SecurableType } from "./model.ts";
import { reachesName } from "./patterns.ts";
import { ALL_PRIVILEGES, effectOf, MANAGE } from "./privileges.ts";

/** A tier's service principal, as far as it could be resolved. */
export interface TierPrincipal {
  readonly tier: TierName;
  /** Display name, from the contract. */
  readonly name: string;
  /** Its application id; its display name if that is all we know (it may still be met as a member of a group). */
  readonly key: string;
  readonly resolved: boolean;
}

/** One of the contract's rules, or an exception that still holds; its principal is what Unity Catalog calls it. */
export interface ExpectedGrant {
  /** `*` in the name stands for any part of one name. */
  readonly on: { readonly type: SecurableType; readonly name: string };
  /** `*`, of a rule that forbids: everybody but the tier's own principal. */
  readonly principal: string;
  readonly privileges: readonly string[];
  readonly effect: "require" | "allow" | "forbid";
  /** Of an exception: its last day, and why. */
  readonly exception?: { readonly until: string; readonly reason: string };
  readonly where: Where;
}

/** What is expected of one catalog. */
export interface Expectation {
  readonly tier: TierName;
  readonly catalog: string;
  /** The only workspace the catalog may be bound to. */
  readonly workspaceId: string | undefined;
  readonly own: TierPrincipal;
  /** All tiers' principals, the own one included. */
  readonly principals: readonly TierPrincipal[];
  readonly grants: readonly ExpectedGrant[];
  /** True where storage, policies and the metastore's owners were read as well: they are judged only then. */
  readonly wholeEstate?: boolean;
  /** Storage that is there and holds no data of the catalog, by `securableKey`; undefined where not all of it was listed. */
  readonly storageElsewhere?: ReadonlySet<string> | undefined;
  /** Whose sandbox it is, as a user name; of a sandbox only. */
  readonly developer?: string | undefined;
  /** The group that reads dev's bronze and silver for the sandboxes, and the users who have one; of dev only. */
  readonly developers?: { readonly group: string; readonly users: readonly string[] };
}

/** Staging and prod admit nobody whom the contract does not name; dev and sandboxes are open to people. */
export function isClosed(tier: TierName): boolean {
  return tier === "staging" || tier === "prod";
}

const SANDBOX_MAY: readonly string[] = ["USE_SCHEMA", "SELECT", "READ_VOLUME"];

/** What one tier's principal may hold on another's catalog: nothing but these exceptions, and what opens no data. */
export function mayHold(
  holder: TierName,
  tier: TierName,
  on: { readonly type: SecurableType; readonly name: string },
  privilege: string,
): boolean {
  if (holder === tier || (holder === "dev" && tier === "sandbox")) return true;
  if (effectOf(privilege) === "look") return true;
  const schema = keyOf(on.name).split(".")[1];
  return (
    holder === "sandbox" &&
    tier === "dev" &&
    schema !== undefined &&
    SOURCES.includes(schema) &&
    SANDBOX_MAY.includes(privilege)
  );
}

/** Whether one tier's principal may own something of another's catalog. */
export function mayOwn(holder: TierName, tier: TierName): boolean {
  return holder === tier || (holder === "dev" && tier === "sandbox");
}

/** Keys of those whom a rule that forbids spares: of everybody the tier's own principal, and who may own the catalog. */
export function sparedBy(expected: Expectation, { principal }: Pick<ExpectedGrant, "principal">): string[] {
  if (principal !== "*") return [];
  return expected.principals.filter(({ tier }) => mayOwn(tier, expected.tier)).map(({ key }) => keyOf(key));
}

/** True if a rule on `on` speaks of the securable: it is the securable itself or stands above it. */
export function reaches(
  on: { readonly type: SecurableType; readonly name: string },
  securable: { readonly type: SecurableType; readonly name: string },
): boolean {
  if (on.type === "metastore") return securable.type === "metastore";
  if (isDataType(on.type) !== isDataType(securable.type)) return false;
  const same = depthOf(on.name) === depthOf(securable.name);
  return (!same || on.type === securable.type) && reachesName(on.name, securable.name);
}

function depthOf(name: string): number {
  return name.split(".").length;
}

/** What the contract gives a principal on a securable, by rules and exceptions on it and above it. */
export function allowed(
  expected: Expectation,
  principal: string,
  securable: { readonly type: SecurableType; readonly name: string },
): Set<string> {
  const key = keyOf(principal);
  return new Set(
    expected.grants
      .filter((grant) => grant.effect !== "forbid" && keyOf(grant.principal) === key && reaches(grant.on, securable))
      .flatMap((grant) => grant.privileges),
  );
}

/** True if the contract lets somebody own a thing: it gives him everything there, and MANAGE. */
export function mayBeOwner(
  expected: Expectation,
  principal: string,
  securable: { readonly type: SecurableType; readonly name: string },
): boolean {
  const given = allowed(expected, principal, securable);
  return given.has(MANAGE) && (securable.type === "metastore" || covers(given, ALL_PRIVILEGES));
}

/** What the sandboxes ask of a tier: their own catalog's developer, and what of dev their developers read. */
export function sandboxesOf(contract: Contract, tier: Tier): Pick<Expectation, "developer" | "developers"> {
  if (tier.name === "sandbox") return { developer: tier.user };
  const { developers: group, hasPrincipal } = contract.tiers.sandbox;
  const used = hasPrincipal || contract.users.size > 0;
  if (tier.name !== "dev" || group === undefined || !used) return {};
  return { developers: { group, users: [...contract.users.values()] } };
}
