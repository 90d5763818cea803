/**
 * What runs all the time has to be stopped once, or the new release never runs: a continuous job's new settings are
 * taken by its next run only, and the service starts that one by itself (facts: databricks-api 3.3). A continuous
 * pipeline may restart with the edit or not (3.4 [?]): if its update is still the old one, it is restarted.
 */
import { cancelRun, listRuns } from "../databricks/jobs.ts";
import { getPipeline, startUpdate, stopPipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, messageOf } from "../findings.ts";
import type { JsonObject } from "../json.ts";
import { activeUpdate, runsAllTheTime } from "./active-runs.ts";
import type { Step } from "./apply.ts";
import { untilAtRest } from "./started.ts";

interface RollForwardOptions {
  readonly tier: string;
  readonly log: { info(message: string): void };
  readonly signal?: AbortSignal | undefined;
  readonly now: () => Date;
  readonly pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** The settings as they were written: holds may keep them paused. */
  readonly written: (step: Step) => JsonObject;
}

/** The service promises a restart in less than 60 s (facts: databricks-api 3.3); failing runs wait longer. */
const RESTART_MS = 180_000;
const LOOK_MS = 5_000;

/** The updates that run before anything is changed, by key: whoever is still the same after it was not restarted. */
export async function updatesBefore(
  workspace: Workspace,
  steps: readonly Step[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const before = new Map<string, string | undefined>();
  for (const { key, kind, live } of steps) {
    if (kind !== "pipelines" || live?.settings["continuous"] !== true) continue;
    before.set(key, await activeUpdate(workspace, live.id));
  }
  return before;
}

/** Rolls forward what runs all the time and was updated. Findings for what does not run the new release then. */
export async function rollForward(
  workspace: Workspace,
  steps: readonly Step[],
  before: ReadonlyMap<string, string | undefined>,
  options: RollForwardOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const step of steps) {
    const { key, kind, action, live } = step;
    if (action !== "update" || live === undefined || options.signal?.aborted === true) continue;
    const written = options.written(step);
    try {
      const rolled =
        kind === "jobs" && runsAllTheTime(live.settings) && runsAllTheTime(written)
          ? await restartJob(workspace, live.id, options)
          : kind === "pipelines" && live.settings["continuous"] === true && written["continuous"] === true
            ? await restartPipeline(workspace, live.id, before.get(key), options)
            : undefined;
      if (rolled === undefined) continue;
      options.log.info(`${key}: ${rolled ?? "does not run"}`);
      if (rolled === null) findings.push(notRolled(options.tier, key, "no new run of it has begun"));
    } catch (error) {
      findings.push(notRolled(options.tier, key, messageOf(error)));
    }
  }
  return findings;
}

/** Cancels every active run; a run of the new release that is among them only starts once more. */
async function restartJob(workspace: Workspace, jobId: string, options: RollForwardOptions): Promise<string | null> {
  const old = await activeIds(workspace, jobId);
  for (const id of old) await cancelRun(workspace, id);
  const until = options.now().getTime() + RESTART_MS;
  for (;;) {
    const now = await activeIds(workspace, jobId);
    const fresh = now.find((id) => !old.includes(id));
    if (fresh !== undefined) return `rolled forward: run ${fresh} has the new release`;
    if (options.now().getTime() >= until || options.signal?.aborted === true) return null;
    await options.pause(LOOK_MS, options.signal);
  }
}

async function activeIds(workspace: Workspace, jobId: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of listRuns(workspace, { jobId, activeOnly: true })) ids.push(id);
  return ids;
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

function notRolled(tier: string, key: string, why: string): Finding {
  return {
    id: "promote/not-rolled-forward",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} runs all the time and may still run the release before: ${why}.`,
    why: "Its new settings and code are taken by its next run only.",
    remedy:
      "Look at its newest run; cancel the active one in the workspace, and the service starts the next by itself.",
  };
}
