/** What the simulator knows about code comes from a real git directory, read by git itself. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readableLines } from "./text.ts";

/** What lives for minutes needs no tidying: looking whether it does is two processes a commit. */
export const UNTIDIED = {
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "maintenance.auto",
  GIT_CONFIG_VALUE_0: "false",
} as const;

/** An environment in which neither the user's configuration nor a surrounding repository plays a part. */
export function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: tmpdir(),
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "GitHub",
    GIT_AUTHOR_EMAIL: "noreply@github.com",
    GIT_COMMITTER_NAME: "GitHub",
    GIT_COMMITTER_EMAIL: "noreply@github.com",
  };
}

class GitError extends Error {
  readonly code: number;
  constructor(args: readonly string[], code: number, stderr: string) {
    super(`git ${args.join(" ")} failed: ${stderr.trim()}`);
    this.code = code;
  }
}

/** Questions whose answer cannot change if every object in them is named by its whole id. */
const LASTING = ["cat-file", "diff", "log", "ls-tree", "merge-base", "merge-tree", "rev-list", "rev-parse"];
const BY_ID = /^[0-9a-f]{40}(?:\.{2,3}[0-9a-f]{40}|:.*|\^\{commit\})?$/;
/** The one of them that leaves in the directory what it answers with. */
const WRITING = "merge-tree";
/** A simulator that runs for days must not keep every answer. */
const KEPT = 5_000;
const answers = new Map<string, Promise<Buffer>>();
/** Ids of objects that each directory was seen to have: what such objects say was perhaps asked of another directory. */
const present = new Map<string, Set<string>>();

/**
 * Runs git in `dir`; gives its standard output, rejects with GitError if it exits with anything but zero. What cannot
 * change is asked once.
 */
export function gitBytes(
  dir: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  const [command = "", ...rest] = args;
  const named = rest.filter((arg) => !arg.startsWith("-"));
  const objects = command === "cat-file" ? named.slice(1) : named;
  if (!LASTING.includes(command) || objects.length === 0 || !objects.every((name) => BY_ID.test(name))) {
    return run(dir, args, environment);
  }
  const ids = objects.flatMap((name) => name.match(/\b[0-9a-f]{40}\b/g) ?? []);
  const anywhere = args.join("\0");
  const here = [dir, anywhere].join("\0");
  const has = present.get(dir);
  const isPresent = command !== WRITING && ids.every((id) => has?.has(id) === true);
  const known = answers.get(here) ?? (isPresent ? answers.get(anywhere) : undefined);
  if (known !== undefined) return known;
  const answer = run(dir, args, environment);
  if (answers.size >= KEPT) {
    answers.clear();
    present.clear();
  }
  answers.set(here, answer);
  const settled = async (): Promise<void> => {
    try {
      await answer;
    } catch (error) {
      // "Not an ancestor" lasts; what is missing today may be pushed tomorrow.
      const lasts = command === "merge-base" && error instanceof GitError && error.code === 1;
      if (!lasts) answers.delete(here);
      return;
    }
    if (command === WRITING) return;
    saw(dir, ids);
    answers.set(anywhere, answer);
  };
  void settled();
  return answer;
}

/** Notes that a directory has these objects. */
function saw(dir: string, ids: readonly string[]): void {
  const known = present.get(dir) ?? new Set();
  for (const id of ids) known.add(id);
  present.set(dir, known);
}

function run(
  dir: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input = "",
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", [...args], { cwd: dir, env: { ...gitEnvironment(), ...environment } });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // git that ends early closes its input: its exit status tells why
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => reject(new GitError(args, -1, error.message)));
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(stdout));
      else reject(new GitError(args, code ?? -1, Buffer.concat(stderr).toString("utf8")));
    });
    child.stdin.end(input);
  });
}

/** As gitBytes, but text without its last line end. */
export async function git(
  dir: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  return (await gitBytes(dir, args, environment)).toString("utf8").replace(/\n$/, "");
}

const missing = (error: unknown): undefined => {
  if (error instanceof GitError) return undefined;
  throw error;
};

/** The commit that a ref, a short name or a SHA stands for. */
export async function resolveCommit(dir: string, name: string): Promise<string | undefined> {
  if (name === "" || name.startsWith("-")) return undefined;
  // of a commit more will be asked than whether it is there
  if (WHOLE_ID.test(name)) return (await commit(dir, name))?.sha;
  const written = await looseBranch(dir, name);
  if (written !== undefined) {
    saw(dir, [written]);
    return written;
  }
  return git(dir, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]).catch(missing);
}

