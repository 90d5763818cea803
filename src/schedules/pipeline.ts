/** A pipeline starts by itself or no longer does: its whole spec, guarded, then told to stop (facts: databricks-api 3.4). */
import { ApiError, LostAnswer } from "../databricks/errors.ts";
import { getPipeline, type Pipeline, stopPipeline, updatePipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Failure } from "./apply.ts";
import { continuousSpec, startersOfPipeline } from "./starters.ts";

const AT_REST: readonly string[] = ["IDLE", "FAILED", "DELETED"];

/** Writes a pipeline so that it is continuous, which starts it, or is not; gives it as it is then read. */
export async function writePipeline(
  workspace: Workspace,
  id: string,
  continuous: boolean,
): Promise<Pipeline | "gone" | Failure> {
  let pipeline = await getPipeline(workspace, id);
  let sharesName = false;
  // Two attempts: between reading and writing somebody may have changed it, and then all of it is read again.
  for (let attempt = 1; pipeline !== undefined && isContinuous(pipeline) !== continuous; attempt += 1) {
    if (attempt > 2) return changedMeanwhile(pipeline);
    const { lastModified, spec, parameters } = pipeline;
    const wanted = continuousSpec(spec, parameters, continuous);
    try {
      await updatePipeline(
        workspace,
        id,
        // The service does not tell that a pipeline may share its name, and asks for it again with each update.
        sharesName ? { ...wanted, allow_duplicate_names: true } : wanted,
        lastModified === undefined ? {} : { expectedLastModified: lastModified },
      );
      pipeline = await getPipeline(workspace, id);
    } catch (error) {
      if (!(error instanceof LostAnswer) && !(error instanceof ApiError)) throw error;
      pipeline = await getPipeline(workspace, id);
      const untouched = pipeline !== undefined && pipeline.lastModified === lastModified;
      if (!(error instanceof ApiError) || !untouched) continue;
      // Nobody came between: it was refused for another reason, which is the service's to say.
      if (sharesName || !/\ballow_duplicate_names\b|name .*already/i.test(error.detail)) throw error;
      sharesName = true;
      attempt -= 1;
    }
  }
  return pipeline ?? "gone";
}

/** Tells a pipeline to stop, unless it rests; a failure if the service does not take it. */
export async function tellToStop(
  workspace: Workspace,
  { id, name, state }: Pipeline,
): Promise<"told" | "rests" | Failure> {
  if (rests(state)) return "rests";
  try {
    await stopPipeline(workspace, id);
    return "told";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {
      id: "schedules/still-running",
      message: `${name} no longer starts by itself, and could not be stopped: ${error.status} ${error.code}: ${error.detail}`,
      remedy: "Run this again, or stop it in the workspace.",
    };
  }
}

/** Whether a pipeline that was told to stop has; undefined: not yet. */
export async function stopped(workspace: Workspace, id: string): Promise<"changed" | "gone" | Failure | undefined> {
  const now = await getPipeline(workspace, id);
  if (now === undefined) return "gone";
  if (isContinuous(now)) return changedMeanwhile(now);
  return rests(now.state) ? "changed" : undefined;
}

/** True if nothing of a pipeline in this state runs. */
export function rests(state: string): boolean {
  return AT_REST.includes(state);
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
