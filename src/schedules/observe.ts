/**
 * What starts by itself in a workspace: list pages, and one read a pipeline (only that shows its spec). Paused continuous
 * jobs are read one by one only where something of theirs runs: then the loop may go on after a start by hand.
 */
import type { Contract, Tier } from "../contract/model.ts";
import { listActiveRuns, listJobs, triggerIsPaused } from "../databricks/jobs.ts";
import { getPipeline, listPipelines } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded } from "../http/pool.ts";
import { isObject, type JsonObject, type JsonValue } from "../json.ts";
import { matches } from "./holds.ts";
import type { Resource } from "./policy.ts";
import { startersOfJob, startersOfPipeline } from "./starters.ts";

/** `project`: what carries this project's and this tier's tags, or a name of its patterns; `workspace`: everything that we can see. */
export type Scope = "project" | "workspace";

/** Whose resources are looked for. */
export type Owner = Pick<Tier, "name" | "project"> & { readonly names: Contract["schedules"]["names"] };

/** Enough to be quick, and below the service's limit of concurrent requests (facts: unity-catalog 1.10). */
const READS = 8;

/** Everything in scope, sorted by kind and name. Throws ApiError. */
export async function observe(workspace: Workspace, owner: Owner, scope: Scope): Promise<Resource[]> {
  const [jobs, pipelines] = await Promise.all([observeJobs(workspace, owner), observePipelines(workspace, owner)]);
  const inScope = [...jobs, ...pipelines].filter(({ project }) => scope === "workspace" || project);
  return (await withKicked(workspace, inScope)).sort(
    (a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.id, b.id),
  );
}

async function observeJobs(workspace: Workspace, owner: Owner): Promise<Resource[]> {
  const found: Resource[] = [];
  for await (const { id, name, settings, created } of listJobs(workspace)) {
    const starters = startersOfJob(settings);
    const whose = whoseIs("jobs", name, settings["tags"], owner);
    found.push({ kind: "jobs", id, name, ...whose, starters, activity: undefined, created, kicked: false });
  }
  return found;
}

async function observePipelines(workspace: Workspace, owner: Owner): Promise<Resource[]> {
  const listed: string[] = [];
  for await (const { id } of listPipelines(workspace)) listed.push(id);
  const read = await mapBounded(listed, READS, (id) => getPipeline(workspace, id));
  return read.flatMap((pipeline): Resource[] => {
    if (pipeline === undefined) return []; // Deleted since it was listed.
    const { id, name, spec, state, lastUpdate } = pipeline;
    const starters = startersOfPipeline(spec);
    const whose = whoseIs("pipelines", name, spec["tags"], owner);
    return [{ kind: "pipelines", id, name, ...whose, starters, activity: state, created: lastUpdate, kicked: false }];
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

/** Its key, if the tags say that it is this project's in this tier; else whether its name says that it is the project's. */
function whoseIs(
  kind: Resource["kind"],
  name: string,
  value: JsonValue | undefined,
  owner: Owner,
): { readonly key: string | undefined; readonly project: boolean; readonly tags: JsonObject } {
  const tags = isObject(value) ? value : {};
  const key = keyOf(kind, tags, owner);
  // Who carries another tier's tags is that tier's, however it is called.
  const free = tags["four_tier_project"] === undefined;
  return { key, tags, project: key !== undefined || (free && owner.names.some((pattern) => matches(pattern, name))) };
}

function keyOf(kind: Resource["kind"], tags: JsonObject, tier: Pick<Tier, "name" | "project">): string | undefined {
  if (tags["four_tier_project"] !== tier.project || tags["four_tier_tier"] !== tier.name) return undefined;
  const key = tags["four_tier_key"];
  if (typeof key !== "string" || key === "") return undefined;
  return key.includes(".") ? key : `${kind}.${key}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
