/** Where workflow files and actions come from: the run's repository from git, others by a map to local directories. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { fileAt, git, resolveRef } from "../github/git.ts";

/** Where the files of a repository come from. */
export interface RepositorySource {
  readonly dir: string;
  /** The working tree of `dir` stands for this commit. Without it, commits are read from git. */
  readonly commit?: string;
}

/** Finds the files of a repository at a commit. */
export class Sources {
  readonly #byName = new Map<string, readonly RepositorySource[]>();
  readonly #folders = new Map<string, Promise<string>>();

  constructor(repositories: Readonly<Record<string, RepositorySource | readonly RepositorySource[]>>) {
    for (const [name, source] of Object.entries(repositories)) {
      this.#byName.set(name.toLowerCase(), isList(source) ? source : [source]);
    }
  }

  has(repository: string): boolean {
    return this.#byName.has(repository.toLowerCase());
  }

  /** The commit that the text after `@` stands for; undefined if there is none. */
  async commit(repository: string, ref: string): Promise<string | undefined> {
    for (const source of this.#of(repository)) {
      if (source.commit !== undefined) {
        if (source.commit === ref) return ref;
        continue;
      }
      const sha = await resolveRef(source.dir, ref);
      // A short SHA is no ref: `uses:` wants all 40 digits.
      if (sha !== undefined && (sha === ref || !sha.startsWith(ref))) return sha;
    }
    return undefined;
  }

  /** A file's text at a commit. */
  async file(repository: string, sha: string, path: string): Promise<string | undefined> {
    const source = await this.#at(repository, sha);
    if (source === undefined) return undefined;
    if (source.commit === undefined) return (await fileAt(source.dir, sha, path))?.toString("utf8");
    return readFile(join(source.dir, safe(path)), "utf8").catch(() => undefined);
  }

  /** A folder that holds the repository's files at a commit: to run its actions from. */
  async folder(repository: string, sha: string): Promise<string> {
    const source = await this.#at(repository, sha);
    if (source === undefined) throw new Error(`Unable to resolve ${repository}@${sha}`);
    if (source.commit !== undefined) return source.dir;
    const key = `${repository}@${sha}`;
    const known = this.#folders.get(key) ?? extract(source.dir, sha);
    this.#folders.set(key, known);
    return known;
  }

  /** Removes what was extracted. */
  async close(): Promise<void> {
    for (const folder of this.#folders.values()) await rm(await folder, { recursive: true, force: true });
    this.#folders.clear();
  }

  async #at(repository: string, sha: string): Promise<RepositorySource | undefined> {
    for (const source of this.#of(repository)) {
      const found = source.commit === undefined ? await resolveRef(source.dir, sha) : source.commit;
      if (found === sha) return source;
    }
    return undefined;
  }

  #of(repository: string): readonly RepositorySource[] {
    return this.#byName.get(repository.toLowerCase()) ?? [];
  }
}

function isList(source: RepositorySource | readonly RepositorySource[]): source is readonly RepositorySource[] {
  return Array.isArray(source);
}

/** A path that stays inside its repository. */
function safe(path: string): string {
  const normal = normalize(path);
  if (normal.startsWith("..") || normal.startsWith("/")) throw new Error(`${path} leaves its repository`);
  return normal;
}

async function extract(dir: string, sha: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "four-tier-action-"));
  const index = { GIT_INDEX_FILE: join(folder, ".git-index") };
  await git(dir, ["read-tree", sha], index);
  await git(dir, ["checkout-index", "--all", `--prefix=${folder}/`], index);
  await rm(join(folder, ".git-index"), { force: true });
  return folder;
}
