/**
 * Whether a Deployment is backed by a run that can be believed. The Deployment itself proves nothing; the run proves it
 * if it ran the default branch's workflow file, and that file called our workflow at a commit that is trusted.
 */
import type { RecordKind, RecordPayload } from "../release/evidence.ts";
import { shortSha } from "../short-sha.ts";
import { WORKFLOW_ACCOUNT } from "./check.ts";
import type {
  CallerJob,
  EvidenceClaim,
  EvidenceFacts,
  EvidenceJob,
  EvidenceRun,
  SuiteTrust,
} from "./evidence-facts.ts";
import type { RepositoryFacts, SourceQuestion } from "./facts.ts";
import {
  DEPLOYING_JOB,
  DEPLOYING_WORKFLOW,
  halfWayStatement,
  type RecordSource,
  type RecordTier,
  sourcesOf,
  statementOf,
} from "./record-runs.ts";

const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** A record is written by the job behind it; clocks may differ by this much, in milliseconds. */
export const CLOCK_MS = 120_000;

/** Which runs are trusted. */
export interface Trust {
  readonly repository: RepositoryFacts;
  readonly suite: SuiteTrust;
  /**
   * Also trust what the caller pinned at the commit that ran: for what is already in a tier and for what was decided,
   * not for what wants in.
   */
  readonly trustPinsAtCommit: boolean;
}

/** What the evidence must be about. */
export interface Expectation extends Trust {
  readonly tier: RecordTier;
  readonly project: string;
  /** Undefined: whatever the Deployment says (what a tier has now). */
  readonly candidate: { readonly commit: string; readonly release: string } | undefined;
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
    found.push(`it is of commit ${shortSha(deployment.sha)}, not of ${shortSha(candidate.commit)}`);
  }
  if (candidate !== undefined && claim.release !== candidate.release) {
    found.push(
      `it names release ${shortSha(claim.release)}, but the commit's files and the carried artifacts give ${shortSha(candidate.release)}`,
    );
  }
  if (run === undefined) return [...found, `it points to run ${claim.runId}, which this repository does not have`];
  const behind = jobsBehind(run, { ...claim, tier: expected.tier }, expected);
  const said = behind.jobs.flatMap(({ steps }) => releasesOf(steps));
  // A run that deploys another commit than its own (a hotfix) must say which release that was.
  if (run.headSha !== deployment.sha && !said.includes(claim.release)) {
    found.push(`the run behind it is of commit ${shortSha(run.headSha)}, not of ${shortSha(deployment.sha)}`);
  }
  return [...found, ...behind.doubts, ...behind.jobs.flatMap((job) => deployingDoubts(job, claim, deployment))];
}

/** Whether what a record says was still so after a moment: its job ended later. */
export function endedAfter(evidence: EvidenceFacts, expected: Expectation, at: string | undefined): boolean {
  return at === undefined || deployingTime(evidence, expected).to > Date.parse(at);
}

/** What is believed of the tier below's records of this very release, since the tier was last rolled back from it. */
export function believedSource(facts: SourceQuestion): EvidenceFacts[] {
  const { previous, source, repository, candidate, project, suite } = facts;
  const left = facts.below.known ? facts.below.value.left : undefined;
  if (previous === undefined || previous === "sandbox" || !source.known || !repository.known) return [];
  const expected = {
    tier: previous,
    project,
    candidate,
    repository: repository.value,
    suite,
    trustPinsAtCommit: false,
  };
  return source.value.filter(
    (evidence) => doubts(evidence, expected).length === 0 && endedAfter(evidence, expected, left?.at),
  );
}

/** The job that a record of a tier says deployed; undefined if the run has none. */
export function deployingJob(
  { run, claim }: EvidenceFacts,
  suite: SuiteTrust,
  tier: RecordTier,
): EvidenceJob | undefined {
  if (run === undefined) return undefined;
  const names = jobNames(run, workflowPath(suite, DEPLOYING_WORKFLOW[tier]), DEPLOYING_JOB);
  return run.jobs.find(({ name, attempt }) => attempt === claim?.attempt && names.includes(name));
}

/** When the job behind a record that is believed ran, in ms of the epoch; the record's own time where GitHub does not say. */
export function deployingTime(
  { claim, run, deployment }: EvidenceFacts,
  expected: Expectation,
): { readonly from: number; readonly to: number } {
  const written = Date.parse(deployment.createdAt);
  const { tier } = expected;
  const jobs = claim === undefined || run === undefined ? [] : jobsBehind(run, { ...claim, tier }, expected).jobs;
  const times = jobs.flatMap((job) => timeOf(job) ?? []);
  return {
    from: Math.min(...times.map(({ from }) => from), written),
    to: times.length === 0 ? written : Math.max(...times.map(({ to }) => to)),
  };
}

