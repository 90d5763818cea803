/**
 * Ways into a closed tier that no list of grants on its data shows: storage, ABAC GRANT policies, the metastore's owners,
 * engines outside Databricks (facts: unity-catalog 1.6, 1.11; P5, P8). Pure.
 */
import type { Finding } from "../findings.ts";
import { identitiesOf } from "./closure.ts";
import { comparePrivileges } from "./compare.ts";
import { allowed, type Expectation, isClosed, mayBeOwner, mayHold, type TierPrincipal } from "./expect.ts";
import type { Cell } from "./matrix.ts";
import { ACCOUNT_USERS, type Estate, isStorage, keyOf, nameOf, type Policy, type Securable } from "./model.ts";
import { ALL_PRIVILEGES, effectOf } from "./privileges.ts";
import { at, byRights, list, nameIt } from "./rights.ts";
import { boundElsewhere } from "./rules-bindings.ts";
import { said, witness } from "./witness.ts";

/** External locations and storage credentials of the tier: who may use, own and reach them. */
export function storage(estate: Estate, expected: Expectation): Finding[] {
  const places = new Map([...estate.securables].filter(([, { type }]) => isStorage(type)));
  // What tiers' principals and everybody have there, the matrix and the rule about everybody judge, whatever the contract says.
  const apart = new Set([...expected.principals.map(({ key }) => keyOf(key)), ACCOUNT_USERS]);
  const excess = byRights({ securables: places }, (grant, securable) => {
    if (grant.principal === undefined || apart.has(keyOf(grant.principal))) return [];
    const beyond = comparePrivileges(grant.privileges, [...allowed(expected, grant.principal, securable)]).excess;
    return beyond.filter((privilege) => effectOf(privilege) !== "look");
  }).map(
    ({ principal, privileges, securables, first }): Finding => ({
      id: "grants/storage-excess",
      severity: "error",
      where: at(first),
      message: `${nameOf(estate, principal)} has ${said(privileges)} on ${list(securables)}, which holds data of ${expected.catalog}, and the contract does not say so.`,
      why: "Whoever may read or write the files needs no grant on the tables.",
      remedy: `Revoke it, or name ${principal} in a rule of the contract on ${nameIt(first)}.`,
    }),
  );
  const owners = [...places.values()].flatMap((place): Finding[] => {
    if (place.owner === undefined || apart.has(keyOf(place.owner)) || mayBeOwner(expected, place.owner, place))
      return [];
    return [
      {
        id: "grants/storage-owner",
        severity: "error",
        where: at(place),
        message: `${nameOf(estate, place.owner)} owns ${nameIt(place)}, which holds data of ${expected.catalog}, and the contract does not say so.`,
        why: "An owner can use it and give it to others.",
        remedy: `Give it to ${expected.own.key}, or name ${place.owner} in a rule on ${nameIt(place)} with ALL_PRIVILEGES and MANAGE.`,
      },
    ];
  });
  return [...excess, ...owners, ...[...places.values()].flatMap((place) => boundElsewhere(estate, expected, place))];
}

/**
 * GRANT policies give rights at each access; whoever they take in must be named in the contract like a grantee. In a tier
 * that is open to people only everybody is too much.
 */
export function policies(estate: Estate, expected: Expectation): Finding[] {
  return estate.policies.flatMap((policy): Finding[] => {
    const beyond = policy.to.filter(
      (principal) =>
        (isClosed(expected.tier) || keyOf(principal) === ACCOUNT_USERS) && !isCovered(expected, policy, principal),
    );
    if (beyond.length === 0) return [];
    const everybody = beyond.some((principal) => keyOf(principal) === ACCOUNT_USERS);
    return [
      {
        id: "grants/policy-grant",
        severity: "error",
        where: at(policy.on),
        message: `The policy ${policy.name} on ${nameIt(policy.on)} gives ${said(policy.privileges)} to ${list(beyond.map((principal) => nameOf(estate, principal)))}, and the contract does not say so.`,
        why: everybody
          ? "It takes in everybody, and no list of grants shows it."
          : "No list of grants shows it; whoever may set the tags it goes by decides what it opens.",
        remedy: `Drop the policy, or give ${beyond[0]} the same in a rule of the contract on ${nameIt(policy.on)}.`,
      },
    ];
  });
}

function isCovered(expected: Expectation, policy: Policy, principal: string): boolean {
  if ([expected.own.key, expected.own.name].map(keyOf).includes(keyOf(principal))) return true;
  const given = allowed(expected, principal, policy.on);
  return comparePrivileges(policy.privileges, [...given]).excess.every((privilege) => effectOf(privilege) === "look");
}

