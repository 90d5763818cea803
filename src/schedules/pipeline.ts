/** A pipeline starts by itself or no longer does: its whole spec, guarded, then stopped and seen at rest (facts: databricks-api 3.4). */
import { ApiError, LostAnswer } from "../databricks/errors.ts";
import {
  getPipeline,
  isPipelineConflict,
  type Pipeline,
  stopPipeline,
  updatePipeline,
} from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Failure } from "./apply.ts";
import { continuousSpec, startersOfPipeline } from "./starters.ts";
import { type Patience, until } from "./wait.ts";

const AT_REST: readonly string[] = ["IDLE", "FAILED", "DELETED"];

/** Makes a pipeline continuous, which starts it, or not continuous, and then stops it. */
export async function setPipeline(
  workspace: Workspace,
  id: string,
  continuous: boolean,
  patience: Patience,
): Promise<"changed" | "gone" | Failure> {
  let pipeline = await getPipeline(workspace, id);
  // Two attempts: between reading and writing somebody may have changed it, and then all of it is read again.
  for (let attempt = 1; pipeline !== undefined && isContinuous(pipeline) !== continuous; attempt += 1) {
    if (attempt > 2) return changedMeanwhile(pipeline);
    const expectedLastModified = pipeline.lastModified;
    try {
      await updatePipeline(
        workspace,
        id,
        continuousSpec(pipeline.spec, pipeline.parameters, continuous),
        expectedLastModified === undefined ? {} : { expectedLastModified },
      );
    } catch (error) {
      if (!(error instanceof LostAnswer) && !(error instanceof ApiError && isPipelineConflict(error))) throw error;
    }
    pipeline = await getPipeline(workspace, id);
  }
  if (pipeline === undefined) return "gone";
  return continuous || AT_REST.includes(pipeline.state) ? "changed" : rest(workspace, pipeline, patience);
}

async function rest(workspace: Workspace, { id, name }: Pipeline, patience: Patience) {
  await stopPipeline(workspace, id);
  const rested = await until(patience, `${name} to stop`, async () => {
    const now = await getPipeline(workspace, id);
    if (now === undefined) return "gone";
    if (!AT_REST.includes(now.state)) return undefined;
    return isContinuous(now) ? changedMeanwhile(now) : "changed";
  });
  if (rested !== undefined) return rested;
  return {
    id: "schedules/still-running",
    message: `${name} was told to stop and still runs after ${Math.round(patience.timeoutMs / 1000)} s.`,
    remedy: "Stop it in the workspace, or run this again with a longer timeout-seconds.",
  };
}

function isContinuous({ spec }: Pipeline): boolean {
  return startersOfPipeline(spec).length > 0;
}

function changedMeanwhile({ name }: Pipeline): Failure {
  return {
    id: "schedules/changed-meanwhile",
    message: `${name} was changed by somebody else while its schedule was being set.`,
    remedy: "Run this again when the other change is done.",
  };
}
