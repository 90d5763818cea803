/**
 * The stage of the demo: simulators on loopback, a throw-away git repository made from the example, and a runner that
 * executes the shipped workflow files. Everything lives in one temporary folder, which is removed at the end.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ParsedScenario } from "../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import { UNTIDIED } from "../simulator/github/git.ts";
import type { GitHubScenario } from "../simulator/github/scenario.ts";
import { type GitHubSimulator, startGitHub } from "../simulator/github/server.ts";
import { createRunner, type Runner, type RunnerOptions } from "../simulator/runner/runner.ts";
import { parseScenario } from "../simulator/scenario.ts";

const suiteDir = fileURLToPath(new URL("..", import.meta.url));

/** The slug under which callers name the suite. */
const SUITE = "four-tier/four-tier";

export interface Stage {
  readonly databricks: DatabricksSimulator;
  readonly github: GitHubSimulator;
  readonly repoDir: string;
  readonly suiteDir: string;
  /** The commit that the callers pin; the working tree of this clone stands for it. */
  readonly suiteCommit: string;
  git(...args: readonly string[]): string;
  /** Changes files on a new branch from main and commits them as `author`; gives the commit. */
  commit(
    branch: string,
    message: string,
    author: string,
    edit: (path: (file: string) => string) => void,
    from?: string,
  ): string;
  /** A runner for the repository, with the suite in `suiteDir` unless another folder stands for its commit. */
  runner(options?: Partial<RunnerOptions>, suiteDir?: string): Runner;
  close(): Promise<void>;
}

/** What may be otherwise than in demo/scenario.yml. */
export interface StageOptions {
  readonly world?: (scenario: { readonly databricks: ParsedScenario; readonly github: GitHubScenario }) => void;
  /** Changes the example before its first commit. */
  readonly example?: (path: (file: string) => string) => void;
}

/** Starts the simulators and makes the repository; rejects if a scenario is not understood. */
export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-demo-"));
  const repoDir = join(folder, "ml-pipelines");
  const scenario = parseScenario(readFileSync(join(suiteDir, "demo", "scenario.yml"), "utf8"), "demo/scenario.yml");
  if (scenario.databricks === undefined || scenario.github === undefined) {
    throw new Error("demo/scenario.yml has not both parts");
  }
  options.world?.({ databricks: scenario.databricks, github: scenario.github });
  const suiteCommit = headOf(suiteDir);
  cpSync(join(suiteDir, "examples", "ml-pipelines"), repoDir, { recursive: true });

  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-C", repoDir, ...args], {
      encoding: "utf8",
      env: gitEnvironment("Ada"),
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();

  const github = await startGitHub(scenario.github, { repoDir });
  const databricks = await startDatabricks({
    ...scenario.databricks,
    issuers: { [github.oidcIssuer]: { jwks_url: github.jwksUrl } },
  });
  edit(join(repoDir, "four-tier.yml"), (text) =>
    text
      .replace("https://dev-1111.cloud.databricks.com", urlOf(databricks, "dev"))
      .replace("https://stg-2222.cloud.databricks.com", urlOf(databricks, "staging"))
      .replace("https://prd-3333.cloud.databricks.com", urlOf(databricks, "prod")),
  );
  const callers = join(repoDir, ".github", "workflows");
  for (const file of readdirSync(callers))
    edit(join(callers, file), (text) => text.replaceAll("0".repeat(40), suiteCommit));
  options.example?.((file) => join(repoDir, file));
  git("init", "--quiet", "--initial-branch", "main", "--template=");
  git("add", "--all");
  git("commit", "--quiet", "--message", "Churn: features, training, scoring");

  return {
    databricks,
    github,
    repoDir,
    suiteDir,
    suiteCommit,
    git,
    commit(branch, message, author, change, from = "main") {
      git("checkout", "--quiet", "-B", branch, from);
      change((file) => join(repoDir, file));
      git("add", "--all");
      execFileSync("git", ["-C", repoDir, "commit", "--quiet", "--message", message], { env: gitEnvironment(author) });
      const commit = git("rev-parse", "HEAD");
      git("checkout", "--quiet", "main");
      return commit;
    },
    runner: (options, dir = suiteDir) =>
      createRunner({ github, repositories: { [SUITE]: { dir, commit: suiteCommit } }, ...options }),
    async close() {
      await Promise.all([databricks.close(), github.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Rewrites a file. */
export function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`${path}: the edit changed nothing`);
  writeFileSync(path, after);
}

function urlOf(databricks: DatabricksSimulator, workspace: string): string {
  const found = databricks.workspaces[workspace];
  if (found === undefined) throw new Error(`The scenario has no workspace ${workspace}`);
  return found.url;
}

function headOf(dir: string): string {
  try {
    return execFileSync("git", ["-C", dir, "rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "f".repeat(40); // an unpacked archive has no commit; any name will do, the working tree is what runs
  }
}

/** Nothing of the machine's git configuration takes part, so that the demo is the same everywhere. */
function gitEnvironment(author: string): NodeJS.ProcessEnv {
  const email = `${author.toLowerCase()}@example.com`;
  return {
    PATH: process.env["PATH"],
    HOME: tmpdir(),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    ...UNTIDIED,
    GIT_AUTHOR_NAME: author,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: author,
    GIT_COMMITTER_EMAIL: email,
  };
}
