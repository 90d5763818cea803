/** Throw-away git repositories for tests: the real git, in a folder of its own. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UNTIDIED } from "../simulator/github/git.ts";

export interface Repository {
  readonly folder: string;
  git(...args: string[]): string;
  /** The checked-out commit. */
  head(): string;
  /** Writes a file into the working tree. */
  write(path: string, content: string | Uint8Array, options?: { executable?: boolean }): void;
  link(path: string, target: string): void;
  /** Adds everything and commits; returns the commit's id. */
  commit(message?: string): string;
  /** Writes files (undefined deletes one) and commits; returns the commit's id. Nothing else may have been changed. */
  change(files: Files, message?: string): string;
}

type Files = Readonly<Record<string, string | undefined>>;

const CONFIG = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
const AUTHOR = { GIT_AUTHOR_NAME: "Mona", GIT_AUTHOR_EMAIL: "mona@example.com" };
const COMMITTER = { GIT_COMMITTER_NAME: "Mona", GIT_COMMITTER_EMAIL: "mona@example.com" };

/** An environment in which nothing of the machine's git configuration counts. */
export const PLAIN_ENVIRONMENT = { ...process.env, ...CONFIG, ...UNTIDIED, ...AUTHOR, ...COMMITTER };

const folders: string[] = [];

/** A new folder, removed by `removeFolders`. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-git-"));
  folders.push(folder);
  return folder;
}

/** Removes every folder made here: for afterAll. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Runs git in a folder and gives its output. */
export function git(folder: string, ...args: string[]): string {
  const [command, name = "", ...more] = args;
  const known = command === "rev-parse" && more.length === 0 ? looseRef(folder, name) : undefined;
  return known ?? run(folder, ...args);
}

function run(folder: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd: folder, encoding: "utf8", env: PLAIN_ENVIRONMENT, stdio: "pipe" }).trim();
}

/**
 * A branch's commit, or HEAD's, as git writes it: nearly every test asks, and a process costs more than the answer.
 * Undefined where only git can tell.
 */
export function looseRef(folder: string, name: string): string | undefined {
  const content = (file: string): string => {
    const path = join(folder, ".git", file);
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  };
  const head = name === "HEAD" ? /^ref: (refs\/heads\/[\w./-]+)\n$/.exec(content("HEAD"))?.[1] : undefined;
  const branch = head ?? (/^[\w-]+$/.test(name) && name !== "HEAD" ? `refs/heads/${name}` : undefined);
  return branch === undefined ? undefined : /^([0-9a-f]{40})\n$/.exec(content(branch))?.[1];
}

/** Folders of repositories by what they begin with. */
const begun = new Map<string, string>();

/** A repository with these files in one commit, if there are any. Who begins with the same again gets a copy. */
export function newRepository(files: Readonly<Record<string, string>> = {}, init: readonly string[] = []): Repository {
  const folder = newFolder();
  const repository = open(folder);
  const question = JSON.stringify([init, Object.entries(files)]);
  const template = begun.get(question);
  if (template !== undefined && existsSync(template)) {
    cpSync(template, folder, { recursive: true });
    return repository;
  }
  run(folder, "init", "--quiet", "--initial-branch=main", "--template=", ...init);
  if (Object.keys(files).length > 0) repository.change(files);
  const kept = mkdtempSync(join(tmpdir(), "four-tier-begun-"));
  cpSync(folder, kept, { recursive: true });
  begun.set(question, kept);
  return repository;
}

/** A clone of a repository. */
export function clone(of: Repository, ...options: string[]): Repository {
  const folder = newFolder();
  git(folder, "clone", "--quiet", ...options, `file://${of.folder}`, ".");
  return open(folder);
}

function open(folder: string): Repository {
  const committed = (message: string): string => {
    git(folder, "commit", "--quiet", "--all", "--allow-empty", "-m", message);
    return git(folder, "rev-parse", "HEAD");
  };
  const write: Repository["write"] = (path, content, options) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    if (options?.executable !== undefined) chmodSync(join(folder, path), options.executable ? 0o755 : 0o644);
  };
  return {
    folder,
    git: (...args) => git(folder, ...args),
    head: () => git(folder, "rev-parse", "HEAD"),
    write,
    link: (path, target) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      symlinkSync(target, join(folder, path));
    },
    commit: (message = "A commit") => {
      git(folder, "add", "--all");
      return committed(message);
    },
    change: (files, message = "A commit") => {
      // what is there was committed before: only a new file has to be added
      const hasNew = Object.keys(files).some((path) => !existsSync(join(folder, path)));
      for (const [path, content] of Object.entries(files)) {
        if (content === undefined) rmSync(join(folder, path));
        else write(path, content);
      }
      if (hasNew) git(folder, "add", "--all");
      return committed(message);
    },
  };
}
