/**
 * Ends what ran all the time and is not to any more: its loop would go on with the old code for ever, and take the place
 * of the runs that the new release is to have (ADR 773).
 */
import { activeRunsOf, cancelRun, type Run } from "../databricks/jobs.ts";
import { stopPipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, messageOf } from "../findings.ts";
import type { Waiting } from "../waiting.ts";
import { activeUpdate } from "./active-runs.ts";
import { goesOn, hasLoop, runsByItself } from "./loops.ts";
import type { Observed } from "./observe.ts";
import { untilAtRest } from "./started.ts";
import type { Step } from "./step.ts";

/** With what a loop is ended, and seen to end. */
export interface Ending extends Waiting {
  readonly tier: string;
  /** What ends it when run again, as a clause; undefined: a promotion of the same commit. */
  readonly rerun?: string | undefined;
}

/** The service promises a restart in less than 60 s (facts: databricks-api 3.3); failing runs wait longer. */
export const RESTART_MS = 180_000;
/** How often to look, in milliseconds. */
export const LOOK_MS = 5_000;

/** Cancels runs of a job and looks at what is active then, until that says what came of it; null when the time is up. */
export async function cancelUntil(
  workspace: Workspace,
  jobId: string,
  old: readonly string[],
  options: Ending,
  came: (active: readonly string[]) => string | undefined,
): Promise<string | null> {
  for (const id of old) await cancelRun(workspace, id);
  const until = options.now().getTime() + RESTART_MS;
  for (;;) {
    const said = came(await activeIds(workspace, jobId));
    if (said !== undefined) return said;
    if (options.now().getTime() >= until || options.signal?.aborted === true) return null;
    await options.pause(LOOK_MS, options.signal);
  }
}

/** Ids of the runs of a job that are active. */
export async function activeIds(workspace: Workspace, jobId: string): Promise<string[]> {
  return (await activeRunsOf(workspace, jobId)).map(({ id }) => id);
}

/**
 * Ends the loop of what does not run all the time any more, and sees it end: what was at work before its settings were
 * written, and what the service calls a loop's run. A run that began after that has the new release, and is left alone.
 * A finding if it still may be at work.
 */
export async function endLoop(
  workspace: Workspace,
  step: Step,
  before: readonly string[] | undefined,
  options: Ending,
): Promise<Finding | undefined> {
  const { tier, rerun, log } = options;
  const { key, kind, live } = step;
  const still = (why: string) => {
    const again = rerun ?? "promote the same commit again";
    return goesOn(tier, step, "error", `what is at work of it may be of the release before: ${why}`, again);
  };
  try {
    const ended =
      kind === "jobs"
        ? await endJobLoop(workspace, live?.id ?? "", before ?? [], options)
        : await endPipelineLoop(workspace, live?.id ?? "", before, options);
    log.info(`${key}: ${ended ?? "still at work"}`);
    return ended === null ? still("it has not ended") : undefined;
  } catch (error) {
    return still(messageOf(error));
  }
}

async function endJobLoop(
  workspace: Workspace,
  jobId: string,
  before: readonly string[],
  options: Ending,
): Promise<string | null> {
  const isOld = ({ id, trigger }: Run): boolean => trigger === "CONTINUOUS" || before.includes(id);
  const old = (await activeRunsOf(workspace, jobId)).filter(isOld).map(({ id }) => id);
  if (old.length === 0) return "runs all the time no more, and nothing of it was at work";
  return cancelUntil(workspace, jobId, old, options, (active) =>
    active.some((id) => old.includes(id))
      ? undefined
      : `runs all the time no more: its loop was ended (run ${old.join(", ")})`,
  );
}

/** An update that was not there before the change has the new release; of which one it is that nobody saw, is not known. */
async function endPipelineLoop(
  workspace: Workspace,
  pipelineId: string,
  before: readonly string[] | undefined,
  options: Ending,
): Promise<string | null> {
  const current = await activeUpdate(workspace, pipelineId);
  if (current === undefined) return "runs all the time no more, and nothing of it was at work";
  if (before === undefined) return null;
  if (!before.includes(current)) return `runs all the time no more: update ${current} has the new release`;
  await stopPipeline(workspace, pipelineId);
  const until = options.now().getTime() + RESTART_MS;
  const found = await untilAtRest(workspace, pipelineId, { ...options, until, everyMs: LOOK_MS, say: () => {} });
  return found === "busy" ? null : `runs all the time no more: its update ${current} was stopped`;
}

/**
 * Ends the loops of what a rollback leaves behind, paused: whoever goes back wants the code that is left to stop. A
 * warning for each that may go on, since that keeps nobody from going back.
 */
export async function endLoopsOf(
  workspace: Workspace,
  left: readonly Step[],
  before: ReadonlyMap<string, Observed | undefined>,
  options: Ending,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const step of left) {
    const { key, kind, live } = step;
    const was = before.get(key)?.settings ?? live?.settings ?? {};
    if (kind !== "jobs" || live === undefined || !hasLoop(kind, was)) continue;
    const all = runsByItself(kind, was) ? await activeIds(workspace, live.id).catch(() => []) : [];
    const finding = await endLoop(workspace, step, all, options);
    if (finding !== undefined) findings.push({ ...finding, severity: "warning" });
  }
  return findings;
}