/** What a policy gives another tier's principal that it must not have, and by which groups; undefined if nothing. */
function trespassOf(estate: Estate, expected: Expectation, principal: TierPrincipal, policy: Policy) {
  // Whether policies name service principals by id or by name is not documented: both are taken.
  const who = new Map([...identitiesOf(estate, principal.key), [keyOf(principal.name), []]]);
  const groups = policy.to.map((name) => who.get(keyOf(name))).find((way) => way !== undefined);
  if (groups === undefined || policy.except.some((name) => who.has(keyOf(name)))) return undefined;
  const privileges = policy.privileges.filter(
    (privilege) => !mayHold(principal.tier, expected.tier, policy.on, privilege),
  );
  return privileges.length === 0 ? undefined : { groups, privileges };
}

/** The principals of other tiers that a policy takes in, by whatever group; in every tier. */
export function policyTrespass(estate: Estate, expected: Expectation): Finding[] {
  return expected.principals.flatMap((principal) =>
    estate.policies.flatMap((policy): Finding[] => {
      const wrong = trespassOf(estate, expected, principal, policy);
      // What everybody has is one finding, not one a principal.
      if (wrong === undefined || keyOf(wrong.groups[0] ?? "") === ACCOUNT_USERS) return [];
      const path = { groups: wrong.groups, how: "policy", policy: policy.name, on: policy.on } as const;
      return [
        {
          id: "grants/cross-tier",
          severity: "error",
          where: at(policy.on),
          message: `${witness(estate, principal.key, wrong.privileges, path)}.`,
          why: `The principal of ${principal.tier} must be able to do nothing in ${expected.catalog}.`,
          remedy: `Take ${principal.name} out of what the policy ${policy.name} speaks of, or name it under EXCEPT.`,
        },
      ];
    }),
  );
}

/** The matrix with what policies give: a principal that one takes in, by itself or with everybody, does not pass. */
export function withPolicies(estate: Estate, expected: Expectation, cells: readonly Cell[]): Cell[] {
  return cells.map((cell) => {
    const wrong = estate.policies.flatMap(
      (policy) => trespassOf(estate, expected, cell.principal, policy)?.privileges ?? [],
    );
    if (wrong.length === 0) return cell;
    const effects = wrong.map((privilege) => (privilege === ALL_PRIVILEGES ? "write" : effectOf(privilege)));
    const reach = (["owns", "control", "write", "read"] as const).find(
      (one) => one === cell.reach || effects.some((effect) => effect === one),
    );
    return { ...cell, reach: reach ?? cell.reach, verdict: "fail" };
  });
}

/** Whoever owns the metastore can change every grant and every owner (facts: unity-catalog 1.6). */
export function metastoreOwner(estate: Estate, expected: Expectation): Finding[] {
  const owner = estate.metastoreOwner;
  const metastore: Pick<Securable, "type" | "name"> = { type: "metastore", name: "" };
  if (owner === undefined || mayBeOwner(expected, owner, metastore)) return [];
  // A tier's principal as owner is what the matrix reports.
  if (expected.principals.some((principal) => keyOf(principal.key) === keyOf(owner))) return [];
  return [
    {
      id: "grants/metastore-owner",
      severity: "error",
      where: { kind: "securable", type: "metastore", name: owner },
      message: `${nameOf(estate, owner)} owns the metastore, and the contract does not say so.`,
      why: `Its members can give themselves every right in ${expected.catalog}, and no list of grants shows it.`,
      remedy: `Name it: { on: metastore, principal: ${owner}, privileges: [MANAGE] }.`,
    },
  ];
}

/** Engines outside Databricks see data past everything but grants. */
export function externalAccess(estate: Estate, expected: Expectation): Finding[] {
  if (estate.externalAccess !== true) return [];
  const holders = [...estate.securables.values()].flatMap(({ grants }) =>
    grants.filter((grant) => grant.privileges.some((privilege) => privilege.startsWith("EXTERNAL_USE_"))),
  );
  return [
    {
      id: "grants/external-access",
      severity: holders.length === 0 ? "notice" : "warning",
      where: { kind: "securable", type: "metastore", name: estate.metastoreOwner ?? "" },
      message: `The metastore lets engines outside Databricks read and write tables; ${
        holders.length === 0
          ? `nobody holds EXTERNAL_USE_SCHEMA in ${expected.catalog}`
          : `${list([...new Set(holders.map(({ principal }) => nameOf(estate, principal ?? "a deleted principal")))])} may, in ${expected.catalog}`
      }.`,
      remedy: "Turn external data access of the metastore off, if nobody needs it.",
    },
  ];
}
