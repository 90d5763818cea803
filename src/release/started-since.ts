/** Whether anything has begun to run in between: by the newest run of each, so that no clock is trusted. */
import { listRuns } from "../databricks/jobs.ts";
import { listUpdates } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded } from "../http/pool.ts";

/** A job or pipeline that lives. */
interface Runnable {
  readonly key: string;
  readonly kind: string;
  readonly id: string;
}

/** The newest run or update of each, by key; undefined for one that never ran. */
export type Newest = ReadonlyMap<string, string | undefined>;

/** Requests in flight. */
const PARALLEL = 8;

/** Asks for the newest run of jobs and the newest update of pipelines; nothing else runs. Throws ApiError. */
export async function newestRuns(workspace: Workspace, resources: readonly Runnable[]): Promise<Newest> {
  const runnable = resources.filter(({ kind }) => kind === "jobs" || kind === "pipelines");
  return new Map(
    await mapBounded(runnable, PARALLEL, async (each) => [each.key, await newest(workspace, each)] as const),
  );
}

async function newest(workspace: Workspace, { kind, id }: Runnable): Promise<string | undefined> {
  if (kind === "jobs") for await (const run of listRuns(workspace, { jobId: id })) return run.id;
  if (kind === "pipelines") for await (const update of listUpdates(workspace, id)) return update.id;
  return undefined;
}

/** Keys of what has begun to run since `before` was asked for; what did not live then had no run. */
export function begunSince(before: Newest, now: Newest): readonly string[] {
  return [...now].filter(([key, run]) => run !== before.get(key)).map(([key]) => key);
}
