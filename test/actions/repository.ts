/** A throw-away git repository for a test. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { UNTIDIED } from "../../simulator/github/git.ts";

export interface Repository {
  readonly folder: string;
  git(...args: readonly string[]): string;
  /** Writes files (undefined deletes one) and commits them; gives the commit. */
  commit(files: Readonly<Record<string, string | undefined>>, message?: string): string;
}

/** Makes a repository with branch main; it is gone when the test is. */
export function makeRepository(): Repository {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-repo-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const who = { name: "Mona", email: "mona@example.com" };
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    ...UNTIDIED,
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
  };
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: folder, env, encoding: "utf8" }).trim();
  git("init", "--quiet", "--initial-branch=main", "--template=");
  return {
    folder,
    git,
    commit: (files, message = "Change") => {
      for (const [path, content] of Object.entries(files)) {
        const file = join(folder, path);
        if (content === undefined) rmSync(file);
        else {
          mkdirSync(dirname(file), { recursive: true });
          writeFileSync(file, content);
        }
      }
      git("add", "--all");
      git("commit", "--quiet", "--allow-empty", "--message", message);
      return git("rev-parse", "HEAD");
    },
  };
}
