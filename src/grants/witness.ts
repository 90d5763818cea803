/** Paths as sentences: what a person reads to see why somebody has access. Plain text; whoever prints it escapes it. */
import type { Path } from "./closure.ts";
import { ACCOUNT_USERS, type Estate, keyOf, nameOf } from "./model.ts";
import { ALL_PRIVILEGES } from "./privileges.ts";

/** `dev-bot (1111…) is in group analysts, which is in group readers, which has SELECT on schema prod.gold`. */
export function witness(estate: Estate, principal: string, privileges: readonly string[], path: Path): string {
  const names = path.groups.map((group) => (keyOf(group) === ACCOUNT_USERS ? group : `group ${group}`));
  const steps = names.map((name, index) => `${index === 0 ? "is in" : "which is in"} ${name}`);
  const last = names.length === 0 ? rightOf(privileges, path) : `which ${rightOf(privileges, path)}`;
  return `${nameOf(estate, principal)} ${[...steps, last].join(", ")}`;
}

function rightOf(privileges: readonly string[], { how, on, policy }: Path): string {
  const place = `${on.type.replaceAll("_", " ")} ${on.name}`;
  switch (how) {
    case "grant":
      return `has ${said(privileges)} on ${place}`;
    case "all-privileges":
      return `has ALL PRIVILEGES on ${place}`;
    case "owner":
      return `owns ${place}`;
    case "owner-above":
      return `owns ${place}, and so can grant itself anything below it`;
    case "policy":
      return `is given ${said(privileges)} by the policy ${policy ?? ""} of ${place}, where tags fit`;
    case "metastore-owner":
      return "owns the metastore, and so can change every grant";
  }
}

/** `SELECT and MODIFY`, `ALL PRIVILEGES`. */
export function said(privileges: readonly string[]): string {
  const names = privileges.map((privilege) => (privilege === ALL_PRIVILEGES ? "ALL PRIVILEGES" : privilege));
  return inWords(names);
}

/** `a`, `a and b`, `a, b and c`; beyond `most`, `a, b, c and 7 more`. */
export function inWords(items: readonly string[], most = Number.POSITIVE_INFINITY): string {
  const shown = items.length > most ? [...items.slice(0, most), `${items.length - most} more`] : [...items];
  const last = shown.pop();
  return last === undefined ? "nothing" : shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
}
