/**
 * The contract's grants, held against themselves and against what tiers are: no rule gives what another forbids, none lets
 * one tier's principal into another, none opens a tier to everybody. Needs no connection, so a pull request is told. Pure.
 */
import { type Contract, type GrantException, type GrantRule, TIERS, type TierName } from "../contract/model.ts";
import { describeWhere, type Finding } from "../findings.ts";
import { holds } from "../schedules/policy.ts";
import { givesAny } from "./compare.ts";
import { mayHold } from "./expect.ts";
import { ACCOUNT_USERS, keyOf } from "./model.ts";
import { overlap } from "./patterns.ts";
import { checkPrivileges } from "./policy-privileges.ts";
import { ALL_PRIVILEGES, effectOf, MANAGE } from "./privileges.ts";
import { said } from "./witness.ts";

type Given = GrantRule | GrantException;

/** Everything that is wrong with the contract's grants as a policy, at file:line; `now` decides what has expired. */
export function checkPolicy(contract: Contract, now: Date): Finding[] {
  const { rules, exceptions } = contract.grants;
  const given = rules.filter((rule) => rule.effect !== "forbid");
  const forbidding = rules.filter((rule) => rule.effect === "forbid");
  return [
    ...[...rules, ...exceptions].flatMap(checkPrivileges),
    ...given.flatMap((rule) => forbidding.flatMap((other) => contradiction(contract, rule, other))),
    ...[...given, ...exceptions].flatMap((rule) => againstTiers(contract, rule)),
    ...forbidding.flatMap((rule) => forbidsOwn(contract, rule)),
    ...exceptions.filter((exception) => !holds(exception, now)).map(expired),
  ];
}

function contradiction(contract: Contract, rule: GrantRule, other: GrantRule): Finding[] {
  const everybody = other.principal === "*" && tierOf(contract, rule.principal) === undefined;
  if (!everybody && keyOf(other.principal) !== keyOf(rule.principal)) return [];
  if (!meet(rule, other)) return [];
  const both = rule.privileges.filter((privilege) => givesAny(privilege, other.privileges));
  if (both.length === 0) return [];
  const itself = other.privileges.includes(MANAGE) || both.some((privilege) => privilege !== MANAGE);
  return [
    {
      id: "grants/contradiction",
      severity: "error",
      where: rule.where,
      message: `This rule gives ${said(both)} on ${place(rule)} to ${rule.principal}, and ${describeWhere(other.where)} forbids ${itself ? "it" : said(other.privileges)} on ${place(other)}.`,
      ...(itself ? {} : { why: "Whoever may MANAGE a thing can give himself every right on it." }),
      remedy: "Take one of the two out; what is needed only for a while is an exception.",
    },
  ];
}

function meet(a: Given, b: Given): boolean {
  if (a.on.type === "metastore" || b.on.type === "metastore") return a.on.type === b.on.type;
  if (isBeside(a) || isBeside(b)) return a.on.type === b.on.type && overlap(a.on.name, b.on.name);
  return overlap(a.on.name, b.on.name);
}

/** Of storage, whose name says nothing of the tier whose data it holds. */
function isBeside({ on }: Given): boolean {
  return on.type === "external_location" || on.type === "storage_credential";
}

/** What no rule can give: another tier's catalog to a tier's principal, data to everybody. */
function againstTiers(contract: Contract, rule: Given): Finding[] {
  const opening = rule.privileges.filter((privilege) => privilege === ALL_PRIVILEGES || effectOf(privilege) !== "look");
  if (opening.length === 0) return [];
  const closed = (message: string, why: string): Finding => ({
    id: "grants/contradiction",
    severity: "error",
    where: rule.where,
    message,
    why,
    remedy: "Take it out of the contract.",
  });
  const This = "until" in rule ? "This exception" : "This rule";
  if (keyOf(rule.principal) === ACCOUNT_USERS) {
    return [
      closed(
        `${This} gives ${said(opening)} on ${place(rule)} to ${ACCOUNT_USERS}.`,
        "That is every user and every service principal of the account, those of the other tiers among them.",
      ),
    ];
  }
  const holder = tierOf(contract, rule.principal);
  if (holder === undefined || rule.on.type === "metastore") {
    return holder === undefined
      ? []
      : [closed(`${This} makes ${rule.principal} a metastore admin.`, "It could then change every tier.")];
  }
  if (isBeside(rule)) {
    return [
      closed(
        `${This} gives ${said(opening)} on ${place(rule)} to ${rule.principal}, the principal of ${holder}.`,
        "Whose data is kept there, no file says. What a tier's principal has on its own tier's storage needs no rule, and no rule lets it to another's.",
      ),
    ];
  }
  return TIERS.filter((tier) => overlap(rule.on.name, catalogOf(contract, tier))).flatMap((tier) => {
    const wrong = opening.filter((privilege) =>
      privilege === ALL_PRIVILEGES
        ? tier !== holder
        : !mayHold(holder, tier, { type: "catalog", name: rule.on.name }, privilege),
    );
    if (wrong.length === 0) return [];
    return [
      closed(
        `${This} gives ${said(wrong)} on ${place(rule)} to ${rule.principal}, the principal of ${holder}; ${tier} is closed to it.`,
        "No rule and no exception lets one tier's principal into another tier.",
      ),
    ];
  });
}

function forbidsOwn(contract: Contract, rule: GrantRule): Finding[] {
  const tier = tierOf(contract, rule.principal);
  if (tier === undefined || rule.on.type === "metastore" || isBeside(rule)) return [];
  if (!overlap(rule.on.name, catalogOf(contract, tier))) return [];
  return [
    {
      id: "grants/contradiction",
      severity: "error",
      where: rule.where,
      message: `This rule forbids ${said(rule.privileges)} on ${place(rule)} to ${rule.principal}, which is ${tier}'s own principal.`,
      why: "A tier's principal has everything on its own catalog.",
      remedy: "Take it out of the contract.",
    },
  ];
}

function expired({ on, principal, until, where }: GrantException): Finding {
  return {
    id: "grants/exception-expired",
    severity: "warning",
    where,
    message: `The exception for ${principal} on ${on.type} ${on.name} ended on ${until}; what it tolerated is judged again.`,
    remedy: "Take it out of the contract, and the access away; or give it a new end and a reason.",
  };
}

/** The tier whose principal goes by this name, or has this application id. */
function tierOf(contract: Contract, principal: string): TierName | undefined {
  return TIERS.find((tier) => {
    const { servicePrincipal, clientId, hasPrincipal } = contract.tiers[tier];
    return (
      hasPrincipal &&
      (keyOf(servicePrincipal) === keyOf(principal) || (clientId !== undefined && clientId === keyOf(principal)))
    );
  });
}

/** Of the sandbox, the pattern that all of them fit. */
function catalogOf(contract: Contract, tier: TierName): string {
  return tier === "sandbox" ? "*_sandbox" : contract.tiers[tier].catalog;
}

function place({ on }: Given): string {
  return on.type === "metastore" ? "the metastore" : `${on.type.replaceAll("_", " ")} ${on.name}`;
}
