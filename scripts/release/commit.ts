/**
 * The commit of a release: the sources' commit as its only parent, the same files, and dist/. Author, date and message
 * follow from the sources, so whoever builds the same bytes gets the same commit id.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const AUTHOR = "github-actions[bot]";
const EMAIL = "41898282+github-actions[bot]@users.noreply.github.com";

/** Runs git in a folder and gives what it printed; throws with what it complained about. */
export function git(
  folder: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): string {
  const { status, stdout, stderr } = spawnSync("git", args, {
    cwd: folder,
    env: { ...process.env, ...options.env },
    input: options.input ?? "",
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`git ${args[0] ?? ""} failed: ${stderr.trim()}`);
  return stdout.trim();
}

/** The paths of all files below a folder, `/` between names, sorted. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/**
 * Writes the release commit and gives its ids.
 * `env` may name another object folder, so that a dry run leaves nothing in the repository.
 */
export function releaseCommit(
  repository: string,
  release: { readonly source: string; readonly tag: string; readonly dist: string },
  env: NodeJS.ProcessEnv = {},
): { commit: string; tree: string } {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-index-"));
  try {
    const withIndex = { ...env, GIT_INDEX_FILE: join(folder, "index") };
    git(repository, ["read-tree", release.source], { env: withIndex });
    const files = filesBelow(release.dist);
    // No filters: the bytes that were built, whatever the machine's git does with line ends.
    const ids = git(repository, ["hash-object", "-w", "--no-filters", "--stdin-paths"], {
      env,
      input: `${files.map((file) => join(release.dist, file)).join("\n")}\n`,
    }).split("\n");
    const entries = files.map((file, at) => `100644 ${ids[at] ?? ""}\tdist/${file}\n`).join("");
    git(repository, ["update-index", "--add", "--index-info"], { env: withIndex, input: entries });
    const tree = git(repository, ["write-tree"], { env: withIndex });
    const date = `${git(repository, ["show", "-s", "--format=%ct", release.source])} +0000`;
    const commit = git(repository, ["commit-tree", tree, "-p", release.source], {
      env: {
        ...env,
        GIT_AUTHOR_NAME: AUTHOR,
        GIT_AUTHOR_EMAIL: EMAIL,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: AUTHOR,
        GIT_COMMITTER_EMAIL: EMAIL,
        GIT_COMMITTER_DATE: date,
      },
      input: `Four-Tier ${release.tag}\n\nThe sources of ${release.source}, and the dist/ that is built from them.\n`,
    });
    return { commit, tree };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
