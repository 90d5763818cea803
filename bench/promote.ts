/**
 * What a promotion costs when every answer takes a while: the first of a project, one changed component, nothing to do.
 * The built action runs in a process of its own, as on a runner; beside it the Databricks CLI, if it is on the PATH.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import { type GitHubSimulator, startGitHub } from "../simulator/github/server.ts";
import { type Ended, round, timed } from "./measure.ts";
import { COMPONENTS, makeProject, type Project, type Size } from "./project.ts";
import { runnerEnvironment } from "./start.ts";

const APPLICATION = "11111111-1111-4111-8111-111111111111";
const SECRET = "bench-dose-1";
/** Requests that a client may have in flight. */
const CONCURRENCY = 8;

export interface PromoteOptions extends Size {
  readonly latencyMs: number;
}

interface Round {
  readonly seconds: number;
  readonly requests: number;
  /** Of the requests, those that list something page by page. */
  readonly listPages: number;
  readonly github: number;
  /** Longest chain of dependent requests × latency, in seconds. */
  readonly floor: number;
  readonly ratio: number;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
}

/** Promotes three times into dev of a simulated account. Rejects if a promotion fails. */
export async function promote(options: PromoteOptions): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-bench-"));
  const databricks = await startAccount(options.latencyMs);
  const host = databricks.workspaces["dev"]?.url ?? "";
  const project = makeProject(join(folder, "repository"), host, APPLICATION, options);
  const github = await startGitHub(
    {
      users: { octocat: { role: "write" }, hubot: { role: "admin" } },
      environments: { dev: { branch_policy: "default" } },
    },
    { repoDir: project.folder },
  );
  const stage = { folder, databricks, github, project, latency: options.latencyMs / 1000 };
  try {
    await merge(stage, "first", "docs/first.md");
    const first = await run(stage, firstChain(options));
    const nothing = await run(stage, NOTHING_CHAIN);
    await merge(stage, "change", "src/part0/file_0.py");
    const change = await run(stage, changeChain(options));
    const cli = await deployWithCli(folder, project, options);
    return {
      name: "promote",
      size: options,
      concurrency: CONCURRENCY,
      first,
      component: change,
      nothing,
      cli: cli === undefined ? "not on the PATH" : { ...cli, ratio: round(cli.first / first.seconds) },
    };
  } finally {
    await Promise.all([databricks.close(), github.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly folder: string;
  readonly databricks: DatabricksSimulator;
  readonly github: GitHubSimulator;
  readonly project: Project;
  /** Seconds. */
  readonly latency: number;
}

function startAccount(latencyMs: number): Promise<DatabricksSimulator> {
  return startDatabricks({
    latency_ms: latencyMs,
    workspaces: { dev: { id: "1111111111111111" } },
    service_principals: { "ml-pipelines-dev": { application_id: APPLICATION, workspaces: ["dev"], secrets: [SECRET] } },
    catalogs: {
      dev: {
        owner: "ml-pipelines-dev",
        isolation: "ISOLATED",
        bindings: { dev: "READ_WRITE" },
        schemas: { gold: { owner: "ml-pipelines-dev" } },
      },
    },
  });
}

/*
 * The chains: what any client has to wait for, one after the other. Signing in takes four (the host's two documents, the
 * token, who am I) and what must be known before writing two (ledger; lists), whatever else is asked at the same time.
 */
const SIGN_IN = 4;
const LOOK = 2;
const NOTHING_CHAIN = SIGN_IN + LOOK;

/** Lock, intent, ledger and release of the lock. */
const FRAME = 4;

function firstChain({ files, jobs, pipelines }: Size): number {
  const waves = (count: number): number => Math.ceil(count / CONCURRENCY);
  const upload = 1 + waves(files) + 1;
  return SIGN_IN + LOOK + FRAME + upload + waves(pipelines) + waves(jobs) + waves(jobs + pipelines);
}

function changeChain(size: Size): number {
  const part = (count: number): number => Math.ceil(count / COMPONENTS);
  const own = { files: part(size.files), jobs: part(size.jobs), pipelines: part(size.pipelines) };
  // Everything that stands is looked at once before.
  return firstChain(own) + Math.ceil((size.jobs + size.pipelines) / CONCURRENCY);
}

/** A pull request, approved and merged. */
async function merge({ project, github }: Stage, branch: string, path: string): Promise<void> {
  project.git("checkout", "-q", "-b", branch);
  project.write(path, `# ${branch}\n`);
  project.commit(branch);
  const number = await github.openPullRequest({ head: branch, user: "octocat" });
  await github.review(number, "hubot");
  const sha = await github.mergePullRequest(number, "octocat");
  project.git("checkout", "-q", "main");
  project.git("reset", "-q", "--hard", sha);
}

async function run({ folder, databricks, github, project, latency }: Stage, chain: number): Promise<Round> {
  const before = { databricks: databricks.requests.length, github: github.requests.length };
  const env = {
    ...runnerEnvironment(folder),
    ...defaults(),
    GITHUB_REPOSITORY: github.scenario.repository,
    GITHUB_SHA: project.git("rev-parse", "HEAD"),
    GITHUB_WORKSPACE: project.folder,
    GITHUB_API_URL: github.apiUrl,
    "INPUT_GITHUB-TOKEN": github.userToken("hubot"),
    "INPUT_CLIENT-SECRET": SECRET,
    "INPUT_ALLOWED-HOSTS": "127.0.0.1",
    INPUT_TIER: "dev",
    INPUT_MODE: "promote",
  };
  const ended = await timed({
    file: process.execPath,
    args: [resolve("action-promote/main.js")],
    env,
    cwd: project.folder,
  });
  mustSucceed("action-promote", ended);
  const requests = databricks.requests.slice(before.databricks);
  const floor = chain * latency;
  return {
    seconds: round(ended.seconds),
    requests: requests.length,
    listPages: requests.filter(({ method, path }) => method === "GET" && isList(path)).length,
    github: github.requests.length - before.github,
    floor: round(floor),
    ratio: round(ended.seconds / floor),
    phases: phasesOf(join(folder, "four-tier-promote.json")),
  };
}

function isList(path: string): boolean {
  return /\/(?:list|pipelines|schemas|catalogs|tables|volumes|functions|models|ServicePrincipals|Groups)$/.test(path);
}

/** Defaults of action.yml, as a runner hands them over. */
function defaults(): Record<string, string> {
  const { inputs } = parse(readFileSync("action-promote/action.yml", "utf8")) as {
    inputs: Record<string, { default?: string }>;
  };
  const given = Object.entries(inputs).filter(
    ([, { default: value }]) => value !== undefined && !value.includes("${{"),
  );
  return Object.fromEntries(given.map(([name, { default: value }]) => [`INPUT_${name.toUpperCase()}`, String(value)]));
}

function phasesOf(path: string): { name: string; seconds: number }[] {
  const { phases } = JSON.parse(readFileSync(path, "utf8")) as { phases: { name: string; milliseconds: number }[] };
  return phases.map(({ name, milliseconds }) => ({ name, seconds: round(milliseconds / 1000) }));
}

/** `databricks bundle deploy`, direct engine, twice, on the same bundle and a server of the same latency. */
async function deployWithCli(
  folder: string,
  project: Project,
  options: PromoteOptions,
): Promise<{ version: string; first: number; again: number; requests: number } | undefined> {
  const version = cliVersion();
  if (version === undefined) return undefined;
  const databricks = await startAccount(options.latencyMs);
  try {
    const url = databricks.workspaces["dev"]?.url ?? "";
    const copy = join(folder, "cli");
    cpSync(project.folder, copy, { recursive: true });
    const bundle = readFileSync(join(copy, "databricks.yml"), "utf8");
    writeFileSync(join(copy, "databricks.yml"), bundle.replace(/host: "[^"]*"/, `host: "${url}"`));
    const env = {
      PATH: process.env["PATH"],
      HOME: folder,
      DATABRICKS_HOST: url,
      DATABRICKS_CLIENT_ID: APPLICATION,
      DATABRICKS_CLIENT_SECRET: SECRET,
      DATABRICKS_BUNDLE_ENGINE: "direct",
    };
    const deploy = async (): Promise<number> => {
      const args = ["bundle", "deploy", "--target", "dev"];
      const ended = await timed({ file: "databricks", args, env, cwd: copy });
      mustSucceed("databricks bundle deploy", ended);
      return round(ended.seconds);
    };
    const first = await deploy();
    const requests = databricks.requests.length;
    return { version, first, requests, again: await deploy() };
  } finally {
    await databricks.close();
  }
}

function cliVersion(): string | undefined {
  try {
    return execFileSync("databricks", ["version"], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

function mustSucceed(what: string, { code, text }: Ended): void {
  if (code !== 0) throw new Error(`${what} ended with ${code}:\n${text.slice(-4000)}`);
}
