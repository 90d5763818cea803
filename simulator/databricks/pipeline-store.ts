/**
 * The pipelines of one workspace and their updates (facts: databricks-api 3.4, 4).
 */
import { randomUUID } from "node:crypto";
import { copy, type JsonObject } from "../json.ts";
import type { Account, Workspace } from "./account.ts";
import { ApiError, badRequest, notFound } from "./api.ts";
import { wildcard } from "./faults.ts";

type UpdateState = "QUEUED" | "RUNNING" | "STOPPING" | "COMPLETED" | "FAILED" | "CANCELED";

/** An update of a pipeline, whoever asked for it. */
export interface Update {
  readonly id: string;
  readonly created: number;
  readonly cause: string;
  readonly request: JsonObject;
  /** The spec it runs with; a later PUT does not touch it. */
  readonly spec: JsonObject;
  readonly continuous: boolean;
  readonly result: "COMPLETED" | "FAILED" | "CANCELED";
  readonly error: string | undefined;
  /** Fails, and the service tries it again. */
  retried: boolean;
  /** Has failed, and is about to be at work once more. */
  again: boolean;
  polls: number;
  state: UpdateState;
}

/** A pipeline as the workspace keeps it. */
export interface Pipeline {
  readonly id: string;
  readonly creator: string;
  spec: JsonObject;
  previous: JsonObject;
  runAs: JsonObject | undefined;
  parameters: JsonObject | undefined;
  lastModified: number;
  /** Newest first. */
  readonly updates: Update[];
}

/** The cause of an update by which the service tries again. */
const RETRY = "RETRY_ON_FAILURE";
const TERMINAL: readonly UpdateState[] = ["COMPLETED", "FAILED", "CANCELED"];

/** Pipelines and their updates. */
export class PipelineStore {
  readonly #account: Account;
  readonly #workspace: Workspace;
  readonly #pipelines = new Map<string, Pipeline>();

  constructor(account: Account, workspace: Workspace) {
    this.#account = account;
    this.#workspace = workspace;
  }

