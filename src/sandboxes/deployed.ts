/**
 * What is deployed to sandboxes: jobs and pipelines by their tags, and pipelines by the catalog they write. Finding is one
 * census of the workspace; removing stops what runs first, and looks at each again right before it goes.
 */
import { TAGS } from "../bundle/marks.ts";
import type { Contract } from "../contract/model.ts";
import { activeRunsOf, cancelRun, deleteJob, getJob, listJobs, listRuns } from "../databricks/jobs.ts";
import {
  deletePipeline,
  getPipeline,
  listPipelines,
  listUpdates,
  type Pipeline,
  stopPipeline,
} from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import { isObject, type JsonValue } from "../json.ts";

/** A job or pipeline that belongs to a sandbox. */
export interface Deployed {
  readonly kind: "jobs" | "pipelines";
  readonly id: string;
  readonly name: string;
  /** The key of our tags; undefined for a pipeline that only writes the sandbox's catalog. */
  readonly key: string | undefined;
  /** The developer of our tags, as in the sandbox's name; undefined without tags. */
  readonly developer: string | undefined;
  /** The catalog a pipeline writes, lower case. */
  readonly catalog: string | undefined;
  /** Carries our tags of another tier or project: whatever it writes, it is not a sandbox's. */
  readonly taggedElsewhere: boolean;
  readonly creator: string | undefined;
}

/** Requests in flight. */
const PARALLEL = 8;

/** Every job and pipeline of this project's sandboxes, and every pipeline with its catalog. Throws ApiError. */
export async function takeCensus(
  workspace: Workspace,
  contract: Pick<Contract, "project">,
  /** Pipelines that need not be read: the list shows their names. Default: all are read. */
  wanted: (name: string) => boolean = () => true,
): Promise<Deployed[]> {
  const found: Deployed[] = [];
  for await (const job of listJobs(workspace)) {
    const tags = tagsOf(job.settings["tags"], contract);
    if (tags === undefined) continue;
    const { id, name, creator } = job;
    found.push({ kind: "jobs", id, name, creator, catalog: undefined, taggedElsewhere: false, ...tags });
  }
  const ids: string[] = [];
  for await (const status of listPipelines(workspace)) if (wanted(status.name)) ids.push(status.id);
  for (const pipeline of await mapBounded(ids, PARALLEL, (id) => getPipeline(workspace, id))) {
    if (pipeline === undefined || pipeline.state === "DELETED") continue;
    found.push(fromPipeline(pipeline, contract));
  }
  return found;
}

function fromPipeline(pipeline: Pipeline, contract: Pick<Contract, "project">): Deployed {
  const { id, name, creator, spec } = pipeline;
  const catalog = spec["catalog"];
  const tags = tagsOf(spec["tags"], contract);
  const declared = spec["tags"];
  return {
    kind: "pipelines",
    id,
    name,
    creator,
    catalog: typeof catalog === "string" ? catalog.toLowerCase() : undefined,
    key: tags?.key,
    developer: tags?.developer,
    taggedElsewhere: tags === undefined && isObject(declared) && declared[TAGS.tier] !== undefined,
  };
}

/** What our tags say, if they are those of this project's sandboxes. */
function tagsOf(
  tags: JsonValue | undefined,
  contract: Pick<Contract, "project">,
): { readonly key: string; readonly developer: string } | undefined {
  if (!isObject(tags) || tags[TAGS.project] !== contract.project || tags[TAGS.tier] !== "sandbox") return undefined;
  const key = tags[TAGS.key];
  const developer = tags[TAGS.developer];
  return typeof key === "string" && typeof developer === "string" ? { key, developer } : undefined;
}

/** How many of a job's newest runs are looked at: one page. An older one may have ended later, or go on still. */
const NEWEST = 24;

/**
 * The last time a job ran or a pipeline was updated, milliseconds since 1970; `now` if it runs; undefined if it never did.
 * A run counts by its end. Throws FourTierError for one without a time.
 */
export async function lastRunOf(
  workspace: Workspace,
  { kind, id }: Pick<Deployed, "kind" | "id">,
  now: Date,
): Promise<number | undefined> {
  if (kind === "jobs") {
    let last: number | undefined;
    let seen = 0;
    for await (const run of listRuns(workspace, { jobId: id })) {
      if (!run.done) return now.getTime();
      const time = run.endTime ?? run.startTime;
      if (time === undefined) throw noTime(`run ${run.id} of job ${id}`, "ran");
      last = Math.max(last ?? 0, time);
      seen += 1;
      if (seen === NEWEST) break;
    }
    return last;
  }
  for await (const update of listUpdates(workspace, id)) {
    if (!update.done) return now.getTime();
    if (update.createdAt === undefined) throw noTime(`update ${update.id} of pipeline ${id}`, "ran");
    return update.createdAt;
  }
  return undefined;
}

