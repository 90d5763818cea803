/** What a run should have come to, in words; and, if it did not, what its failing jobs had to say. */
import type { JobResult, RunResult } from "../../simulator/runner/runner.ts";

/** One line a request, as the simulators logged it. */
type RequestLines = () => readonly string[];

const requestsOf = new WeakMap<RunResult, RequestLines>();

/** Makes the requests of a run known to `expectRun`. */
export function remember(run: RunResult, requests: RequestLines): void {
  requestsOf.set(run, requests);
}

interface RunExpectation {
  /** Every job succeeded or was skipped, and these among them did succeed. */
  toSucceed(...jobs: readonly string[]): void;
  /** The first job that failed is this one, for exactly these findings; no later job ran. */
  toStopAt(job: string, ...findings: readonly string[]): void;
  /** The run failed, and what was said about it in annotations and errors matches. */
  toFail(why: RegExp): void;
}

export function expectRun(run: RunResult): RunExpectation {
  const fail = (what: string): never => {
    throw new Error(`${what}\n\n${explain(run)}`);
  };
  return {
    toSucceed(...jobs) {
      if (run.conclusion !== "success") fail(`The run was to succeed and is ${run.conclusion}.`);
      for (const name of jobs) {
        const job = run.jobs.find((one) => one.name === name);
        if (job?.conclusion !== "success")
          fail(`${name} was to succeed and is ${job?.conclusion ?? "not in the run"}.`);
      }
    },
    toStopAt(name, ...findings) {
      if (run.conclusion !== "failure") fail(`The run was to fail and is ${run.conclusion}.`);
      const stopped = run.jobs.find(({ conclusion }) => conclusion !== "success" && conclusion !== "skipped");
      if (stopped?.name !== name) fail(`${name} was to stop the run; it was ${stopped?.name ?? "nobody"}.`);
      const found = stopped === undefined ? [] : findingsOf(stopped);
      if (found.join() !== [...findings].sort().join()) {
        fail(`${name} was to stop for ${findings.join(", ")}; it was ${found.join(", ") || "no finding"}.`);
      }
    },
    toFail(why) {
      if (run.conclusion !== "failure" && run.conclusion !== "startup_failure") {
        fail(`The run was to fail and is ${run.conclusion}.`);
      }
      if (!said(run).some((line) => why.test(line))) fail(`Nothing says ${String(why)}.`);
    },
  };
}

/** The ids of what stopped a job, sorted, each once. */
export function findingsOf(job: JobResult): string[] {
  const ids = job.annotations.flatMap(({ level, title }) => (level === "error" && title !== undefined ? [title] : []));
  return [...new Set(ids)].sort();
}

/** A job of a run by its name; throws with what the run was if there is none. */
export function jobOf(run: RunResult, name: string): JobResult {
  const job = run.jobs.find((one) => one.name === name);
  if (job === undefined) throw new Error(`There is no job ${name} in the run.\n\n${explain(run)}`);
  return job;
}

/** A job's summary as a person reads it: without markup, character references resolved. */
export function textOf(run: RunResult, name: string): string {
  return jobOf(run, name)
    .summary.replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll("**", "");
}

function said(run: RunResult): string[] {
  const annotations = run.jobs.flatMap((job) => job.annotations);
  return [...run.errors, ...annotations.map(({ title, message }) => `${title ?? ""}: ${message}`)];
}

/** For a test that failed by another assertion: what its runs had to say, unless its errors say it. */
export function explainUnsaid(runs: readonly RunResult[], errors: readonly { readonly message: string }[]): string {
  const unsaid = runs.filter((run) => !errors.some(({ message }) => message.includes(titleOf(run))));
  return unsaid.map(explain).join("\n\n");
}

const titleOf = ({ id, attempt, conclusion }: RunResult): string => `Run ${id}, attempt ${attempt}: ${conclusion}`;

const LOG_LINES = 60;
const REQUEST_LINES = 40;

/** For whoever reads a failing test: jobs, logs of those that failed, and the requests that mattered. */
function explain(run: RunResult): string {
  const jobs = run.jobs.map(({ name, conclusion, annotations }) => {
    const lines = annotations.map(({ level, title, message }) => `    ${level} ${title ?? ""}: ${message}`);
    return [`  ${conclusion.padEnd(9)} ${name}`, ...lines].join("\n");
  });
  const logs = run.jobs
    .filter(({ conclusion }) => conclusion === "failure")
    .flatMap((job) => job.steps.filter(({ conclusion }) => conclusion === "failure").map((step) => ({ job, step })))
    .map(({ job, step }) => `--- ${job.name}, ${step.name}\n${step.log.split("\n").slice(-LOG_LINES).join("\n")}`);
  const requests = requestsOf.get(run)?.().slice(-REQUEST_LINES) ?? [];
  return [
    titleOf(run),
    ...run.errors,
    ...jobs,
    ...logs,
    "--- requests that changed something or were refused",
    ...requests,
  ].join("\n");
}
