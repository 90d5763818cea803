/**
 * What lives in the tier of what is ours. Ours is what the ledger names by id, else what carries our tags (the ledger
 * may be lost, or a create's answer), else what the contract adopts. Same name and none of these: somebody else's.
 */
import type { Tier } from "../contract/model.ts";
import { getJob, type Job, listJobs } from "../databricks/jobs.ts";
import { getPermissions, type PermissionType } from "../databricks/permissions.ts";
import { getPipeline, listPipelines, type Pipeline, type PipelineStatus } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { mapBounded, together } from "../http/pool.ts";
import { isObject, type JsonArray, type JsonObject, type JsonValue } from "../json.ts";
import type { Ledger } from "../ledger/model.ts";
import { collisions } from "./collisions.ts";
import type { Desired, LiveResource } from "./plan.ts";

/** Requests in flight. */
const PARALLEL = 8;

/** Tags that say whose a resource is; rendering puts them on everything. */
export const TAGS = {
  project: "four_tier_project",
  tier: "four_tier_tier",
  key: "four_tier_key",
  /** Sandboxes only: each developer's resources are told apart by it. */
  developer: "four_tier_developer",
} as const;

/** The key that our tags give a resource, if they say that it is this tier's (in the sandbox: this developer's). */
export function keyByTags(
  tags: JsonValue | undefined,
  tier: Pick<Tier, "project" | "name" | "developer">,
): string | undefined {
  if (!isObject(tags) || tags[TAGS.project] !== tier.project || tags[TAGS.tier] !== tier.name) return undefined;
  if (tags[TAGS.developer] !== tier.developer) return undefined;
  const key = tags[TAGS.key];
  return typeof key === "string" && key !== "" ? key : undefined;
}

/** A resource of ours as it lives. */
export interface Observed extends LiveResource {
  readonly id: string;
  readonly kind: string;
  readonly foundBy: "ledger" | "tags" | "adopted";
  readonly creator: string | undefined;
  /** Milliseconds since 1970; pipelines only. */
  readonly lastModified: number | undefined;
}

export interface Observation {
  /** By key; a key the ledger names and the workspace lacks is undefined. */
  readonly live: ReadonlyMap<string, Observed | undefined>;
  /** Carry our tags, but neither the ledger nor the release knows them. */
  readonly orphans: readonly { readonly key: string; readonly id: string; readonly name: string }[];
  /** Resources that stand in the way of a create, adopted or somebody else's. */
  readonly namesakes: readonly Namesake[];
  /** An adoption that cannot be, two of ours with one key. */
  readonly findings: readonly Finding[];
}

/** A live resource that a create would meet: the contract adopts it, or it has the same name and is not ours. */
export interface Namesake {
  readonly key: string;
  readonly name: string;
  readonly id: string;
  readonly adopted: boolean;
  readonly managedBy: "bundle" | undefined;
  readonly creator: string | undefined;
}

/** Reads the live state of everything that the ledger or the release names. Lists a workspace only if ids are missing. */
export async function observe(
  workspace: Workspace,
  question: {
    readonly tier: Tier;
    /** The application id that was proven. */
    readonly principal: string;
    readonly ledger: Ledger | undefined;
    readonly desired: readonly Desired[];
    /** What was read before and need not be read again, by key: as a whole, access included. */
    readonly kept?: ReadonlyMap<string, Observed>;
  },
): Promise<Observation> {
  const { tier, ledger, desired, principal, kept = new Map<string, Observed>() } = question;
  const known = knownIds(ledger);
  const kinds = new Map<string, { kind: string; permissions: boolean }>();
  for (const [key, resource] of ledger?.resources ?? []) {
    kinds.set(key, { kind: resource.kind, permissions: resource.permissions !== undefined });
  }
  for (const intent of ledger?.pending?.intents ?? []) {
    const kind = intent.target?.kind ?? kinds.get(intent.key)?.kind ?? kindOf(intent.key);
    kinds.set(intent.key, { kind, permissions: intent.target?.permissions !== undefined });
  }
  for (const resource of desired) {
    const permissions = resource.permissions !== undefined || kinds.get(resource.key)?.permissions === true;
    kinds.set(resource.key, { kind: resource.kind, permissions });
  }

  const names = new Map(desired.map((resource) => [resource.key, resource.name]));
  for (const intent of ledger?.pending?.intents ?? []) {
    if (!names.has(intent.key)) names.set(intent.key, intent.name);
  }
  const count = () => takeCensus(workspace, tier, principal, new Set(names.values()));
  // What has no id is looked for in the lists, beside what is read by id.
  const counting = ledger === undefined || [...kinds.keys()].some((key) => !known.has(key)) ? count() : undefined;
  const [read] = await together([
    mapBounded([...known], PARALLEL, async ([key, id]) => {
      const before = kept.get(key);
      if (before?.id === id) return [key, before] as const;
      return [key, await readOne(workspace, kinds.get(key)?.kind ?? kindOf(key), id, "ledger")] as const;
    }),
    counting,
  ]);
  const live = new Map<string, Observed | undefined>(read);

  const findings: Finding[] = [];
  const namesakes: Namesake[] = [];
  const orphans: Observation["orphans"][number][] = [];
  const unknown = [...kinds].filter(([key]) => live.get(key) === undefined).map(([key, { kind }]) => ({ key, kind }));
  if (ledger === undefined || unknown.length > 0) {
    const census = await (counting ?? count());
    const wanted = new Set(desired.map(({ key }) => key));
    const search = { workspace, tier, principal, census, known, names, wanted };
    for (const { key, found, namesake, finding } of await mapBounded(unknown, PARALLEL, (one) => find(one, search))) {
      if (found !== undefined) live.set(key, found);
      if (namesake !== undefined) namesakes.push(namesake);
      if (finding !== undefined) findings.push(finding);
    }
    for (const found of census.ours) if (!kinds.has(found.key)) orphans.push(found);
  }

  findings.push(...collisions(tier, desired, live));
  const withPermissions = [...live].filter(
    ([key, found]) => found !== undefined && found !== kept.get(key) && kinds.get(key)?.permissions,
  );
  await mapBounded(withPermissions, PARALLEL, async ([key, found]) => {
    if (found !== undefined) live.set(key, { ...found, permissions: await readPermissions(workspace, found) });
  });
  return { live: new Map([...live].sort(([a], [b]) => (a < b ? -1 : 1))), orphans, namesakes, findings };
}

