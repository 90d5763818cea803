/**
 * The rules over one tier's catalog: everything seen is judged, and what was not seen is `unknown`. Pure: estate and
 * expectation in, findings and the matrix row out (facts: unity-catalog 5, P1–P5, P8).
 */
import type { Finding } from "../findings.ts";
import { comparePrivileges } from "./compare.ts";
import { overEverybody, overNamed } from "./excess.ts";
import { type Expectation, type ExpectedGrant, isClosed, mayBeOwner, reaches } from "./expect.ts";
import { type Cell, matrixOf } from "./matrix.ts";
import {
  ACCOUNT_USERS,
  catalogPart,
  chainOf,
  type Estate,
  isDataType,
  keyOf,
  nameOf,
  type Securable,
  securableKey,
  tierPart,
} from "./model.ts";
import { overlap } from "./patterns.ts";
import { effectOf } from "./privileges.ts";
import { at, byRights, firstAt, list, nameIt } from "./rights.ts";
import { boundElsewhere } from "./rules-bindings.ts";
import { forbidden } from "./rules-forbidden.ts";
import { externalAccess, metastoreOwner, policies, policyTrespass, storage, withPolicies } from "./rules-hidden.ts";
import { sandbox, sources } from "./rules-sandbox.ts";
import { unseenHolders } from "./rules-unseen.ts";
import { said } from "./witness.ts";

/** What the rules found. */
interface Judgement {
  readonly findings: readonly Finding[];
  readonly cells: readonly Cell[];
}

/** Judges one catalog of an estate. */
export function judge(whole: Estate, expected: Expectation): Judgement {
  const estate = catalogPart(whole, expected.catalog);
  // Whoever reads or writes the files needs nothing in the catalog, so storage is judged with it.
  const reached = tierPart(whole, expected.catalog);
  const { cells, findings } = matrixOf(reached, expected);
  const closed = isClosed(expected.tier);
  return {
    cells: withPolicies(estate, expected, cells),
    findings: [
      ...findings,
      ...accountUsers(reached, expected),
      ...(closed ? [...unnamed(estate, expected), ...foreignOwners(estate, expected)] : []),
      ...(closed ? boundElsewhere(estate, expected, { type: "catalog", name: expected.catalog }) : []),
      ...(closed && expected.wholeEstate === true ? hidden(reached, expected) : []),
      ...(expected.wholeEstate === true ? policies(estate, expected) : []),
      ...policyTrespass(estate, expected),
      ...(expected.tier === "sandbox" ? sandbox(estate, expected) : []),
      ...(expected.tier === "dev" ? sources(estate, expected) : []),
      ...forbidden(reached, expected),
      ...missing(reached, expected),
      ...tolerated(reached, expected),
      ...orphans(reached),
      ...unseenHolders(reached, expected),
    ],
  };
}

function hidden(estate: Estate, expected: Expectation): Finding[] {
  return [...storage(estate, expected), ...metastoreOwner(estate, expected), ...externalAccess(estate, expected)];
}

/** Rights of everybody in the account: nothing but BROWSE is fit for that (facts: unity-catalog 1.7). */
function accountUsers(estate: Estate, expected: Expectation): Finding[] {
  const owned = [...estate.securables.values()].filter(({ owner }) => keyOf(owner ?? "") === ACCOUNT_USERS);
  const owners: Finding[] =
    owned.length === 0
      ? []
      : [
          {
            id: "grants/account-users",
            severity: "error",
            ...firstAt(owned),
            message: `The group account users, which is every user and service principal of the account, owns ${list(owned.map(nameIt))}.`,
            why: "An owner can do everything with it and give everything to others.",
            remedy: `Give it to ${expected.own.key} (ALTER … OWNER TO).`,
          },
        ];
  const granted = byRights(estate, overEverybody(expected)).map(({ privileges, securables, first }): Finding => {
    const look = privileges.every((privilege) => effectOf(privilege) === "look");
    return {
      id: "grants/account-users",
      severity: look ? "warning" : "error",
      where: at(first),
      message: `Every user and service principal of the account has ${said(privileges)} on ${list(securables)}, by the group account users.`,
      why: look
        ? "It opens no data by itself, and takes away the first lock in front of it."
        : `It gives every tier's principal, and everybody else, what only ${expected.tier} should have.`,
      remedy: `Revoke ${said(privileges)} from account users; BROWSE alone is fine.`,
    };
  });
  return [...granted, ...owners];
}

