/**
 * Which privileges of a direct grant a rule objects to, rule by rule. Findings and repair both ask here, so that after a
 * repair the rules have nothing left to find. Pure.
 */
import { GOLD, SOURCES } from "../contract/defaults.ts";
import { identitiesOf } from "./closure.ts";
import { comparePrivileges, covers, givesAny } from "./compare.ts";
import { allowed, type Expectation, isClosed, mayHold, reaches, sparedBy } from "./expect.ts";
import { ACCOUNT_USERS, type Estate, type Grant, isDataType, keyOf, type Securable } from "./model.ts";
import { overlap } from "./patterns.ts";
import { ALL_PRIVILEGES, effectOf } from "./privileges.ts";

/** The privileges of one grant on one securable that a rule objects to. */
type Objection = (grant: Grant, securable: Securable) => readonly string[];

/** `gold` of `prod.gold.scores`; undefined for a catalog. */
export const schemaOf = (name: string): string | undefined => keyOf(name).split(".")[1];

const opens = (privilege: string): boolean => privilege === ALL_PRIVILEGES || effectOf(privilege) !== "look";
const changes = (privilege: string): boolean =>
  privilege === ALL_PRIVILEGES || ["write", "control"].includes(effectOf(privilege));

/** Everybody in the account: nothing but BROWSE, and of what opens no data what the contract gives. */
export function overEverybody(expected: Expectation): Objection {
  return ({ principal, privileges }, securable) => {
    if (principal === undefined || keyOf(principal) !== ACCOUNT_USERS) return [];
    const given = allowed(expected, ACCOUNT_USERS, securable);
    // No word in the contract opens data to everybody: the other tiers' principals are among them.
    const excused = (privilege: string): boolean => !opens(privilege) && covers(given, privilege);
    return privileges.filter((privilege) => privilege !== "BROWSE" && !excused(privilege));
  };
}

/** Staging and prod: all that somebody has whom the contract does not name, and what others have beyond it. */
export function overNamed(expected: Expectation): { readonly strangers: Objection; readonly beyond: Objection } {
  const tiers = new Set(expected.principals.map((principal) => keyOf(principal.key)));
  const named = new Set(
    expected.grants
      .filter(({ effect, on }) => effect !== "forbid" && isDataType(on.type) && overlap(on.name, expected.catalog))
      .map((grant) => keyOf(grant.principal)),
  );
  const judged = (principal: string | undefined): string | undefined => {
    const key = principal === undefined ? undefined : keyOf(principal);
    return key === undefined || tiers.has(key) || key === ACCOUNT_USERS ? undefined : key;
  };
  return {
    strangers: ({ principal, privileges }) => {
      const key = judged(principal);
      return key === undefined || named.has(key) ? [] : privileges;
    },
    beyond: ({ principal, privileges }, securable) => {
      const key = judged(principal);
      if (key === undefined || !named.has(key)) return [];
      return comparePrivileges(privileges, [...allowed(expected, key, securable)]).excess;
    },
  };
}

/** Another tier's principal, named by itself. By whatever path it comes, the matrix finds it. */
function overTier(expected: Expectation): Objection {
  return ({ principal, privileges }, securable) => {
    const holder = expected.principals.find(({ key }) => principal !== undefined && keyOf(key) === keyOf(principal));
    if (holder === undefined || holder.tier === expected.tier) return [];
    return privileges.filter((privilege) => !mayHold(holder.tier, expected.tier, securable, privilege));
  };
}

/** Rights in a sandbox of anybody but its developer and the principals that deploy to it and clean it up. */
export function overSandbox(expected: Expectation): Objection {
  const known = new Set([...expected.principals.map(({ key }) => keyOf(key)), keyOf(expected.developer ?? "")]);
  return ({ principal, privileges }, securable) => {
    if (principal === undefined || known.has(keyOf(principal)) || keyOf(principal) === ACCOUNT_USERS) return [];
    return comparePrivileges(privileges, [...allowed(expected, principal, securable)]).excess.filter(opens);
  };
}

/** Who writes a sandbox: its developer and the sandbox's principal. */
export function writersOf(expected: Expectation): Set<string> {
  const bots = expected.principals.filter(({ tier }) => tier === "sandbox").map(({ key }) => key);
  return new Set([...bots, ...(expected.developer === undefined ? [] : [expected.developer])].map(keyOf));
}

/** What they may change outside gold. */
export function overGold(expected: Expectation): Objection {
  const writers = writersOf(expected);
  return ({ principal, privileges }, securable) => {
    if (principal === undefined || !writers.has(keyOf(principal)) || schemaOf(securable.name) === GOLD) return [];
    return comparePrivileges(privileges, [...allowed(expected, principal, securable)]).excess.filter(changes);
  };
}

/** What the sandboxes' developers, named by themselves, have of dev beyond reading bronze and silver. */
function overSources(expected: Expectation): Objection {
  const { group, users } = expected.developers ?? { group: "", users: [] };
  const developers = new Set([group, ...users].map(keyOf));
  return ({ principal, privileges }, securable) => {
    if (principal === undefined || !developers.has(keyOf(principal))) return [];
    const source = SOURCES.includes(schemaOf(securable.name) ?? "");
    const beyond = comparePrivileges(privileges, [...allowed(expected, principal, securable)]).excess;
    return beyond.filter((privilege) => opens(privilege) && !(source && effectOf(privilege) === "read"));
  };
}

/** What a rule forbids to whoever was granted it, on the very things it speaks of; with it MANAGE, which gives the rest. */
function overForbidden(estate: Estate, expected: Expectation): Objection {
  const rules = expected.grants.filter(({ effect }) => effect === "forbid");
  return ({ principal, privileges }, securable) => {
    if (principal === undefined || keyOf(principal) === keyOf(expected.own.key)) return [];
    const meant = rules.filter(({ on }) => reaches(on, securable));
    if (meant.length === 0) return [];
    const who = identitiesOf(estate, principal);
    const against = meant.filter((rule) =>
      rule.principal === "*" ? !sparedBy(expected, rule).some((key) => who.has(key)) : who.has(keyOf(rule.principal)),
    );
    const excepted = new Set(
      expected.grants
        .filter(
          ({ exception, on, principal: to }) => exception !== undefined && reaches(on, securable) && who.has(keyOf(to)),
        )
        .flatMap((grant) => grant.privileges),
    );
    const forbidden = against.flatMap((rule) => rule.privileges).filter((privilege) => !covers(excepted, privilege));
    return privileges.filter((privilege) => !covers(excepted, privilege) && givesAny(privilege, forbidden));
  };
}

/** All that the rules object to in a direct grant, sorted, each once. */
export function excessOf(estate: Estate, expected: Expectation): Objection {
  const { strangers, beyond } = overNamed(expected);
  const picks: Objection[] = [
    overEverybody(expected),
    overTier(expected),
    overForbidden(estate, expected),
    ...(isClosed(expected.tier) ? [strangers, beyond] : []),
    ...(expected.tier === "sandbox" ? [overSandbox(expected), overGold(expected)] : []),
    ...(expected.tier === "dev" ? [overSources(expected)] : []),
  ];
  return (grant, securable) => [...new Set(picks.flatMap((pick) => pick(grant, securable)))].sort();
}
