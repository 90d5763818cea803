/**
 * What a change of the contract and of the bundle opens in staging and prod, by declared policy alone: no tier is asked, so
 * it works in a pull request from anybody (facts: unity-catalog 5 P6). Pure.
 */
import type { RenderedResource } from "../bundle/model.ts";
import type { Contract, TierName } from "../contract/model.ts";
import type { Finding, Where } from "../findings.ts";
import { isArray, isObject, type JsonValue } from "../json.ts";
import { covers } from "./compare.ts";
import { isClosed } from "./expect.ts";
import { keyOf, normalisePrivilege } from "./model.ts";
import { overlap, reachesName } from "./patterns.ts";
import { ALL_PRIVILEGES, effectOf } from "./privileges.ts";
import { said } from "./witness.ts";

/** Access that somebody has by what is written. */
interface DeclaredPath {
  readonly tier: TierName;
  readonly on: { readonly type: string; readonly name: string };
  readonly principal: string;
  readonly privileges: readonly string[];
  /** `a rule of the contract`. */
  readonly by: string;
  /** Of an exception: its last day. */
  readonly until?: string;
  readonly where: Where;
}

/** What a contract and a bundle give in one tier, and what the contract forbids there. */
interface Declared {
  readonly paths: readonly DeclaredPath[];
  readonly forbidden: readonly DeclaredPath[];
}

type Rendered = Pick<RenderedResource, "kind" | "name" | "permissions" | "where" | "key">;

