/** A repository on the simulated GitHub with a merged pull request and runs of its callers, and the gate to prod asked of it. */
import { named } from "../../simulator/github/permissions.ts";
import { timestamp } from "../../simulator/github/text.ts";
import type { Job, Run } from "../../simulator/github/world.ts";
import type { Contract } from "../../src/contract/model.ts";
import { parseContract } from "../../src/contract/parse.ts";
import { resolveTier } from "../../src/contract/tiers.ts";
import { evaluateGate, type GateResult } from "../../src/gate/evaluate.ts";
import { known, type LiveFacts, type Stage } from "../../src/gate/facts.ts";
import { connectGitHub, type GitHub } from "../../src/github/client.ts";
import type { Artifact } from "../../src/release/digest.ts";
import { type Evidence, type RecordInput, recordDeployment } from "../../src/release/evidence.ts";
import { type GatherRequest, gatherAgain, gatherGateFacts } from "../../src/release/gather.ts";
import { MINIMAL } from "../contract/examples.ts";
import { SEEN_WELL } from "../gate/facts.ts";
import { QUIET, RUN } from "../run.ts";
import { begin, fakeRun } from "../simulator/github/harness.ts";

export const PIN = "5".repeat(40);
export const OTHER = "6".repeat(40);
export const RELEASE = "1".repeat(64);
export const PLAN = "2".repeat(64);
export const WORKFLOWS = "four-tier/four-tier/.github/workflows";

export const CALLER = `name: promote
on: { push: { branches: [main] } }
jobs:
  deploy-to-dev: { name: dev, uses: "${WORKFLOWS}/deploy-to-dev.yml@${PIN}" }
  gate-to-staging: { name: staging, needs: deploy-to-dev, uses: "${WORKFLOWS}/gate-to-staging.yml@${PIN}" }
  approve-to-prod: { name: prod, needs: gate-to-staging, uses: "${WORKFLOWS}/approve-to-prod.yml@${PIN}" }
`;

export const ROLLBACK_CALLER = `on: workflow_dispatch
jobs:
  rollback: { name: rollback, uses: "${WORKFLOWS}/rollback.yml@${PIN}" }
`;

const TIER_ENVIRONMENT = { branch_policy: "default" as const };

export const SCENARIO = {
  users: {
    octocat: { role: "write" as const },
    hubot: { role: "admin" as const },
    mallory: { role: "write" as const },
  },
  environments: {
    dev: TIER_ENVIRONMENT,
    staging: TIER_ENVIRONMENT,
    prod: { ...TIER_ENVIRONMENT, reviewers: ["hubot"], prevent_self_review: true, can_admins_bypass: false },
    "prod-ops": { ...TIER_ENVIRONMENT, reviewers: ["hubot"] },
  },
};

export const FILES = {
  "four-tier.yml": `project: ml-pipelines\n${MINIMAL}`,
  ".github/workflows/promote.yml": CALLER,
  ".github/CODEOWNERS": "* @hubot\n",
  "src/score.py": "1\n",
};

export type World = Awaited<ReturnType<typeof begin>>;

/** A world in which a reviewed pull request was merged; its merge is what is promoted. */
export async function merged(
  scenario: Parameters<typeof begin>[0] = {},
  files: Readonly<Record<string, string>> = {},
): Promise<World & { commit: string }> {
  const proposed = { branch: "feature", message: "Score hourly", files: { "src/score.py": "2\n" } };
  const world = await begin({ ...SCENARIO, ...scenario }, { ...FILES, ...files }, proposed);
  const head = world.repository.git("rev-parse", "feature");
  const number = await world.github.openPullRequest({ head: "feature", user: "octocat", title: "Score hourly" });
  await world.github.review(number, "hubot");
  end(
    addRun(
      world,
      { path: ".github/workflows/validate.yml", event: "pull_request", headSha: head, headBranch: "feature" },
      "validate / validate",
    ),
  );
  const commit = await world.github.mergePullRequest(number, "octocat");
  return Object.assign(world, { commit });
}

export function addRun(world: World, overrides: Partial<Run>, name: string): Job {
  const job = fakeRun(world.github, world.repository, overrides);
  return addJob(job, name, true);
}

/** `only` replaces the harness's own job. */
function addJob(of: Job, name: string, only = false): Job {
  const job: Job = { ...of, id: of.id + 100_000 + of.run.jobs.length, name, steps: [] };
  if (only) of.run.jobs.pop();
  of.run.jobs.push(job);
  return job;
}

export function end(job: Job, conclusion: "success" | "failure" = "success"): void {
  job.status = "completed";
  job.conclusion = conclusion;
  job.completedAt = timestamp();
}

export const REFERENCED = ["deploy-to-dev", "gate-to-staging", "approve-to-prod"].map((name) => ({
  path: `${WORKFLOWS}/${name}.yml@${PIN}`,
  sha: PIN,
}));

