import { ApiError, LostAnswer } from "../../databricks/errors.ts";
import {
  createPipeline,
  deletePipeline,
  getPipeline,
  isPipelineConflict,
  listPipelines,
  type Pipeline,
  type PipelineStatus,
  updatePipeline,
} from "../../databricks/pipelines.ts";
import type { Workspace } from "../../databricks/workspace.ts";
import { type Finding, FourTierError } from "../../findings.ts";
import { mapBounded } from "../../http/pool.ts";
import { canonicalJson, type JsonObject } from "../../json.ts";
import type { Kind, Live } from "./kind.ts";
import { listAccess } from "./listed-access.ts";

/** Requests in flight. */
const PARALLEL = 8;

/** Pipelines: known as ours by their tags, which lists do not show. */
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
  update,
  // Its tables are kept: they are data, and we never remove data.
  remove: (workspace, id) => deletePipeline(workspace, id, { cascade: false }),
  ...listAccess("pipelines", "IS_OWNER"),
};

/** How often a pipeline is written whose answer was lost, or that was touched without being changed. */
const ATTEMPTS = 3;

/**
 * Writes the whole spec, and only over the one that was looked at (facts: databricks-api 4): what somebody changed since
 * is not overwritten unseen. Throws FourTierError `release/changed-meanwhile`.
 */
async function update(workspace: Workspace, id: string, settings: JsonObject, live: Live | undefined): Promise<void> {
  let expectedLastModified = live?.lastModified;
  if (live === undefined || expectedLastModified === undefined) return updatePipeline(workspace, id, settings);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await updatePipeline(workspace, id, settings, { expectedLastModified });
    } catch (error) {
      const lost = error instanceof LostAnswer;
      if (!lost && !(error instanceof ApiError && isPipelineConflict(error))) throw error;
      const now = await getPipeline(workspace, id);
      const moved = now?.lastModified !== expectedLastModified;
      // Ours, or somebody's who came after it: what is read back tells.
      if (lost && moved && now !== undefined) return;
      const same = now !== undefined && canonicalJson(fromPipeline(now).settings) === canonicalJson(live.settings);
      if (!same) throw new FourTierError(changedMeanwhile(live), { cause: error });
      if (attempt >= ATTEMPTS) throw error;
      expectedLastModified = now.lastModified ?? expectedLastModified;
    }
  }
}

function changedMeanwhile({ id, name }: Live): Finding {
  return {
    id: "release/changed-meanwhile",
    severity: "error",
    message: `Pipeline ${id}, "${name}", was changed or deleted after this run had looked at it, so it was not written.`,
    why: "Somebody's change would be gone unseen.",
    remedy: "Find out who changed it, and run this again: the change is then shown as drift.",
  };
}

const NOTHING = { kind: "pipelines", settings: {}, permissions: undefined, lastModified: undefined } as const;

/** Parameters are declared beside the spec's fields, and answered outside the spec (facts: databricks-api 4). */
function fromPipeline({ id, name, spec, parameters, runAs, creator, lastModified }: Pipeline): Live {
  const settings = parameters === undefined ? spec : { ...spec, parameters };
  return { id, kind: "pipelines", name, settings, runAs, creator, permissions: undefined, lastModified };
}