/** Reads both for a tier; `resources` are the bundle's, rendered for it. */
export function declaredFor(contract: Contract, tier: TierName, resources: readonly Rendered[]): Declared {
  const { catalog, servicePrincipal, clientId } = contract.tiers[tier];
  // Which tier's data storage holds, only the workspace tells: a rule about it is taken for one about each.
  const of = (rule: Contract["grants"]["rules"][number] | Contract["grants"]["exceptions"][number], by: string) =>
    !isData(rule.on.type) || overlap(rule.on.name, catalog)
      ? [
          {
            tier,
            on: rule.on,
            principal: rule.principal,
            privileges: rule.privileges,
            by,
            where: rule.where,
            ...("until" in rule ? { until: rule.until } : {}),
          },
        ]
      : [];
  const { rules, exceptions } = contract.grants;
  return {
    paths: [
      {
        tier,
        on: { type: "catalog", name: catalog },
        principal: clientId ?? servicePrincipal,
        privileges: [ALL_PRIVILEGES],
        by: "being the tier's principal",
        where: contract.at(["tiers", tier, clientId === undefined ? "service_principal" : "client_id"]),
      },
      ...rules.filter(({ effect }) => effect !== "forbid").flatMap((rule) => of(rule, "a rule of the contract")),
      ...exceptions.flatMap((rule) => of(rule, `an exception until ${rule.until}`)),
      ...resources.flatMap((resource) => bundlePaths(tier, resource)),
    ],
    forbidden: rules.filter(({ effect }) => effect === "forbid").flatMap((rule) => of(rule, "a rule of the contract")),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  schemas: "schema",
  volumes: "volume",
  registered_models: "model",
};

function bundlePaths(tier: TierName, { kind, key, name, permissions, where }: Rendered): DeclaredPath[] {
  const type = TYPES[kind];
  if (type === undefined) return [];
  return (permissions ?? []).flatMap((entry: JsonValue): DeclaredPath[] => {
    if (!isObject(entry)) return [];
    const { principal, privileges } = entry;
    // The tier's own principal stands here as a symbol, and has everything anyway.
    if (typeof principal !== "string" || principal.startsWith("${") || !isArray(privileges)) return [];
    const list = privileges.flatMap((one) => (typeof one === "string" ? [normalisePrivilege(one)] : []));
    return [{ tier, on: { type, name }, principal, privileges: list, by: `the grants of ${key} in the bundle`, where }];
  });
}

/** What `after` gives or no longer forbids and `before` did not, in staging and prod; at its line. */
export function openedBy(before: Declared, after: Declared): Finding[] {
  const gives = after.paths.flatMap((path): Finding[] => {
    const fresh = path.privileges.filter((privilege) => !isGiven(before.paths, path, privilege));
    return isClosed(path.tier) && fresh.length > 0 ? [opens(path, fresh)] : [];
  });
  const lifted = before.forbidden.flatMap((path): Finding[] => {
    const free = path.privileges.filter((privilege) => !isGiven(after.forbidden, path, privilege));
    return isClosed(path.tier) && free.length > 0 ? [lifts(path, free)] : [];
  });
  return [...gives, ...lifted];
}

/** What the bundle grants in staging and prod and the contract does not name: the proof after a promotion would fail. */
export function unnamedInBundle({ paths }: Declared, resources: readonly Rendered[]): Finding[] {
  const tier = paths[0]?.tier;
  if (tier === undefined || !isClosed(tier)) return [];
  const declared = resources.flatMap((resource) => bundlePaths(tier, resource));
  const named = paths.filter((path) => !declared.some(({ by }) => by === path.by));
  return declared.flatMap((path): Finding[] => {
    // Up to its last day an exception gives it, too.
    const now = { ...path, until: "" };
    const unnamed = path.privileges.filter((privilege) => !isGiven(named, now, privilege));
    if (unnamed.length === 0) return [];
    return [
      {
        id: "grants/bundle-unnamed",
        severity: "warning",
        where: path.where,
        message: `The bundle grants ${said(unnamed)} on ${path.on.type} ${path.on.name} to ${path.principal}, and the contract does not.`,
        why: `The proof of ${tier}'s grants fails on what the contract does not name.`,
        remedy: `Add a rule: { on: ${path.on.type} ${path.on.name}, principal: ${path.principal}, privileges: [${unnamed.join(", ")}] }.`,
      },
    ];
  });
}

/** Given for as long: an exception that ended sooner gave less. */
function isGiven(paths: readonly DeclaredPath[], wanted: DeclaredPath, privilege: string): boolean {
  return paths.some(
    ({ on, principal, privileges, until }) =>
      (principal === "*" || keyOf(principal) === keyOf(wanted.principal)) &&
      (until === undefined || (wanted.until !== undefined && until >= wanted.until)) &&
      isAbove(on, wanted.on) &&
      covers(new Set(privileges), privilege),
  );
}

function isData(type: string): boolean {
  return !["metastore", "external_location", "storage_credential"].includes(type);
}

/** A pattern that reaches another reaches all that the other does: a star fits a star. */
function isAbove(above: DeclaredPath["on"], below: DeclaredPath["on"]): boolean {
  if (!isData(above.type) || !isData(below.type))
    return above.type === below.type && reachesName(above.name, below.name);
  return reachesName(above.name, below.name);
}

function isStorageName(type: string): boolean {
  return type === "external_location" || type === "storage_credential";
}

function opens({ tier, on, principal, by, where }: DeclaredPath, privileges: readonly string[]): Finding {
  const look = privileges.every((privilege) => privilege !== ALL_PRIVILEGES && effectOf(privilege) === "look");
  return {
    id: "grants/opens-path",
    severity: look ? "notice" : "warning",
    where,
    message: `This opens a new path into ${tier}${isStorageName(on.type) ? ", if data of it is kept there" : ""}: ${principal} gets ${said(privileges)} on ${placeOf(on)}, by ${by}.`,
    ...(look ? { why: "It opens no data by itself." } : {}),
    remedy: "Merge it only if that is wanted.",
  };
}

function lifts({ tier, on, principal, where }: DeclaredPath, privileges: readonly string[]): Finding {
  // The line is gone, so the file is shown.
  const file: Where = where.kind === "file" ? { kind: "file", file: where.file } : where;
  return {
    id: "grants/opens-path",
    severity: "warning",
    where: file,
    message: `This no longer forbids ${said(privileges)} on ${placeOf(on)} in ${tier} to ${principal === "*" ? "everybody" : principal}.`,
    remedy: "Merge it only if that is wanted.",
  };
}

function placeOf({ type, name }: DeclaredPath["on"]): string {
  return type === "metastore" ? "the metastore" : `${type.replaceAll("_", " ")} ${name}`;
}
