/**
 * What makes a sandbox one: it is its developer's alone, only its gold is written, nothing in it is a copy of dev's data, and
 * of dev exactly bronze and silver are read (design 1, 10; facts: unity-catalog 1.4, 5 P4). A grant cannot forbid a CTAS:
 * "no copy" is what was seen, not what is impossible. Pure.
 */
import { GOLD, SOURCES } from "../contract/defaults.ts";
import type { Finding } from "../findings.ts";
import { accessOf, identitiesOf } from "./closure.ts";
import { comparePrivileges } from "./compare.ts";
import { overGold, overSandbox, schemaOf, writersOf } from "./excess.ts";
import { allowed, type Expectation } from "./expect.ts";
import { type Estate, keyOf, nameOf, type Securable } from "./model.ts";
import { effectOf } from "./privileges.ts";
import { at, byRights, firstAt, list, nameIt } from "./rights.ts";
import { said, witness } from "./witness.ts";

/** A developer's own catalog. */
export function sandbox(estate: Estate, expected: Expectation): Finding[] {
  return [...copies(estate, expected), ...others(estate, expected), ...beyondGold(estate, expected)];
}

function copies(estate: Estate, { catalog }: Expectation): Finding[] {
  const all = [...estate.securables.values()];
  const schemas = all.filter(({ type, name }) => type === "schema" && SOURCES.includes(schemaOf(name) ?? ""));
  const clones = all.filter(({ kind }) => kind?.endsWith("_SHALLOW_CLONE") === true);
  const why = "A sandbox reads dev's bronze and silver; data that is copied is data that nobody watches.";
  return [
    ...schemas.map(
      (schema): Finding => ({
        id: "grants/sandbox-copy",
        severity: "error",
        where: at(schema),
        message: `The sandbox ${catalog} has a schema ${schema.name}.`,
        why,
        remedy: `Drop it, and read ${schemaOf(schema.name)} from dev (the variable source_catalog).`,
      }),
    ),
    ...clones.map(
      (clone): Finding => ({
        id: "grants/sandbox-copy",
        severity: "error",
        where: at(clone),
        message: `${clone.name} is a shallow clone.`,
        why,
        remedy: "Drop it, and read what it was cloned from.",
      }),
    ),
  ];
}

/** Rights by grants and policies, and ownerships, of anybody else; other tiers' principals are the matrix's. */
function others(estate: Estate, expected: Expectation): Finding[] {
  const known = new Set([...expected.principals.map(({ key }) => keyOf(key)), keyOf(expected.developer ?? "")]);
  const whose =
    expected.developer === undefined
      ? "in a sandbox whose developer the contract does not name under users"
      : `in the sandbox of ${expected.developer}`;
  const why = "Whose code runs in a sandbox reads what its developer reads of dev.";
  const remedy = "Revoke it; a developer who shall work in it too needs a rule of the contract.";
  const granted = byRights(estate, overSandbox(expected)).map(
    ({ principal, privileges, securables, first }): Finding => ({
      id: "grants/sandbox-shared",
      severity: "error",
      where: at(first),
      message: `${nameOf(estate, principal)} has ${said(privileges)} on ${list(securables)}, ${whose}.`,
      why,
      remedy,
    }),
  );
  const pick = overSandbox(expected);
  const byPolicy = estate.policies.flatMap(({ name, on, to, privileges }): Finding[] => {
    const place: Securable = { ...on, kind: undefined, owner: undefined, grants: [] };
    const strangers = to.filter(
      (principal) =>
        !expected.principals.some((tier) => keyOf(tier.name) === keyOf(principal)) &&
        pick({ principal, principalId: undefined, privileges }, place).length > 0,
    );
    if (strangers.length === 0) return [];
    return [
      {
        id: "grants/sandbox-shared",
        severity: "error",
        where: at(on),
        message: `The policy ${name} on ${nameIt(on)} gives ${said(privileges)} to ${list(strangers.map((principal) => nameOf(estate, principal)))}, ${whose}.`,
        why,
        remedy: "Drop the policy; a developer who shall work in it too needs a rule of the contract.",
      },
    ];
  });
  const byOwner = new Map<string, Securable[]>();
  for (const securable of estate.securables.values()) {
    const { owner } = securable;
    if (owner === undefined || known.has(keyOf(owner))) continue;
    byOwner.set(keyOf(owner), [...(byOwner.get(keyOf(owner)) ?? []), securable]);
  }
  const owned = [...byOwner.values()].map(
    (securables): Finding => ({
      id: "grants/sandbox-shared",
      severity: "error",
      ...firstAt(securables),
      message: `${nameOf(estate, securables[0]?.owner ?? "")} owns ${list(securables.map(nameIt))}, ${whose}.`,
      remedy: `Give it to ${expected.own.key}.`,
    }),
  );
  return [...granted, ...byPolicy, ...owned];
}

