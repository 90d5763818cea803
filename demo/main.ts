/**
 * `npm run demo`: a release goes from pull request to prod through the shipped workflows, then the ways to cheat are
 * tried and stopped. `--interactive`: you are the reviewer. `--json FILE`: what happened, for machines.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import type { JobResult, PendingReview, ReviewDecision, RunnerEvent, RunResult } from "../simulator/runner/runner.ts";
import { drawPicture, type TierPicture } from "./picture.ts";
import { renderReport } from "./report.ts";
import type { JobRecord, SceneRecord } from "./scene.ts";
import { SCENES, type Scene } from "./scenes.ts";
import { type Stage, setStage } from "./stage.ts";
import { bold, dim, green, plain, red, say, stepLine, yellow } from "./terminal.ts";
import { openTheatre, type Theatre } from "./theatre.ts";

const { values } = parseArgs({
  options: { interactive: { type: "boolean", default: false }, json: { type: "string" }, only: { type: "string" } },
});
const started = performance.now();
/** What the human said about the first release; after that the reviewer is simulated again. */
let decision: "approved" | "rejected" | undefined;
process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  let setting: Promise<Stage> | undefined;
  let opened: Theatre | undefined;
  let leaving: Promise<never> | undefined;
  // More than once: npm hands on the signal that a terminal gives to all of us. What came up goes down again.
  const leave = (): void => {
    leaving ??= Promise.resolve(setting)
      .then((stage) => (stage === undefined ? undefined : closeAll(opened, stage)))
      .catch(() => undefined)
      .then(() => process.exit(130));
  };
  process.on("SIGINT", leave).on("SIGTERM", leave);
  say(bold("Four-Tier: a release on its way to prod, on simulators of Databricks and GitHub"));
  setting = setStage();
  const stage = await setting;
  await leaving;
  const theatre = openTheatre(stage, {
    onEvent: showEvent,
    reviewer: (pending) => (values.interactive && decision === undefined ? askReviewer(pending) : undefined),
  });
  opened = theatre;
  try {
    const records: SceneRecord[] = [];
    for (const scene of chosenScenes()) {
      records.push(await playScene(scene, theatre));
      await leaving; // no scene begins on a stage that is taken down
      if (decision === "rejected") break; // what follows needs a release in prod
    }
    await close(theatre, records);
    return records.every(({ ok }) => ok);
  } finally {
    await leaving;
    await closeAll(theatre, stage);
  }
}

/** The first scene sets up what the others need. */
function chosenScenes(): readonly Scene[] {
  const { only } = values;
  return only === undefined ? SCENES : SCENES.filter(({ name }, index) => index === 0 || name.includes(only));
}

async function playScene(scene: Scene, theatre: Theatre): Promise<SceneRecord> {
  const { name, story } = scene;
  say();
  say(bold(name));
  say(dim(`  ${story}`));
  const played = await scene
    .play(theatre)
    .catch((error: unknown) => ({ actual: `broke: ${String(error)}`, runs: [] as readonly RunResult[] }));
  const jobs = played.runs.flatMap((run) => run.jobs);
  const { expected, actual } =
    decision === "rejected" ? await asRejected(theatre) : { expected: scene.expected, actual: played.actual };
  const ok = actual === expected;
  say(`  ${ok ? green("as it should be:") : red("NOT as it should be:")} ${actual}`);
  if (!ok) explain(expected, jobs);
  return { name, story, expected, actual, ok, jobs: jobs.map(recordOf) };
}

/** The human said no: that is a good end too, if nothing reached prod. */
async function asRejected(theatre: Theatre): Promise<{ expected: string; actual: string }> {
  const reached = (await theatre.releases()).some(({ tier }) => tier === "prod");
  return {
    expected: "rejected: prod stays as it was",
    actual: `rejected: prod ${reached ? "changed all the same" : "stays as it was"}`,
  };
}

async function closeAll(theatre: Theatre | undefined, stage: Stage): Promise<void> {
  await theatre?.close();
  await stage.close();
}

