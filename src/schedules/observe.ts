/**
 * What starts by itself in a workspace: list pages, one read a pipeline (only that shows its spec), and one for each
 * paused continuous job, whose loop may go on after a start by hand. Where no job of a list shows what starts it, the list
 * may show that of none: then each job in scope is read.
 */
import { activeRunsOf, getJob, type Job, listJobs, triggerIsPaused } from "../databricks/jobs.ts";
import { getPipeline, getUpdate, listPipelines, type Pipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { mapBounded, together } from "../http/pool.ts";
import { isObject, type JsonObject, type JsonValue } from "../json.ts";
import { type Owner, type Ownership, ownershipOf } from "./ownership.ts";
import { rests } from "./pipeline.ts";
import type { Resource } from "./policy.ts";
import { startersOfJob, startersOfPipeline } from "./starters.ts";

/**
 * `project`: what carries this project's and this tier's tags, or a name of its patterns; `workspace`: everything that
 * we can see.
 */
export type Scope = "project" | "workspace";

/** What is there, as far as it can be read. */
export interface Observation {
  /** In scope, sorted by kind and name. */
  readonly resources: readonly Resource[];
  /** What is listed and cannot be read, one a resource: each is unknown, and stops none of the others. */
  readonly findings: readonly Finding[];
}

/** As it is found; whose it is, is said once all are there. */
interface Found extends Omit<Resource, keyof Ownership> {
  readonly creator: string | undefined;
  /** Pipelines only: the newest update. */
  readonly update: string | undefined;
  /** Undefined: it was read whole. */
  readonly unread: string | undefined;
}

/** Enough to be quick, and below the service's limit of concurrent requests (facts: unity-catalog 1.10). */
const READS = 8;

/** Everything in scope. Throws ApiError if the workspace cannot be listed. */
export async function observe(workspace: Workspace, owner: Owner, scope: Scope): Promise<Observation> {
  const [jobs, pipelines] = await together([observeJobs(workspace), observePipelines(workspace)]);
  const found = [...jobs, ...pipelines];
  const owned = ownershipOf(found, owner);
  const inScope = found
    .map((one, index) => ({ ...one, key: undefined, project: false, ...owned[index] }))
    .filter(({ project, creator, unread }) => {
      // Of what cannot be read the tags are not known: what our principal made may be ours.
      return scope === "workspace" || project || (unread !== undefined && creator === owner.principal);
    });
  const silent = jobs.every(({ starters }) => starters.length === 0);
  const seen = await mapBounded(inScope, READS, async (one) => {
    const { unread, update, creator, ...listed } = one;
    let resource: Resource = listed;
    if (unread !== undefined) {
      const ours = resource.project || creator === owner.principal;
      return { finding: unreadFinding(owner, { ...resource, project: ours }, unread) };
    }
    try {
      if (silent && listed.kind === "jobs") {
        const job = await getJob(workspace, listed.id);
        if (job === undefined) return {}; // Deleted since it was listed.
        resource = { ...listed, ...foundJob(job) };
      }
      return { resource: (await goesOn(workspace, resource, update)) ? goingOn(resource) : resource };
    } catch (error) {
      return { resource, finding: unreadFinding(owner, resource, reasonOf(error)) };
    }
  });
  return {
    resources: seen
      .flatMap(({ resource }) => (resource === undefined ? [] : [resource]))
      .sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.id, b.id)),
    findings: seen.flatMap(({ finding }) => (finding === undefined ? [] : [finding])),
  };
}

async function observeJobs(workspace: Workspace): Promise<Found[]> {
  const found: Found[] = [];
  for await (const job of listJobs(workspace)) {
    found.push({ ...NOTHING, ...foundJob(job), creator: job.creator });
  }
  return found;
}

/** What a job's own settings say of what starts it. */
export function foundJob({ id, name, settings, created }: Job): Omit<Resource, keyof Ownership> {
  const starters = startersOfJob(settings);
  const tags = tagsOf(settings["tags"]);
  return { kind: "jobs", id, name, tags, starters, created, activity: undefined, goesOn: false };
}

