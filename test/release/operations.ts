/** Runs of our workflows that verify and decide, as the simulated GitHub has them, and what they record. */
import { timestamp } from "../../simulator/github/text.ts";
import type { Job, Run } from "../../simulator/github/world.ts";
import { type RecordInput, recordDeployment, recordOperation } from "../../src/release/evidence.ts";
import { MINIMAL } from "../contract/examples.ts";
import { addRun, client, connect, honest, merged, PIN, payload, RELEASE, WORKFLOWS, type World } from "./world.ts";

export const OPERATE = `name: operate
on: workflow_dispatch
jobs:
  ops: { uses: "${WORKFLOWS}/operate.yml@${PIN}" }
  verify: { uses: "${WORKFLOWS}/verify.yml@${PIN}" }
  grants: { uses: "${WORKFLOWS}/audit.yml@${PIN}" }
  back: { uses: "${WORKFLOWS}/rollback.yml@${PIN}" }
`;
const OPERATE_FILES = { ".github/workflows/operate.yml": OPERATE };

type Operation = Exclude<RecordInput, { kind: "promotion" | "rollback" }>;

/** A run of our workflow that says `step`, at work now. */
export function operating(
  world: World,
  step: string,
  options: Partial<Run> & { job?: string; passed?: boolean; ago?: number } = {},
): Job {
  const { job: name = "ops / operate", passed = true, ago = 0, ...overrides } = options;
  const workflow = name.split(" / ")[1] ?? "";
  const job = addRun(
    world,
    {
      path: ".github/workflows/operate.yml",
      event: "workflow_dispatch",
      actor: "hubot",
      triggeringActor: "hubot",
      referenced: [{ path: `${WORKFLOWS}/${workflow}.yml@${PIN}`, sha: PIN }],
      ...overrides,
    },
    name,
  );
  const at = new Date(Date.now() - ago);
  const conclusion = passed ? "success" : "failure";
  job.startedAt = timestamp(at);
  job.completedAt = timestamp(at);
  job.steps.push({ name: step, number: 2, conclusion, startedAt: job.startedAt, completedAt: job.completedAt });
  job.status = "completed";
  job.conclusion = conclusion;
  return job;
}

export const common = (job: Job, tier: "dev" | "staging" | "prod") => ({
  tier,
  project: "ml-pipelines",
  run: { id: String(job.run.id), attempt: job.run.attempt, job: "operate" },
});
export const decided = { reason: "It scores everybody twice.", by: "somebody" };

/** Records an operation as its job does, or as `user` by hand. */
export async function record(
  world: World & { commit: string },
  job: Job,
  payload: Operation,
  user?: string,
): Promise<void> {
  const github = user === undefined ? connect(world, job) : client(world, world.github.userToken(user));
  await recordOperation(github, { commit: world.commit, payload, description: payload.kind });
}

/**
 * A run of rollback.yml that took staging to a release an hour ago, and its record, as its job writes it or `user` by
 * hand.
 */
export async function rolledBack(
  world: World,
  to: { readonly commit: string; readonly release: string },
  from: string,
  user?: string,
): Promise<void> {
  const ago = 3_600_000;
  const job = operating(world, `Roll back staging, release ${to.release}`, { job: "back / rollback", ago });
  const github = user === undefined ? connect(world, job) : client(world, world.github.userToken(user));
  const { kind: _kind, ...about } = payload("staging", job.run, { release: to.release });
  const record = await recordDeployment(github, {
    commit: to.commit,
    payload: { ...about, kind: "rollback", from, ...decided },
    description: "rolled back",
  });
  await record.finish("success", "read back");
  const written = world.github.world.deployments.at(-1);
  if (written !== undefined) Object.assign(written, { createdAt: timestamp(new Date(Date.now() - ago)) });
}

/** A world with an approved run for prod; only a decision can stop it. */
export async function ready(four = `project: ml-pipelines\n${MINIMAL}`, scenario: Parameters<typeof merged>[0] = {}) {
  const world = await merged(scenario, { ...OPERATE_FILES, "four-tier.yml": four });
  const { run, github } = await honest(world);
  return Object.assign(world, { run, api: github });
}

export type Ready = Awaited<ReturnType<typeof ready>>;

export const verified = (job: Job, passed: boolean): Operation => ({
  ...common(job, "staging"),
  kind: "verification",
  release: RELEASE,
  passed,
  checks: [{ name: "jobs.smoke_test", passed }],
});

/** A run of verify.yml in staging that ended so long ago, by the suite at `pin`. */
export async function verify(world: Ready, passed = true, ago = 0, pin = PIN): Promise<void> {
  const job = operating(world, `Verify staging, release ${RELEASE}`, {
    job: "verify / verify",
    passed,
    ago,
    event: "schedule",
    referenced: [{ path: `${WORKFLOWS}/verify.yml@${pin}`, sha: pin }],
  });
  await record(world, job, verified(job, passed));
  const written = world.github.world.deployments.at(-1);
  if (written !== undefined) Object.assign(written, { createdAt: timestamp(new Date(Date.now() - ago)) });
}