async function close(theatre: Theatre, scenes: readonly SceneRecord[]): Promise<void> {
  const { stage } = theatre;
  const releases = await theatre.releases();
  const picture = drawPicture(picturesOf(stage, (tier) => releases.find((release) => release.tier === tier)?.release));
  say();
  say(picture);
  say(dim("  ▶ runs by itself   ‖ paused   · runs when asked"));
  mkdirSync("demo-report", { recursive: true });
  writeFileSync(join("demo-report", "index.html"), renderReport(scenes, picture));
  const ok = scenes.every((scene) => scene.ok);
  if (values.json !== undefined) {
    const deployments = await theatre.deployments();
    const requests = [...stage.databricks.requests, ...stage.github.requests].map(
      ({ server, method, path, status, principal }) => ({ server, method, path, status, principal }),
    );
    writeFileSync(values.json, `${JSON.stringify({ ok, scenes, deployments, requests }, undefined, 2)}\n`);
  }
  const closed = [...stage.databricks.unmodelled, ...stage.github.unmodelled];
  for (const what of closed) say(red(`  the simulator does not model: ${what}`));
  const good = scenes.filter((scene) => scene.ok).length;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say();
  say(
    `${ok ? green("✓") : red("✗")} ${good} of ${scenes.length} scenes as they should be, in ${seconds} s. Every job summary: ${bold("demo-report/index.html")}`,
  );
}

/** For a scene that went wrong: what the jobs that failed had to say. */
function explain(expected: string, jobs: readonly JobResult[]): void {
  say(`  ${yellow("expected:")} ${expected}`);
  for (const job of jobs.filter(({ conclusion }) => conclusion === "failure")) {
    for (const step of job.steps.filter(({ conclusion }) => conclusion === "failure")) {
      say(red(`  ${job.name}, ${step.name}:`));
      for (const { title, message } of step.annotations) say(`    ${title ?? ""}: ${message}`);
      if (step.annotations.length === 0) say(step.log.replace(/^/gm, "    "));
    }
  }
}

function picturesOf(stage: Stage, releaseOf: (tier: string) => string | undefined): TierPicture[] {
  const sandbox: TierPicture = { tier: "sandbox", catalog: "mona_sandbox", release: undefined, resources: [] };
  const tiers = Object.keys(stage.databricks.workspaces).map(
    (tier): TierPicture => ({
      tier,
      catalog: tier,
      release: releaseOf(tier),
      resources: stage.databricks.world.picture(tier).map(({ name, starts, paused }) => ({
        name,
        state: starts === undefined ? "on demand" : paused === true ? "paused" : "running",
      })),
    }),
  );
  return [sandbox, ...tiers];
}

function recordOf(job: JobResult): JobRecord {
  return {
    name: job.name,
    conclusion: job.conclusion,
    seconds: job.seconds,
    steps: job.steps.map(({ name, conclusion, seconds, summary }) => ({ name, conclusion, seconds, summary })),
  };
}

function showEvent(event: RunnerEvent): void {
  switch (event.type) {
    case "run-start":
      return say(`  ${bold(event.workflow.replace(/^.*\//, ""))} ${dim(`on ${event.event}`)}`);
    case "job-start":
      return say(`    ${event.job}${event.environment === undefined ? "" : dim(` in ${event.environment}`)}`);
    case "job-waiting":
      return say(`    ${yellow("⏸")} ${event.job}: ${event.why}`);
    case "step-end":
      return say(stepLine(3, event.result.name, event.result.conclusion, event.result.seconds));
    case "run-end":
    case "job-end":
    case "step-start":
      return undefined;
  }
}

/** Shows the brief as it is written and asks. */
async function askReviewer(pending: PendingReview): Promise<ReviewDecision> {
  const [reviewer = "ada"] = pending.reviewers;
  for (const job of pending.finished.filter(({ name }) => /brief/.test(name))) say(plain(job.summary));
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(
      `You are ${reviewer}. Approve ${pending.job} in ${pending.environment}? [y/N] `,
    );
    decision = /^y(es)?$/i.test(answer.trim()) ? "approved" : "rejected";
    return { user: reviewer, state: decision, comment: "Decided at the demo." };
  } finally {
    terminal.close();
  }
}