/** When the job ended whose promotion stopped half way and holds the tier since; undefined if no run of ours says so. */
export function stoppedHalfWay(evidence: EvidenceFacts, expected: Expectation): number | undefined {
  const { claim, run, deployment } = evidence;
  if (claim?.kind !== "promotion" || run === undefined) return undefined;
  if (claim.tier !== expected.tier || claim.project !== expected.project) return undefined;
  const behind = jobsBehind(run, { ...claim, tier: expected.tier }, expected);
  if (behind.doubts.length > 0) return undefined;
  const statement = halfWayStatement(expected.tier, claim.release);
  // How the step itself ended says nothing: that it ran does.
  const said = behind.jobs.find(({ steps }) =>
    steps.some(({ name, conclusion }) => name === statement && conclusion !== undefined && conclusion !== "skipped"),
  );
  if (said === undefined || timeDoubts(said, deployment.createdAt).length > 0) return undefined;
  return timeOf(said)?.to ?? Date.parse(deployment.createdAt);
}

function deployingDoubts(
  job: EvidenceJob,
  { kind, release }: EvidenceClaim,
  { createdAt }: EvidenceFacts["deployment"],
): string[] {
  if (job.conclusion !== "success") return [`its job ${job.name} ended with ${job.conclusion ?? "nothing yet"}`];
  const said = releasesOf(job.steps);
  // Evidence of suites that did not say so yet is silent here; nobody rolled back with those.
  return (said.length === 0 && kind === "promotion") || said.includes(release)
    ? timeDoubts(job, createdAt)
    : [
        `it names release ${shortSha(release)}, but its job ${job.name} deployed ${said.map(shortSha).join(", ") || "none"}`,
      ];
}

/** A record is written while its job runs: what is written once more, later, speaks of a time that is over. */
function timeDoubts(job: EvidenceJob, createdAt: string): string[] {
  const time = timeOf(job);
  const written = Date.parse(createdAt);
  if (time === undefined || Number.isNaN(written)) return [];
  return written >= time.from - CLOCK_MS && written <= time.to + CLOCK_MS
    ? []
    : [`it was written at ${createdAt}, but its job ran from ${job.startedAt ?? "?"} to ${job.completedAt ?? "?"}`];
}

function timeOf(job: EvidenceJob): { readonly from: number; readonly to: number } | undefined {
  const [from, to] = [Date.parse(job.startedAt ?? ""), Date.parse(job.completedAt ?? "")];
  return Number.isNaN(from) || Number.isNaN(to) ? undefined : { from, to };
}

/**
 * The releases that a deploying job says it deployed, by the names of its steps: our workflows put the digest there,
 * and nobody but the job's runner can write it. A Deployment's payload can be written by anybody.
 */
export function releasesOf(steps: EvidenceJob["steps"]): string[] {
  return steps
    .filter(({ conclusion }) => conclusion !== "skipped")
    .flatMap(({ name }) => /\brelease ([0-9a-f]{64})\b/.exec(name)?.[1] ?? []);
}

/** What was verified or decided: the records whose statement is a step of its own. */
export type StatedRecord = Exclude<RecordPayload, { readonly kind: "promotion" | "rollback" }>;

/**
 * The same for what was verified or decided: `createdAt` is the Deployment's. Its state is only a label, so it does not
 * count. A record was written while its job ran, so an old one cannot be written once more after what undid it.
 */
export function recordDoubts(
  record: { readonly claim: StatedRecord; readonly createdAt: string },
  run: EvidenceRun | undefined,
  trust: Trust,
): string[] {
  const { claim } = record;
  if (run === undefined) return [`it points to run ${claim.run.id}, which this repository does not have`];
  const { kind, tier } = claim;
  const behind = jobsBehind(run, { kind, tier, attempt: claim.run.attempt }, trust);
  if (behind.doubts.length > 0) return [...behind.doubts];
  const decided = LETTING_IN.includes(kind) || (kind === "opening" && run.event !== "schedule");
  if (decided && run.actor === WORKFLOW_ACCOUNT) {
    return ["a workflow's own token started the run behind it, so nobody can say whose decision it is"];
  }
  const found = behind.jobs.map((job) => statementDoubts(job, record));
  // One job that says so is enough: a caller may have several that operate.
  return found.some((each) => each.length === 0) ? [] : [...new Set(found.flat())];
}

/** What opens a gate is a person's; what shuts one may come from anybody. */
const LETTING_IN: readonly RecordKind[] = ["accept", "resume", "approval"];

/** When the job behind a record that is believed ended; undefined if GitHub does not say. */
export function endedAt(claim: StatedRecord, run: EvidenceRun, trust: Trust): string | undefined {
  const { kind, tier } = claim;
  const { jobs } = jobsBehind(run, { kind, tier, attempt: claim.run.attempt }, trust);
  const statement = statementOf(claim);
  return jobs.find(({ steps }) => steps.some(({ name }) => name === statement))?.completedAt;
}

