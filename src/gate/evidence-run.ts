/**
 * Whether a Deployment is backed by a run that can be believed. The Deployment itself proves nothing; the run proves it
 * if it ran the default branch's workflow file, and that file called our workflow at a commit that is trusted.
 */
import { shortSha } from "../short-sha.ts";
import type { EvidenceClaim, EvidenceFacts, EvidenceJob, SuiteTrust } from "./evidence-facts.ts";
import type { SourceQuestion } from "./facts.ts";
import { jobNames, jobsBehind, type Trust, timeDoubts, timeOf, workflowPath } from "./jobs-behind.ts";
import { DEPLOYING_JOB, DEPLOYING_WORKFLOW, halfWayStatement, type RecordTier } from "./record-runs.ts";

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

/**
 * The releases that a deploying job says it deployed, by the names of its steps: our workflows put the digest there,
 * and nobody but the job's runner can write it. A Deployment's payload can be written by anybody.
 */
export function releasesOf(steps: EvidenceJob["steps"]): string[] {
  return steps
    .filter(({ conclusion }) => conclusion !== "skipped")
    .flatMap(({ name }) => /\brelease ([0-9a-f]{64})\b/.exec(name)?.[1] ?? []);
}
