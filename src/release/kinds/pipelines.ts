import {
  createPipeline,
  deletePipeline,
  getPipeline,
  listPipelines,
  type Pipeline,
  type PipelineStatus,
  updatePipeline,
} from "../../databricks/pipelines.ts";
import { mapBounded } from "../../http/pool.ts";
import { listAccess } from "./listed-access.ts";
import type { Kind, Live } from "./kind.ts";

/** Requests in flight. */
const PARALLEL = 8;

export const pipelines: Kind = {
  read: async (workspace, id) => {
    const pipeline = await getPipeline(workspace, id);
    return pipeline === undefined || pipeline.state === "DELETED" ? undefined : fromPipeline(pipeline);
  },
  // The list has no tags: those of a wanted name, and those that our principal made, are read one by one.
  census: async (workspace, { names, principal }) => {
    const statuses: PipelineStatus[] = [];
    for await (const status of listPipelines(workspace)) {
      if (names.has(status.name) || status.creator === principal) statuses.push(status);
    }
    const found = await mapBounded(statuses, PARALLEL, (status) => getPipeline(workspace, status.id));
    return found.flatMap((pipeline) => (pipeline === undefined ? [] : [fromPipeline(pipeline)]));
  },
  // Lists show a pipeline's name and whom it runs as.
  list: async (workspace, { ids }) => {
    const found: Live[] = [];
    for await (const { id, name, runAs, creator } of listPipelines(workspace)) {
      if (ids.has(id)) found.push({ ...NOTHING, id, name, runAs, creator });
    }
    return found;
  },
  create: createPipeline,
  update: (workspace, id, settings) => updatePipeline(workspace, id, settings),
  // Its tables are kept: they are data, and we never remove data.
  remove: (workspace, id) => deletePipeline(workspace, id, { cascade: false }),
  ...listAccess("pipelines", "IS_OWNER"),
};

const NOTHING = { kind: "pipelines", settings: {}, permissions: undefined, lastModified: undefined } as const;

/** Parameters are declared beside the spec's fields, and answered outside the spec (facts: databricks-api 4). */
function fromPipeline({ id, name, spec, parameters, runAs, creator, lastModified }: Pipeline): Live {
  const settings = parameters === undefined ? spec : { ...spec, parameters };
  return { id, kind: "pipelines", name, settings, runAs, creator, permissions: undefined, lastModified };
}
