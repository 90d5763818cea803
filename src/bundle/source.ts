/**
 * Where a bundle's text comes from: the tracked files of one commit. Rendering reads through this alone, so any
 * commit is rendered by the same code, from git or from memory.
 */
export interface BundleSource {
  /** Texts read so far or given: posix path from the repository root to content. */
  readonly files: ReadonlyMap<string, string>;
  /** The text of a tracked file; undefined if the commit has no such file or it is not UTF-8 text. */
  readText(path: string): string | undefined;
  /** Whether the commit tracks this file (not a folder). */
  has(path: string): boolean;
  /** All tracked files of the commit: posix paths from the repository root, sorted. */
  list(): readonly string[];
}
