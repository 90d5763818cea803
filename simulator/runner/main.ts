/**
 * `npm run workflow -- FILE --event EVENT --repo DIR [--scenario FILE] …`: runs one workflow file of a repository as
 * GitHub would and prints a line a step. Exits with 0 only if the run succeeded.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startDatabricks } from "../databricks/server.ts";
import { gitEnvironment } from "../github/git.ts";
import { startGitHub } from "../github/server.ts";
import { parseScenario, type Scenario } from "../scenario.ts";
import {
  createRunner,
  type DispatchOptions,
  type PendingReview,
  type RepositorySource,
  type ReviewDecision,
  type RunnerEvent,
  type RunResult,
} from "./runner.ts";

/** The repository whose files this clone holds. */
const SUITE = "four-tier/four-tier";
const suiteDir = fileURLToPath(new URL("../..", import.meta.url));

const USAGE = `usage: npm run workflow -- FILE --repo DIR [options]

  FILE                     the workflow file, its path in the repository: .github/workflows/x.yml
  --repo DIR               a git repository; it is cloned first and never changed
  --event EVENT            push (default), pull_request, merge_group, workflow_dispatch, schedule
  --scenario FILE          the simulated GitHub and Databricks (docs/scenario.md)
  --ref BRANCH             what is pushed or dispatched; default: the default branch
  --head BRANCH            for pull_request and merge_group: the branch of the pull request; default: what DIR has checked
                           out, and if that is the default branch, an empty commit on top of it
  --fork OWNER             the pull request comes from this owner's fork
  --actor LOGIN            who did it; default: the scenario's first user
  --input NAME=VALUE       an input of workflow_dispatch (repeatable)
  --uses OWNER/REPO[@SHA]=DIR  where another repository is found (repeatable); with a SHA, the files of DIR stand for it;
                           default: this clone stands for every commit of ${SUITE} that a workflow pins
  --approve LOGIN          approves whatever waits, as this reviewer; without it you are asked
  --json FILE              writes the run's result
  --log                    prints every step's log, not only those of failed steps
  --debug                  as ACTIONS_STEP_DEBUG`;

const options = {
  repo: { type: "string" },
  event: { type: "string", default: "push" },
  scenario: { type: "string" },
  ref: { type: "string" },
  head: { type: "string" },
  fork: { type: "string" },
  actor: { type: "string" },
  input: { type: "string", multiple: true, default: [] as string[] },
  uses: { type: "string", multiple: true, default: [] as string[] },
  approve: { type: "string" },
  json: { type: "string" },
  log: { type: "boolean", default: false },
  debug: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [file, ...rest] = positionals;
  if (values.help || file === undefined || values.repo === undefined || rest.length > 0) {
    process.stderr.write(`${USAGE}\n`);
    return values.help;
  }
  const scenario: Scenario =
    values.scenario === undefined
      ? { databricks: undefined, github: undefined }
      : parseScenario(await readFile(values.scenario, "utf8"), values.scenario);
  await using stack = new AsyncDisposableStack();
  const repoDir = await mkdtemp(join(tmpdir(), "four-tier-workflow-"));
  stack.defer(() => rm(repoDir, { recursive: true, force: true }));
  clone(resolve(values.repo), repoDir);
  const github = await startGitHub(scenario.github ?? { users: { octocat: { role: "admin" } } }, { repoDir });
  stack.defer(() => github.close());
  if (scenario.databricks !== undefined) {
    const databricks = await startDatabricks(scenario.databricks);
    stack.defer(() => databricks.close());
    databricks.trustIssuer(github.oidcIssuer, github.jwksUrl);
    for (const [name, one] of Object.entries(databricks.workspaces)) say(`workspace ${name} is at ${one.url}`);
  }
  const runner = createRunner({
    github,
    repositories: { [SUITE]: pinsOfSuite(repoDir), ...Object.fromEntries(values.uses.map(source)) },
    reviewer: (pending) => review(pending, values.approve),
    onEvent: (event) => show(event, values.log),
    debug: values.debug,
  });
  stack.defer(() => runner.close());
  const actor = values.actor ?? Object.keys(github.scenario.users)[0] ?? github.world.owner;
  const pullRequest = ["pull_request", "merge_group"].includes(values.event)
    ? await github.openPullRequest({
        head: values.head ?? checkedOut(resolve(values.repo), repoDir, github.scenario.default_branch),
        user: actor,
        ...(values.fork === undefined ? {} : { fork: values.fork }),
      })
    : undefined;
  const dispatch: DispatchOptions = {
    event: values.event,
    workflow: file,
    actor,
    inputs: Object.fromEntries(values.input.map(pair)),
    ...(values.ref === undefined ? {} : { ref: values.ref }),
    ...(pullRequest === undefined ? {} : { pullRequest }),
  };
  const handle = await runner.start(dispatch);
  const stop = (): void => void runner.cancel(handle.id);
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const result = await handle.done;
  process.removeListener("SIGINT", stop);
  process.removeListener("SIGTERM", stop);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return result.conclusion === "success";
}

