/**
 * Which jobs of a run can have made a record: those of the default branch, of a called workflow of ours at a commit that is
 * trusted. Every reason not to believe them is a clause without a full stop.
 */
import type { RecordKind } from "../release/evidence.ts";
import { shortSha } from "../short-sha.ts";
import type { CallerJob, EvidenceJob, EvidenceRun, SuiteTrust } from "./evidence-facts.ts";
import type { RepositoryFacts } from "./facts.ts";
import { type RecordSource, type RecordTier, sourcesOf } from "./record-runs.ts";
import { shownAt } from "./wall-clock.ts";

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

/** A record is written while its job runs: what is written once more, later, speaks of a time that is over. */
export function timeDoubts(job: EvidenceJob, createdAt: string): string[] {
  const time = timeOf(job);
  const written = Date.parse(createdAt);
  if (time === undefined || Number.isNaN(written)) return [];
  return written >= time.from - CLOCK_MS && written <= time.to + CLOCK_MS
    ? []
    : [
        `it was written at ${shownAt("UTC", written)}, but its job ran from ${shownAt("UTC", time.from)} to ${shownAt("UTC", time.to)}`,
      ];
}

/** When a job ran, in milliseconds since 1970; undefined where GitHub does not say both ends. */
export function timeOf(job: EvidenceJob): { readonly from: number; readonly to: number } | undefined {
  const [from, to] = [Date.parse(job.startedAt ?? ""), Date.parse(job.completedAt ?? "")];
  return Number.isNaN(from) || Number.isNaN(to) ? undefined : { from, to };
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
export function jobNames(run: EvidenceRun, path: string, job: string): string[] {
  return run.pinsAtCommit.filter((pin) => pin.path === path).map((pin) => `${pin.job} / ${job}`);
}

/** `owner/name/.github/workflows/x.yml` of a workflow of the suite. */
export function workflowPath(suite: SuiteTrust, file: string): string {
  return `${suite.repository}/.github/workflows/${file}`;
}