const WHOLE_ID = /^[0-9a-f]{40}$/;

/** A branch as git writes it: asked for with nearly every request, and a process costs more. Undefined where only git can tell. */
async function looseBranch(dir: string, name: string): Promise<string | undefined> {
  if (!/^refs\/heads\/[\w./-]+$/.test(name) || name.includes("..")) return undefined;
  const text = await readFile(join(dir, ".git", name), "latin1").catch(() => "");
  return /^([0-9a-f]{40})\n$/.exec(text)?.[1];
}

/** A branch's commit, or a tag's, or a SHA's: what the service means by a ref. Git's own notations are not understood. */
export async function resolveRef(dir: string, name: string): Promise<string | undefined> {
  if (/[~^:?*[\\\s]|@\{|\.\./.test(name)) return undefined;
  if (WHOLE_ID.test(name)) return resolveCommit(dir, name);
  const candidates = name.startsWith("refs/") ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`, `refs/${name}`];
  for (const candidate of candidates) {
    const sha = await resolveCommit(dir, candidate);
    if (sha !== undefined) return sha;
  }
  return /^[0-9a-f]{7,39}$/.test(name) ? resolveCommit(dir, name) : undefined;
}

/** A commit as git has it. */
export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: { readonly name: string; readonly email: string; readonly date: string };
  readonly committer: { readonly name: string; readonly email: string; readonly date: string };
  readonly message: string;
}

/** Commits that `args` of `git log` select, newest first. */
export async function commits(dir: string, args: readonly string[]): Promise<Commit[]> {
  const format = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1e";
  const text = await git(dir, ["log", `--format=${format}`, ...args]);
  const found = text
    .split("\x1e")
    .map((record) => record.replace(/^\n/, "").split("\x1f"))
    .filter((fields) => fields.length === 10)
    .map(([sha = "", tree = "", parents = "", an = "", ae = "", ad = "", cn = "", ce = "", cd = "", message = ""]) => ({
      sha,
      tree,
      parents: parents.split(" ").filter((parent) => parent !== ""),
      author: { name: an, email: ae, date: utc(ad) },
      committer: { name: cn, email: ce, date: utc(cd) },
      message: message.replace(/\n+$/, ""),
    }));
  saw(
    dir,
    found.flatMap(({ sha, tree, parents }) => [sha, tree, ...parents]),
  );
  return found;
}

/** One commit; undefined if the directory does not have it. */
export async function commit(dir: string, sha: string): Promise<Commit | undefined> {
  const [first] = await commits(dir, ["-1", sha]).catch(() => []);
  return first;
}

/** The tree of a commit; what is none is taken for a tree itself. Many commits have the same one. */
async function treeOf(dir: string, name: string): Promise<string> {
  return (await commit(dir, name))?.tree ?? name;
}

/** A file's bytes at a commit; undefined if there is none. One process lists a tree, and each content is read once. */
export async function fileAt(dir: string, sha: string, path: string): Promise<Buffer | undefined> {
  const entry = (await tree(dir, sha, true))?.find((each) => each.path === path);
  return entry?.type === "blob" ? gitBytes(dir, ["cat-file", "blob", entry.sha]) : undefined;
}

interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly size: number | undefined;
  readonly path: string;
}

/** The entries of a tree, by its SHA or a commit's; undefined if there is no such tree. */
export async function tree(dir: string, sha: string, recursive: boolean): Promise<TreeEntry[] | undefined> {
  const args = ["ls-tree", "-z", "--long", ...(recursive ? ["-r", "-t"] : []), await treeOf(dir, sha)];
  const text = await git(dir, args).catch(missing);
  const entries = text
    ?.split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const [meta = "", path = ""] = line.split("\t");
      const [mode = "", type = "", sha = "", size = "-"] = meta.split(/ +/);
      return { mode, type, sha, size: size === "-" ? undefined : Number(size), path };
    });
  const there = (entries ?? []).filter(({ type }) => type !== "commit");
  saw(
    dir,
    there.map(({ sha }) => sha),
  );
  return entries;
}

/** A file that differs between two commits, with how many lines. */
export interface ChangedFile {
  readonly status: "added" | "removed" | "modified";
  readonly path: string;
  readonly sha: string;
  readonly additions: number;
  readonly deletions: number;
}

/** The files that differ between two commits. Renames are shown as a removal and an addition. */
export async function changedFiles(dir: string, from: string, to: string): Promise<ChangedFile[]> {
  const trees = [await treeOf(dir, from), await treeOf(dir, to)];
  const lines = readableLines(await git(dir, ["diff", "--no-renames", "--raw", "--numstat", "--no-abbrev", ...trees]));
  const raw = lines.filter((line) => line.startsWith(":"));
  const counts = new Map(
    lines.slice(raw.length).map((line) => {
      const [added = "0", removed = "0", path = ""] = line.split("\t");
      return [path, [Number(added) || 0, Number(removed) || 0]] as const;
    }),
  );
  return raw.map((line) => {
    const [meta = "", path = ""] = line.split("\t");
    const [, , , sha = "", letter = "M"] = meta.split(" ");
    const [additions = 0, deletions = 0] = counts.get(path) ?? [];
    const status = letter === "A" ? "added" : letter === "D" ? "removed" : "modified";
    return { status, path, sha, additions, deletions };
  });
}

/** How two commits stand to each other. */
interface Comparison {
  /** What the second has and the first has not, newest first. */
  readonly ahead: readonly Commit[];
  /** How many the first has that the second has not. */
  readonly behind: number;
  /** The newest commit that both have; undefined if there is none. */
  readonly mergeBase: string | undefined;
}

/** Compares two commits. */
export async function compare(dir: string, from: string, to: string): Promise<Comparison> {
  const ahead = await commits(dir, [`${from}..${to}`]);
  if (from === to || standsOn(ahead, from)) return { ahead, behind: 0, mergeBase: from };
  const behind = Number(await git(dir, ["rev-list", "--count", `${to}..${from}`]));
  return { ahead, behind, mergeBase: await git(dir, ["merge-base", from, to]).catch(missing) };
}

/** Whether what another commit has and this one has not was made on this one, which then lacks nothing of the history. */
function standsOn(ahead: readonly Commit[], sha: string): boolean {
  return ahead.some(({ parents }) => parents.includes(sha));
}

/** Whether one commit is in the history of another, or is it. */
export async function isAncestor(dir: string, ancestor: string, descendant: string): Promise<boolean> {
  try {
    await git(dir, ["merge-base", "--is-ancestor", ancestor, descendant]);
    return true;
  } catch (error) {
    if (error instanceof GitError) return false;
    throw error;
  }
}

/** A merge commit of two commits, made without a working tree; undefined if they conflict. */
export async function mergeCommit(
  dir: string,
  base: string,
  head: string,
  message: string,
  author: { name: string; email: string },
): Promise<string | undefined> {
  const ahead = await commits(dir, [`${base}..${head}`]);
  // what stands on the base merges as it is
  const whole = standsOn(ahead, base) ? ahead[0]?.tree : undefined;
  const merged = whole ?? (await treeOnto(dir, head, base));
  if (merged === undefined) return undefined;
  return commitTree(dir, merged, [base, head], message, author);
}

/** A commit of a tree that is there. */
export async function commitTree(
  dir: string,
  tree: string,
  parents: readonly string[],
  message: string,
  author: { name: string; email: string },
): Promise<string> {
  const parentage = parents.flatMap((parent) => ["-p", parent]);
  const sha = await git(dir, ["commit-tree", tree, ...parentage, "-m", message], {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
  });
  saw(dir, [sha]);
  return sha;
}

/** Lets refs name these commits, whatever they named before. */
export async function moveRefs(dir: string, refs: ReadonlyMap<string, string>): Promise<void> {
  const lines = [...refs].map(([ref, sha]) => `update ${ref} ${sha}\n`);
  await run(dir, ["update-ref", "--stdin"], {}, lines.join(""));
}

/** Everything up to a commit brought onto another one: the tree, or undefined where it does not fit. */
export function treeOnto(dir: string, commit: string, onto: string): Promise<string | undefined> {
  return git(dir, ["merge-tree", "--write-tree", onto, commit]).catch(missing);
}

/** All branches, with their heads. */
export async function branches(dir: string): Promise<{ name: string; sha: string }[]> {
  const text = await git(dir, ["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads"]);
  return readableLines(text).map((line) => {
    const [name = "", sha = ""] = line.split(" ");
    return { name, sha };
  });
}

function utc(date: string): string {
  return new Date(date).toISOString().replace(/\.\d{3}Z$/, "Z");
}