/** Who a key is that has no id, or whose id nothing answers to: ours by its tags, adopted, a namesake, or not there. */
async function find(
  { key, kind }: { readonly key: string; readonly kind: string },
  search: {
    readonly workspace: Workspace;
    readonly tier: Tier;
    readonly principal: string;
    readonly census: Census;
    readonly known: ReadonlyMap<string, string>;
    readonly names: ReadonlyMap<string, string>;
    /** Keys of the release. */
    readonly wanted: ReadonlySet<string>;
  },
): Promise<{ key: string; found?: Observed | undefined; namesake?: Namesake; finding?: Finding }> {
  const { workspace, tier, principal, census, known, names, wanted } = search;
  const ours = oursFor(census.ours, { key, kind }, principal);
  const [first, ...more] = ours;
  if (first !== undefined) {
    const ids = ours.map((found) => found.id);
    const found = await readOne(workspace, kind, first.id, "tags");
    return { key, found, ...(more.length === 0 ? {} : { finding: duplicate(tier, key, ids) }) };
  }
  const adopted = tier.adopt.get(key);
  if (adopted !== undefined && !known.has(key)) {
    const found = await readOne(workspace, kind, adopted, "adopted");
    if (found === undefined) return { key, finding: notThere(tier, key, adopted) };
    return { key, found, namesake: { ...found, key, adopted: true, managedBy: managedBy(found.settings) } };
  }
  const namesake = census.foreign.find((found) => found.kind === kind && found.name === names.get(key));
  if (namesake === undefined || !wanted.has(key)) return { key };
  return { key, namesake: { ...namesake, key, adopted: false } };
}

/** Reads resources of ours again, by the ids just applied. */
export async function readBack(
  workspace: Workspace,
  resources: readonly { key: string; kind: string; id: string; permissions: JsonArray | undefined }[],
): Promise<ReadonlyMap<string, Observed | undefined>> {
  const live = await mapBounded(resources, PARALLEL, async (resource): Promise<[string, Observed | undefined]> => {
    const found = await readOne(workspace, resource.kind, resource.id, "ledger");
    if (found === undefined || resource.permissions === undefined) return [resource.key, found];
    return [resource.key, { ...found, permissions: await readPermissions(workspace, found) }];
  });
  return new Map(live);
}

/** The id of a resource with our tags for this key, for a create whose answer was lost. */
export async function findByTags(
  workspace: Workspace,
  tier: Tier,
  principal: string,
  resource: { readonly key: string; readonly kind: string; readonly name: string },
): Promise<string | undefined> {
  const census = await takeCensus(workspace, tier, principal, new Set([resource.name]), resource.kind);
  return oursFor(census.ours, resource, principal)[0]?.id;
}

/** Somebody's clone of our job carries our tags too: if there are several, those count that our principal made. */
function oursFor(ours: readonly Found[], wanted: { key: string; kind: string }, principal: string): readonly Found[] {
  const all = ours.filter((found) => found.kind === wanted.kind && found.key === wanted.key);
  const made = all.filter((found) => found.creator === principal);
  return all.length > 1 && made.length > 0 ? made : all;
}

/** Ids by key, as far as the ledger knows them: what is pending knows better than what was before it. */
function knownIds(ledger: Ledger | undefined): Map<string, string> {
  const ids = new Map([...(ledger?.resources ?? [])].map(([key, resource]) => [key, resource.id]));
  for (const { key, target } of ledger?.pending?.intents ?? []) {
    if (target !== undefined && target.id !== "") ids.set(key, target.id);
  }
  return ids;
}

