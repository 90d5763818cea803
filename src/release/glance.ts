/**
 * A look that costs list pages only, however big the project is: for a release that the tier's ledger says it has.
 * Jobs are compared by the settings that their list shows. What no list shows is not compared: access lists, whom a job
 * runs as, the settings of pipelines, the bytes of files. Whatever is not as it should be means: look whole.
 */
import { type Job, listJobs } from "../databricks/jobs.ts";
import { listFolder } from "../databricks/files.ts";
import { listPipelines, type PipelineStatus } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Ledger } from "../ledger/model.ts";
import { fromJob, type Observed } from "./observe.ts";
import { type Applied, type Desired, driftOf, makePlan } from "./plan.ts";
import { driftContext, type Place, type Standing } from "./standing.ts";
import type { Content } from "./upload.ts";

/** The tier as its lists show it; undefined if they do not show that nothing is to be done. */
export async function glance(
  workspace: Workspace,
  ledger: Ledger,
  desired: readonly Desired[],
  contents: readonly Content[],
  place: Place,
): Promise<Standing | undefined> {
  const applied = ledger.resources;
  const plan = makePlan(applied, desired);
  if (!plan.empty) return undefined;
  const [jobs, pipelines, folders] = await Promise.all([
    every(ofKind(applied, "jobs").size > 0 ? listJobs(workspace, { expandTasks: true }) : []),
    every(ofKind(applied, "pipelines").size > 0 ? listPipelines(workspace) : []),
    listFolder(workspace, `${place.folder}/releases`),
  ]);
  const present = new Set(folders?.map(({ path }) => path));
  if (!contents.every(({ folder }) => present.has(folder) && present.has(`${folder}.manifest.json`))) return undefined;
  if (!pipelinesStand(ofKind(applied, "pipelines"), pipelines, place.principal)) return undefined;
  const live = liveJobs(ofKind(applied, "jobs"), jobs);
  const observation = { live, orphans: [], namesakes: [], findings: [] };
  const drift = driftOf(ofKind(applied, "jobs"), live, driftContext(applied, observation, place, ledger.holds));
  return drift.empty ? { ledger, observation, plan, drift, steps: [] } : undefined;
}

function ofKind(applied: Applied, kind: string): Applied {
  return new Map([...applied].filter(([, resource]) => resource.kind === kind));
}

function liveJobs(applied: Applied, jobs: readonly Job[]): Map<string, Observed | undefined> {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return new Map(
    [...applied].map(([key, { id }]) => {
      const job = byId.get(id);
      return [key, job === undefined ? undefined : fromJob(job, "ledger")];
    }),
  );
}

/** Each is there, has its name, and runs as nobody else. */
function pipelinesStand(applied: Applied, pipelines: readonly PipelineStatus[], principal: string): boolean {
  const byId = new Map(pipelines.map((pipeline) => [pipeline.id, pipeline]));
  return [...applied.values()].every(({ id, name }) => {
    const found = byId.get(id);
    return found?.name === name && (found.runAs === undefined || found.runAs === principal);
  });
}

async function every<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
