/**
 * What is granted beside what is wanted. Equal is equal whatever the case, order and blanks, and whether ALL PRIVILEGES
 * stands beside the single ones it implies (facts: unity-catalog 1.1, 1.2).
 */
import { normalisePrivilege } from "./model.ts";
import { ALL_PRIVILEGES, impliedByAll, MANAGE } from "./privileges.ts";

interface Difference {
  /** Wanted and not granted, sorted. */
  readonly missing: readonly string[];
  /** Granted and not wanted, sorted. */
  readonly excess: readonly string[];
}

/** Compares two lists of privileges on one securable for one principal. */
export function comparePrivileges(granted: readonly string[], wanted: readonly string[]): Difference {
  const has = new Set(granted.map(normalisePrivilege));
  const wants = new Set(wanted.map(normalisePrivilege));
  return {
    missing: [...wants].filter((privilege) => !covers(has, privilege)).sort(),
    excess: [...has].filter((privilege) => !covers(wants, privilege)).sort(),
  };
}

/** True if a set holds a privilege itself, or by ALL PRIVILEGES. */
export function covers(set: ReadonlySet<string>, privilege: string): boolean {
  return set.has(privilege) || (set.has(ALL_PRIVILEGES) && privilege !== ALL_PRIVILEGES && impliedByAll(privilege));
}

/** True if a privilege is one of others, implies one or is implied by one; MANAGE gives its holder any that can be granted. */
export function givesAny(privilege: string, others: readonly string[]): boolean {
  return others.some(
    (other) => privilege === MANAGE || covers(new Set([privilege]), other) || covers(new Set([other]), privilege),
  );
}
