/** What a clone fetches: really fetched, once for all that ask for the same while branches and tags stand still. */
import { appendFile, cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git } from "./git.ts";

/** What a clone is to have. */
interface Wanted {
  readonly sha: string;
  /** How many commits of history; 0 is all of it, of all branches and tags. */
  readonly depth: number;
}

/** Clones of a repository, with nothing checked out. */
export class Clones {
  readonly #dir: string;
  readonly #fetched = new Map<string, Promise<string>>();
  readonly #folders: string[] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes an empty folder a repository that has fetched what is wanted. */
  async into(target: string, wanted: Wanted): Promise<void> {
    const refs = await refsOf(this.#dir);
    const question = JSON.stringify([wanted, refs ?? crypto.randomUUID()]);
    const fetched = this.#fetched.get(question) ?? this.#fetch(wanted);
    this.#fetched.set(question, fetched);
    try {
      await cp(join(await fetched, ".git"), join(target, ".git"), { recursive: true });
    } catch (error) {
      // what is missing now may be pushed later
      this.#fetched.delete(question);
      throw error;
    }
    // what moved meanwhile may be in it, and is no answer to the same question later
    if ((await refsOf(this.#dir)) !== refs) this.#fetched.delete(question);
  }

  /** Removes what was fetched. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#fetched.values());
    this.#fetched.clear();
    for (const folder of this.#folders.splice(0)) await rm(folder, { recursive: true, force: true });
  }

  async #fetch({ sha, depth }: Wanted): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "four-tier-clone-"));
    this.#folders.push(folder);
    await git(folder, ["init", "-q", "-b", "checkout", "--template="]);
    await appendFile(join(folder, ".git", "config"), configuration(this.#dir));
    // Any commit may be asked for, as on the service; a local directory allows it only when told to.
    const upload = "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack";
    const everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
    const [limits, refs] = depth === 0 ? [[], everything] : [[`--depth=${depth}`], []];
    // --depth is ignored for a plain path: the scheme makes it a transport.
    await git(folder, ["fetch", "-q", "--no-auto-maintenance", upload, ...limits, `file://${this.#dir}`, ...refs, sha]);
    return folder;
  }
}

/** What `git config` and `git remote add` would write. One pack is quicker to write than its objects one by one. */
function configuration(origin: string): string {
  const url = JSON.stringify(origin);
  return `[gc]\n\tauto = 0\n[fetch]\n\tunpackLimit = 1\n[remote "origin"]\n\turl = ${url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`;
}

/** Branches and tags as git has written them; undefined where they are not in a folder of that name. */
async function refsOf(dir: string): Promise<string | undefined> {
  const folder = join(dir, ".git");
  const kinds = ["heads", "tags"].map((kind) => readdir(join(folder, "refs", kind), { recursive: true }));
  const names = await Promise.all(kinds).catch(() => undefined);
  if (names === undefined) return undefined;
  const [heads = [], tags = []] = names;
  const files = [
    "packed-refs",
    ...heads.map((name) => `refs/heads/${name}`),
    ...tags.map((name) => `refs/tags/${name}`),
  ];
  // a name may be a folder's, and `packed-refs` need not be there
  const texts = files.sort().map(async (file) => [file, await readFile(join(folder, file), "latin1").catch(() => "")]);
  return JSON.stringify(await Promise.all(texts));
}
