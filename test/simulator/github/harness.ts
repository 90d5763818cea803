/** A small world for tests: a real git repository, the simulator, and a client that shows statuses. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UNTIDIED } from "../../../simulator/github/git.ts";
import { named, type Permissions, type Scope } from "../../../simulator/github/permissions.ts";
import type { GitHubScenarioInput } from "../../../simulator/github/scenario.ts";
import { type GitHubSimulator, startGitHub } from "../../../simulator/github/server.ts";
import type { Job, Run } from "../../../simulator/github/world.ts";
import { looseRef } from "../../repository.ts";

export type Files = Readonly<Record<string, string>>;

/** A commit on a branch that is made for it. */
export interface Proposed {
  readonly branch: string;
  readonly message: string;
  readonly files: Files;
}

/** Folders of repositories by what they begin with. */
const begun = new Map<string, string>();

/** A git repository that is removed with `[Symbol.dispose]`. */
export class Repository implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "four-tier-repo-"));
  /** The newest commit that was made here; the working tree was like it. */
  #made: string | undefined;

  /** The same files are committed once in a run of the tests; who begins with them again gets a copy. */
  constructor(files: Files, proposed?: Proposed) {
    const question = JSON.stringify([Object.entries(files), proposed]);
    const kept = begun.get(question);
    if (kept !== undefined) {
      cpSync(kept, this.dir, { recursive: true });
      this.#made = this.git("rev-parse", "main");
      return;
    }
    this.git("init", "-q", "-b", "main", "--template=");
    this.commit("Begin", files);
    if (proposed !== undefined) {
      this.commit(proposed.message, proposed.files, proposed.branch);
      this.git("checkout", "-q", "main");
    }
    const copy = mkdtempSync(join(tmpdir(), "four-tier-begun-"));
    cpSync(this.dir, copy, { recursive: true });
    begun.set(question, copy);
  }

  git(...args: string[]): string {
    const [command, name = "", ...more] = args;
    const known = command === "rev-parse" && more.length === 0 ? looseRef(this.dir, name) : undefined;
    if (known !== undefined) return known;
    return execFileSync("git", args, {
      cwd: this.dir,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: {
        PATH: process.env["PATH"],
        HOME: this.dir,
        GIT_CONFIG_NOSYSTEM: "1",
        ...UNTIDIED,
        GIT_AUTHOR_NAME: "octocat",
        GIT_AUTHOR_EMAIL: "octocat@users.noreply.github.com",
        GIT_COMMITTER_NAME: "octocat",
        GIT_COMMITTER_EMAIL: "octocat@users.noreply.github.com",
      },
    }).trim();
  }

  /** Writes files on a branch and commits them; gives the commit. */
  commit(message: string, files: Files, branch = "main"): string {
    const folder = join(this.dir, ".git");
    const ref = join(folder, "refs", "heads", branch);
    const before = existsSync(ref) ? readFileSync(ref, "utf8").trim() : undefined;
    const isThere = readFileSync(join(folder, "HEAD"), "utf8") === `ref: refs/heads/${branch}\n`;
    if (!isThere || before !== this.#made) {
      this.git("checkout", "-q", "--force", ...(before === undefined ? ["-b", branch] : [branch]));
    }
    const paths = Object.keys(files).map((path) => join(this.dir, path));
    // what was there was committed, and needs not be added
    const isKnown = paths.every((path) => existsSync(path));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.dir, path)), { recursive: true });
      writeFileSync(join(this.dir, path), text);
    }
    if (!isKnown) this.git("add", "-A");
    this.git("commit", "-q", "--all", "--allow-empty", "-m", message);
    const made = readFileSync(ref, "utf8").trim();
    this.#made = made;
    return made;
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly link: string | null;
}

export class Client {
  readonly #github: GitHubSimulator;
  readonly #token: string | undefined;
  constructor(github: GitHubSimulator, token?: string) {
    this.#github = github;
    this.#token = token;
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const url = path.startsWith("http") ? path : `${this.#github.apiUrl}/repos/acme/ml-pipelines${path}`;
    const response = await fetch(url, {
      method,
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.includes("application/json") === true;
    return { status: response.status, body: json ? JSON.parse(text) : text, link: response.headers.get("link") };
  }

  get(path: string): Promise<Reply> {
    return this.request("GET", path);
  }

  post(path: string, body: unknown): Promise<Reply> {
    return this.request("POST", path, body);
  }
}

/** Starts the simulator over a repository with these files; both end with the test. */
export async function begin(
  scenario: GitHubScenarioInput = {},
  files: Files = { "README.md": "hello\n" },
  proposed?: Proposed,
): Promise<{ github: GitHubSimulator; repository: Repository } & AsyncDisposable> {
  const repository = new Repository(files, proposed);
  const github = await startGitHub(
    { users: { octocat: { role: "write" }, hubot: { role: "admin" } }, ...scenario },
    {
      repoDir: repository.dir,
    },
  );
  return {
    github,
    repository,
    [Symbol.asyncDispose]: async () => {
      await github.close();
      repository[Symbol.dispose]();
    },
  };
}

/** A run with one job, as if it had been started by a push, for tests that need no runner. */
export function fakeRun(github: GitHubSimulator, repository: Repository, overrides: Partial<Run> = {}): Job {
  const sha = repository.git("rev-parse", "main");
  const now = "2026-11-23T10:00:00Z";
  const run: Run = {
    id: github.world.id(),
    number: 1,
    workflowId: github.world.workflowId(".github/workflows/promote.yml"),
    path: ".github/workflows/promote.yml",
    name: "promote",
    title: "Begin",
    event: "push",
    headBranch: "main",
    headSha: sha,
    sha,
    ref: "refs/heads/main",
    actor: "octocat",
    headOwner: "acme",
    pull: undefined,
    createdAt: now,
    attempt: 1,
    triggeringActor: "octocat",
    startedAt: now,
    updatedAt: now,
    status: "in_progress",
    conclusion: null,
    referenced: [],
    jobs: [],
    approvals: [],
    pending: [],
    ...overrides,
  };
  const job: Job = {
    id: github.world.id(),
    run,
    attempt: 1,
    name: "deploy",
    labels: ["ubuntu-latest"],
    createdAt: now,
    status: "in_progress",
    conclusion: null,
    startedAt: now,
    completedAt: null,
    steps: [],
  };
  run.jobs.push(job);
  github.world.runs.push(run);
  return job;
}

/** A client with the token of a job that was granted exactly these permissions. */
export function asJob(github: GitHubSimulator, job: Job, granted: Partial<Record<Scope, "read" | "write">>): Client {
  const permissions: Permissions = named(granted);
  return new Client(github, github.world.issue({ kind: "job", job, permissions }));
}

export function asUser(github: GitHubSimulator, login: string): Client {
  return new Client(github, github.userToken(login));
}
