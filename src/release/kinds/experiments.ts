/** MLflow experiments: known by an id, named by a path, marked by tags. */
import { posix } from "node:path";
import { TAGS } from "../../bundle/marks.ts";
import {
  createExperiment,
  deleteExperiment,
  type Experiment,
  findExperiment,
  getExperiment,
  renameExperiment,
  searchExperiments,
  tagExperiment,
} from "../../databricks/experiments.ts";
import { mkdirs } from "../../databricks/files.ts";
import { mapBounded } from "../../http/pool.ts";
import { isObject, type JsonObject } from "../../json.ts";
import type { Kind, Live } from "./kind.ts";
import { listAccess } from "./listed-access.ts";

/** Requests in flight. */
const PARALLEL = 8;

/** MLflow experiments: searched by the names that are wanted. */
export const experiments: Kind = {
  read: async (workspace, id) => {
    const found = await getExperiment(workspace, id);
    return found === undefined ? undefined : fromExperiment(found);
  },
  census: async (workspace, { names }) => {
    const paths = [...names].filter((name) => name.startsWith("/"));
    const found = await mapBounded(paths, PARALLEL, (name) => findExperiment(workspace, name));
    return found.flatMap((experiment) => (experiment === undefined ? [] : [fromExperiment(experiment)]));
  },
  list: async (workspace, { ids, tier }) => {
    const tags = { [TAGS.project]: tier.project, [TAGS.tier]: tier.name };
    // a filter has no way to write a quote: then nothing is listed, and what is asked for is read one by one
    if (Object.values(tags).some((value) => value.includes("'"))) return [];
    const found = await searchExperiments(workspace, tags);
    return found.filter(({ id }) => ids.has(id)).map(fromExperiment);
  },
  create: async (workspace, settings) => {
    const { name, tags, artifactLocation } = declaredOf(settings);
    await mkdirs(workspace, `/Workspace${posix.dirname(name)}`);
    return createExperiment(workspace, { name, tags, ...(artifactLocation === undefined ? {} : { artifactLocation }) });
  },
  update: async (workspace, id, settings, live) => {
    const { name, tags } = declaredOf(settings);
    const before = live === undefined ? {} : declaredOf(live.settings).tags;
    if (live?.name !== name) await renameExperiment(workspace, id, name);
    for (const [key, value] of Object.entries(tags)) {
      if (before[key] !== value) await tagExperiment(workspace, id, key, value);
    }
  },
  remove: deleteExperiment,
  ...listAccess("experiments", "CAN_MANAGE"),
};

function fromExperiment({ id, name, tags, artifactLocation }: Experiment): Live {
  const place = artifactLocation === undefined ? {} : { artifact_location: artifactLocation };
  return {
    id,
    kind: "experiments",
    name,
    settings: { name, tags: { ...tags }, ...place },
    runAs: undefined,
    creator: tags["mlflow.ownerEmail"],
    permissions: undefined,
    lastModified: undefined,
  };
}

interface Declared {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly artifactLocation: string | undefined;
}

function declaredOf(settings: JsonObject): Declared {
  const { name, tags, artifact_location: place } = settings;
  const entries = tags !== undefined && isObject(tags) ? Object.entries(tags) : [];
  return {
    name: typeof name === "string" ? name : "",
    tags: Object.fromEntries(entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : []))),
    artifactLocation: typeof place === "string" ? place : undefined,
  };
}
