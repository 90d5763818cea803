/**
 * The smallest change of grants that brings a catalog to what the contract says. It adds what rules require, and takes away
 * what they object to only where the contract has authority over the catalog; never what the one who repairs stands on.
 * Pure (facts: unity-catalog 1.2, 5 P9).
 */
import { accessOf, identitiesOf } from "./closure.ts";
import { covers } from "./compare.ts";
import { excessOf } from "./excess.ts";
import type { Expectation } from "./expect.ts";
import {
  ACCOUNT_USERS,
  type Estate,
  type Grant,
  isDataType,
  keyOf,
  nameOf,
  normaliseGrants,
  type Securable,
  securableKey,
} from "./model.ts";
import { overlap } from "./patterns.ts";
import { ALL_PRIVILEGES, impliedByAll, isNamed, MANAGE } from "./privileges.ts";
import { nameIt } from "./rights.ts";
import { lackingOf, meantBy } from "./rules.ts";
import { said } from "./witness.ts";

/** What changes for one principal on one securable. */
interface RepairEntry {
  /** As Unity Catalog calls it. */
  readonly principal: string;
  /** As a person does. */
  readonly name: string;
  /** Sorted. */
  readonly add: readonly string[];
  /** Sorted; MANAGE and the EXTERNAL_USE_ pair are named, since they outlive ALL PRIVILEGES. */
  readonly remove: readonly string[];
}

/** One request: everything that changes on one securable. */
export interface RepairChange {
  readonly on: { readonly type: Securable["type"]; readonly name: string };
  readonly entries: readonly RepairEntry[];
}

/** What a repair would grant and revoke. */
export interface RepairPlan {
  /** In the order of the securables' keys. */
  readonly changes: readonly RepairChange[];
  /** What is wrong, could be taken away by grants, and stays: a sentence each. */
  readonly kept: readonly string[];
}

/** Plans; the same estate gives the same plan, whoever asks. */
export function planRepair(whole: Estate, expected: Expectation, authority: "catalog" | "project"): RepairPlan {
  const { removed, kept } = removals(whole, expected, authority);
  const after = without(whole, removed);
  const added = additions(after, expected);
  for (const [place, privileges] of lostByOwn(whole, after, expected, [...removed.keys()]))
    put(added, place, keyOf(expected.own.key), ...privileges);
  // ALL PRIVILEGES takes the single grants beside it along, so those that shall stay are granted again.
  for (const [place, entries] of removed) {
    for (const [principal, privileges] of entries) {
      if (!privileges.includes(ALL_PRIVILEGES)) continue;
      const granted = grantOf(whole.securables.get(place), principal)?.privileges ?? [];
      for (const privilege of granted)
        if (impliedByAll(privilege) && !privileges.includes(privilege)) put(added, place, principal, privilege);
    }
  }
  return { changes: together(whole, expected, removed, added), kept };
}

/** Securable key → principal key → privileges. */
type Edits = Map<string, Map<string, string[]>>;

function put(edits: Edits, place: string, principal: string, ...privileges: string[]): void {
  const entries = edits.get(place) ?? new Map<string, string[]>();
  edits.set(place, entries);
  entries.set(principal, [...new Set([...(entries.get(principal) ?? []), ...privileges])].sort());
}

function removals(
  estate: Estate,
  expected: Expectation,
  authority: "catalog" | "project",
): { readonly removed: Edits; readonly kept: string[] } {
  const excess = excessOf(estate, expected);
  const standsOn = identitiesOf(estate, expected.own.key);
  const removed: Edits = new Map();
  const kept: string[] = [];
  for (const [key, securable] of estate.securables) {
    if (!isDataType(securable.type) || !inCatalog(expected, securable)) continue;
    for (const grant of securable.grants) {
      if (grant.principal === undefined) {
        kept.push(
          `A principal that no longer exists (${grant.principalId ?? "without an id"}) keeps ${said(grant.privileges)} on ${nameIt(securable)}: revoke it by its id.`,
        );
        continue;
      }
      const wrong = excess(grant, securable);
      if (wrong.length === 0) continue;
      const who = `${nameOf(estate, grant.principal)} keeps ${said(wrong)} on ${nameIt(securable)}`;
      if (authority === "project")
        kept.push(`${who}: the contract has no authority to take it away (grants.authority).`);
      else if (standsOn.has(keyOf(grant.principal)) && mayMatter(grant.principal, wrong))
        kept.push(`${who}: ${expected.own.name}, which repairs, has it too.`);
      else put(removed, key, keyOf(grant.principal), ...wrong);
    }
  }
  return { removed, kept };
}

/** By `account users` nobody should hold anything, so of that only MANAGE is what a repair could stand on. */
function mayMatter(principal: string, privileges: readonly string[]): boolean {
  return keyOf(principal) !== ACCOUNT_USERS || privileges.includes(MANAGE);
}

/** Without these a right to MANAGE does not work, and the next request would be refused. */
const WAYS_IN: readonly string[] = ["USE_CATALOG", "USE_SCHEMA"];

/**
 * The ways in that the one who repairs had by everybody alone, and loses with what is taken away: granted to itself in the
 * same request. From the top down, so that what a catalog gives need not be given to its schemas.
 */
