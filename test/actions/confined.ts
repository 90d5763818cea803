/**
 * What Node is told for every action under test: it may ask this machine alone (loopback-only.ts), and write below the
 * run's own temporary folder alone, where the search for secrets comes. A write to any other path, spelled out or not, is
 * refused by Node itself and fails the action. What a child of the action writes (git) is not held by this.
 */
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** Modules to be loaded before the action, each a path or an address. */
export const importing = (modules: readonly string[]): string[] => modules.flatMap((module) => ["--import", module]);

export const CONFINED: readonly string[] = [
  "--permission",
  "--allow-fs-read=*",
  `--allow-fs-write=${join(tmpdir(), "/")}`,
  "--allow-child-process",
  // it says of each child that it could do more than its parent may
  "--disable-warning=SecurityWarning",
  ...importing([pathToFileURL(resolve("test/actions/loopback-only.ts")).href]),
];