/** Direct grants to principals that the contract does not name, or names with less. */
function unnamed(estate: Estate, expected: Expectation): Finding[] {
  const { strangers: stranger, beyond } = overNamed(expected);
  const strangers = byRights(estate, stranger).map(({ principal, privileges, securables, first }): Finding => {
    const look = privileges.every((privilege) => effectOf(privilege) === "look");
    return {
      id: "grants/unnamed-principal",
      severity: look ? "warning" : "error",
      where: at(first),
      message: `${nameOf(estate, principal)} has ${said(privileges)} on ${list(securables)}, and the contract does not name it.`,
      ...(look ? { why: "It opens no data by itself." } : {}),
      remedy: `Revoke it, or name ${principal} under grants.rules of the contract, where a review sees it.`,
    };
  });
  const excess = byRights(estate, beyond).map(
    ({ principal, privileges, securables, first }): Finding => ({
      id: "grants/excess",
      severity: "error",
      where: at(first),
      message: `${nameOf(estate, principal)} has ${said(privileges)} on ${list(securables)}, which is more than the contract gives it.`,
      remedy: "Revoke it, or add it to grants.rules of the contract, where a review sees it.",
    }),
  );
  return [...strangers, ...excess];
}

/** In a closed tier everything belongs to the tier's principal, or to whom the contract gives everything and MANAGE. */
function foreignOwners(estate: Estate, expected: Expectation): Finding[] {
  const tiers = new Set(
    expected.principals.filter((other) => other.tier !== expected.tier).map((other) => keyOf(other.key)),
  );
  const byOwner = new Map<string, Securable[]>();
  const hidden: Securable[] = [];
  for (const securable of estate.securables.values()) {
    if (securable.owner === undefined) {
      hidden.push(securable);
      continue;
    }
    const owner = keyOf(securable.owner);
    // Another tier's principal as owner is a trespass, which the matrix reports; everybody is told of everywhere.
    if (owner === keyOf(expected.own.key) || tiers.has(owner) || owner === ACCOUNT_USERS) continue;
    if (mayBeOwner(expected, owner, securable)) continue;
    byOwner.set(securable.owner, [...(byOwner.get(securable.owner) ?? []), securable]);
  }
  const foreign = [...byOwner].map(
    ([owner, securables]): Finding => ({
      id: "grants/foreign-owner",
      severity: "error",
      ...firstAt(securables),
      message: `${nameOf(estate, owner)} owns ${list(securables.map(nameIt))}, and not ${expected.own.name}.`,
      why: "An owner can do everything with it and give everything to others, and no list of grants shows it.",
      remedy: `Give it to ${expected.own.key} (ALTER … OWNER TO), or name ${owner} in the contract with ALL_PRIVILEGES and MANAGE.`,
    }),
  );
  if (hidden.length === 0) return foreign;
  const unseen: Finding = {
    id: "grants/owner-unseen",
    severity: "unknown",
    ...firstAt(hidden),
    message: `The owner of ${list(hidden.map(nameIt))} was not shown.`,
    remedy: `Make ${expected.own.key} the owner of catalog ${expected.catalog}, or grant it MANAGE and USE_CATALOG there.`,
  };
  return [...foreign, unseen];
}

