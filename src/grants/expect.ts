/** What a tier expects of its grants: design 1 (each principal has everything on its own catalog, nothing elsewhere) plus the contract's rules. */
import type { TierName } from "../contract/model.ts";
import type { Where } from "../findings.ts";
import { keyOf, type SecurableType } from "./model.ts";
import { effectOf } from "./privileges.ts";

/** A tier's service principal, as far as it could be resolved. */
export interface TierPrincipal {
  readonly tier: TierName;
  /** Display name, from the contract. */
  readonly name: string;
  /** Its application id; its display name if that is all we know (it may still be met as a member of a group). */
  readonly key: string;
  readonly resolved: boolean;
}

/** One of the contract's grants, its principal resolved to what Unity Catalog calls it. */
export interface ExpectedGrant {
  readonly on: { readonly type: SecurableType; readonly name: string };
  readonly principal: string;
  readonly privileges: readonly string[];
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
}

/** Staging and prod admit nobody whom the contract does not name; dev and sandboxes are open to people. */
export function isClosed(tier: TierName): boolean {
  return tier === "staging" || tier === "prod";
}

/** What the sandbox's principal reads of dev (design 1). */
const SANDBOX_READS: readonly string[] = ["bronze", "silver"];
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
    SANDBOX_READS.includes(schema) &&
    SANDBOX_MAY.includes(privilege)
  );
}

/** Whether one tier's principal may own something of another's catalog. */
export function mayOwn(holder: TierName, tier: TierName): boolean {
  return holder === tier || (holder === "dev" && tier === "sandbox");
}

/** True if a rule on `on` speaks of the securable: it is the securable itself or stands above it. */
export function reaches(on: { readonly type: SecurableType; readonly name: string }, name: string): boolean {
  const above = keyOf(on.name);
  const below = keyOf(name);
  return above === below || below.startsWith(`${above}.`);
}
