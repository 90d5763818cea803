/**
 * What runs all the time has to be stopped once, or the new release never runs: a continuous job's new settings are
 * taken by its next run only, and the service starts that one by itself (facts: databricks-api 3.3). A continuous
 * pipeline may restart with the edit or not (3.4 [?]): if its update is still the old one, it is restarted. What
 * ran all the time and is not to any more is ended (end-loop.ts).
 */
import { getPipeline, startUpdate, stopPipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, messageOf } from "../findings.ts";
import type { JsonObject } from "../json.ts";
import { activeUpdate } from "./active-runs.ts";
import { activeIds, cancelUntil, type Ending, endLoop, LOOK_MS, RESTART_MS } from "./end-loop.ts";
import { hasLoop, runsByItself } from "./loops.ts";
import { untilAtRest } from "./started.ts";
import type { Step } from "./step.ts";

interface RollForwardOptions extends Ending {
  /** The settings as they were written: holds may keep them paused. */
  readonly written: (step: Step) => JsonObject;
}

/** Ids of what is at work, by key; a key that is not there was not looked at. */
export type AtWork = ReadonlyMap<string, readonly string[]>;

/**
 * What is at work before anything is changed: a continuous pipeline's update, which was not restarted if it is the same
 * after it, and the loops that are to end, which nothing tells from later runs once their settings are written.
 */
export async function workBefore(workspace: Workspace, steps: readonly Step[]): Promise<AtWork> {
  const before = new Map<string, readonly string[]>();
  for (const { key, kind, live, desired } of steps) {
    if (live === undefined || !hasLoop(kind, live.settings)) continue;
    if (kind === "pipelines") {
      const update = await activeUpdate(workspace, live.id);
      before.set(key, update === undefined ? [] : [update]);
    } else if (!runsByItself(kind, desired?.settings ?? {})) {
      before.set(key, await activeIds(workspace, live.id));
    }
  }
  return before;
}

/** What came of it. */
interface RolledForward {
  readonly findings: readonly Finding[];
  /** Keys of what was not seen to run the new release; what a hold keeps paused is among them. */
  readonly unrolled: readonly string[];
}

/**
 * Rolls forward what is due, but for what holds keep paused, and ends what is not to run all the time any more. Findings
 * for what does not run the new release then, or still the one before.
 */
export async function rollForward(
  workspace: Workspace,
  steps: readonly Step[],
  before: AtWork,
  options: RollForwardOptions,
): Promise<RolledForward> {
  const findings: Finding[] = [];
  const unrolled: string[] = [];
  for (const step of steps) {
    const { key, kind, live } = step;
    if (live === undefined) continue;
    if (!runsByItself(kind, step.desired?.settings ?? {})) {
      const finding = await endLoop(workspace, step, before.get(key), options);
      if (finding === undefined) continue;
      findings.push(finding);
      unrolled.push(key);
      continue;
    }
    if (!runsByItself(kind, options.written(step)) || options.signal?.aborted === true) {
      unrolled.push(key);
      continue;
    }
    try {
      const rolled =
        kind === "jobs"
          ? await restartJob(workspace, live.id, options)
          : await restartPipeline(workspace, live.id, before.get(key)?.[0], options);
      options.log.info(`${key}: ${rolled ?? "does not run"}`);
      if (rolled !== null) continue;
      findings.push(notRolled(options, key, "no new run of it has begun"));
    } catch (error) {
      findings.push(notRolled(options, key, messageOf(error)));
    }
    unrolled.push(key);
  }
  return { findings, unrolled };
}

/** Cancels every active run; a run of the new release that is among them only starts once more. */
async function restartJob(workspace: Workspace, jobId: string, options: RollForwardOptions): Promise<string | null> {
  const old = await activeIds(workspace, jobId);
  return cancelUntil(workspace, jobId, old, options, (active) => {
    const fresh = active.find((id) => !old.includes(id));
    return fresh === undefined ? undefined : `rolled forward: run ${fresh} has the new release`;
  });
}

/** Stops the update that began before the change, starts a new one, and watches it until it runs. */
async function restartPipeline(
  workspace: Workspace,
  pipelineId: string,
  before: string | undefined,
  options: RollForwardOptions,
): Promise<string | null> {
  const until = options.now().getTime() + RESTART_MS;
  let current = await activeUpdate(workspace, pipelineId);
  if (current !== undefined && current === before) {
    await stopPipeline(workspace, pipelineId);
    const rest = { ...options, until, everyMs: LOOK_MS, say: () => {} };
    if ((await untilAtRest(workspace, pipelineId, rest)) !== "rests") return null;
    current = undefined;
  }
  current ??= (await activeUpdate(workspace, pipelineId)) ?? (await startUpdate(workspace, pipelineId));
  for (;;) {
    const pipeline = await getPipeline(workspace, pipelineId);
    if (pipeline?.state === "RUNNING") return `rolled forward: update ${current} has the new release`;
    if (pipeline === undefined || pipeline.state === "FAILED" || options.now().getTime() >= until) return null;
    if (options.signal?.aborted === true) return null;
    await options.pause(LOOK_MS, options.signal);
  }
}

function notRolled({ tier, rerun }: RollForwardOptions, key: string, why: string): Finding {
  return {
    id: "promote/not-rolled-forward",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} runs all the time and may still run the release before: ${why}.`,
    why: "Its new settings and code are taken by its next run only.",
    remedy: `Fix the cause and ${rerun ?? "promote the same commit again"}, which restarts it: the ledger remembers that it is due.`,
  };
}
