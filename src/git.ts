/** Git as the suite needs it: a real `git` child process, never a shell, everything read from commits. */
import type { BundleSource } from "./bundle/source.ts";
import { type Finding, FourTierError } from "./findings.ts";
import { compareCheckout } from "./git/checkout.ts";
import { blobId, decodePath, records, SUBMODULE, type TrackedFile } from "./git/objects.ts";
import { type Ended, type Environment, failed, run, runNow } from "./git/process.ts";
import { missingObject, mustBeId, rootPrefix, shallow, unreadable } from "./git/refusals.ts";
import { readAlong, sourceOf } from "./git/source.ts";

/** One commit of a log. */
export interface CommitInfo {
  readonly commit: string;
  readonly parents: readonly string[];
  readonly authorName: string;
  readonly authorEmail: string;
  /** ISO 8601. */
  readonly committedAt: string;
  readonly subject: string;
}

/**
 * A repository. Every commit argument must be 40 or 64 hex (FourTierError `git/commit`). What a commit holds never
 * changes, so it is asked for once and kept. Where there is no repository, or no git, any question says so (NoRepository).
 */
export interface Git {
  /** The commit that is checked out, when this is first asked. */
  head(): Promise<string>;
  /** The commit that a ref or commit names; undefined if this clone does not have it. */
  resolve(ref: string): Promise<string | undefined>;
  /** Tracked files under `root` ("" = all), sorted by path in code unit order. */
  tracked(commit: string, root?: string): Promise<readonly TrackedFile[]>;
  /** Contents by object id; each content is proved to be what its id says. */
  readBlobs(blobs: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  /** One file of a commit; undefined if it is not tracked there. */
  readFile(commit: string, path: string): Promise<Uint8Array | undefined>;
  sourceAt(commit: string): Promise<BundleSource>;
  /** Findings (`release/checkout-differs`) for every tracked file under `root` whose working copy is not the commit's. */
  checkoutEquals(commit: string, root?: string): Promise<readonly Finding[]>;
  /** Throws FourTierError `git/shallow` if a shallow clone cannot tell. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
  /** Undefined if they have none; throws FourTierError `git/shallow` if a shallow clone cannot tell. */
  mergeBase(a: string, b: string): Promise<string | undefined>;
  /**
   * Commits reachable from `to` and not from `from`, newest first; all of `to` if `from` is undefined. Never of a
   * shallow clone.
   */
  log(from: string | undefined, to: string): Promise<readonly CommitInfo[]>;
  /** True if the clone lacks history. */
  isShallow(): Promise<boolean>;
}

/**
 * The repository that contains `folder`. No process is started until something is asked: the first answer is what an
 * action's first request waits for. `environment` is what git sees, less what would make it look at another repository.
 */
export function openGit(folder: string, environment: Environment = process.env): Git {
  return new Repository(folder, environment);
}

/** What git says of a checkout: its top folder, whether history is missing, and the commit if there is one. */
const CHECKOUT = /^(.+?)\r?\n(true|false)\r?\n(?:([0-9a-f]{40}|[0-9a-f]{64})\r?\n)?$/s;

/** The same, read. */
interface Checkout {
  readonly top: string;
  readonly isShallow: boolean;
  readonly head: string | undefined;
}

class Repository implements Git {
  readonly #folder: string;
  readonly #environment: Environment;
  #checkout: Promise<Checkout> | undefined;
  /** Full commit ids that this clone was seen to have. */
  readonly #present = new Set<string>();
  readonly #trees = new Map<string, Promise<readonly TrackedFile[]>>();
  readonly #sources = new Map<string, Promise<BundleSource>>();
  /** Whether the first of two commits is an ancestor of the second. */
  readonly #ancestry = new Map<string, Promise<boolean>>();
  /** Proved contents by object id. */
  readonly #blobs = new Map<string, Uint8Array>();

  constructor(folder: string, environment: Environment) {
    this.#folder = folder;
    this.#environment = environment;
  }

  #opened(): Promise<Checkout> {
    this.#checkout ??= this.#open();
    return this.#checkout;
  }