/** What the contract gives and nobody granted. Nobody's isolation is at stake, so it does not fail the run. */
function missing(estate: Estate, expected: Expectation): Finding[] {
  return expected.grants.flatMap((grant): Finding[] => {
    if (grant.effect !== "require" || !isOfTier(grant, expected)) return [];
    const meant = meantBy(estate, grant);
    if (meant.length === 0 && !grant.on.name.includes("*")) {
      if (expected.storageElsewhere?.has(securableKey(grant.on)) === true) return []; // Another tier's proof judges it.
      return [
        {
          id: "grants/rule-unmatched",
          severity: "warning",
          where: grant.where,
          message: `The contract grants on ${nameIt(grant.on)}, which does not exist.`,
          remedy: "Correct the name, or ignore this until the first deployment has made it.",
        },
      ];
    }
    return meant.flatMap((securable) => {
      const lacking = lackingOf(estate, grant, securable);
      if (lacking.length === 0) return [];
      return [
        {
          id: "grants/missing",
          severity: "warning",
          where: grant.where,
          message: `${nameOf(estate, grant.principal)} lacks ${said(lacking)} on ${nameIt(securable)}, which the contract gives it.`,
          remedy: `Grant ${said(lacking)} on ${nameIt(securable)} to ${grant.principal}, or take it out of the contract.`,
        },
      ];
    });
  });
}

/** The securables that a rule names, itself or by `*`; not what lies below them. */
export function meantBy(estate: Estate, { on }: ExpectedGrant): Securable[] {
  if (on.type === "metastore") return [];
  if (!on.name.includes("*")) return [estate.securables.get(securableKey(on)) ?? []].flat();
  return [...estate.securables.values()].filter((securable) => securable.type === on.type && reaches(on, securable));
}

/** What a rule requires on a securable and nobody granted, there or above it. */
export function lackingOf(estate: Estate, grant: ExpectedGrant, securable: Securable): readonly string[] {
  if (keyOf(securable.owner ?? "") === keyOf(grant.principal)) return [];
  const granted = chainOf(estate, securable)
    .flatMap((place) => place.grants)
    .filter((given) => given.principal !== undefined && keyOf(given.principal) === keyOf(grant.principal))
    .flatMap((given) => given.privileges);
  return comparePrivileges(granted, grant.privileges).missing;
}

/** Storage is judged where all that there is of it was listed. */
function isOfTier({ on }: ExpectedGrant, { catalog, storageElsewhere }: Expectation): boolean {
  if (isDataType(on.type)) return overlap(on.name, catalog);
  return on.type !== "metastore" && storageElsewhere !== undefined;
}

/** Exceptions that somebody profits from: nothing is wrong, and nobody shall forget them. */
function tolerated(estate: Estate, expected: Expectation): Finding[] {
  return expected.grants.flatMap(({ exception, on, principal, privileges, where }): Finding[] => {
    if (exception === undefined) return [];
    const used = [...estate.securables.values()].some(
      (securable) =>
        reaches(on, securable) &&
        securable.grants.some((grant) => grant.principal !== undefined && keyOf(grant.principal) === keyOf(principal)),
    );
    if (!used) return [];
    return [
      {
        id: "grants/exception",
        severity: "notice",
        where,
        message: `${nameOf(estate, principal)} has ${said(privileges)} on ${on.type} ${on.name} by exception, until ${exception.until}: ${exception.reason}`,
        remedy: "Nothing, until then.",
      },
    ];
  });
}

/** Grants whose principal was deleted: only an id is left, and no SQL shows them (facts: unity-catalog 1.1). */
function orphans(estate: Estate): Finding[] {
  const byId = new Map<string, Securable[]>();
  for (const securable of estate.securables.values()) {
    for (const grant of securable.grants) {
      if (grant.principal !== undefined) continue;
      const id = grant.principalId ?? "without an id";
      byId.set(id, [...(byId.get(id) ?? []), securable]);
    }
  }
  return [...byId].map(([id, securables]) => ({
    id: "grants/orphan",
    severity: "warning",
    ...firstAt(securables),
    message: `A principal that no longer exists (${id}) still has grants on ${list(securables.map(nameIt))}.`,
    why: "It is power that nobody watches: a restored principal gets it back.",
    remedy: `Revoke them by principal id ${id} through the permissions API.`,
  }));
}
