/** What runs by itself where it should not costs: how often it ran of late, and how long. One page of runs a job. */
import { listRuns } from "../databricks/jobs.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded } from "../http/pool.ts";
import { rests } from "./pipeline.ts";
import type { Resource } from "./policy.ts";

export interface Ran {
  /** Milliseconds since 1970: the oldest of the runs that were looked at; undefined if there is none. */
  readonly since: number | undefined;
  /** Runs that nobody started by hand, of the newest that were looked at. */
  readonly runs: number;
  /** Their time in all, in milliseconds; runs that are active count until now. */
  readonly busyMs: number;
  /** There may be older runs than were looked at: it has been so for longer, and cost more. */
  readonly more: boolean;
}

/** Jobs whose runs are looked at, and runs of each: what a page of the list holds. */
export const MOST_JOBS = 50;
const MOST_RUNS = 24;
const READS = 8;

/**
 * By id of the resource; what runs all the time is looked at before what runs by a clock. A job whose runs cannot be read
 * is left out; pipelines give only their newest update, while it runs.
 */
export async function historyOf(
  workspace: Workspace,
  resources: readonly Resource[],
  now: Date,
): Promise<ReadonlyMap<string, Ran>> {
  const found = new Map<string, Ran>();
  for (const { kind, id, created, activity } of resources) {
    if (kind === "pipelines" && created !== undefined && activity !== undefined && !rests(activity)) {
      found.set(id, { since: created, runs: 1, busyMs: now.getTime() - created, more: false });
    }
  }
  const always = ({ goesOn, starters }: Resource): boolean =>
    goesOn || starters.some(({ what, state }) => what === "continuous" && state === "running");
  const jobs = resources
    .filter(({ kind }) => kind === "jobs")
    .toSorted((a, b) => Number(always(b)) - Number(always(a)))
    .slice(0, MOST_JOBS);
  await mapBounded(jobs, READS, async ({ id }) => {
    const ran = await runsOf(workspace, id, now).catch(() => undefined);
    if (ran !== undefined) found.set(id, ran);
  });
  return found;
}

async function runsOf(workspace: Workspace, jobId: string, now: Date): Promise<Ran> {
  let since: number | undefined;
  let runs = 0;
  let busyMs = 0;
  let seen = 0;
  for await (const { startTime, endTime, trigger } of listRuns(workspace, { jobId })) {
    if (trigger !== "ONE_TIME" && startTime !== undefined) {
      runs += 1;
      since = startTime;
      busyMs += Math.max(0, (endTime ?? now.getTime()) - startTime);
    }
    // A full page: whether another follows would cost a request, and says little more.
    if (++seen === MOST_RUNS) return { since, runs, busyMs, more: true };
  }
  return { since, runs, busyMs, more: false };
}
