/**
 * How what a run writes on GitHub is found again by later ones: by a mark in it that no page shows, and by who wrote it,
 * which GitHub says. The mark alone is anybody's: whoever can comment can copy it.
 */

/** How the mark of anything of ours begins. */
export const ANY_MARK = "<!-- four-tier ";

/** What is marked. `key` tells apart several contracts of one repository: the contract's file. */
interface Marked {
  readonly about: "drift" | "sandboxes" | "release";
  readonly key: string;
}

/** The mark by which it is known. */
export function markOf({ about, key }: Marked): string {
  return `${ANY_MARK}${about} ${key} -->`;
}

/** The key of a contract's file, however the path is written. */
export function keyOf(contract: string): string {
  return contract.replace(/^\.\//, "");
}

/** Whether a path can stand in a mark. */
export function isKey(key: string): boolean {
  return /^[A-Za-z0-9._][A-Za-z0-9._/-]{0,99}$/.test(key);
}
