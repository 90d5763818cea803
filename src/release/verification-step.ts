/** One step of a verification: a job or a pipeline is started, watched to its end, and cancelled when it may not go on. */
import type { VerifyStep } from "../contract/model.ts";
import { ApiError } from "../databricks/errors.ts";
import type { Failure } from "../databricks/failures.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, messageOf } from "../findings.ts";
import { sha256 } from "../sha256.ts";
import type { Waiting } from "../waiting.ts";
import { activeUpdate } from "./active-runs.ts";
import type { AppliedResource } from "./change.ts";
import { atWorkBefore, type Started, startRun, startUpdateOf, untilAtRest } from "./started.ts";
import { behind, failed, gone, notRun, stopped, tooLong } from "./verification-findings.ts";

/** With what the steps of one tier are run. */
export interface VerificationOptions extends Waiting {
  readonly tier: string;
  /** What the idempotency tokens are made of: the same run asks for the same runs (facts: databricks-api 2.3). */
  readonly token: { readonly release: string; readonly run: string; readonly attempt: number };
}

/** One step, and how it ended. */
export interface VerifiedStep extends VerifyStep {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "cancelled" | "not started";
  /** COMPLETED, SUCCESS, RUN_EXECUTION_ERROR, …: the service's own word. */
  readonly code: string | undefined;
  readonly url: string | undefined;
  /** From its start to its end, waiting included. */
  readonly seconds: number;
  readonly failures: readonly Failure[];
}

/** What one step came to. */
interface Ended {
  readonly result: VerifiedStep;
  /** Undefined if it passed. */
  readonly finding: Finding | undefined;
  /** True if it says something of the release; false if it could not be made. */
  readonly conclusive: boolean;
}

/** When the time for all steps is up, in milliseconds since 1970, and how long it was. */
interface Deadline {
  readonly until: number;
  readonly timeoutMs: number;
}

/** Looks no faster than the service likes (facts: databricks-api 2.7), and slower once it takes long. */
const LOOK_MS = 5_000;
const LOOK_LATER_MS = 15_000;
const SAY_AGAIN_MS = 60_000;
/** For what was asked to stop to have stopped. */
const STOP_MS = 30_000;

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

/** Runs one step to its end, or until its time is up or the run is stopped. Throws for nothing that it comes to. */
export async function verifyStep(
  workspace: Workspace,
  step: VerifyStep,
  resource: AppliedResource,
  deadline: Deadline,
  options: VerificationOptions,
): Promise<Ended> {
  const { now, signal, tier } = options;
  const { until } = deadline;
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
    const outcome = started === undefined ? "not started" : "cancelled";
    return {
      result: { ...base, url: started?.url, seconds: seconds(), outcome },
      finding: whyNot(error, step, resource, tier, deadline, started?.url),
      // Its own time was up, or it was cut off while it ran: both can be the release's. That nobody answers is not.
      conclusive: started !== undefined && (error instanceof TimeUp || error instanceof CutOff),
    };
  }
}

/** Why a step did not come to its own end. */
function whyNot(
  error: unknown,
  step: VerifyStep,
  resource: AppliedResource,
  tier: string,
  { timeoutMs }: Deadline,
  url: string | undefined,
): Finding {
  if (error instanceof TimeUp) return tooLong(step, resource, tier, timeoutMs, url);
  if (error instanceof Behind) return behind(step, resource, tier, timeoutMs, error.message);
  if (error instanceof FourTierError && error.findings[0] !== undefined) return error.findings[0];
  return { ...notRun(step, tier), message: `${step.key} could not be verified: ${messageOf(error)}` };
}

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