const NOTHING = { update: undefined, unread: undefined } as const;

async function observePipelines(workspace: Workspace): Promise<Found[]> {
  const listed: { readonly id: string; readonly name: string; readonly creator: string | undefined }[] = [];
  for await (const { id, name, creator } of listPipelines(workspace)) listed.push({ id, name, creator });
  const read = await mapBounded(listed, READS, async ({ id, name, creator }): Promise<Found | undefined> => {
    try {
      const pipeline = await getPipeline(workspace, id);
      if (pipeline === undefined) return undefined; // Deleted since it was listed.
      return { ...NOTHING, ...foundPipeline(pipeline), creator, update: pipeline.lastUpdateId };
    } catch (error) {
      const unread = reasonOf(error);
      const unknown = { starters: [], tags: {}, activity: undefined, created: undefined, goesOn: false };
      return { ...unknown, kind: "pipelines", id, name, creator, update: undefined, unread };
    }
  });
  return read.filter((one) => one !== undefined);
}

/** What a pipeline's own spec says of what starts it. */
export function foundPipeline({ id, name, spec, state, lastUpdate }: Pipeline): Omit<Resource, keyof Ownership> {
  const starters = startersOfPipeline(spec);
  const tags = tagsOf(spec["tags"]);
  return { kind: "pipelines", id, name, tags, starters, activity: state, created: lastUpdate, goesOn: false };
}

/**
 * Whether a resource goes on though it is set not to start by itself: a paused continuous job that was started by hand,
 * between two runs too, and a pipeline whose continuous update nobody stopped. Settings show neither, so each candidate
 * is asked (facts: databricks-api 3.3, 3.4).
 */
async function goesOn(
  workspace: Workspace,
  { kind, id, starters, activity }: Resource,
  update: string | undefined,
): Promise<boolean> {
  if (kind === "pipelines") {
    if (update === undefined || starters.length > 0 || activity === undefined || rests(activity)) return false;
    const newest = await getUpdate(workspace, id, update);
    return newest?.done === false && newest.continuous === true;
  }
  if (!starters.some(({ field, state }) => field === "continuous" && state === "paused")) return false;
  const still = await triggerIsPaused(workspace, id);
  if (still !== undefined) return !still;
  // The service does not say it: then only that nothing is at work says that no loop is.
  const [run] = (await activeRunsOf(workspace, id)).filter(({ trigger }) => trigger === "CONTINUOUS");
  if (run === undefined) return false;
  throw new Unsaid(`it is paused, and the service does not say whether run ${run.id}, which is at work, is its last.`);
}

function goingOn(resource: Resource): Resource {
  const { kind, starters } = resource;
  const paused = { field: "pipeline", what: "continuous", state: "paused" } as const;
  return { ...resource, goesOn: true, starters: kind === "pipelines" ? [paused] : starters };
}

/** What the service could say and does not. */
class Unsaid extends Error {}

/** The message of what the service answers, or of what it leaves out; anything else is thrown on. */
function reasonOf(error: unknown): string {
  if (error instanceof Unsaid) return error.message;
  if (error instanceof FourTierError) return error.findings.map(({ message }) => message).join(" ");
  throw error;
}

/** Where the tier runs, nothing is wanted of what is not ours: that it cannot be read is then no more than said. */
function unreadFinding({ tier }: Owner, { kind, id, name, key, project }: Resource, why: string): Finding {
  return {
    id: "schedules/unread",
    severity: tier.schedules === "running" && !project ? "notice" : "unknown",
    where: { kind: "resource", tier: tier.name, key: key ?? `${kind} ${name}` },
    message: `Whether ${name} (${kind} ${id}) starts by itself could not be seen: ${why}`,
    remedy:
      "Give the principal CAN_VIEW on it, cancel the run that is named, or run this again if the service was at fault.",
  };
}

function tagsOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
