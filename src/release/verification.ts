/**
 * A verification: what the contract names is started, one after the other in the contract's order (a smoke test may
 * read what a pipeline before it wrote), watched to its end, and cancelled if the time is up or the run is stopped.
 * Nothing else is started, and no schedule is touched: a paused job can be run (facts: databricks-api 3.3).
 */
import type { VerifyStep } from "../contract/model.ts";
import type { Failure } from "../databricks/failures.ts";
import { ApiError } from "../databricks/errors.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, messageOf } from "../findings.ts";
import { isObject } from "../json.ts";
import { sha256 } from "../sha256.ts";
import { activeUpdate } from "./active-runs.ts";
import type { Applied, AppliedResource } from "./plan.ts";
import { atWorkBefore, type Started, startRun, startUpdateOf, untilAtRest } from "./started.ts";

/** What is asked of one tier. */
export interface VerificationPolicy {
  readonly steps: readonly VerifyStep[];
  /** For all steps together, in milliseconds. */
  readonly timeoutMs: number;
}

export interface VerificationOptions {
  readonly tier: string;
  /** What the idempotency tokens are made of: the same run asks for the same runs (facts: databricks-api 2.3). */
  readonly token: { readonly release: string; readonly run: string; readonly attempt: number };
  readonly log: { info(message: string): void };
  readonly signal?: AbortSignal | undefined;
  readonly now: () => Date;
  readonly pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** One step, and how it ended. */
export interface VerifiedStep extends VerifyStep {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "cancelled" | "not started";
  /** COMPLETED, SUCCESS, RUN_EXECUTION_ERROR, …: the service's own word. */
  readonly code: string | undefined;
  readonly url: string | undefined;
  readonly seconds: number;
  readonly failures: readonly Failure[];
}

/**
 * What it says of the release. `none`: nothing, since it could not be made: the service did not answer, the release has
 * not what the contract names by now, or something else was at work of it and took its time. What ran and was then
 * cancelled with the run has failed: whoever sees it failing could cancel it.
 */
export type VerificationVerdict = "passed" | "failed" | "none";

export interface Verification {
  /** In the contract's order. */
  readonly steps: readonly VerifiedStep[];
  readonly findings: readonly Finding[];
  readonly verdict: VerificationVerdict;
}

/** Looks no faster than the service likes (facts: databricks-api 2.7), and slower once it takes long. */
const LOOK_MS = 5_000;
const LOOK_LATER_MS = 15_000;
const SAY_AGAIN_MS = 60_000;
/** For what was asked to stop to have stopped. */
const STOP_MS = 30_000;

/** Runs the steps. Never throws for what they come to: findings say it, and none means that all passed. */
export async function runVerification(
  workspace: Workspace,
  policy: VerificationPolicy,
  applied: Applied,
  options: VerificationOptions,
): Promise<Verification> {
  const unfit = policy.steps.flatMap((step) => unfitFindings(step, applied.get(step.key), options.tier));
  if (unfit.length > 0) {
    const steps = policy.steps.map((step) => notStarted(step, applied.get(step.key)));
    return { steps, findings: unfit, verdict: "none" };
  }
  const until = options.now().getTime() + policy.timeoutMs;
  const steps: VerifiedStep[] = [];
  const findings: Finding[] = [];
  let verdict: VerificationVerdict = "passed";
  for (const step of policy.steps) {
    const resource = applied.get(step.key);
    if (findings.length > 0 || resource === undefined) {
      steps.push(notStarted(step, resource));
      continue;
    }
    const ended = await verifyStep(workspace, step, resource, until, policy, options);
    steps.push(ended.result);
    if (ended.finding === undefined) continue;
    findings.push(ended.finding);
    verdict = ended.conclusive ? "failed" : "none";
  }
  return { steps, findings, verdict };
}

async function verifyStep(
  workspace: Workspace,
  step: VerifyStep,
  resource: AppliedResource,
  until: number,
  policy: VerificationPolicy,
  options: VerificationOptions,
): Promise<{ result: VerifiedStep; finding: Finding | undefined; conclusive: boolean }> {
  const { now, signal, tier } = options;
  const began = now().getTime();
  const base = { ...step, name: resource.name, url: undefined, failures: [], code: undefined };
  const seconds = (): number => Math.round((now().getTime() - began) / 1000);
  let started: Started | undefined;
  try {
    if (signal?.aborted) throw new FourTierError(stopped(step, tier, "before it was started"));
    started =
      step.how === "run"
        ? await startJob(workspace, step, resource, options)
        : await startPipeline(workspace, step, resource, until, options);
    const { id } = started;
    const before = (): Promise<string> => atWorkBefore(workspace, resource.id, id).catch(() => "what is at work of it");
    const end = await follow(started, step, until, before, options);
    if (NEVER_BEGUN.includes(end.code ?? "")) throw new Behind(await before());
    const ended = { ...base, url: started.url, code: end.code, seconds: seconds() };
    if (end.passed) return { result: { ...ended, outcome: "passed" }, finding: undefined, conclusive: true };
    const failures = await started.failures().catch(() => []);
    return {
      result: { ...ended, outcome: "failed", failures },
      finding: failed(step, resource, tier, end.code, started.url, failures),
      conclusive: true,
    };
  } catch (error) {
    if (started !== undefined) await cancelAndWait(started, step, options);
    const finding =
      error instanceof TimeUp
        ? tooLong(step, resource, tier, policy, started?.url)
        : error instanceof Behind
          ? behind(step, resource, tier, policy, error.message)
          : error instanceof FourTierError && error.findings[0] !== undefined
            ? error.findings[0]
            : { ...notRun(step, tier), message: `${step.key} could not be verified: ${messageOf(error)}` };
    const outcome = started === undefined ? "not started" : "cancelled";
    // Its own time was up, or it was cut off while it ran: both can be the release's. That nobody answers is not.
    const conclusive = started !== undefined && (error instanceof TimeUp || error instanceof CutOff);
    return { result: { ...base, url: started?.url, seconds: seconds(), outcome }, finding, conclusive };
  }
}

class TimeUp extends Error {}
/** Something else was at work, named by the message: what was to be verified had not the time that it was given. */
class Behind extends Error {}
/** The run was stopped while what it verifies ran. */
class CutOff extends FourTierError {}

const QUEUED = "QUEUED";
const TERMINATING = "TERMINATING";
/** Somebody cancelled it (facts: databricks-api 5); of a run that never began, nobody has seen how it would end. */
const CANCELLED: readonly string[] = ["USER_CANCELED", "CANCELED"];
/** Ends of a run that never began, since others took its place (facts: databricks-api 5), in both status systems. */
const NEVER_BEGUN: readonly string[] = [
  "MAX_CONCURRENT_RUNS_EXCEEDED",
  "MAXIMUM_CONCURRENT_RUNS_REACHED",
  "MAX_JOB_QUEUE_SIZE_EXCEEDED",
  "WORKSPACE_RUN_LIMIT_EXCEEDED",
];

/**
 * Looks until it is done. Throws TimeUp at the deadline, or Behind if it has waited in the queue for what `before` names;
 * FourTierError when the run is stopped, CutOff if it ran by then.
 */
async function follow(
  started: Started,
  step: VerifyStep,
  until: number,
  before: () => Promise<string>,
  { now, pause, log, signal, tier }: VerificationOptions,
): Promise<{ passed: boolean; code: string | undefined }> {
  const began = now().getTime();
  let said = { state: "", at: began };
  let [waitedFor, ran]: [string | undefined, boolean] = [undefined, false];
  for (;;) {
    const seen = await started.look();
    const time = now().getTime();
    ran ||= !seen.done && ![QUEUED, TERMINATING].includes(seen.state);
    if (seen.state === QUEUED && waitedFor === undefined) {
      waitedFor = await before();
      log.info(`${step.key}: waits in the queue behind ${waitedFor}`);
    }
    if (seen.state !== said.state || time - said.at >= SAY_AGAIN_MS) {
      log.info(`${step.key}: ${seen.state} after ${Math.round((time - began) / 1000)} s`);
      said = { state: seen.state, at: time };
    }
    if (seen.done) {
      const emptied = !ran && waitedFor !== undefined && CANCELLED.includes(seen.code ?? "");
      if (emptied) throw new Behind(waitedFor);
      return { passed: seen.passed, code: seen.code };
    }
    if (signal?.aborted) throw new (ran ? CutOff : FourTierError)(stopped(step, tier, "and cancelled"));
    if (time >= until) throw waitedFor === undefined ? new TimeUp() : new Behind(waitedFor);
    await pause(Math.min(time - began < SAY_AGAIN_MS ? LOOK_MS : LOOK_LATER_MS, until - time), signal);
  }
}

/** What we started and do not wait for any longer must not run on. */
async function cancelAndWait(started: Started, step: VerifyStep, options: VerificationOptions): Promise<void> {
  const { log, pause, now } = options;
  try {
    await started.cancel();
    const until = now().getTime() + (options.signal?.aborted ? 0 : STOP_MS);
    while (!(await started.look()).done && now().getTime() < until) await pause(LOOK_MS);
    log.info(`${step.key}: cancelled ${started.id}`);
  } catch (error) {
    log.info(`${step.key}: ${started.id} could not be cancelled (${messageOf(error)}); cancel it in the workspace`);
  }
}

/**
 * Starts the job, or goes on with what an earlier attempt of this very run has left at work: killed, it could not cancel
 * it. The attempt's token gives that run again, and proves that it is ours; nobody else waits for it, since GitHub
 * begins an attempt when the one before has ended. What ended by then is that attempt's, and counts for nothing here.
 */
async function startJob(
  workspace: Workspace,
  step: VerifyStep,
  resource: AppliedResource,
  options: VerificationOptions,
): Promise<Started> {
  const { log, token } = options;
  for (let attempt = 1; attempt < token.attempt; attempt += 1) {
    const left = await earlierRun(workspace, resource.id, tokenOf(step, options, attempt));
    if (left === undefined) continue;
    log.info(`${step.key}: goes on with run ${left.id} of "${resource.name}", asked for as attempt ${attempt} did`);
    return left;
  }
  const started = await startRun(workspace, resource.id, tokenOf(step, options, token.attempt));
  log.info(`${step.key}: started run ${started.id} of "${resource.name}"`);
  return started;
}

/** The run that this token stands for, if it is active and nobody has cancelled it; one of a token never used begins. */
async function earlierRun(workspace: Workspace, jobId: string, token: string): Promise<Started | undefined> {
  try {
    const run = await startRun(workspace, jobId, token);
    const seen = await run.look().catch(() => undefined); // whoever follows it looks again, and says what is wrong
    return seen?.done === true || seen?.state === TERMINATING ? undefined : run;
  } catch (error) {
    // A run that was deleted is refused by its token (facts: databricks-api 2.3).
    if (error instanceof ApiError && error.status === 400) return undefined;
    throw error;
  }
}

function tokenOf(step: VerifyStep, { tier, token }: VerificationOptions, attempt: number): string {
  const parts = [tier, token.release, token.run, String(attempt), step.key];
  return sha256(parts.join("\n"));
}

/** One update at a time: one that is running, and that we did not start, is waited for. */
async function startPipeline(
  workspace: Workspace,
  step: VerifyStep,
  resource: AppliedResource,
  until: number,
  options: VerificationOptions,
): Promise<Started> {
  const { log, signal, now, tier } = options;
  const found = await untilAtRest(workspace, resource.id, {
    ...options,
    everyMs: LOOK_MS,
    until,
    say: (state) => log.info(`${step.key}: waiting for the update that runs already (${state})`),
  });
  if (found === "gone") throw new FourTierError(gone(step, tier));
  if (found === "busy" && signal?.aborted) throw new FourTierError(stopped(step, tier, "before it was started"));
  if (found === "busy") {
    const update = await activeUpdate(workspace, resource.id);
    throw new Behind(`update ${update ?? "unknown"}: ${workspace.host}/pipelines/${resource.id}`);
  }
  if (now().getTime() >= until) throw new TimeUp();
  const started = await startUpdateOf(workspace, resource.id, step.how === "validate_only", (text) =>
    log.info(`${step.key}: ${text}`),
  );
  log.info(
    `${step.key}: started ${step.how === "update" ? "update" : "validation"} ${started.id} of "${resource.name}"`,
  );
  return started;
}

function notStarted(step: VerifyStep, resource: AppliedResource | undefined): VerifiedStep {
  const name = resource?.name ?? step.key;
  return { ...step, name, outcome: "not started", code: undefined, url: undefined, seconds: 0, failures: [] };
}

/** What cannot verify anything: said before anything is started. */
function unfitFindings(step: VerifyStep, resource: AppliedResource | undefined, tier: string): Finding[] {
  if (resource === undefined) {
    return [
      {
        ...notRun(step, tier),
        message: `The contract verifies ${tier} with ${step.key}, and this release has no ${step.key}.`,
        remedy: "Put it into the bundle, or take it out of gate.verify on the default branch.",
      },
    ];
  }
  const { continuous } = resource.settings;
  if (continuous === undefined || continuous === false || step.how === "validate_only") return [];
  if (!isObject(continuous) && continuous !== true) return [];
  return [
    {
      ...notRun(step, tier),
      message: `${step.key} is continuous: a run of it never ends, so it cannot pass.`,
      remedy:
        step.how === "run"
          ? "Verify with a job that looks at what it produces."
          : `Write { ${step.key}: validate_only }, or verify with a job that looks at what it produces.`,
    },
  ];
}

function notRun(step: VerifyStep, tier: string): Finding {
  return {
    id: "verify/not-run",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `${step.key} was not run.`,
    why: "What was not run has proved nothing.",
    remedy: "Fix the cause and verify again.",
  };
}

function gone(step: VerifyStep, tier: string): Finding {
  return { ...notRun(step, tier), message: `${step.key} is not in the workspace any more.`, remedy: "Promote again." };
}

function stopped(step: VerifyStep, tier: string, when: string): Finding {
  return {
    id: "verify/stopped",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `The run was cancelled; ${step.key} was stopped ${when}.`,
    remedy: "Start the run again.",
  };
}

function tooLong(
  step: VerifyStep,
  resource: AppliedResource,
  tier: string,
  { timeoutMs }: VerificationPolicy,
  url: string | undefined,
): Finding {
  return {
    id: "verify/too-long",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `"${resource.name}" (${step.key}) had not ended when the ${Math.round(timeoutMs / 60_000)} minutes of the verification were over${url === undefined ? ", or could not begin" : `, and was cancelled: ${url}`}.`,
    remedy: "Look why it takes so long; if it must, give gate.verify_timeout more time.",
  };
}

function behind(
  step: VerifyStep,
  resource: AppliedResource,
  tier: string,
  { timeoutMs }: VerificationPolicy,
  what: string,
): Finding {
  return {
    id: "verify/behind-another",
    severity: "unknown",
    where: { kind: "resource", tier, key: step.key },
    message: `"${resource.name}" (${step.key}) had less than the ${Math.round(timeoutMs / 60_000)} minutes that a verification may take. Before it was at work: ${what}.`,
    why: "This verification has not started that, and what it took of the time says nothing of the release.",
    remedy:
      "Verify again when it has ended. If nobody waits for it (a verification that was killed leaves its run at work), cancel it in the workspace.",
  };
}

function failed(
  step: VerifyStep,
  resource: AppliedResource,
  tier: string,
  code: string | undefined,
  url: string | undefined,
  failures: readonly Failure[],
): Finding {
  const [first] = failures;
  const said =
    first === undefined ? "" : `${first.task === undefined ? "" : ` in task ${first.task}`}: ${oneLine(first.error)}`;
  return {
    id: "verify/failed",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `"${resource.name}" (${step.key}) ended ${code ?? "without success"}${said}`,
    why: "A release that fails its verification goes no further.",
    remedy: `${url === undefined ? "Look at it in the workspace" : `Look at ${url}`}. Fix it with a new commit, or go back to the last verified release with rollback.yml.`,
  };
}

/** An error as the end of one sentence. */
function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 400 ? `${line.slice(0, 399)}…` : line;
}
