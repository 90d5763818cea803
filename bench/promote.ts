/**
 * What a promotion costs when every answer takes a while: the first of a project, one changed component, nothing to do.
 * The built action runs in a process of its own, as on a runner, each round with a workspace and a repository of its
 * own, after a warm-up round; beside it the Databricks CLI, if it is on the PATH.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import { type GitHubSimulator, startGitHub } from "../simulator/github/server.ts";
import { timestamp } from "../simulator/github/text.ts";
import type { Job } from "../simulator/github/world.ts";
import { type Ended, median, round, timed } from "./measure.ts";
import { COMPONENTS, DEPLOYING, makeProject, type Project, type Size } from "./project.ts";
import { actionDefaults, runnerEnvironment } from "./start.ts";

const APPLICATION = "11111111-1111-4111-8111-111111111111";
const SECRET = "bench-dose-1";
/** Requests that a client may have in flight. */
const CONCURRENCY = 8;

interface PromoteOptions extends Size {
  readonly latencyMs: number;
  /** Tables that the tier's catalog holds, in three schemas: the proof of grants reads the grants of each. */
  readonly tables: number;
  /** Rounds that count. */
  readonly rounds: number;
}

interface Round {
  readonly seconds: number;
  /** Requests to Databricks. */
  readonly requests: number;
  /** Of the requests, those that list something page by page. */
  readonly listPages: number;
  readonly github: number;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
}

/** The rounds' medians. */
interface Figures extends Round {
  /** Longest chain of requests that need each other's answers × the latency that was measured beside it, in seconds. */
  readonly floor: number;
  readonly ratio: number;
  /** The same for a client that proves no grants, looks once, and reads back only what it wrote. */
  readonly bareFloor: number;
  readonly bareRatio: number;
}

const SCENES = ["first", "nothing", "component"] as const;

