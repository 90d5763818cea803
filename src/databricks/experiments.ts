/** MLflow experiments (facts: databricks-api 8 for their access; named by a workspace path, known by an id). */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import { orMissing } from "./errors.ts";
import { ask, collect, id, items, list, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** An MLflow experiment that is not deleted. */
export interface Experiment {
  readonly id: string;
  /** A workspace path without the prefix /Workspace. */
  readonly name: string;
  /** As a map; of a key that stands twice (the service's own) the last value. */
  readonly tags: Readonly<Record<string, string>>;
  readonly artifactLocation: string | undefined;
}

const root = "/api/2.0/mlflow/experiments";
const experimentSchema = v.looseObject({
  experiment_id: id,
  name: v.string(),
  artifact_location: optionalText,
  lifecycle_stage: optionalText,
  tags: list(v.looseObject({ key: v.string(), value: v.optional(v.string(), "") })),
});
const answerSchema = v.looseObject({ experiment: experimentSchema });

/** One experiment; undefined if it does not exist or is deleted. */
export async function getExperiment(workspace: Workspace, experimentId: string): Promise<Experiment | undefined> {
  return read(workspace, { method: "GET", path: `${root}/get`, query: { experiment_id: experimentId } });
}

/** The experiment at a path; undefined if there is none that lives. */
export async function findExperiment(workspace: Workspace, name: string): Promise<Experiment | undefined> {
  return read(workspace, { method: "GET", path: `${root}/get-by-name`, query: { experiment_name: name } });
}

async function read(workspace: Workspace, request: ApiRequest): Promise<Experiment | undefined> {
  const found = await orMissing(ask(workspace, request, answerSchema));
  return found === undefined || found.experiment.lifecycle_stage === "deleted"
    ? undefined
    : toExperiment(found.experiment);
}

/** Experiments that live and have all of these tags. Values must be free of quotes. */
export async function searchExperiments(
  workspace: Workspace,
  tags: Readonly<Record<string, string>>,
): Promise<readonly Experiment[]> {
  const filter = Object.entries(tags)
    .map(([key, value]) => `tags.${key} = '${value}'`)
    .join(" AND ");
  const request: ApiRequest = {
    method: "POST",
    path: `${root}/search`,
    json: { filter, max_results: 1000, view_type: "ACTIVE_ONLY" },
    repeatable: true,
  };
  const found = await collect(items(workspace, request, "experiments", experimentSchema));
  return found.map(toExperiment);
}

/** Creates an experiment and gives its id; its folder must be there. Throws LostAnswer if it may have happened. */
export async function createExperiment(
  workspace: Workspace,
  experiment: {
    readonly name: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly artifactLocation?: string;
  },
): Promise<string> {
  const json: JsonObject = {
    name: experiment.name,
    tags: Object.entries(experiment.tags).map(([key, value]) => ({ key, value })),
    ...(experiment.artifactLocation === undefined ? {} : { artifact_location: experiment.artifactLocation }),
  };
  const request: ApiRequest = { method: "POST", path: `${root}/create`, json, repeatable: false };
  return (await ask(workspace, request, v.looseObject({ experiment_id: id }))).experiment_id;
}

/** Moves an experiment to another path. */
export async function renameExperiment(workspace: Workspace, experimentId: string, name: string): Promise<void> {
  const json = { experiment_id: experimentId, new_name: name };
  await workspace.call({ method: "POST", path: `${root}/update`, json, repeatable: true });
}

/** Sets one tag; there is no call that takes one away. */
export async function tagExperiment(
  workspace: Workspace,
  experimentId: string,
  key: string,
  value: string,
): Promise<void> {
  const json = { experiment_id: experimentId, key, value };
  await workspace.call({ method: "POST", path: `${root}/set-experiment-tag`, json, repeatable: true });
}

/** Deletes an experiment with its runs (softly: it can be restored for a time); that it is already gone is fine. */
export async function deleteExperiment(workspace: Workspace, experimentId: string): Promise<void> {
  const json = { experiment_id: experimentId };
  await orMissing(workspace.call({ method: "POST", path: `${root}/delete`, json, repeatable: true }));
}

function toExperiment(found: v.InferOutput<typeof experimentSchema>): Experiment {
  return {
    id: found.experiment_id,
    name: found.name.replace(/^\/Workspace\//, "/"),
    tags: Object.fromEntries(found.tags.map(({ key, value }) => [key, value])),
    artifactLocation: found.artifact_location,
  };
}
