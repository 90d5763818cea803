/** Pipelines API 2.0 (facts: databricks-api 4). Ids are strings. */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import { type ApiError, orMissing } from "./errors.ts";
import { ask, encodePath, id, integer, items, jsonObject, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** A pipeline as lists show it: without spec and tags. */
export interface PipelineStatus {
  readonly id: string;
  readonly name: string;
  /** IDLE, RUNNING, FAILED, …: an open list. */
  readonly state: string;
  readonly creator: string | undefined;
  readonly runAs: string | undefined;
}

/** A pipeline with its spec. */
export interface Pipeline extends PipelineStatus {
  readonly spec: JsonObject;
  /** Not part of the spec it answers, yet of the one it takes: left out of an update, they are gone. */
  readonly parameters: JsonObject | undefined;
  /** Milliseconds since 1970; hand it to `updatePipeline` as expectedLastModified. */
  readonly lastModified: number | undefined;
  /** When its newest update began, milliseconds since 1970. */
  readonly lastUpdate: number | undefined;
  readonly lastUpdateId: string | undefined;
}

interface PipelineUpdate {
  readonly id: string;
  /** QUEUED … COMPLETED, FAILED, CANCELED: an open list. */
  readonly state: string;
  readonly done: boolean;
  readonly succeeded: boolean;
  readonly cause: string | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt: number | undefined;
  /** Whether it runs until it is stopped; undefined if the service does not say. */
  readonly continuous: boolean | undefined;
}

const statusSchema = v.looseObject({
  pipeline_id: id,
  name: v.optional(v.string(), ""),
  state: v.optional(v.string(), "UNKNOWN"),
  creator_user_name: optionalText,
  run_as_user_name: optionalText,
});
const pipelineSchema = v.looseObject({
  ...statusSchema.entries,
  spec: v.optional(jsonObject, {}),
  parameters: v.optional(jsonObject),
  last_modified: v.optional(integer),
  latest_updates: v.optional(
    v.array(v.looseObject({ update_id: optionalText, creation_time: v.optional(v.union([integer, v.string()])) })),
  ),
});
const updateSchema = v.looseObject({
  update_id: id,
  state: v.optional(v.string(), "UNKNOWN"),
  cause: optionalText,
  creation_time: v.optional(integer),
  mode: optionalText,
  config: v.optional(v.looseObject({ continuous: v.optional(v.boolean()) })),
});

const root = "/api/2.0/pipelines";

/** Pipelines the caller can see. */
export async function* listPipelines(workspace: Workspace): AsyncGenerator<PipelineStatus> {
  const request: ApiRequest = { method: "GET", path: root, query: { max_results: 100 } };
  for await (const status of items(workspace, request, "statuses", statusSchema)) yield toStatus(status);
}

/** One pipeline; undefined if it does not exist. */
export async function getPipeline(workspace: Workspace, pipelineId: string): Promise<Pipeline | undefined> {
  const found = await orMissing(
    ask(workspace, { method: "GET", path: `${root}/${encodePath(pipelineId)}` }, pipelineSchema),
  );
  if (found === undefined) return undefined;
  const name = found.spec["name"];
  return {
    ...toStatus(found),
    name: found.name === "" && typeof name === "string" ? name : found.name,
    spec: found.spec,
    parameters: found.parameters,
    lastModified: found.last_modified,
    lastUpdateId: found.latest_updates?.[0]?.update_id,
    lastUpdate: timeOf(found.latest_updates?.[0]?.creation_time),
  };
}

/** Creates a pipeline and gives its id. No idempotency token: throws LostAnswer if it may have happened. */
export async function createPipeline(workspace: Workspace, spec: JsonObject): Promise<string> {
  const request: ApiRequest = { method: "POST", path: root, json: spec, repeatable: false };
  return (await ask(workspace, request, v.looseObject({ pipeline_id: id }))).pipeline_id;
}

/**
 * Replaces a pipeline's whole spec. With `expectedLastModified` (milliseconds) the service refuses if somebody changed
 * it since; a repeated attempt would then be refused by its own first one, so it is not repeated: LostAnswer.
 */
export async function updatePipeline(
  workspace: Workspace,
  pipelineId: string,
  spec: JsonObject,
  options: { readonly expectedLastModified?: number } = {},
): Promise<void> {
  const expected = options.expectedLastModified;
  await workspace.call({
    method: "PUT",
    path: `${root}/${encodePath(pipelineId)}`,
    json: expected === undefined ? spec : { ...spec, expected_last_modified: expected },
    repeatable: expected === undefined,
  });
}

/** Whether an update was refused because the pipeline is not as it was expected: which code says so is not documented. */
export function isPipelineConflict(error: ApiError): boolean {
  return error.status === 409 || /modified|conflict/i.test(`${error.code} ${error.detail}`);
}

/**
 * Deletes a pipeline; that it is already gone is fine. `cascade` says whether its datasets are dropped too: the
 * service's default is to drop them, so there is no default here.
 */
export async function deletePipeline(
  workspace: Workspace,
  pipelineId: string,
  options: { readonly cascade: boolean },
): Promise<void> {
  await orMissing(
    workspace.call({
      method: "DELETE",
      path: `${root}/${encodePath(pipelineId)}`,
      query: { cascade: options.cascade },
    }),
  );
}

/** Asks for a pipeline to stop; the service does it later, so poll `getPipeline` for IDLE. */
export async function stopPipeline(workspace: Workspace, pipelineId: string): Promise<void> {
  await workspace.call({
    method: "POST",
    path: `${root}/${encodePath(pipelineId)}/stop`,
    json: {},
    repeatable: true,
  });
}

/** Starts an update and gives its id. No idempotency token: throws LostAnswer if it may have started. */
export async function startUpdate(
  workspace: Workspace,
  pipelineId: string,
  options: { readonly validateOnly?: boolean; readonly fullRefresh?: boolean } = {},
): Promise<string> {
  const request: ApiRequest = {
    method: "POST",
    path: `${root}/${encodePath(pipelineId)}/updates`,
    json: {
      ...(options.validateOnly === undefined ? {} : { validate_only: options.validateOnly }),
      ...(options.fullRefresh === undefined ? {} : { full_refresh: options.fullRefresh }),
    },
    repeatable: false,
  };
  return (await ask(workspace, request, v.looseObject({ update_id: id }))).update_id;
}

/** One update of a pipeline; undefined if it does not exist. */
export async function getUpdate(
  workspace: Workspace,
  pipelineId: string,
  updateId: string,
): Promise<PipelineUpdate | undefined> {
  const request: ApiRequest = {
    method: "GET",
    path: `${root}/${encodePath(pipelineId)}/updates/${encodePath(updateId)}`,
  };
  const answer = await orMissing(ask(workspace, request, v.looseObject({ update: updateSchema })));
  return answer === undefined ? undefined : toUpdate(answer.update);
}

/** Updates of a pipeline, newest first. */
export async function* listUpdates(workspace: Workspace, pipelineId: string): AsyncGenerator<PipelineUpdate> {
  const request: ApiRequest = {
    method: "GET",
    path: `${root}/${encodePath(pipelineId)}/updates`,
    query: { max_results: 100 },
  };
  for await (const update of items(workspace, request, "updates", updateSchema)) yield toUpdate(update);
}

function toStatus(status: v.InferOutput<typeof statusSchema>): PipelineStatus {
  return {
    id: status.pipeline_id,
    name: status.name,
    state: status.state,
    creator: status.creator_user_name || undefined,
    runAs: status.run_as_user_name || undefined,
  };
}

function toUpdate(update: v.InferOutput<typeof updateSchema>): PipelineUpdate {
  return {
    id: update.update_id,
    state: update.state,
    done: ["COMPLETED", "FAILED", "CANCELED"].includes(update.state),
    succeeded: update.state === "COMPLETED",
    cause: update.cause,
    createdAt: update.creation_time,
    continuous: update.mode === undefined ? update.config?.continuous : update.mode === "CONTINUOUS",
  };
}

/** A time that is milliseconds here and ISO text there. */
function timeOf(value: string | number | undefined): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : value;
  return time === undefined || Number.isNaN(time) ? undefined : time;
}
