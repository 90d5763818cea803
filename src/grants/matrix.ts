/** The matrix of service principals: what each tier's principal can do in one catalog, and what of that it must not. Pure. */
import type { TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { accessOf, identitiesOf, type Path, type Source, sourcesOf } from "./closure.ts";
import { type Expectation, mayHold, mayOwn, type TierPrincipal } from "./expect.ts";
import { ACCOUNT_USERS, type Estate, isApplicationId, isDataType, isStorage, keyOf, type Securable } from "./model.ts";
import { ALL_PRIVILEGES, effectOf } from "./privileges.ts";
import { nameIt } from "./rights.ts";
import { inWords, said, witness } from "./witness.ts";

/** What a principal can do in a catalog, the most that is true of it. */
type Reach = "owns" | "control" | "write" | "read" | "look" | "nothing" | "unknown";

/** One field of the matrix. */
export interface Cell {
  /** The catalog's tier and name. */
  readonly tier: TierName;
  readonly catalog: string;
  readonly principal: TierPrincipal;
  readonly reach: Reach;
  /** Whether that is as it must be. */
  readonly verdict: "pass" | "fail" | "unknown";
}

/** The catalog's row of the matrix, with a finding for every path that must not be, and for what the own principal lacks. */
export function matrixOf(estate: Estate, expected: Expectation): { cells: Cell[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const cells = expected.principals.map((principal): Cell => {
    const who = identitiesOf(estate, principal.key);
    const sources = sourcesOf(estate, who);
    const isMetastoreOwner = estate.metastoreOwner !== undefined && who.has(keyOf(estate.metastoreOwner));
    const doubts = principal.resolved ? [] : strangersOf(estate, expected);
    const own = principal.tier === expected.tier;
    const wrong = [
      ...(own ? lacksOf(estate, expected) : trespassesOf(estate, expected, principal, sources)),
      ...(isMetastoreOwner
        ? [metastoreAdmin(estate, principal, who.get(keyOf(estate.metastoreOwner ?? "")) ?? [])]
        : []),
    ];
    findings.push(...wrong);
    if (doubts.length > 0) findings.push(unresolved(expected, principal, doubts));
    const shared = !own && sources.some((source) => isShared(source.path) && !harmless(expected, principal, source));
    return {
      tier: expected.tier,
      catalog: expected.catalog,
      principal,
      reach: wrong.length === 0 && doubts.length > 0 ? "unknown" : reachOf(expected, sources, isMetastoreOwner),
      verdict: wrong.length > 0 || shared ? "fail" : doubts.length > 0 ? "unknown" : "pass",
    };
  });
  return { cells, findings };
}

function reachOf(expected: Expectation, sources: readonly Source[], isMetastoreOwner: boolean): Reach {
  const owner = sources.some(
    ({ path, securable }) =>
      path.how === "owner" && securable.type === "catalog" && keyOf(securable.name) === keyOf(expected.catalog),
  );
  if (owner) return "owns";
  if (isMetastoreOwner || sources.some(({ path }) => path.how === "owner")) return "control";
  const effects = sources.flatMap(({ privileges }) =>
    privileges.map((privilege) => (privilege === ALL_PRIVILEGES ? "write" : effectOf(privilege))),
  );
  return (["control", "write", "read", "look"] as const).find((effect) => effects.includes(effect)) ?? "nothing";
}

/** Grants and ownerships that let another tier's principal in: one finding a path and set of rights, however many securables. */
function trespassesOf(
  estate: Estate,
  expected: Expectation,
  principal: TierPrincipal,
  sources: readonly Source[],
): Finding[] {
  const wrong = sources.filter((source) => !isShared(source.path) && !harmless(expected, principal, source));
  return bySameRights(wrong).map(([first, ...others]) => {
    const tail = others.length === 0 ? "" : `, and the same on ${namesOf(others.map((source) => source.securable))}`;
    const rule = expected.grants.find(
      (grant) => keyOf(grant.principal) === keyOf(principal.key) && grant.on.name === first.securable.name,
    );
    const privileges = first.privileges.filter((privilege) => !mayHoldAny(expected, principal, first, privilege));
    return {
      id: "grants/cross-tier",
      severity: "error",
      where: rule?.where ?? { kind: "securable", type: first.securable.type, name: first.securable.name },
      message: `${witness(estate, principal.key, privileges, first.path)}${tail}${holdsData(first.securable, expected)}.`,
      why: `The principal of ${principal.tier} must be able to do nothing in ${expected.catalog}: a pipeline of ${principal.tier} could read or change ${expected.tier}.`,
      remedy: removal(first, principal, privileges),
    };
  });
}

/** Of a catalog it goes without saying. */
function holdsData({ type }: Securable, { catalog }: Expectation): string {
  return isStorage(type) ? `, where data of ${catalog} is kept` : "";
}

function removal({ path, securable }: Source, principal: TierPrincipal, privileges: readonly string[]): string {
  const group = path.groups.at(-1);
  if (group !== undefined)
    return `Take ${principal.name} out of the group ${path.groups[0]}, or take the right from ${group}.`;
  if (path.how === "owner") return `Give ${nameIt(securable)} to the principal of its own tier.`;
  return `Revoke ${said(privileges)} on ${nameIt(securable)} from ${principal.key}.`;
}

function harmless(expected: Expectation, principal: TierPrincipal, source: Source): boolean {
  if (source.path.how === "owner") return mayOwn(principal.tier, expected.tier);
  return source.privileges.every((privilege) => mayHoldAny(expected, principal, source, privilege));
}

function mayHoldAny(expected: Expectation, principal: TierPrincipal, source: Source, privilege: string): boolean {
  return mayHold(principal.tier, expected.tier, source.securable, privilege);
}

/** What everybody has by `account users` is one finding of its own, not one a principal. */
function isShared(path: Path): boolean {
  return path.groups[0] !== undefined && keyOf(path.groups[0]) === ACCOUNT_USERS;
}

function bySameRights(sources: readonly Source[]): [Source, ...Source[]][] {
  const groups = new Map<string, [Source, ...Source[]]>();
  for (const source of sources) {
    const key = JSON.stringify([source.path.groups, source.path.how, source.privileges]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [source]);
    else group.push(source);
  }
  return [...groups.values()];
}

function namesOf(securables: readonly Securable[]): string {
  return inWords(securables.map(nameIt), 4);
}

/** What a tier's principal must be able to do, by type of securable. */
const NEEDS = {
  catalog: ["USE_CATALOG", "CREATE_SCHEMA"],
  schema: ["USE_SCHEMA", "CREATE_TABLE", "CREATE_VOLUME", "CREATE_FUNCTION", "CREATE_MODEL"],
  table: ["SELECT"],
  volume: ["READ_VOLUME", "WRITE_VOLUME"],
  function: ["EXECUTE"],
} as const;

/** In a sandbox only `gold` is written, and the catalog is dev's (design 1, 10). */
function needsOf(tier: TierName, securable: Securable): readonly string[] {
  if (!isDataType(securable.type)) return [];
  if (tier !== "sandbox") return NEEDS[securable.type];
  if (securable.type === "catalog") return ["USE_CATALOG"];
  return keyOf(securable.name).split(".")[1] === "gold" ? NEEDS[securable.type] : [];
}

/** What the tier's own principal lacks. Who may MANAGE a thing can give itself the rest, so that counts as having it. */
function lacksOf(estate: Estate, expected: Expectation): Finding[] {
  const who = identitiesOf(estate, expected.own.key);
  const lacking = new Map<string, Securable[]>();
  for (const securable of estate.securables.values()) {
    const needs = needsOf(expected.tier, securable);
    if (needs.length === 0) continue;
    const works = new Set(
      accessOf(estate, who, securable)
        .filter((access) => access.state === "works")
        .map((access) => access.privilege),
    );
    if (works.has("MANAGE")) continue;
    const missing = needs.filter((privilege) => !works.has(privilege));
    if (missing.length === 0) continue;
    const key = said(missing);
    lacking.set(key, [...(lacking.get(key) ?? []), securable]);
  }
  return [...lacking].map(([privileges, securables]) => ({
    id: "grants/own-incomplete",
    severity: "error",
    ...whereOf(securables[0]),
    message: `${expected.own.name} cannot ${privileges} on ${namesOf(securables)}, which its own tier needs.`,
    why: "A promotion would fail halfway, or its pipelines would.",
    remedy: `Make ${expected.own.key} the owner of catalog ${expected.catalog} (ALTER CATALOG … OWNER TO), or grant it ${privileges}.`,
  }));
}

function whereOf(securable: Securable | undefined): Pick<Finding, "where"> {
  return securable === undefined ? {} : { where: { kind: "securable", type: securable.type, name: securable.name } };
}

function metastoreAdmin(estate: Estate, principal: TierPrincipal, groups: readonly string[]): Finding {
  const path: Path = { groups, how: "metastore-owner", on: { type: "metastore", name: "metastore" } };
  return {
    id: "grants/metastore-admin",
    severity: "error",
    where: { kind: "securable", type: "metastore", name: estate.metastoreOwner ?? "" },
    message: `${witness(estate, principal.key, [], path)}.`,
    why: "A metastore admin can give itself every right in every tier, so no tier is apart from this one.",
    remedy: `Take ${principal.name} out of the metastore's owners.`,
  };
}

/**
 * Grantees with power in the catalog of whom we cannot say that they are not a given principal: service principals we
 * have no name for. If there are none, a principal that could not be resolved is excluded: everybody with a right is known.
 */
function strangersOf(estate: Estate, expected: Expectation): string[] {
  const known = new Set([...estate.principals.keys(), ...expected.principals.map((principal) => keyOf(principal.key))]);
  const strangers = new Set<string>();
  const meet = (principal: string): void => {
    if (isApplicationId(principal) && !known.has(keyOf(principal))) strangers.add(principal);
  };
  for (const securable of estate.securables.values()) {
    if (securable.owner !== undefined) meet(securable.owner);
    for (const { principal, privileges } of securable.grants) {
      if (principal !== undefined && privileges.some((privilege) => effectOf(privilege) !== "look")) meet(principal);
    }
  }
  for (const group of estate.groups.values()) for (const member of group.members) meet(member);
  if (estate.metastoreOwner !== undefined) meet(estate.metastoreOwner);
  return [...strangers].sort();
}

function unresolved(expected: Expectation, principal: TierPrincipal, strangers: readonly string[]): Finding {
  return {
    id: "grants/principal-unresolved",
    severity: "unknown",
    where: { kind: "securable", type: "catalog", name: expected.catalog },
    message: `The service principal ${principal.name} of ${principal.tier} is not known in this workspace, and it could be ${inWords(strangers, 3)}, which has rights in ${expected.catalog}.`,
    remedy: `Write its application id into the contract: tiers.${principal.tier}.client_id.`,
  };
}