/** Promotes three times a round into dev of a simulated account. Rejects if a promotion fails. */
export async function promote(options: PromoteOptions): Promise<object> {
  const rounds: Record<(typeof SCENES)[number], Round>[] = [];
  const latencies: number[] = [];
  const cli: { own: CliRound; unlimited: CliRound }[] = [];
  const version = cliVersion();
  for (let count = 0; count <= options.rounds; count += 1) {
    const folder = mkdtempSync(join(tmpdir(), "four-tier-bench-"));
    try {
      const played = await playRound(folder, options, count > 0 && version !== undefined);
      if (count === 0) continue; // the warm-up
      rounds.push(played.scenes);
      latencies.push(played.latency);
      if (played.cli !== undefined) cli.push(played.cli);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const latency = median(latencies);
  const of = (scene: (typeof SCENES)[number]): Figures => {
    return figuresOf(
      rounds.map((one) => one[scene]),
      chains(options)[scene],
      latency,
    );
  };
  const first = of("first");
  const cliOf = (kind: "own" | "unlimited") => {
    const seconds = median(cli.map((one) => one[kind].first));
    return {
      first: round(seconds),
      again: round(median(cli.map((one) => one[kind].again))),
      requests: median(cli.map((one) => one[kind].requests)),
      ratio: round(seconds / first.seconds),
    };
  };
  return {
    name: "promote",
    size: options,
    concurrency: CONCURRENCY,
    latency: round(latency),
    first,
    component: of("component"),
    nothing: of("nothing"),
    cli: cli.length === 0 ? "not on the PATH" : { version, ...cliOf("own"), unlimited: cliOf("unlimited") },
  };
}

async function playRound(folder: string, options: PromoteOptions, withCli: boolean) {
  const databricks = await startAccount(options);
  const host = databricks.workspaces["dev"]?.url ?? "";
  const project = makeProject(join(folder, "repository"), host, APPLICATION, options);
  const github = await startGitHub(
    {
      users: { octocat: { role: "write" }, hubot: { role: "admin" } },
      environments: { dev: { branch_policy: "default" } },
    },
    { repoDir: project.folder },
  );
  const stage = { folder, databricks, github, project };
  try {
    const latency = await latencyOf(databricks);
    await merge(stage, "first", "docs/first.md");
    const first = await run(stage);
    const nothing = await run(stage);
    await merge(stage, "change", "src/part0/file_0.py");
    const component = await run(stage);
    const scenes = { first, nothing, component };
    if (!withCli) return { scenes, latency, cli: undefined };
    const own = await deployWithCli(join(folder, "own"), project, options, undefined);
    const unlimited = await deployWithCli(join(folder, "unlimited"), project, options, UNLIMITED);
    return { scenes, latency, cli: { own, unlimited } };
  } finally {
    await Promise.all([databricks.close(), github.close()]);
  }
}

/**
 * What one request takes a client that does nothing else, in seconds: the latency that was asked for, and what the
 * timer, the socket and the server add to it. No chain of requests can be quicker than that many of these.
 */
async function latencyOf(databricks: DatabricksSimulator): Promise<number> {
  const url = `${databricks.workspaces["dev"]?.url ?? ""}/api/2.0/preview/scim/v2/Me`;
  const headers = { authorization: `Bearer ${databricks.tokenFor("ml-pipelines-dev")}` };
  const seconds: number[] = [];
  for (let count = 0; count < 25; count += 1) {
    const started = performance.now();
    const response = await fetch(url, { headers });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the simulator answered ${response.status}`);
    seconds.push((performance.now() - started) / 1000);
  }
  return median(seconds);
}

function figuresOf(rounds: readonly Round[], chain: Chain, latency: number): Figures {
  const middle = (value: (one: Round) => number): number => median(rounds.map(value));
  const seconds = middle((one) => one.seconds);
  const [floor, bareFloor] = [chain.whole * latency, chain.bare * latency];
  const names = rounds[0]?.phases.map(({ name }) => name) ?? [];
  return {
    seconds: round(seconds),
    requests: middle((one) => one.requests),
    listPages: middle((one) => one.listPages),
    github: middle((one) => one.github),
    floor: round(floor),
    ratio: round(seconds / floor),
    bareFloor: round(bareFloor),
    bareRatio: round(seconds / bareFloor),
    phases: names.map((name) => ({
      name,
      seconds: round(middle(({ phases }) => phases.find((phase) => phase.name === name)?.seconds ?? 0)),
    })),
  };
}

interface Stage {
  readonly folder: string;
  readonly databricks: DatabricksSimulator;
  readonly github: GitHubSimulator;
  readonly project: Project;
}

const SCHEMAS = ["bronze", "silver", "gold"];

function schemaOf(tables: number, part: number): object {
  const owner = "ml-pipelines-dev";
  const names = Array.from({ length: tables }, (_, index) => index).filter((index) => index % SCHEMAS.length === part);
  return { owner, tables: Object.fromEntries(names.map((index) => [`table_${index}`, { owner }])) };
}

function startAccount({ latencyMs, tables }: PromoteOptions): Promise<DatabricksSimulator> {
  return startDatabricks({
    latency_ms: latencyMs,
    workspaces: { dev: { id: "1111111111111111" } },
    service_principals: { "ml-pipelines-dev": { application_id: APPLICATION, workspaces: ["dev"], secrets: [SECRET] } },
    catalogs: {
      dev: {
        owner: "ml-pipelines-dev",
        isolation: "ISOLATED",
        bindings: { dev: "READ_WRITE" },
        schemas: Object.fromEntries(SCHEMAS.map((name, index) => [name, schemaOf(tables, index)])),
      },
    },
  });
}

/*
 * The chains: what has to wait for each other's answers, in requests.
 *
 * Bare, what any client has to wait for:
 *   SIGN_IN   the host's two documents, the token, who am I
 *   LOOK      the ledger, then the lists
 *   FRAME     lock, intents before the first create, ledger, release of the lock
 *   content   a folder, the files, a manifest
 *   each resource is written and read back
 * Whole, what safety adds to the chain; everything else of it runs beside what is counted here:
 *   grants    schemas, what is in them, the grants of each, the members of the groups in them (it stands for LOOK, too);
 *             where there is nothing to do, the members of the groups that the catalog itself names
 *   FOLDER    the tier's folder stands before the lock does; on later promotions, the locks in it are listed
 *   AGAIN     what the plan touches, and the ledger, once more under the lock
 *   all that stands, not only what was written, is read back at the end
 */
interface Chain {
  readonly bare: number;
  readonly whole: number;
}
const SIGN_IN = 4;
const LOOK = 2;
const FRAME = 4;
const FOLDER = 1;

function chains(all: PromoteOptions): Record<(typeof SCENES)[number], Chain> {
  const waves = (count: number): number => Math.ceil(count / CONCURRENCY);
  const written = ({ files, jobs, pipelines }: Size): number => 1 + waves(files) + 1 + waves(pipelines) + waves(jobs);
  const part = (count: number): number => Math.ceil(count / COMPONENTS);
  // the catalog itself, its schemas, its tables
  const grants = 3 + waves(1 + SCHEMAS.length + all.tables);
  const own = { files: part(all.files), jobs: part(all.jobs), pipelines: part(all.pipelines) };
  const [standing, touched] = [waves(all.jobs + all.pipelines), waves(own.jobs + own.pipelines)];
  return {
    first: {
      bare: SIGN_IN + LOOK + FRAME + written(all) + standing,
      whole: SIGN_IN + grants + FOLDER + FRAME + 1 + written(all) + standing,
    },
    nothing: { bare: SIGN_IN + LOOK, whole: SIGN_IN + LOOK + 1 },
    component: {
      // Everything that stands is looked at once before.
      bare: SIGN_IN + LOOK + standing + FRAME + written(own) + touched,
      whole: SIGN_IN + Math.max(1 + standing, grants) + FOLDER + FRAME + touched + written(own) + standing,
    },
  };
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

/** A run of the project's workflow whose job deploys, as GitHub shows it while the action is at work. */
function beginRun({ github, project }: Stage): Job {
  const { world } = github;
  const now = timestamp();
  const sha = project.git("rev-parse", "HEAD");
  const path = ".github/workflows/promote.yml";
  const state = { status: "in_progress", conclusion: null, createdAt: now, startedAt: now, attempt: 1 } as const;
  const who = { actor: "octocat", triggeringActor: "octocat", headOwner: world.owner };
  const where = { path, workflowId: world.workflowId(path), headBranch: "main", ref: "refs/heads/main" };
  const lists = { jobs: [], approvals: [], pending: [], referenced: [DEPLOYING], pull: undefined };
  const what = { number: 1, name: "promote", title: "promote", event: "push", headSha: sha, sha, updatedAt: now };
  const run = { ...state, ...who, ...where, ...lists, ...what, id: world.id() };
  world.runs.push(run);
  const job: Job = { ...state, run, id: world.id(), name: "dev / promote", labels: [], completedAt: null, steps: [] };
  job.run.jobs.push(job);
  return job;
}

async function run(stage: Stage): Promise<Round> {
  const { folder, databricks, github, project } = stage;
  const job = beginRun(stage);
  const before = { databricks: databricks.requests.length, github: github.requests.length };
  const env = {
    ...runnerEnvironment(folder),
    ...actionDefaults("action-promote"),
    GITHUB_REPOSITORY: github.scenario.repository,
    GITHUB_RUN_ID: String(job.run.id),
    GITHUB_JOB: "promote",
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
  Object.assign(job, { status: "completed", conclusion: "success", completedAt: timestamp() });
  const requests = databricks.requests.slice(before.databricks);
  return {
    seconds: ended.seconds,
    requests: requests.length,
    listPages: requests.filter(({ method, path }) => method === "GET" && isList(path)).length,
    github: github.requests.length - before.github,
    phases: phasesOf(join(folder, "four-tier-promote.json")),
  };
}

function isList(path: string): boolean {
  return /\/(?:list|pipelines|schemas|catalogs|tables|volumes|functions|models|ServicePrincipals|Groups)$/.test(path);
}

function phasesOf(path: string): { name: string; seconds: number }[] {
  const { phases } = JSON.parse(readFileSync(path, "utf8")) as { phases: { name: string; milliseconds: number }[] };
  return phases.map(({ name, milliseconds }) => ({ name, seconds: round(milliseconds / 1000) }));
}

interface CliRound {
  /** Seconds of the first deploy, of the same again; requests of the first. */
  readonly first: number;
  readonly again: number;
  readonly requests: number;
}

/** More requests a second than any run makes: by default the CLI sends itself at most 15 (facts: databricks-api 1.4). */
const UNLIMITED = "100000";

/** `databricks bundle deploy` of the same bundle into a workspace of its own, by the direct engine. */
async function deployWithCli(
  folder: string,
  project: Project,
  options: PromoteOptions,
  rateLimit: string | undefined,
): Promise<CliRound> {
  const databricks = await startAccount(options);
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
      DATABRICKS_RATE_LIMIT: rateLimit,
    };
    const deploy = async (): Promise<number> => {
      const args = ["bundle", "deploy", "--target", "dev"];
      const ended = await timed({ file: "databricks", args, env, cwd: copy });
      mustSucceed("databricks bundle deploy", ended);
      return ended.seconds;
    };
    const first = await deploy();
    const requests = databricks.requests.length;
    return { first, requests, again: await deploy() };
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
