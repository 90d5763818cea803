/** What runs by itself where it should not costs: how often it ran of late, and how long. One page of runs a job. */
import { listRuns } from "../databricks/jobs.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded } from "../http/pool.ts";
import { nextFire } from "./next.ts";
import { rests } from "./pipeline.ts";
import type { Resource } from "./policy.ts";

/** What a job ran of late. */
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
const MOST_JOBS = 50;
const MOST_RUNS = 24;
const READS = 8;

/** How many jobs are not looked at. */
export function notLookedAt(resources: readonly Resource[]): number {
  return Math.max(0, resources.filter(({ kind }) => kind === "jobs").length - MOST_JOBS);
}

/**
 * The jobs that are looked at, those that are likely to cost most first: what runs all the time, what starts on events
 * (nobody knows how often), and by the clock what starts most often. Pure.
 */
export function costliest(resources: readonly Resource[], now: Date): Resource[] {
  const jobs = resources.filter(({ kind }) => kind === "jobs");
  if (jobs.length <= MOST_JOBS) return jobs;
  return jobs
    .map((job) => ({ job, every: everyMs(job, now) }))
    .toSorted((a, b) => (a.every === b.every ? (a.job.name < b.job.name ? -1 : 1) : a.every - b.every))
    .slice(0, MOST_JOBS)
    .map(({ job }) => job);
}

/** About how many milliseconds lie between two starts: -1 if it runs all the time, 0 if events start it. */
function everyMs({ goesOn, starters }: Resource, now: Date): number {
  const running = starters.filter(({ state }) => state === "running");
  if (goesOn || running.some(({ what }) => what === "continuous")) return -1;
  const times = running.map(({ cron }) => {
    if (cron === undefined) return 0;
    const first = nextFire(cron, now);
    const second = first === undefined ? undefined : nextFire(cron, first);
    return first === undefined || second === undefined ? Number.MAX_SAFE_INTEGER : second.getTime() - first.getTime();
  });
  return Math.min(...times, Number.MAX_SAFE_INTEGER);
}

/**
 * By id of the resource, of the costliest jobs. A job whose runs cannot be read
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
  await mapBounded(costliest(resources, now), READS, async ({ id }) => {
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
