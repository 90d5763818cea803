/**
 * Whether a Deployment is backed by a run that can be believed. The Deployment itself proves nothing; the run proves it
 * if it ran the default branch's workflow file, and that file called our workflow at a commit that is trusted.
 */
import type { TierName } from "../contract/model.ts";
import { short } from "./check.ts";
import type { CallerJob, EvidenceClaim, EvidenceFacts, EvidenceRun, RepositoryFacts, SuiteTrust } from "./facts.ts";

/** Events whose runs may deploy: they run the default branch's own files. */
export const DEPLOYING_EVENTS: readonly string[] = ["push", "workflow_dispatch"];

/** The reusable workflow that deploys to a tier, and the name of the job in it that does. */
export const DEPLOYING_WORKFLOW: Readonly<Record<Exclude<TierName, "sandbox">, string>> = {
  dev: "deploy-to-dev.yml",
  staging: "gate-to-staging.yml",
  prod: "approve-to-prod.yml",
};
export const DEPLOYING_JOB = "promote";

const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** What the evidence must be about. */
export interface Expectation {
  readonly tier: Exclude<TierName, "sandbox">;
  readonly project: string;
  /** Undefined: whatever the Deployment says (what a tier has now). */
  readonly candidate: { readonly commit: string; readonly release: string } | undefined;
  readonly repository: RepositoryFacts;
  readonly suite: SuiteTrust;
  /** Also trust what the caller pinned at the commit that ran: for what is already in a tier, not for what wants in. */
  readonly trustPinsAtCommit: boolean;
}

/** Every reason not to believe it; empty means that it holds. Each is a clause without a full stop. */
export function doubts(evidence: EvidenceFacts, expected: Expectation): string[] {
  const { claim, run, deployment } = evidence;
  if (claim === undefined) return ["its payload is not a whole record of this suite"];
  const found: string[] = [];
  if (claim.tier !== expected.tier) found.push(`it is a record of ${claim.tier}, not of ${expected.tier}`);
  if (claim.project !== expected.project) found.push(`it is of project ${claim.project}`);
  // What does not even claim success is not looked into.
  if (deployment.state !== "success") return [...found, `its state is ${deployment.state ?? "not set"}, not success`];
  const candidate = expected.candidate;
  if (candidate !== undefined && deployment.sha !== candidate.commit) {
    found.push(`it is of commit ${short(deployment.sha)}, not of ${short(candidate.commit)}`);
  }
  if (candidate !== undefined && claim.release !== candidate.release) {
    found.push(
      `it names release ${short(claim.release)}, but the commit's files and the carried artifacts give ${short(candidate.release)}`,
    );
  }
  if (run === undefined) return [...found, `it points to run ${claim.runId}, which this repository does not have`];
  return [...found, ...runDoubts(run, deployment.sha, claim, expected)];
}

function runDoubts(run: EvidenceRun, commit: string, claim: EvidenceClaim, expected: Expectation): string[] {
  const { defaultBranch } = expected.repository;
  const found: string[] = [];
  if (run.headRepository !== run.repository) {
    found.push(
      `the run behind it is of ${run.headRepository ?? "a repository that is gone"}, not of ${run.repository}`,
    );
  }
  if (run.headBranch !== defaultBranch) {
    found.push(
      `the run behind it ran on the branch ${run.headBranch ?? "(none)"}, where whoever can push edits the workflow, not on ${defaultBranch}`,
    );
  }
  if (!DEPLOYING_EVENTS.includes(run.event)) found.push(`the run behind it was started by ${run.event}`);
  if (run.headSha !== commit)
    found.push(`the run behind it is of commit ${short(run.headSha)}, not of ${short(commit)}`);
  return [...found, ...workflowDoubts(run, claim, expected)];
}

function workflowDoubts(run: EvidenceRun, claim: EvidenceClaim, expected: Expectation): string[] {
  const file = DEPLOYING_WORKFLOW[expected.tier];
  const path = deployingWorkflow(expected.suite, expected.tier);
  const used = run.referencedWorkflows.filter((workflow) => workflow.path === path);
  if (used.length === 0) return [`the run behind it did not call ${path}`];
  const pins = (expected.trustPinsAtCommit ? [...run.pins, ...run.pinsAtCommit] : run.pins).filter(
    (pin) => pin.path === path,
  );
  const trusted = [...pins.map(({ ref }) => ref), ...expected.suite.commits];
  const found: string[] = [];
  for (const { sha } of used.filter(({ sha }) => !trusted.includes(sha))) {
    const moving = pins.filter(({ ref }) => !COMMIT.test(ref)).map(({ ref }) => ref);
    found.push(
      moving.length > 0
        ? `${run.workflow} names ${file} by ${moving.join(", ")}, which can be moved: pin a commit`
        : `it used ${file} at commit ${short(sha)}, which neither ${run.workflow} on ${expected.repository.defaultBranch} pins nor the contract's suite.commits lists`,
    );
  }
  return [...found, ...jobDoubts(run, claim, path)];
}

function jobDoubts(run: EvidenceRun, { attempt, release }: EvidenceClaim, path: string): string[] {
  const wanted = deployingJobNames(run, path);
  if (wanted.length === 0) return [`no job of ${run.workflow}, at the commit that ran, calls ${path} directly`];
  const double = run.callerJobs.find((job) => job.calls !== path && wanted.some((name) => mayShowAs(job, name)));
  if (double !== undefined) {
    return [
      `the job ${double.key} of ${run.workflow} can be shown as ${wanted.join(" or ")} too, so nobody can say which ran`,
    ];
  }
  const jobs = run.jobs.filter((job) => wanted.includes(job.name) && job.attempt === attempt);
  if (jobs.length === 0) return [`attempt ${attempt} of the run has no job ${wanted.join(" or ")}`];
  return jobs.flatMap((job) => {
    if (job.conclusion !== "success") return [`its job ${job.name} ended with ${job.conclusion ?? "nothing yet"}`];
    const said = releasesOf(job.steps);
    // Evidence of suites that did not say so yet is silent here.
    return said.length === 0 || said.includes(release)
      ? []
      : [`it names release ${short(release)}, but its job ${job.name} deployed ${said.map(short).join(", ")}`];
  });
}

/**
 * The releases that a deploying job says it deployed, by the names of its steps: our workflows put the digest there,
 * and nobody but the job's runner can write it. A Deployment's payload can be written by anybody.
 */
function releasesOf(steps: readonly string[]): string[] {
  return steps.flatMap((name) => /\brelease ([0-9a-f]{64})\b/.exec(name)?.[1] ?? []);
}

/** Whether a caller's job, or a job below it, can have this name: expressions in its own can become anything. */
function mayShowAs({ name, calls }: CallerJob, shown: string): boolean {
  const pattern = name
    .split(/\$\{\{.*?\}\}/s)
    .map((part) => part.replace(/[\\^$.|?*+()[\]{}/-]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${pattern}${calls === undefined ? "$" : " / "}`, "s").test(shown);
}

/** How the run's deploying jobs are called: the caller's job, then ours. `path` is the called workflow's. */
export function deployingJobNames(run: EvidenceRun, path: string): string[] {
  return run.pinsAtCommit.filter((pin) => pin.path === path).map(({ job }) => `${job} / ${DEPLOYING_JOB}`);
}

/** `owner/name/.github/workflows/x.yml` of the workflow that deploys to a tier. */
export function deployingWorkflow(suite: SuiteTrust, tier: Expectation["tier"]): string {
  return `${suite.repository}/.github/workflows/${DEPLOYING_WORKFLOW[tier]}`;
}
