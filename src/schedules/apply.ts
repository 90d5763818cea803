/** Makes one resource as wanted, and reads it again to prove it. Writes only what drifted (facts: databricks-api 2.6, 3.3, 3.4). */
import { setTimeout as delay } from "node:timers/promises";
import { ApiError, LostAnswer } from "../databricks/errors.ts";
import { getJob, updateJob } from "../databricks/jobs.ts";
import { getPipeline, type Pipeline, stopPipeline, updatePipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { type Decision, jobFields, startersOfJob, startersOfPipeline, stoppedSpec } from "./policy.ts";

/** How long to wait for what the service does later. */
export interface Patience {
  /** Milliseconds in all, for one resource. */
  readonly timeoutMs: number;
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of one resource. */
export interface Applied {
  /** `changed`: it is as wanted now. `gone`: deleted meanwhile. `failed`: see the finding. */
  readonly outcome: "changed" | "gone" | "failed";
  readonly finding: Finding | undefined;
}

/** Applies one decision that drifted. Never throws for what the service answers: the finding says it. */
export async function apply(
  workspace: Workspace,
  tier: string,
  decision: Decision,
  patience: Patience,
): Promise<Applied> {
  const { resource, wanted } = decision;
  const failed = (finding: Omit<Finding, "where" | "severity">): Applied => ({
    outcome: "failed",
    finding: { ...finding, severity: "error", where: { kind: "resource", tier, key: resource.key ?? resource.name } },
  });
  try {
    const result =
      resource.kind === "jobs"
        ? await applyJob(workspace, resource.id, wanted ?? "paused", patience)
        : await stop(workspace, resource.id, patience);
    if (typeof result === "string") return { outcome: result, finding: undefined };
    return failed(result);
  } catch (error) {
    if (!(error instanceof ApiError) && !(error instanceof LostAnswer)) throw error;
    return failed({
      id: "schedules/not-applied",
      message: `${resource.name} could not be ${wanted === "running" ? "started" : "paused"}: ${error.findings.map((finding) => finding.message).join(" ")}`,
      remedy: "Give the tier's principal CAN_MANAGE on it, or run this again if the service was at fault.",
    });
  }
}

type Failure = Omit<Finding, "where" | "severity">;

async function applyJob(
  workspace: Workspace,
  id: string,
  wanted: "running" | "paused",
  patience: Patience,
): Promise<"changed" | "gone" | Failure> {
  const job = await getJob(workspace, id);
  if (job === undefined) return "gone";
  const fields = jobFields(job.settings, wanted);
  if (Object.keys(fields).length > 0) {
    try {
      await updateJob(workspace, id, fields);
    } catch (error) {
      if (!isRacingStart(error)) throw error;
    }
  }
  const kept = await until(patience, async () => {
    const now = await getJob(workspace, id);
    if (now === undefined) return "gone";
    return startersOfJob(now.settings).every((starter) => starter.state === wanted) ? "changed" : undefined;
  });
  if (kept !== undefined) return kept;
  return {
    id: "schedules/not-kept",
    message: `${job.name} was set to ${wanted}, and when read again it is not.`,
    why: "Somebody or something else sets it too.",
    remedy: "Find out who changes it (its last modifier in the workspace), then run this again.",
  };
}

/** Unpausing a continuous job starts a run, and another start may race with it: that is what was wanted (facts: databricks-api 3.3). */
function isRacingStart(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && /concurrent request to run/i.test(error.detail);
}

const AT_REST: readonly string[] = ["IDLE", "FAILED", "DELETED"];

async function stop(workspace: Workspace, id: string, patience: Patience): Promise<"changed" | "gone" | Failure> {
  let pipeline = await getPipeline(workspace, id);
  // Two attempts: between reading and writing somebody may have changed it, and then all of it is read again.
  for (let attempt = 1; pipeline !== undefined && startersOfPipeline(pipeline.spec).length > 0; attempt += 1) {
    if (attempt > 2) return changedMeanwhile(pipeline);
    const expectedLastModified = pipeline.lastModified;
    try {
      await updatePipeline(
        workspace,
        id,
        stoppedSpec(pipeline.spec, pipeline.parameters),
        expectedLastModified === undefined ? {} : { expectedLastModified },
      );
    } catch (error) {
      if (!(error instanceof LostAnswer) && !(error instanceof ApiError && isConflict(error))) throw error;
    }
    pipeline = await getPipeline(workspace, id);
  }
  if (pipeline === undefined) return "gone";
  if (AT_REST.includes(pipeline.state)) return "changed";
  await stopPipeline(workspace, id);
  const { name } = pipeline;
  const rested = await until(patience, async () => {
    const now = await getPipeline(workspace, id);
    if (now === undefined) return "gone";
    if (!AT_REST.includes(now.state)) return undefined;
    return startersOfPipeline(now.spec).length > 0 ? changedMeanwhile(now) : "changed";
  });
  if (rested !== undefined) return rested;
  return {
    id: "schedules/still-running",
    message: `${name} was told to stop and still runs after ${Math.round(patience.timeoutMs / 1000)} s.`,
    remedy: "Stop it in the workspace, or run this again with a longer timeout-seconds.",
  };
}

function isConflict(error: ApiError): boolean {
  return error.status === 409 || /modified|conflict/i.test(`${error.code} ${error.detail}`);
}

function changedMeanwhile(pipeline: Pipeline): Failure {
  return {
    id: "schedules/changed-meanwhile",
    message: `${pipeline.name} was changed by somebody else while it was being paused.`,
    remedy: "Run this again when the other change is done.",
  };
}

/** Looks until there is something to say or the time is up; it looks at least once. */
async function until<Found>(
  { timeoutMs, everyMs, signal }: Patience,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || performance.now() >= end) return found;
    await delay(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}