  get all(): Pipeline[] {
    return [...this.#pipelines.values()];
  }

  find(id: string): Pipeline | undefined {
    return this.#pipelines.get(id);
  }

  named(name: string): Pipeline[] {
    return this.all.filter((pipeline) => pipeline.spec["name"] === name);
  }

  create(given: JsonObject, creator: string, id: string = randomUUID()): Pipeline {
    const { spec, runAs, parameters } = this.#taken(given, id, undefined);
    const now = this.#account.clock.now();
    const pipeline: Pipeline = { id, creator, spec, previous: spec, runAs, parameters, lastModified: now, updates: [] };
    this.#pipelines.set(id, pipeline);
    this.#workspace.acls.set("pipelines", id, [{ principal: creator, level: "IS_OWNER" }]);
    if (isContinuous(pipeline)) this.start(pipeline, {}, "USER_ACTION");
    return pipeline;
  }

  /** A new spec, whole (facts: databricks-api 4). */
  replace(pipeline: Pipeline, given: JsonObject): void {
    const { spec, runAs, parameters } = this.#taken(given, pipeline.id, pipeline);
    pipeline.previous = pipeline.spec;
    pipeline.spec = spec;
    const kept = pipeline.parameters !== undefined && parameters === undefined;
    if (!kept || this.#account.behaviours.parameters_left_out === "dropped") pipeline.parameters = parameters;
    pipeline.runAs = runAs ?? pipeline.runAs;
    // two writes in one millisecond must still differ
    pipeline.lastModified = Math.max(this.#account.clock.now(), pipeline.lastModified + 1);
    const active = this.active(pipeline);
    if (!isContinuous(pipeline)) return;
    if (active === undefined) this.start(pipeline, {}, "USER_ACTION");
    else if (active.continuous && this.#account.behaviours.edit_restarts_continuous) {
      // facts: databricks-api 3.4 [?]
      active.state = "CANCELED";
      this.start(pipeline, {}, "USER_ACTION");
    }
  }

  delete(pipeline: Pipeline): void {
    this.#pipelines.delete(pipeline.id);
    this.#workspace.acls.retire("pipelines", pipeline.id);
  }

  active(pipeline: Pipeline): Update | undefined {
    return pipeline.updates.find((update) => !TERMINAL.includes(update.state));
  }

  start(pipeline: Pipeline, request: JsonObject, cause: string): Update {
    if (this.active(pipeline) !== undefined) {
      throw new ApiError(
        this.#account.behaviours.update_while_active,
        "RESOURCE_CONFLICT",
        `An active update already exists for pipeline '${pipeline.id}'.`,
      );
    }
    const rule = this.#account.scenario.updates.find(
      (rule) =>
        wildcard(rule.pipeline).test(pipeline.spec["name"] as string) &&
        (rule.workspace ?? this.#workspace.name) === this.#workspace.name,
    );
    const continuous = isContinuous(pipeline) && request["validate_only"] !== true;
    const stopped = pipeline.updates[0];
    if (continuous && cause === "API_CALL" && stopped?.continuous === true && stopped.state === "CANCELED") {
      if (!this.#account.behaviours.stopped_pipeline_starts)
        throw badRequest(`Pipeline '${pipeline.id}' is continuous and was stopped; start it in the workspace.`);
    }
    const polls = continuous ? "never" : (rule?.polls ?? 2);
    const update: Update = {
      id: randomUUID(),
      created: this.#account.clock.now(),
      cause,
      request,
      spec: copy(pipeline.spec),
      continuous,
      result: rule?.result ?? "COMPLETED",
      again: false,
      retried: rule?.retried === true && cause !== RETRY,
      error: rule?.error,
      polls: polls === "never" ? Number.POSITIVE_INFINITY : polls,
      state: "QUEUED",
    };
    pipeline.updates.unshift(update);
    return update;
  }

  /** facts: databricks-api 4: asynchronous; nothing happens when nothing runs. */
  stop(pipeline: Pipeline): void {
    const update = this.active(pipeline);
    if (update !== undefined) update.state = "STOPPING";
  }

  /** Somebody reads the pipeline or its update: time goes on. */
  step(pipeline: Pipeline): void {
    const update = this.active(pipeline);
    const [newest] = pipeline.updates;
    if (update === undefined && newest?.again === true)
      Object.assign(newest, { state: "RUNNING", retried: false, again: false, polls: 1 });
    if (update === undefined) return;
    if (update.state === "STOPPING") update.state = "CANCELED";
    else if (update.polls <= 0) this.#end(pipeline, update);
    else {
      update.polls -= 1;
      update.state = "RUNNING";
    }
  }

  /** facts: databricks-api 4 [?]: what failed and is tried again goes on as a new update, or as the same. */
  #end(pipeline: Pipeline, update: Update): void {
    update.state = update.retried ? "FAILED" : update.result;
    if (!update.retried) return;
    if (this.#account.behaviours.retried_update === "new") this.start(pipeline, update.request, RETRY);
    else update.again = true;
  }

  /** facts: databricks-api 4. */
  stateOf(pipeline: Pipeline): string {
    const update = this.active(pipeline);
    if (update === undefined) return pipeline.updates[0]?.state === "FAILED" ? "FAILED" : "IDLE";
    return update.state === "QUEUED" ? "STARTING" : update.state;
  }

  #taken(given: JsonObject, id: string, old: Pipeline | undefined) {
    const {
      allow_duplicate_names,
      dry_run: _dry,
      expected_last_modified: _expected,
      run_as,
      parameters,
      ...rest
    } = copy(given);
    const spec: JsonObject = { ...rest, id };
    checkSpec(spec);
    if (old !== undefined) checkChange(old.spec, spec);
    const name = spec["name"] as string;
    if (allow_duplicate_names !== true && this.named(name).some((other) => other !== old)) {
      const status = this.#account.behaviours.duplicate_pipeline_name;
      throw new ApiError(
        status,
        "RESOURCE_CONFLICT",
        `The pipeline name '${name}' is already used by another pipeline. This check can be skipped by setting \`allow_duplicate_names = true\` in the request.`,
      );
    }
    spec["channel"] ??= "CURRENT";
    spec["edition"] ??= "ADVANCED";
    for (const flag of ["continuous", "development", "photon", "serverless"]) spec[flag] ??= false;
    if (this.#account.behaviours.pipeline_ansi_default) {
      spec["configuration"] = {
        "spark.sql.ansi.enabled": "true",
        ...(spec["configuration"] as JsonObject | undefined),
      };
    }
    if (spec["catalog"] === undefined) spec["storage"] ??= `dbfs:/pipelines/${id}`;
    return { spec, runAs: run_as as JsonObject | undefined, parameters: parameters as JsonObject | undefined };
  }
}

function isContinuous(pipeline: Pipeline): boolean {
  return pipeline.spec["continuous"] === true;
}

/** facts: databricks-api 2.1. */
export function noSuchPipeline(id: string): ApiError {
  return notFound(`The specified pipeline ${id} was not found.`);
}

/** facts: databricks-api 4: what only a new pipeline can have. A hive pipeline keeps the storage it was given. */
function checkChange(old: JsonObject, spec: JsonObject): void {
  if ((old["catalog"] === undefined) !== (spec["catalog"] === undefined)) {
    throw badRequest("A pipeline cannot move between a storage location and a catalog; create a new one.");
  }
  const { storage = old["storage"] } = spec;
  if (storage !== old["storage"]) throw badRequest("The storage location of a pipeline cannot be changed.");
  if (old["storage"] !== undefined) spec["storage"] = old["storage"];
}

// facts: databricks-api 4
function checkSpec(spec: JsonObject): void {
  const { name, schema, target, tags, storage, catalog } = spec;
  if (typeof name !== "string" || name === "") throw badRequest("A pipeline needs a name.");
  if (schema !== undefined && target !== undefined) throw badRequest("Only one of schema and target may be given.");
  for (const one of [schema, target]) {
    if (typeof one !== "string" || !one.includes(".")) continue;
    throw badRequest(`CreatePipeline target_schema_name "${one}" is not a valid name.`);
  }
  if (storage !== undefined && catalog !== undefined) throw badRequest("storage cannot be given with a catalog.");
  if (Object.keys((tags ?? {}) as JsonObject).length > 25) throw badRequest("A pipeline can have at most 25 tags.");
}