interface Found {
  readonly key: string;
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly managedBy: "bundle" | undefined;
  readonly creator: string | undefined;
}

interface Census {
  readonly ours: Found[];
  readonly foreign: Found[];
}

/** Lists jobs and pipelines once, and tells ours from others of the wanted names. */
async function takeCensus(
  workspace: Workspace,
  tier: Tier,
  principal: string,
  names: ReadonlySet<string>,
  only?: string,
): Promise<Census> {
  const census: Census = { ours: [], foreign: [] };
  const add = (kind: string, id: string, name: string, settings: JsonObject, creator: string | undefined): void => {
    const key = keyByTags(settings["tags"], tier);
    if (key !== undefined) census.ours.push({ key, kind, id, name, creator, managedBy: managedBy(settings) });
    else if (names.has(name)) census.foreign.push({ key: "", kind, id, name, creator, managedBy: managedBy(settings) });
  };
  const countJobs = async (): Promise<void> => {
    for await (const job of listJobs(workspace)) add("jobs", job.id, job.name, job.settings, job.creator);
  };
  const countPipelines = async (): Promise<void> => {
    // The list has no tags: those of a wanted name, and those that our principal made, are read one by one.
    const statuses: PipelineStatus[] = [];
    for await (const status of listPipelines(workspace)) {
      if (names.has(status.name) || status.creator === principal) statuses.push(status);
    }
    const pipelines = await mapBounded(statuses, PARALLEL, (status) => getPipeline(workspace, status.id));
    for (const pipeline of pipelines) {
      if (pipeline !== undefined) add("pipelines", pipeline.id, pipeline.name, pipeline.spec, pipeline.creator);
    }
  };
  await together([only === "pipelines" ? undefined : countJobs(), only === "jobs" ? undefined : countPipelines()]);
  return census;
}

async function readOne(
  workspace: Workspace,
  kind: string,
  id: string,
  foundBy: Observed["foundBy"],
): Promise<Observed | undefined> {
  if (kind === "jobs") {
    const job = await getJob(workspace, id);
    return job === undefined ? undefined : fromJob(job, foundBy);
  }
  const pipeline = await getPipeline(workspace, id);
  return pipeline === undefined || pipeline.state === "DELETED" ? undefined : fromPipeline(pipeline, foundBy);
}

/** A job as it is read or listed; a list does not say whom it runs as. */
export function fromJob(job: Job, foundBy: Observed["foundBy"]): Observed {
  const { id, name, settings, runAs, creator } = job;
  return { id, kind: "jobs", name, settings, runAs, creator, foundBy, permissions: undefined, lastModified: undefined };
}

/** Parameters are declared beside the spec's fields, and answered outside the spec (facts: databricks-api 4). */
function fromPipeline(pipeline: Pipeline, foundBy: Observed["foundBy"]): Observed {
  const { id, name, spec, parameters, runAs, creator, lastModified } = pipeline;
  const settings = parameters === undefined ? spec : { ...spec, parameters };
  return { id, kind: "pipelines", name, settings, runAs, creator, foundBy, permissions: undefined, lastModified };
}

/** Direct entries, in the form in which they are declared. */
async function readPermissions(workspace: Workspace, found: Observed): Promise<JsonArray> {
  const type: PermissionType = found.kind === "jobs" ? "jobs" : "pipelines";
  const fields = { user: "user_name", group: "group_name", "service-principal": "service_principal_name" } as const;
  const entries = (await getPermissions(workspace, type, found.id)) ?? [];
  return entries
    .filter((entry) => !entry.inherited)
    .map((entry) => ({ [fields[entry.kind]]: entry.principal, permission_level: entry.level }));
}

function managedBy(settings: JsonObject): "bundle" | undefined {
  return isObject(settings["deployment"]) && settings["deployment"]["kind"] === "BUNDLE" ? "bundle" : undefined;
}

function kindOf(key: string): string {
  return key.slice(0, key.indexOf("."));
}

function notThere(tier: Tier, key: string, id: string): Finding {
  return {
    id: "release/adopt-missing",
    severity: "error",
    where: { kind: "resource", tier: tier.name, key },
    message: `The contract adopts ${id} as ${key}, and the workspace has no such resource that ${tier.servicePrincipal} can see.`,
    remedy: `Correct the id, give ${tier.servicePrincipal} the right to manage it, or remove it from adopt.${tier.name}.`,
  };
}

function duplicate(tier: Tier, key: string, ids: readonly string[]): Finding {
  return {
    id: "release/duplicate",
    severity: "error",
    where: { kind: "resource", tier: tier.name, key },
    message: `${ids.length} resources carry our tags for ${key}: ${ids.join(", ")}.`,
    why: "Only one can be ours; the others may run on a schedule too.",
    remedy: "Delete the copies (or remove their tags), and promote again.",
  };
}