/** Something without a time is never "unused": what is done about it is up to a person. */
export function noTime(name: string, what: "ran" | "was last changed"): FourTierError {
  return new FourTierError({
    id: "sandbox/no-time",
    severity: "unknown",
    where: { kind: "securable", type: "object", name },
    message: `The service does not say when ${name} ${what}.`,
    remedy: "Look at it by hand.",
  });
}

interface Removal {
  readonly contract: Pick<Contract, "project">;
  /** Called right before each write: throws if it may no longer be made. */
  readonly check: () => Promise<void>;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly log: { info(message: string): void };
}

/** How often, and after how many milliseconds, to look whether what was stopped has ended: two minutes in all. */
const LOOKS = [0, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 42_000];

/**
 * Stops and deletes one job or pipeline; true if it was there. It is read again first, and what is no longer what it was
 * found to be is left: `sandbox/changed-hands`. A pipeline's tables stay: they go with the schema they are in.
 */
export async function removeDeployed(workspace: Workspace, target: Deployed, removal: Removal): Promise<boolean> {
  return target.kind === "jobs" ? removeJob(workspace, target, removal) : removePipeline(workspace, target, removal);
}

async function removeJob(workspace: Workspace, target: Deployed, removal: Removal): Promise<boolean> {
  const job = await getJob(workspace, target.id);
  if (job === undefined) return false;
  const tags = tagsOf(job.settings["tags"], removal.contract);
  if (tags?.key !== target.key || tags?.developer !== target.developer) throw changedHands(target);
  await stopped(target, removal, async () => {
    const active = await activeRunsOf(workspace, target.id);
    for (const { id } of active) await cancelRun(workspace, id);
    return active.length === 0;
  });
  await removal.check();
  await deleteJob(workspace, target.id);
  return true;
}

async function removePipeline(workspace: Workspace, target: Deployed, removal: Removal): Promise<boolean> {
  const read = async (): Promise<Pipeline | undefined> => {
    const found = await getPipeline(workspace, target.id);
    return found?.state === "DELETED" ? undefined : found;
  };
  const pipeline = await read();
  if (pipeline === undefined) return false;
  const now = fromPipeline(pipeline, removal.contract);
  if (
    now.key !== target.key ||
    now.developer !== target.developer ||
    now.catalog !== target.catalog ||
    now.taggedElsewhere !== target.taggedElsewhere
  ) {
    throw changedHands(target);
  }
  await stopped(target, removal, async () => {
    const { state } = (await read()) ?? { state: "IDLE" };
    if (state === "IDLE" || state === "FAILED") return true;
    if (state !== "STOPPING") await stopPipeline(workspace, target.id);
    return false;
  });
  await removal.check();
  await deletePipeline(workspace, target.id, { cascade: false });
  return true;
}

/** Asks until it has ended; throws FourTierError if it does not. */
async function stopped(target: Deployed, removal: Removal, isStopped: () => Promise<boolean>): Promise<void> {
  for (const wait of LOOKS) {
    if (wait > 0) await removal.pause(wait);
    if (await isStopped()) return;
    removal.log.info(`Stopping ${target.name}`);
  }
  throw new FourTierError({
    id: "sandbox/does-not-stop",
    severity: "error",
    where: { kind: "resource", tier: "sandbox", key: target.key ?? target.name },
    message: `${target.name} (${target.id}) was asked to stop and still runs after two minutes, so it was not deleted.`,
    remedy: "Run this again once it has ended: what was removed before is not done twice.",
  });
}

function changedHands(target: Deployed): FourTierError {
  return new FourTierError({
    id: "sandbox/changed-hands",
    severity: "error",
    where: { kind: "resource", tier: "sandbox", key: target.key ?? target.name },
    message: `${target.name} (${target.id}) is not any more what it was when it was looked for, so it was left alone.`,
    remedy: "Look who changed its tags or its catalog, then run this again.",
  });
}

/** Jobs first: they start pipelines. */
export function inOrder(deployed: readonly Deployed[]): Deployed[] {
  return deployed.toSorted((a, b) => (a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind === "jobs" ? -1 : 1));
}
