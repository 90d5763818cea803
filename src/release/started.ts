/** What was started in the tier, and how it is followed: a job's run, or a pipeline's update. */
import { LostAnswer } from "../databricks/errors.ts";
import { type Failure, taskFailures, updateFailures } from "../databricks/failures.ts";
import { activeRunsOf, cancelRun, getRun, runNow } from "../databricks/jobs.ts";
import { getPipeline, getUpdate, listUpdates, startUpdate, stopPipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { shownAt } from "../gate/wall-clock.ts";
import type { Waiting } from "../waiting.ts";

/** A run or an update that was started. */
export interface Started {
  readonly id: string;
  /** A run's is known once it was looked at. */
  readonly url: string | undefined;
  look(): Promise<Seen>;
  /** Asks for its end; the service does it later. */
  cancel(): Promise<void>;
  failures(): Promise<readonly Failure[]>;
}

/** One look at it; `code` is the service's word for how it ended. */
interface Seen {
  readonly state: string;
  readonly done: boolean;
  readonly passed: boolean;
  readonly code: string | undefined;
}

const GONE: Seen = { state: "GONE", done: true, passed: false, code: "GONE" };

/** Starts a job; the same token gives the same run (facts: databricks-api 2.3). */
export async function startRun(workspace: Workspace, jobId: string, idempotencyToken: string): Promise<Started> {
  const id = await runNow(workspace, jobId, { idempotencyToken });
  let url: string | undefined;
  return {
    id,
    get url() {
      return url;
    },
    look: async () => {
      const run = await getRun(workspace, id);
      url = run?.url ?? url;
      return run === undefined ? GONE : { state: run.state, done: run.done, passed: run.succeeded, code: run.code };
    },
    cancel: () => cancelRun(workspace, id),
    failures: () => taskFailures(workspace, id),
  };
}

/** Starts an update. The service may try again with one of its own, which is then followed; `say` tells that. */
export async function startUpdateOf(
  workspace: Workspace,
  pipelineId: string,
  validateOnly: boolean,
  say: (text: string) => void,
): Promise<Started> {
  let current = await startOrFind(workspace, pipelineId, validateOnly);
  return {
    id: current,
    url: `${workspace.host}/pipelines/${pipelineId}/updates/${current}`,
    look: async () => {
      const update = await getUpdate(workspace, pipelineId, current);
      if (update === undefined) return GONE;
      const retry = update.state === "FAILED" ? await retryOf(workspace, pipelineId, current) : undefined;
      if (retry !== undefined) {
        say(`update ${current} failed, and the service tries again with ${retry}`);
        current = retry;
        return { state: "RETRYING", done: false, passed: false, code: undefined };
      }
      return { state: update.state, done: update.done, passed: update.succeeded, code: update.state };
    },
    cancel: () => stopPipeline(workspace, pipelineId),
    failures: () => updateFailures(workspace, pipelineId, current),
  };
}

/** What is at work of a job before this run of it, as a clause that names the first; queued ones are not at work. */
export async function atWorkBefore(workspace: Workspace, jobId: string, runId: string): Promise<string> {
  const active = await activeRunsOf(workspace, jobId);
  const [first, ...more] = active.filter(({ id, state }) => id !== runId && state !== "QUEUED");
  if (first === undefined) return "others in the workspace's queue";
  const since = first.startTime === undefined ? "" : `, since ${shownAt("UTC", first.startTime)}`;
  const how = `${first.trigger ?? "trigger unknown"}${since}`;
  return `run ${first.id} (${how})${more.length === 0 ? "" : ` and ${more.length} more`}: ${first.url ?? `job ${jobId}`}`;
}

const AT_REST: readonly string[] = ["IDLE", "FAILED"];

/** Waits for a pipeline's update to end, whoever started it; `until` is in milliseconds since 1970. */
export async function untilAtRest(
  workspace: Workspace,
  pipelineId: string,
  waiting: Omit<Waiting, "log"> & {
    readonly until: number;
    readonly everyMs: number;
    readonly say: (state: string) => void;
  },
): Promise<"rests" | "busy" | "gone"> {
  for (let said = false; ; said = true) {
    const pipeline = await getPipeline(workspace, pipelineId);
    if (pipeline === undefined || pipeline.state === "DELETED") return "gone";
    if (AT_REST.includes(pipeline.state)) return "rests";
    if (!said) waiting.say(pipeline.state);
    if (waiting.signal?.aborted || waiting.now().getTime() >= waiting.until) return "busy";
    await waiting.pause(waiting.everyMs, waiting.signal);
  }
}

/** An update has no idempotency token: after a lost answer the newest one is ours if it was not there before. */
async function startOrFind(workspace: Workspace, pipelineId: string, validateOnly: boolean): Promise<string> {
  const [before] = await newestUpdate(workspace, pipelineId);
  try {
    return await startUpdate(workspace, pipelineId, { validateOnly });
  } catch (error) {
    if (!(error instanceof LostAnswer)) throw error;
    const [newest] = await newestUpdate(workspace, pipelineId);
    if (newest !== undefined && newest.id !== before?.id) return newest.id;
    throw error;
  }
}

/** The update with which the service retries ours, as production mode does (facts: databricks-api 4). */
async function retryOf(workspace: Workspace, pipelineId: string, ours: string): Promise<string | undefined> {
  const [newest] = await newestUpdate(workspace, pipelineId);
  return newest !== undefined && newest.id !== ours && newest.cause === "RETRY_ON_FAILURE" ? newest.id : undefined;
}

/** The newest update, if there is one. */
async function newestUpdate(
  workspace: Workspace,
  pipelineId: string,
): Promise<[] | [{ readonly id: string; readonly cause: string | undefined }]> {
  for await (const update of listUpdates(workspace, pipelineId)) return [update];
  return [];
}
