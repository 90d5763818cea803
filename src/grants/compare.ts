/**
 * What is granted beside what is wanted. Equal is equal whatever the case, order and blanks, and whether ALL PRIVILEGES
 * stands beside the single ones it implies (facts: unity-catalog 1.1, 1.2).
 */
import { normalisePrivilege } from "./model.ts";
import { ALL_PRIVILEGES, impliedByAll } from "./privileges.ts";

export interface Difference {
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
