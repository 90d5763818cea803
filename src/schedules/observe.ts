/** What starts by itself in a workspace: list pages, and one read a pipeline (only that shows its spec). */
import type { Tier } from "../contract/model.ts";
import { getPipeline, listPipelines } from "../databricks/pipelines.ts";
import { listJobs } from "../databricks/jobs.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded } from "../http/pool.ts";
import type { JsonValue } from "../json.ts";
import { keyByTags } from "../release/observe.ts";
import { type Resource, startersOfJob, startersOfPipeline } from "./policy.ts";

/** `project`: what carries this project's and this tier's tags; `workspace`: everything that we can see. */
export type Scope = "project" | "workspace";

/** Enough to be quick, and below the service's limit of concurrent requests (facts: unity-catalog 1.10). */
const READS = 8;

/** Everything in scope, sorted by kind and name. Throws ApiError. */
export async function observe(
  workspace: Workspace,
  tier: Pick<Tier, "name" | "project" | "developer">,
  scope: Scope,
): Promise<Resource[]> {
  const resources: Resource[] = [];
  for await (const job of listJobs(workspace)) {
    const key = keyOf("jobs", job.settings["tags"], tier);
    const { id, name, settings } = job;
    resources.push({ kind: "jobs", id, name, key, starters: startersOfJob(settings), activity: undefined });
  }
  const listed: { readonly id: string }[] = [];
  for await (const status of listPipelines(workspace)) listed.push(status);
  for (const pipeline of await mapBounded(listed, READS, ({ id }) => getPipeline(workspace, id))) {
    if (pipeline === undefined) continue; // Deleted since it was listed.
    const { id, name, spec, state } = pipeline;
    const key = keyOf("pipelines", spec["tags"], tier);
    resources.push({ kind: "pipelines", id, name, key, starters: startersOfPipeline(spec), activity: state });
  }
  return resources
    .filter((resource) => scope === "workspace" || resource.key !== undefined)
    .sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.id, b.id));
}

/** The resource's key, if the tags say that it is this project's in this tier. */
function keyOf(
  kind: Resource["kind"],
  tags: JsonValue | undefined,
  tier: Pick<Tier, "name" | "project" | "developer">,
): string | undefined {
  const key = keyByTags(tags, tier);
  if (key === undefined) return undefined;
  return key.includes(".") ? key : `${kind}.${key}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