  async #open(): Promise<Checkout> {
    const asked = ["--show-toplevel", "--is-shallow-repository", "--verify", "--quiet", "HEAD^{commit}"];
    const said = await this.#run(["rev-parse", ...asked]);
    const [, top, isShallow, head] = CHECKOUT.exec(text(said)) ?? [];
    // where no commit is checked out it ends with an error, and has said the rest
    if (top === undefined) throw failed("rev-parse", said);
    if (head !== undefined) this.#present.add(head);
    return { top, isShallow: isShallow === "true", head };
  }

  async head(): Promise<string> {
    const { head } = await this.#opened();
    if (head !== undefined) return head;
    throw new FourTierError({
      id: "git/no-commit",
      severity: "error",
      message: "The repository has no commit checked out.",
      remedy: "Check out the commit to work on with actions/checkout.",
    });
  }

  async resolve(ref: string): Promise<string | undefined> {
    const ended = await this.#run(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]);
    const commit = ended.status === 0 ? text(ended).trim() : undefined;
    if (commit !== undefined) this.#present.add(commit);
    return commit;
  }

  async tracked(commit: string, root = ""): Promise<readonly TrackedFile[]> {
    mustBeId(commit);
    const under = rootPrefix(root);
    const all = await once(this.#trees, commit, () => this.#tree(commit));
    return all.filter(({ path }) => path.startsWith(under));
  }

  /** All tracked files. Throws FourTierError `git/unknown-commit` for what is no commit of this clone. */
  async #tree(commit: string): Promise<readonly TrackedFile[]> {
    const listed = await this.#run(["ls-tree", "-r", "-z", "-l", "--full-tree", `${commit}^{commit}`]);
    if (listed.status !== 0) {
      await this.#need(commit);
      throw failed("ls-tree", listed);
    }
    this.#present.add(commit);
    const files: TrackedFile[] = [];
    for (const entry of records(listed.stdout)) {
      const match = /^(\d{6}) \w+ ([0-9a-f]+) +(\d+|-)\t/.exec(entry.toString("latin1"));
      const [head, mode, blob, size] = match ?? [];
      if (head === undefined || mode === undefined || blob === undefined) throw unreadable("ls-tree");
      const path = decodePath(entry.subarray(head.length));
      files.push({ path, mode, blob, size: size === "-" ? 0 : Number(size) });
    }
    return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  async readBlobs(blobs: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const all = [...new Set(blobs)];
    const wanted = all.filter((blob) => !this.#blobs.has(blob));
    if (wanted.length > 0) await this.#fetch(wanted);
    return new Map(all.flatMap((blob) => entry(blob, this.#blobs.get(blob))));
  }

  /** Reads blobs with one git process and keeps them. */
  async #fetch(wanted: readonly string[]): Promise<void> {
    const output = await this.#ok(["cat-file", "--batch"], `${wanted.join("\n")}\n`);
    let offset = 0;
    for (const blob of wanted) {
      const entry = batchEntry(output, offset);
      if (entry?.blob !== blob || blobId(entry.content, blob.length) !== blob) throw missingObject(blob);
      this.#blobs.set(blob, entry.content);
      offset = entry.end;
    }
  }

  async readFile(commit: string, path: string): Promise<Uint8Array | undefined> {
    mustBeId(commit);
    const content = this.#trees.has(commit) ? undefined : await this.#contentAt(commit, path);
    if (content !== undefined) return content;
    const files = await this.tracked(commit);
    const file = files.find((file) => file.path === path);
    if (file === undefined || file.mode === SUBMODULE) return undefined;
    return (await this.readBlobs([file.blob, ...readAlong(files)])).get(file.blob);
  }

  /** One file without the commit's list of files; undefined if there is none, or if the list has to say. */
  async #contentAt(commit: string, path: string): Promise<Uint8Array | undefined> {
    if (/^\.{0,2}\/|\n/.test(path)) return undefined; // git would take it for something else than a tracked file's name
    const output = await this.#ok(["cat-file", "--batch"], `${commit}^{commit}:${path}\n`);
    const { blob, content } = batchEntry(output, 0) ?? {};
    if (blob === undefined || content === undefined) return undefined;
    if (blobId(content, blob.length) !== blob) throw missingObject(blob);
    this.#present.add(commit);
    this.#blobs.set(blob, content);
    return content;
  }

  sourceAt(commit: string): Promise<BundleSource> {
    return once(this.#sources, commit, () => this.#source(commit));
  }

  async #source(commit: string): Promise<BundleSource> {
    const late = (blob: string): Uint8Array =>
      this.#blobs.get(blob) ?? runNow(this.#folder, this.#environment, ["cat-file", "blob", blob]);
    return sourceOf(await this.tracked(commit), (blobs) => this.readBlobs(blobs), late);
  }

  async checkoutEquals(commit: string, root = ""): Promise<readonly Finding[]> {
    const files = await this.tracked(commit, root);
    const { top } = await this.#opened();
    return compareCheckout(top, files, (args, input) => run(top, this.#environment, args, input));
  }

  isAncestor(ancestor: string, descendant: string): Promise<boolean> {
    return once(this.#ancestry, `${ancestor} ${descendant}`, () => this.#isAncestor(ancestor, descendant));
  }

  async #isAncestor(ancestor: string, descendant: string): Promise<boolean> {
    await this.#need(ancestor);
    await this.#need(descendant);
    const ended = await this.#run(["merge-base", "--is-ancestor", ancestor, descendant]);
    if (ended.status === 0) return true;
    if (ended.status !== 1) throw failed("merge-base", ended);
    // the path from one to the other may lie in what the clone does not have
    if (await this.isShallow()) throw shallow();
    return false;
  }

  async mergeBase(a: string, b: string): Promise<string | undefined> {
    await this.#need(a);
    await this.#need(b);
    const ended = await this.#run(["merge-base", a, b]);
    if (ended.status === 0) return text(ended).trim();
    if (ended.status !== 1) throw failed("merge-base", ended);
    if (await this.isShallow()) throw shallow();
    return undefined;
  }

  async log(from: string | undefined, to: string): Promise<readonly CommitInfo[]> {
    await this.#need(to);
    if (from !== undefined) await this.#need(from);
    if (await this.isShallow()) throw shallow();
    const range = from === undefined ? [to] : [to, `^${from}`];
    const format = "--format=%H%x00%P%x00%an%x00%ae%x00%cI%x00%s";
    const fields = records(await this.#ok(["log", "-z", "--no-show-signature", format, ...range, "--"])).map((field) =>
      field.toString("utf8"),
    );
    const commits: CommitInfo[] = [];
    for (let index = 0; index + 5 < fields.length; index += 6) {
      const [commit = "", parents = "", authorName = "", authorEmail = "", committedAt = "", subject = ""] =
        fields.slice(index, index + 6);
      commits.push({
        commit,
        parents: parents === "" ? [] : parents.split(" "),
        authorName,
        authorEmail,
        committedAt,
        subject,
      });
    }
    return commits;
  }

  async isShallow(): Promise<boolean> {
    return (await this.#opened()).isShallow;
  }

  /** The commit is well-formed and in this clone, or FourTierError. */
  async #need(commit: string): Promise<void> {
    mustBeId(commit);
    if (this.#present.has(commit) || (await this.resolve(commit)) !== undefined) return;
    throw new FourTierError({
      id: "git/unknown-commit",
      severity: "error",
      message: `The commit ${commit} is not in this clone.`,
      remedy: "Check out with `fetch-depth: 0`, from the repository that the commit belongs to.",
    });
  }

  #run(args: readonly string[], input?: string): Promise<Ended> {
    return run(this.#folder, this.#environment, args, input);
  }

  async #ok(args: readonly string[], input?: string): Promise<Buffer> {
    const ended = await this.#run(args, input);
    if (ended.status !== 0) throw failed(args[0] ?? "", ended);
    return ended.stdout;
  }
}

/** What was asked for before is not asked again, unless it failed. */
function once<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found !== undefined) return found;
  const reading = read();
  known.set(key, reading);
  reading.catch(() => known.delete(key));
  return reading;
}

/** One content of `cat-file --batch`, and where the next begins; undefined if there is something else. */
function batchEntry(
  output: Buffer,
  offset: number,
): { readonly blob: string; readonly content: Buffer; readonly end: number } | undefined {
  const line = output.indexOf(0x0a, offset);
  const match = line < 0 ? null : /^([0-9a-f]+) blob (\d+)$/.exec(output.toString("latin1", offset, line));
  const [, blob, size] = match ?? [];
  if (blob === undefined) return undefined;
  const content = output.subarray(line + 1, line + 1 + Number(size));
  return { blob, content, end: line + 1 + content.length + 1 };
}

function entry<T>(key: string, value: T | undefined): [string, T][] {
  return value === undefined ? [] : [[key, value]];
}

function text(ended: Ended): string {
  return ended.stdout.toString("utf8");
}