function statementDoubts(
  job: EvidenceJob,
  record: { readonly claim: StatedRecord; readonly createdAt: string },
): string[] {
  const { claim, createdAt } = record;
  // A run that is cancelled, or whose time is up, while it verifies records a failure, and its job shows it as cancelled.
  const ends = "passed" in claim && !claim.passed ? ["failure", "cancelled"] : ["success"];
  const wanted = ends.join(" or ");
  if (!ends.includes(job.conclusion ?? "")) {
    return [`its job ${job.name} ended with ${job.conclusion ?? "nothing yet"}, not with ${wanted}`];
  }
  const statement = statementOf(claim);
  if (!job.steps.some((step) => step.name === statement && ends.includes(step.conclusion ?? ""))) {
    return [`its job ${job.name} has no step "${statement}" that ended with ${wanted}`];
  }
  return timeDoubts(job, createdAt);
}

/** The jobs of the attempt that can have made a record, and every reason not to believe them. */
export function jobsBehind(
  run: EvidenceRun,
  behind: { readonly kind: RecordKind; readonly tier: RecordTier; readonly attempt: number },
  trust: Trust,
): { readonly jobs: readonly EvidenceJob[]; readonly doubts: readonly string[] } {
  const { sources, events } = sourcesOf(behind.kind, behind.tier);
  const { defaultBranch } = trust.repository;
  const doubts: string[] = [];
  if (run.headRepository !== run.repository) {
    doubts.push(
      `the run behind it is of ${run.headRepository ?? "a repository that is gone"}, not of ${run.repository}`,
    );
  }
  if (run.headBranch !== defaultBranch) {
    doubts.push(
      `the run behind it ran on the branch ${run.headBranch ?? "(none)"}, where whoever can push edits the workflow, not on ${defaultBranch}`,
    );
  }
  if (!events.includes(run.event)) doubts.push(`the run behind it was started by ${run.event}`);
  const paths = sources.map(({ workflow }) => workflowPath(trust.suite, workflow));
  const called = sources.filter((_, index) => run.referencedWorkflows.some(({ path }) => path === paths[index]));
  if (called.length === 0)
    return { jobs: [], doubts: [...doubts, `the run behind it did not call ${paths.join(" or ")}`] };
  const found = called.map((source) => sourceJobs(run, source, behind.attempt, trust));
  const good = found.find((each) => each.doubts.length === 0);
  return good === undefined
    ? { jobs: found.flatMap(({ jobs }) => jobs), doubts: [...doubts, ...found.flatMap((each) => each.doubts)] }
    : { jobs: good.jobs, doubts };
}

function sourceJobs(
  run: EvidenceRun,
  { workflow: file, job }: RecordSource,
  attempt: number,
  trust: Trust,
): { readonly jobs: readonly EvidenceJob[]; readonly doubts: readonly string[] } {
  const path = workflowPath(trust.suite, file);
  const pins = (trust.trustPinsAtCommit ? [...run.pins, ...run.pinsAtCommit] : run.pins).filter(
    (pin) => pin.path === path,
  );
  const trusted = [...pins.map(({ ref }) => ref), ...trust.suite.commits];
  const doubts: string[] = [];
  for (const { sha } of run.referencedWorkflows.filter((used) => used.path === path && !trusted.includes(used.sha))) {
    const moving = pins.filter(({ ref }) => !COMMIT.test(ref)).map(({ ref }) => ref);
    doubts.push(
      moving.length > 0
        ? `${run.workflow} names ${file} by ${moving.join(", ")}, which can be moved: pin a commit`
        : `it used ${file} at commit ${shortSha(sha)}, which neither ${run.workflow} on ${trust.repository.defaultBranch} pins nor the contract's suite.commits lists`,
    );
  }
  const wanted = jobNames(run, path, job);
  const jobs = run.jobs.filter((each) => wanted.includes(each.name) && each.attempt === attempt);
  const double = run.callerJobs.find((each) => each.calls !== path && wanted.some((name) => mayShowAs(each, name)));
  if (wanted.length === 0) {
    doubts.push(`no job of ${run.workflow}, at the commit that ran, calls ${path} directly`);
  } else if (double !== undefined) {
    doubts.push(
      `the job ${double.key} of ${run.workflow} can be shown as ${wanted.join(" or ")} too, so nobody can say which ran`,
    );
  } else if (jobs.length === 0) {
    doubts.push(`attempt ${attempt} of the run has no job ${wanted.join(" or ")}`);
  }
  return { jobs, doubts };
}

/** Whether a caller's job, or a job below it, can have this name: expressions in its own can become anything. */
function mayShowAs({ name, calls }: CallerJob, shown: string): boolean {
  const pattern = name
    .split(/\$\{\{.*?\}\}/s)
    .map((part) => part.replace(/[\\^$.|?*+()[\]{}/-]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${pattern}${calls === undefined ? "$" : " / "}`, "s").test(shown);
}

/** How the run's jobs of a called workflow are shown: the caller's job, then ours. `path` is the called workflow's. */
function jobNames(run: EvidenceRun, path: string, job: string): string[] {
  return run.pinsAtCommit.filter((pin) => pin.path === path).map((pin) => `${pin.job} / ${job}`);
}

/** `owner/name/.github/workflows/x.yml` of a workflow of the suite. */
function workflowPath(suite: SuiteTrust, file: string): string {
  return `${suite.repository}/.github/workflows/${file}`;
}