function lostByOwn(
  before: Estate,
  after: Estate,
  expected: Expectation,
  places: readonly string[],
): Map<string, readonly string[]> {
  const who = identitiesOf(before, expected.own.key);
  const lost = new Map<string, readonly string[]>();
  const securables = new Map(after.securables);
  const now: Estate = { ...after, securables };
  const found = places.flatMap((place) => before.securables.get(place) ?? []);
  for (const was of found.sort((a, b) => a.name.split(".").length - b.name.split(".").length)) {
    const key = securableKey(was);
    const is = securables.get(key);
    if (is === undefined) continue;
    const had = accessOf(before, who, was).filter(({ state }) => state === "works");
    // What is only latent now works again with what was given back above it.
    const has = accessOf(now, who, is).map(({ privilege }) => privilege);
    const privileges = WAYS_IN.filter(
      (privilege) => had.some((access) => access.privilege === privilege) && !has.includes(privilege),
    );
    if (privileges.length === 0) continue;
    lost.set(key, privileges);
    const grants = [...is.grants, { principal: expected.own.key, principalId: undefined, privileges }];
    securables.set(key, { ...is, grants });
  }
  return lost;
}

function inCatalog(expected: Expectation, { name }: Securable): boolean {
  return keyOf(name).split(".")[0] === keyOf(expected.catalog);
}

function additions(estate: Estate, expected: Expectation): Edits {
  const added: Edits = new Map();
  for (const rule of expected.grants) {
    if (rule.effect !== "require" || !isDataType(rule.on.type) || !overlap(rule.on.name, expected.catalog)) continue;
    for (const securable of meantBy(estate, rule)) {
      // What Unity Catalog may not know would be refused halfway through: the contract's check names it.
      const lacking = lackingOf(estate, rule, securable).filter(isNamed);
      if (lacking.length > 0) put(added, securableKey(securable), keyOf(rule.principal), ...lacking);
    }
  }
  return added;
}

function grantOf(securable: Securable | undefined, principal: string): Grant | undefined {
  return securable?.grants.find((grant) => grant.principal !== undefined && keyOf(grant.principal) === principal);
}

function without(estate: Estate, removed: Edits): Estate {
  const securables = new Map(estate.securables);
  for (const [key, entries] of removed) {
    const securable = securables.get(key);
    if (securable === undefined) continue;
    const grants = securable.grants.map((grant) => ({
      ...grant,
      privileges: left(grant.privileges, entries.get(keyOf(grant.principal ?? "")) ?? []),
    }));
    securables.set(key, { ...securable, grants: grants.filter(({ privileges }) => privileges.length > 0) });
  }
  return { ...estate, securables };
}

/** What Unity Catalog leaves: removing ALL PRIVILEGES removes what it implies as well (facts: unity-catalog 1.2). */
function left(privileges: readonly string[], remove: readonly string[]): string[] {
  return privileges.filter(
    (privilege) => !remove.includes(privilege) && !(remove.includes(ALL_PRIVILEGES) && impliedByAll(privilege)),
  );
}

function together(estate: Estate, expected: Expectation, removed: Edits, added: Edits): RepairChange[] {
  const keys = [...new Set([...removed.keys(), ...added.keys()])].sort();
  return keys.flatMap((key): RepairChange[] => {
    const securable = estate.securables.get(key);
    if (securable === undefined) return [];
    const principals = [...new Set([...(removed.get(key)?.keys() ?? []), ...(added.get(key)?.keys() ?? [])])].sort();
    return [
      {
        on: { type: securable.type, name: securable.name },
        entries: principals.map((who) => {
          const principal = grantOf(securable, who)?.principal ?? spelled(expected, who);
          return {
            principal,
            name: nameOf(estate, principal),
            add: added.get(key)?.get(who) ?? [],
            remove: removed.get(key)?.get(who) ?? [],
          };
        }),
      },
    ];
  });
}

/** A principal that holds nothing yet, as the contract's rule was resolved. */
function spelled(expected: Expectation, key: string): string {
  return expected.grants.find(({ principal }) => keyOf(principal) === key)?.principal ?? key;
}

/** The estate as it is once the plan was carried out. */
export function afterRepair(estate: Estate, { changes }: RepairPlan): Estate {
  const securables = new Map(estate.securables);
  for (const { on, entries } of changes) {
    const key = securableKey(on);
    const securable = securables.get(key);
    if (securable === undefined) continue;
    const rest = securable.grants.map(({ principal = "", principalId, privileges }) => {
      const entry = entries.find((one) => principal !== "" && keyOf(one.principal) === keyOf(principal));
      return { principal, principalId, privileges: left(privileges, entry?.remove ?? []) };
    });
    const more = entries.map(({ principal, add }) => ({ principal, privileges: add }));
    securables.set(key, { ...securable, grants: normaliseGrants([...rest, ...more]) });
  }
  return { ...estate, securables };
}

/** Whether a securable's grants, read again, show that a change has arrived. */
export function hasArrived({ entries }: RepairChange, grants: readonly Grant[]): boolean {
  return entries.every(({ principal, add, remove }) => {
    const held = new Set(
      grants.find((grant) => grant.principal !== undefined && keyOf(grant.principal) === keyOf(principal))?.privileges,
    );
    return add.every((privilege) => covers(held, privilege)) && !remove.some((privilege) => held.has(privilege));
  });
}
