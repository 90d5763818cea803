/** Git as the suite needs it: a real `git` child process, never a shell, everything read from commits. */
import type { BundleSource } from "./bundle/source.ts";
import type { Finding } from "./findings.ts";

/** One tracked file of a commit. */
export interface TrackedFile {
  /** Posix path from the repository root. */
  readonly path: string;
  /** `100644`, `100755`, `120000` (symbolic link), `160000` (submodule). */
  readonly mode: string;
  /** The object's id. */
  readonly blob: string;
}

/** One commit of a log. */
export interface CommitInfo {
  readonly commit: string;
  readonly parents: readonly string[];
  readonly authorName: string;
  readonly authorEmail: string;
  readonly committedAt: string;
  readonly subject: string;
}

/** A repository. Every commit argument must be 40 or 64 hex (FourTierError `git/commit`). */
export interface Git {
  readonly folder: string;
  /** The checked-out commit. */
  head(): Promise<string>;
  /** Tracked files under `root` ("" = all), sorted by path in code unit order. */
  tracked(commit: string, root?: string): Promise<readonly TrackedFile[]>;
  /** Contents by object id. */
  readBlobs(blobs: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  /** One file of a commit; undefined if it is not tracked there. `.` and `..` are not resolved. */
  readFile(commit: string, path: string): Promise<Uint8Array | undefined>;
  sourceAt(commit: string): Promise<BundleSource>;
  /** Findings (`release/checkout-differs`, …) for every tracked file under `root` whose working copy is not the commit's. */
  checkoutEquals(commit: string, root?: string): Promise<readonly Finding[]>;
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
  mergeBase(a: string, b: string): Promise<string | undefined>;
  /** Commits reachable from `to` and not from `from`, newest first; all of `to` if `from` is undefined. */
  log(from: string | undefined, to: string): Promise<readonly CommitInfo[]>;
  /** True if the clone lacks history; gates that need ancestry then fail with `git/shallow`. */
  isShallow(): Promise<boolean>;
}

/** Opens the repository that contains `folder`; throws FourTierError (`git/…`) if there is none or git refuses it. */
export function openGit(_folder: string): Promise<Git> {
  throw new Error("not yet");
}