/** The honest run of the merge: dev and staging are done, prod is at work. */
export function promoteRun(
  world: World,
  overrides: Partial<Run> = {},
): { run: Run; dev: Job; staging: Job; prod: Job } {
  const dev = addRun(world, { referenced: REFERENCED, ...overrides }, "dev / promote");
  const staging = addJob(dev, "staging / promote");
  const prod = addJob(dev, "prod / promote");
  end(dev);
  end(staging);
  return { run: dev.run, dev, staging, prod };
}

export const ALL = {
  actions: "read",
  checks: "read",
  contents: "read",
  deployments: "write",
  "pull-requests": "read",
  statuses: "read",
} as const;

export function connect(
  world: World,
  job: Job,
  permissions: Parameters<typeof named>[0] = ALL,
  now?: () => Date,
): GitHub {
  return client(world, world.github.world.issue({ kind: "job", job, permissions: named(permissions) }), now);
}

export function client(world: World, token: string, now?: () => Date): GitHub {
  return connectGitHub({
    token,
    apiUrl: world.github.apiUrl,
    serverUrl: "https://github.com",
    owner: "acme",
    repository: "ml-pipelines",
    log: QUIET,
    pause: () => Promise.resolve(),
    ...(now === undefined ? {} : { now }),
  });
}

export function payload(
  tier: "dev" | "staging" | "prod",
  run: Run,
  change: Partial<Evidence> = {},
): RecordInput<"promotion"> {
  return {
    kind: "promotion",
    tier,
    project: "ml-pipelines",
    release: RELEASE,
    plan: PLAN,
    components: { default: RELEASE },
    run: { id: String(run.id), attempt: run.attempt, job: "promote" },
    artifacts: [],
    ...change,
  };
}

/** Records a deployment as action-promote does, finished with success. */
export async function deployed(
  github: GitHub,
  tier: "dev" | "staging" | "prod",
  run: Run,
  commit: string,
  change: Partial<Evidence> = {},
): Promise<void> {
  const record = await recordDeployment(github, {
    commit,
    payload: payload(tier, run, change),
    description: "promoted",
  });
  await record.finish("success", "applied and read back");
}

/** A release that staging had, in a run whose prod job somebody approved; `github` is what that job asks. */
export async function honest(
  world: World & { commit: string },
): Promise<ReturnType<typeof promoteRun> & { readonly github: GitHub }> {
  const made = promoteRun(world);
  const github = connect(world, made.prod);
  await deployed(github, "staging", made.run, world.commit);
  approve(world, made.run);
  return { ...made, github };
}

export function contract(text = FILES["four-tier.yml"]): Contract {
  const parsed = parseContract(text, "four-tier.yml", { allowedHosts: [] });
  if (parsed.contract === undefined) throw new Error(parsed.findings.map(({ message }) => message).join());
  return parsed.contract;
}

/** What a look at prod shows where all is well and nothing is to be changed. */
export const LIVE: LiveFacts = { ...SEEN_WELL, plan: known({ digest: PLAN, changes: [], empty: true }) };

/** The gate to prod, asked by the run's prod job. */
export async function gate(
  world: World & { commit: string },
  github: GitHub,
  run: Run,
  options: {
    stage?: Stage;
    commit?: string;
    release?: string;
    /** The inputs `release-digest` and `plan-digest`, and the wheels in hand. */
    handed?: string;
    artifacts?: readonly Artifact[];
    contract?: Contract;
    live?: LiveFacts;
    readEnvironment?: string;
    override?: GatherRequest["override"];
    now?: Date;
    tier?: "staging" | "prod";
    /** The commit of the run that asks, if it is not what is promoted. */
    sha?: string;
    /** What happens while the run waits for the tier's lock; then it asks again. */
    meanwhile?: () => Promise<unknown>;
  } = {},
): Promise<GateResult> {
  const request: GatherRequest = {
    github,
    run: {
      ...RUN,
      sha: options.sha ?? options.commit ?? world.commit,
      ref: run.ref,
      event: run.event,
      actor: run.actor,
      triggeringActor: run.triggeringActor,
      runId: String(run.id),
      runAttempt: run.attempt,
      apiUrl: world.github.apiUrl,
    },
    contract: options.contract ?? contract(),
    tier: resolveTier(options.contract ?? contract(), options.tier ?? "prod"),
    stage: options.stage ?? "promote",
    commit: options.commit ?? world.commit,
    release: options.release ?? RELEASE,
    artifacts: options.artifacts ?? [],
    readEnvironment: options.readEnvironment,
    approved: { release: options.handed ?? options.release ?? RELEASE, plan: PLAN },
    acceptedDrift: "",
    override: options.override,
    now: options.now ?? new Date(),
    live: options.live ?? LIVE,
  };
  const facts = await gatherGateFacts(request);
  if (options.meanwhile === undefined) return evaluateGate(facts);
  await options.meanwhile();
  return evaluateGate({ ...facts, ...(await gatherAgain(request, facts)) });
}

export function approve(world: World, run: Run, user = "hubot"): void {
  const prod = world.github.world.environments.get("prod");
  if (prod === undefined) throw new Error("the scenario has prod");
  run.approvals.push({ environments: [prod], user, state: "approved", comment: "read it" });
}

export const ids = (result: GateResult): string[] => result.findings.map(({ id }) => id);
