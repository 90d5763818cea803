/**
 * What starts by itself in a workspace: list pages, and one read a pipeline (only that shows its spec). Paused continuous
 * jobs are read one by one only where something of theirs runs: then the loop may go on after a start by hand.
 */
import { listActiveRuns, listJobs, triggerIsPaused } from "../databricks/jobs.ts";
import { getPipeline, listPipelines } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded, together } from "../http/pool.ts";
import { isObject, type JsonObject, type JsonValue } from "../json.ts";
import { type Owner, ownershipOf } from "./ownership.ts";
import type { Resource } from "./policy.ts";
import { startersOfJob, startersOfPipeline } from "./starters.ts";

export type { Owner } from "./ownership.ts";

/** `project`: what carries this project's and this tier's tags, or a name of its patterns; `workspace`: everything that we can see. */
export type Scope = "project" | "workspace";

/** As it is found; whose it is, is said once all are there. */
type Found = Omit<Resource, "key" | "project" | "claims" | "others"> & { readonly creator: string | undefined };

/** Enough to be quick, and below the service's limit of concurrent requests (facts: unity-catalog 1.10). */
const READS = 8;

/** Everything in scope, sorted by kind and name. Throws ApiError. */
export async function observe(workspace: Workspace, owner: Owner, scope: Scope): Promise<Resource[]> {
  const [jobs, pipelines] = await together([observeJobs(workspace), observePipelines(workspace)]);
  const found = [...jobs, ...pipelines];
  const owned = ownershipOf(found, owner);
  const inScope = found
    .map(
      ({ creator: _creator, ...one }, index): Resource => ({ ...one, key: undefined, project: false, ...owned[index] }),
    )
    .filter(({ project }) => scope === "workspace" || project);
  return (await withKicked(workspace, inScope)).sort(
    (a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.id, b.id),
  );
}

async function observeJobs(workspace: Workspace): Promise<Found[]> {
  const found: Found[] = [];
  for await (const { id, name, settings, created, creator } of listJobs(workspace)) {
    const starters = startersOfJob(settings);
    const tags = tagsOf(settings["tags"]);
    found.push({ kind: "jobs", id, name, tags, creator, starters, activity: undefined, created, kicked: false });
  }
  return found;
}

async function observePipelines(workspace: Workspace): Promise<Found[]> {
  const listed: string[] = [];
  for await (const { id } of listPipelines(workspace)) listed.push(id);
  const read = await mapBounded(listed, READS, (id) => getPipeline(workspace, id));
  return read.flatMap((pipeline): Found[] => {
    if (pipeline === undefined) return []; // Deleted since it was listed.
    const { id, name, spec, state, lastUpdate: created, creator } = pipeline;
    const starters = startersOfPipeline(spec);
    const tags = tagsOf(spec["tags"]);
    return [{ kind: "pipelines", id, name, tags, creator, starters, activity: state, created, kicked: false }];
  });
}

/** A paused continuous job that is started by hand may go on for ever, and its settings do not show it (facts: databricks-api 3.3). */
async function withKicked(workspace: Workspace, resources: readonly Resource[]): Promise<Resource[]> {
  const loops = resources.filter(({ starters }) =>
    starters.some(({ field, state }) => field === "continuous" && state === "paused"),
  );
  if (loops.length === 0) return [...resources];
  const active = new Set<string>();
  for await (const { jobId } of listActiveRuns(workspace)) if (jobId !== undefined) active.add(jobId);
  const suspects = loops.filter(({ id }) => active.has(id));
  const paused = await mapBounded(suspects, READS, ({ id }) => triggerIsPaused(workspace, id));
  const kicked = new Set(suspects.filter((_, index) => paused[index] === false).map(({ id }) => id));
  return resources.map((resource) => (kicked.has(resource.id) ? { ...resource, kicked: true } : resource));
}

function tagsOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
