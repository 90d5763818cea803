/**
 * What it costs to quiet a big workspace: the built action beside what a script would do, one job after the other (read
 * it, and write it if it runs), on the same simulated account, each answer late by the same time.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import { median, round, timed } from "./measure.ts";
import { gitIn } from "./project.ts";
import { actionDefaults, runnerEnvironment } from "./start.ts";

const APPLICATION = "11111111-1111-4111-8111-111111111111";
const SECRET = "bench-dose-2";
const PAGE = 100;
const cron = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC" };

interface SchedulesOptions {
  readonly latencyMs: number;
  readonly jobs: number;
  /** How many of the jobs run by themselves. */
  readonly drifted: number;
  /** Rounds that count; a small one before warms up. */
  readonly rounds: number;
}

interface Round {
  readonly seconds: number;
  readonly requests: number;
}

/** Enforces in dev, then has the loop do the same to a fresh account. Rejects if either leaves a job running. */
export async function schedules(options: SchedulesOptions): Promise<object> {
  const { latencyMs, jobs, drifted, rounds } = options;
  await play({ ...options, jobs: 20, drifted: 2 }, enforce);
  const ours: Round[] = [];
  const loop: Round[] = [];
  for (let count = 0; count < rounds; count += 1) {
    ours.push(await play(options, enforce));
    loop.push(await play(options, oneByOne));
  }
  const seconds = (all: readonly Round[]): number => median(all.map((one) => one.seconds));
  const pages = Math.ceil(jobs / PAGE) + 1; // of jobs, and the empty one of pipelines
  return {
    schedules: {
      jobs,
      drifted,
      latency_ms: latencyMs,
      seconds: round(seconds(ours)),
      loop_seconds: round(seconds(loop)),
      /** How many times as long the loop takes. */
      ratio: round(seconds(loop) / seconds(ours)),
      requests: median(ours.map((one) => one.requests)),
      loop_requests: median(loop.map((one) => one.requests)),
      /** The pages of the lists, and for each job that differs a write and a read back. */
      floor_requests: pages + 2 * drifted,
    },
  };
}

async function play(
  options: SchedulesOptions,
  quiet: (account: DatabricksSimulator, folder: string) => Promise<number>,
): Promise<Round> {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-bench-"));
  const account = await startAccount(options);
  try {
    const seconds = await quiet(account, folder);
    const left = account.world.jobs("dev").filter(({ settings }) => !JSON.stringify(settings).includes('"PAUSED"'));
    if (left.length > 0) throw new Error(`${left.length} jobs still run`);
    return { seconds, requests: account.requests.length };
  } finally {
    await account.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function startAccount({ latencyMs, jobs, drifted }: SchedulesOptions): Promise<DatabricksSimulator> {
  const every = Math.floor(jobs / Math.max(1, drifted));
  const job = (index: number) => ({
    owner: "ml-pipelines-dev",
    settings: {
      name: `bench job ${index}`,
      tags: { four_tier_project: "bench", four_tier_tier: "dev", four_tier_key: `jobs.job_${index}` },
      tasks: [{ task_key: "main", notebook_task: { notebook_path: "/a" } }],
      schedule: { ...cron, pause_status: index % every === 0 && index / every < drifted ? "UNPAUSED" : "PAUSED" },
    },
  });
  return startDatabricks({
    latency_ms: latencyMs,
    workspaces: { dev: { id: "1111111111111111" } },
    service_principals: { "ml-pipelines-dev": { application_id: APPLICATION, workspaces: ["dev"], secrets: [SECRET] } },
    catalogs: { dev: { owner: "ml-pipelines-dev", isolation: "ISOLATED", bindings: { dev: "READ_WRITE" } } },
    jobs: { dev: Array.from({ length: jobs }, (_, index) => job(index)) },
  });
}

/** The built action, as a runner starts it. */
async function enforce(account: DatabricksSimulator, folder: string): Promise<number> {
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(
    join(project, "four-tier.yml"),
    `project: bench
tiers:
  dev: { workspace: "${account.workspaces["dev"]?.url ?? ""}", client_id: ${APPLICATION} }
  staging: { workspace: https://stg.cloud.databricks.com }
  prod: { workspace: https://prd.cloud.databricks.com }
`,
  );
  const git = gitIn(project);
  git("init", "-q", "-b", "main");
  git("add", "--all");
  git("commit", "-q", "-m", "A contract");
  const { code, text, seconds } = await timed({
    file: process.execPath,
    args: [resolve("action-pause-pipelines/main.js")],
    cwd: project,
    env: {
      ...runnerEnvironment(folder),
      ...actionDefaults("action-pause-pipelines"),
      GITHUB_REPOSITORY: "acme/ml-pipelines",
      GITHUB_SHA: git("rev-parse", "HEAD"),
      GITHUB_WORKSPACE: project,
      "INPUT_CLIENT-SECRET": SECRET,
      "INPUT_ALLOWED-HOSTS": "127.0.0.1",
      INPUT_TIER: "dev",
      INPUT_MODE: "enforce",
    },
  });
  if (code !== 0) throw new Error(`action-pause-pipelines ended with ${code}:\n${text.slice(-4000)}`);
  return seconds;
}

/** What a script does that knows nothing better: list, then read each, and write it if it runs. */
async function oneByOne(account: DatabricksSimulator): Promise<number> {
  const url = account.workspaces["dev"]?.url ?? "";
  const started = performance.now();
  const signed = await fetch(`${url}/oidc/v1/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${APPLICATION}:${SECRET}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "all-apis" }),
  });
  const { access_token: token } = (await signed.json()) as { access_token: string };
  const ask = async (path: string, body?: string): Promise<string> => {
    const answer = await fetch(`${url}/api/2.2/jobs/${path}`, {
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { method: "POST", body }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  };
  const ids: string[] = [];
  for (let page: string | undefined = ""; page !== undefined; ) {
    const text = await ask(`list?limit=${PAGE}${page === "" ? "" : `&page_token=${page}`}`);
    // Ids are int64: they stay text.
    ids.push(...[...text.matchAll(/"job_id":\s*(\d+)/g)].map((match) => match[1] ?? ""));
    page = /"next_page_token":\s*"([^"]+)"/.exec(text)?.[1];
  }
  for (const id of ids) {
    if (!(await ask(`get?job_id=${id}`)).includes('"UNPAUSED"')) continue;
    const schedule = JSON.stringify({ ...cron, pause_status: "PAUSED" });
    await ask("update", `{"job_id":${id},"new_settings":{"schedule":${schedule}}}`);
  }
  return (performance.now() - started) / 1000;
}