/** The developer and the sandbox's principal write in gold and nowhere else; the catalog itself is dev's principal's. */
function beyondGold(estate: Estate, expected: Expectation): Finding[] {
  const writers = writersOf(expected);
  const outside = (securable: Securable): boolean => schemaOf(securable.name) !== GOLD;
  const granted = byRights(estate, overGold(expected)).map(
    ({ principal, privileges, securables, first }): Finding => ({
      id: "grants/sandbox-beyond-gold",
      severity: "error",
      where: at(first),
      message: `${nameOf(estate, principal)} has ${said(privileges)} on ${list(securables)}; in a sandbox only gold is written.`,
      remedy: `Revoke it; what ${principal} needs stands on schema ${expected.catalog}.${GOLD}.`,
    }),
  );
  const byOwner = new Map<string, Securable[]>();
  for (const securable of estate.securables.values()) {
    const key = keyOf(securable.owner ?? "");
    if (writers.has(key) && outside(securable)) byOwner.set(key, [...(byOwner.get(key) ?? []), securable]);
  }
  const owned = [...byOwner.values()].map(
    (securables): Finding => ({
      id: "grants/sandbox-beyond-gold",
      severity: "error",
      ...firstAt(securables),
      message: `${nameOf(estate, securables[0]?.owner ?? "")} owns ${list(securables.map(nameIt))}; in a sandbox only gold is written.`,
      remedy: "Give it to dev's principal, or drop it.",
    }),
  );
  return [...granted, ...owned];
}

/** Of dev the sandboxes' developers read exactly bronze and silver: neither less nor, by whatever path, more. */
export function sources(estate: Estate, expected: Expectation): Finding[] {
  if (expected.developers === undefined) return [];
  const { group, users } = expected.developers;
  const findings = new Map<string, Finding>();
  for (const principal of [group, ...users]) {
    const who = identitiesOf(estate, principal);
    for (const securable of estate.securables.values()) {
      const schema = schemaOf(securable.name);
      if (schema === "information_schema") continue;
      const source = schema !== undefined && SOURCES.includes(schema);
      for (const access of accessOf(estate, who, securable)) {
        const effect = effectOf(access.privilege);
        if (effect === "look" || (source && effect === "read")) continue;
        // What lies above is judged where it leads: USE_ and reading of bronze and silver come from the catalog, too.
        if (isGivenBy(estate, expected, who.keys(), access.path.on, access.privilege)) continue;
        const holder = access.path.groups.at(-1) ?? principal;
        const key = JSON.stringify([keyOf(holder), access.path.how, access.path.on]);
        if (findings.has(key)) continue;
        findings.set(key, {
          id: "grants/sandbox-reads-more",
          severity: "error",
          where: at({ type: access.path.on.type, name: access.path.on.name }),
          message: `${witness(estate, principal, [access.privilege], access.path)}; with it a sandbox's developer can ${effect === "read" ? "read" : "change"} ${nameIt(securable)}.`,
          why: `Sandboxes read ${expected.catalog}.bronze and ${expected.catalog}.silver, and nothing else of dev.`,
          remedy: `Revoke it from ${holder}, or give it to ${holder} in a rule of the contract, where a review sees it.`,
        });
      }
    }
  }
  return [...findings.values(), ...sourcesMissing(estate, expected, group)];
}

function isGivenBy(
  estate: Estate,
  expected: Expectation,
  identities: Iterable<string>,
  on: { readonly type: Securable["type"]; readonly name: string },
  privilege: string,
): boolean {
  for (const identity of identities) {
    const given = allowed(expected, estate.groups.get(identity)?.name ?? identity, on);
    if (comparePrivileges([privilege], [...given]).excess.length === 0) return true;
  }
  return false;
}

function sourcesMissing(estate: Estate, expected: Expectation, group: string): Finding[] {
  const who = identitiesOf(estate, group);
  return [...estate.securables.values()].flatMap((securable): Finding[] => {
    if (securable.type !== "schema" || !SOURCES.includes(schemaOf(securable.name) ?? "")) return [];
    const reads = accessOf(estate, who, securable).some(
      ({ privilege, state }) => privilege === "SELECT" && state === "works",
    );
    if (reads) return [];
    return [
      {
        id: "grants/sandbox-source-missing",
        severity: "warning",
        where: at(securable),
        message: `The group ${group} cannot read ${nameIt(securable)}, which sandboxes need.`,
        remedy: `Provision a sandbox (it grants this once), or grant ${group} USE_CATALOG on ${expected.catalog}, and USE_SCHEMA and SELECT on ${securable.name}.`,
      },
    ];
  });
}