/** Branches and tags, without a working tree. */
function clone(from: string, to: string): void {
  execFileSync("git", ["clone", "--quiet", "--mirror", "--no-hardlinks", from, to], { env: gitEnvironment() });
}

/** The branch that a pull request is made of when none is named; of the default branch itself, one with an empty commit. */
function checkedOut(dir: string, mirror: string, defaultBranch: string): string {
  const branch = gitIn(dir, "rev-parse", "--abbrev-ref", "HEAD");
  if (branch !== defaultBranch && branch !== "HEAD") return branch;
  const commit = gitIn(mirror, "commit-tree", `${defaultBranch}^{tree}`, "-p", defaultBranch, "-m", "An empty change");
  gitIn(mirror, "update-ref", "refs/heads/empty-change", commit);
  return "empty-change";
}

/** This clone's files, for each commit of the suite that a workflow of the repository names. */
function pinsOfSuite(mirror: string): RepositorySource[] {
  const files = gitIn(
    mirror,
    "grep",
    "-h",
    "-I",
    "-E",
    `uses: *${SUITE}/`,
    ...branches(mirror),
    "--",
    ".github/workflows",
  );
  const pins = [...files.matchAll(/@([0-9a-f]{40})\b/g)].map(([, commit = ""]) => commit);
  return [...new Set(pins)].map((commit) => ({ dir: suiteDir, commit }));
}

function branches(mirror: string): string[] {
  return gitIn(mirror, "for-each-ref", "--format=%(refname)", "refs/heads").split("\n").filter(Boolean);
}

/** Git's answer; empty when it found nothing (git grep ends with 1 then). */
function gitIn(dir: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("git", ["-C", dir, ...args], {
    encoding: "utf8",
    env: gitEnvironment(),
  });
  if (status !== 0 && !(args[0] === "grep" && status === 1)) throw new Error(`git ${args[0] ?? ""}: ${stderr}`);
  return stdout.trim();
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`${text} is not NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function source(text: string): [string, RepositorySource] {
  const [name, dir] = pair(text);
  const [repository = "", commit] = name.split("@");
  return [repository, commit === undefined ? { dir: resolve(dir) } : { dir: resolve(dir), commit }];
}

async function review(pending: PendingReview, approver: string | undefined): Promise<ReviewDecision> {
  if (approver !== undefined) return { user: approver, state: "approved" };
  if (!process.stdin.isTTY) {
    throw new Error(`${pending.job} waits for a review of ${pending.environment}: say --approve LOGIN`);
  }
  for (const job of pending.finished) if (job.summary !== "") say(`\n${job.summary}`);
  const [user = ""] = pending.reviewers;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await lines.question(`Approve ${pending.job} for ${pending.environment} as ${user}? [y/N] `);
    return { user, state: /^y(es)?$/i.test(answer.trim()) ? "approved" : "rejected" };
  } finally {
    lines.close();
  }
}

const MARKS: Readonly<Record<string, string>> = { success: "ok  ", failure: "FAIL", skipped: "skip" };

function show(event: RunnerEvent, logs: boolean): void {
  switch (event.type) {
    case "run-start":
      return say(`run ${event.run}: ${event.workflow} (${event.event})`);
    case "job-start":
      return say(`  ${event.job}${event.environment === undefined ? "" : ` [${event.environment}]`}`);
    case "job-waiting":
      return say(`  ${event.job} waits for ${event.why}`);
    case "step-end": {
      const { name, conclusion, seconds, log } = event.result;
      say(`    ${MARKS[conclusion] ?? conclusion} ${name} (${seconds.toFixed(1)} s)`);
      if (logs || conclusion === "failure") say(log.replace(/^/gm, "         "));
      return;
    }
    case "job-end":
      if (event.result.steps.length > 0 && event.result.conclusion === "success") return;
      say(`  ${event.job}: ${event.result.conclusion}`);
      for (const one of event.result.steps.length > 0 ? [] : event.result.annotations) say(`    ${one.message}`);
      return;
    case "run-end":
      return end(event.result);
    case "step-start":
      return;
  }
}

function end(result: RunResult): void {
  for (const error of result.errors) say(`  ${error}`);
  say(`run ${result.id}: ${result.conclusion} (${result.seconds.toFixed(1)} s)`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
