/**
 * Pipelines API (facts: databricks-api 2.4, 3.4, 4).
 */
import * as v from "valibot";
import { copy, type JsonObject } from "../json.ts";
import {
  type Answer,
  ApiError,
  badRequest,
  type Call,
  forbidden,
  integer,
  notFound,
  type Route,
  route,
  Unmodelled,
} from "./api.ts";
import { Maven, PipelineCluster } from "./compute-shape.ts";
import { int64 } from "./job-shape.ts";
import { listed, pageOf } from "./pages.ts";
import { noSuchPipeline, type Pipeline, type Update } from "./pipeline-store.ts";
import { checkRunAs } from "./run-as.ts";

const BASE = "/api/2.0/pipelines";
const FACTS = "databricks-api 4";

const text = v.string();
const texts = v.array(text);
const textMap = v.record(text, text);
const opt = v.optional;
const specFields = {
  id: opt(text),
  name: opt(text),
  catalog: opt(text),
  schema: opt(text),
  target: opt(text),
  storage: opt(text),
  serverless: opt(v.boolean()),
  photon: opt(v.boolean()),
  continuous: opt(v.boolean()),
  development: opt(v.boolean()),
  channel: opt(v.picklist(["CURRENT", "PREVIEW"])),
  edition: opt(v.picklist(["CORE", "PRO", "ADVANCED"])),
  libraries: opt(
    v.array(
      v.strictObject({
        notebook: opt(v.strictObject({ path: text })),
        file: opt(v.strictObject({ path: text })),
        glob: opt(v.strictObject({ include: text })),
        jar: opt(text),
        maven: opt(Maven),
        whl: opt(text),
      }),
    ),
  ),
  root_path: opt(text),
  environment: opt(v.strictObject({ dependencies: opt(texts), environment_version: opt(text) })),
  configuration: opt(textMap),
  parameters: opt(textMap),
  notifications: opt(v.array(v.strictObject({ alerts: opt(texts), email_recipients: opt(texts) }))),
  tags: opt(textMap),
  clusters: opt(v.array(PipelineCluster)),
  event_log: opt(v.strictObject({ name: opt(text), catalog: opt(text), schema: opt(text) })),
  filters: opt(v.strictObject({ include: opt(texts), exclude: opt(texts) })),
  budget_policy_id: opt(text),
  usage_policy_id: opt(text),
  restart_window: opt(v.strictObject({ start_hour: v.number(), days_of_week: opt(texts), time_zone_id: opt(text) })),
  run_as: opt(v.strictObject({ user_name: opt(text), service_principal_name: opt(text) })),
  allow_duplicate_names: opt(v.boolean()),
  deployment: opt(
    v.strictObject({ kind: text, metadata_file_path: opt(text), deployment_id: opt(text), version_id: opt(text) }),
  ),
  gateway_definition: opt(
    v.strictObject({
      connection_id: opt(text),
      connection_name: opt(text),
      gateway_storage_catalog: opt(text),
      gateway_storage_name: opt(text),
      gateway_storage_schema: opt(text),
    }),
  ),
  ingestion_definition: opt(
    v.strictObject({
      connection_name: opt(text),
      ingestion_gateway_id: opt(text),
      ingest_from_uc_foreign_catalog: opt(v.boolean()),
    }),
  ),
};
/** A spec as a scenario or a request gives it. */
export const PipelineSpec = v.strictObject(specFields);
const Create = v.strictObject({ ...specFields, dry_run: opt(v.boolean()) });
const Edit = v.strictObject({ ...specFields, pipeline_id: opt(text), expected_last_modified: opt(int64) });
const StartUpdate = v.strictObject({
  full_refresh: opt(v.boolean()),
  validate_only: opt(v.boolean()),
});

export function pipelineRoutes(): Route[] {
  const one = `${BASE}/{id}`;
  return [
    route("POST", BASE, {
      facts: FACTS,
      body: Create,
      handle: (call) => {
        const { workspace, principal, body } = call;
        const { dry_run: dry, ...settings } = body;
        if (dry === true) return { body: { effective_settings: settings } };
        const given = body as JsonObject;
        checkRunAs(call, given);
        return { body: { pipeline_id: workspace.pipelines.create(given, principal.name).id } };
      },
    }),
    route("GET", BASE, { facts: FACTS, query: ["filter", "order_by", "max_results", "page_token"], handle: list }),
    route("GET", one, {
      facts: FACTS,
      handle: (call) => {
        const pipeline = pipelineFor(call, "CAN_VIEW");
        call.workspace.pipelines.step(pipeline);
        return { body: shown(call, pipeline) };
      },
    }),
    route("PUT", one, { facts: FACTS, body: Edit, handle: edit }),
    route("DELETE", one, {
      facts: FACTS,
      // cascade drops the pipeline's datasets; the simulator has none, so both ways end the same
      query: ["cascade", "force"],
      handle: (call) => {
        call.workspace.pipelines.delete(pipelineFor(call, "CAN_MANAGE"));
        return {};
      },
    }),
    route("POST", `${one}/updates`, {
      facts: FACTS,
      body: StartUpdate,
      handle: (call) => {
        const pipeline = pipelineFor(call, "CAN_RUN");
        const update = call.workspace.pipelines.start(pipeline, call.body as JsonObject, "API_CALL");
        return { body: { update_id: update.id } };
      },
    }),
    route("GET", `${one}/updates`, {
      facts: FACTS,
      query: ["max_results", "page_token"],
      handle: (call) => {
        const pipeline = pipelineFor(call, "CAN_VIEW");
        call.workspace.pipelines.step(pipeline);
        const { items, next } = pageOf(
          pipeline.updates,
          pageSize(call, 25),
          call.query.get("page_token"),
          `updates ${pipeline.id}`,
        );
        const updates = items.map((update) => info(pipeline, update));
        return {
          body: {
            ...(updates.length === 0 ? {} : { updates }),
            ...(next === undefined ? {} : { next_page_token: next }),
          },
        };
      },
    }),
    route("GET", `${one}/updates/{update}`, {
      facts: FACTS,
      handle: (call) => {
        const pipeline = pipelineFor(call, "CAN_VIEW");
        const update = pipeline.updates.find(({ id }) => id === call.params["update"]);
        if (update === undefined) throw notFound(`The specified update ${call.params["update"]} was not found.`);
        call.workspace.pipelines.step(pipeline);
        return { body: { update: info(pipeline, update) } };
      },
    }),
    route("GET", `${one}/events`, {
      facts: FACTS,
      query: ["filter", "max_results", "page_token"],
      handle: events,
    }),
    route("POST", `${one}/stop`, {
      facts: FACTS,
      body: v.strictObject({}),
      handle: (call) => {
        call.workspace.pipelines.stop(pipelineFor(call, "CAN_RUN"));
        return {};
      },
    }),
  ];
}

function pipelineFor(call: Call<unknown>, level: string): Pipeline {
  const { workspace, principal, params } = call;
  const id = params["id"] ?? "";
  const pipeline = workspace.pipelines.find(id);
  if (pipeline === undefined) throw noSuchPipeline(id);
  if (!workspace.acls.can(principal, level, "pipelines", id)) {
    throw forbidden(`User ${principal.name} does not have the permission ${level} on pipeline ${id}.`);
  }
  return pipeline;
}

function edit(call: Call<v.InferOutput<typeof Edit>>): Answer {
  const pipeline = pipelineFor(call, "CAN_MANAGE");
  const { expected_last_modified: expected, pipeline_id: _id, ...spec } = call.body;
  if (expected !== undefined && BigInt(expected) !== BigInt(pipeline.lastModified)) {
    const status = call.account.behaviours.stale_last_modified;
    throw new ApiError(status, "RESOURCE_CONFLICT", `The pipeline was modified after ${String(expected)}.`);
  }
  checkRunAs(call, spec as JsonObject);
  call.workspace.pipelines.replace(pipeline, spec as JsonObject);
  return {};
}

function pageSize({ query }: Call<unknown>, usual: number): number {
  const size = integer(query, "max_results") ?? usual;
  if (size < 1 || size > 100) throw badRequest("max_results must be between 1 and 100.");
  return size;
}

function list(call: Call<unknown>): Answer {
  const { workspace, principal, query } = call;
  const matches = filterOf(query.get("filter"));
  const order = query.get("order_by") ?? "name";
  const [, field, direction = "asc"] = /^(name|id)(?:\s+(asc|desc))?$/i.exec(order.trim()) ?? [];
  if (field === undefined) throw badRequest(`Pipelines cannot be ordered by ${order}.`);
  const key = (pipeline: Pipeline) => (field.toLowerCase() === "id" ? pipeline.id : (pipeline.spec["name"] as string));
  const sign = direction.toLowerCase() === "desc" ? -1 : 1;
  const found = workspace.pipelines.all
    .filter((pipeline) => matches(pipeline) && workspace.acls.can(principal, "CAN_VIEW", "pipelines", pipeline.id))
    .sort((a, b) => sign * key(a).localeCompare(key(b)));
  const { items, next } = pageOf(found, pageSize(call, 25), query.get("page_token"), listed("pipelines", query));
  const statuses = items.map((pipeline) => ({
    pipeline_id: pipeline.id,
    name: pipeline.spec["name"],
    state: workspace.pipelines.stateOf(pipeline),
    creator_user_name: pipeline.creator,
    run_as_user_name: runAsName(pipeline),
    latest_updates: latest(pipeline),
    health: healthOf(pipeline),
  }));
  return {
    body: { ...(statuses.length === 0 ? {} : { statuses }), ...(next === undefined ? {} : { next_page_token: next }) },
  };
}

/** facts: databricks-api 4: one condition; LIKE knows % and _. */
function filterOf(filter: string | null): (pipeline: Pipeline) => boolean {
  if (filter === null || filter === "") return () => true;
  const like = /^\s*name\s+LIKE\s+'((?:[^']|'')*)'\s*$/i.exec(filter)?.[1];
  if (like !== undefined) {
    const escaped = like.replaceAll("''", "'").replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`^${escaped.replaceAll("%", ".*").replaceAll("_", ".")}$`, "is");
    return (pipeline) => pattern.test(pipeline.spec["name"] as string);
  }
  const notebook = /^\s*notebook\s*=\s*'([^']*)'\s*$/i.exec(filter)?.[1];
  if (notebook === undefined) throw new Unmodelled(`the simulator does not model the pipeline filter ${filter}`, 400);
  return (pipeline) => JSON.stringify(pipeline.spec["libraries"] ?? []).includes(JSON.stringify({ path: notebook }));
}

function shown({ workspace, stale }: Call<unknown>, pipeline: Pipeline): JsonObject {
  const { id, creator, lastModified, runAs, parameters } = pipeline;
  return {
    pipeline_id: id,
    name: pipeline.spec["name"] ?? "",
    // facts: databricks-api 4: allow_duplicate_names and run_as are not echoed in the spec
    spec: copy(stale ? pipeline.previous : pipeline.spec),
    state: workspace.pipelines.stateOf(pipeline),
    health: healthOf(pipeline),
    creator_user_name: creator,
    run_as_user_name: runAsName(pipeline),
    ...(runAs === undefined ? {} : { run_as: runAs }),
    ...(parameters === undefined ? {} : { parameters }),
    last_modified: lastModified,
    latest_updates: latest(pipeline),
    effective_publishing_mode: "DEFAULT_PUBLISHING_MODE",
  };
}

function runAsName({ runAs, creator }: Pipeline): string {
  const [name] = Object.values(runAs ?? {});
  return typeof name === "string" ? name : creator;
}

function healthOf(pipeline: Pipeline): string {
  return pipeline.updates[0]?.state === "FAILED" ? "UNHEALTHY" : "HEALTHY";
}

function latest(pipeline: Pipeline): JsonObject[] {
  return pipeline.updates.slice(0, 5).map((update) => ({
    update_id: update.id,
    state: update.state,
    creation_time: new Date(update.created).toISOString(),
  }));
}

function info(pipeline: Pipeline, update: Update): JsonObject {
  return {
    pipeline_id: pipeline.id,
    update_id: update.id,
    state: update.state,
    cause: update.cause,
    creation_time: update.created,
    config: update.spec,
    full_refresh: update.request["full_refresh"] ?? false,
    validate_only: update.request["validate_only"] ?? false,
    mode: update.continuous ? "CONTINUOUS" : "TRIGGERED",
  };
}

/** Newest first: how each update ended, and its error (facts: databricks-api 4). */
function events(call: Call<unknown>): Answer {
  const pipeline = pipelineFor(call, "CAN_VIEW");
  const token = call.query.get("page_token");
  // facts: databricks-api 2.4: only max_results may accompany it, so that it brings the filter along
  if (token !== null && call.query.has("filter")) throw badRequest("A page_token goes with max_results alone.");
  const filter = call.query.get("filter") ?? (token === null ? null : filterOfToken(token));
  const wanted = eventFilter(call, filter);
  const size = integer(call.query, "max_results") ?? 25;
  if (size < 1) throw badRequest("max_results must be at least 1.");
  const all = pipeline.updates.map((update, index) => event(pipeline, update, index)).filter(wanted);
  const { items, next } = pageOf(all, size, token, `events ${pipeline.id} ${filter ?? ""}`);
  return {
    body: {
      ...(items.length === 0 ? {} : { events: items }),
      ...(next === undefined ? {} : { next_page_token: next }),
    },
  };
}

function filterOfToken(token: string): string | null {
  return /^events \S+ (.+):\d+$/s.exec(Buffer.from(token, "base64url").toString())?.[1] ?? null;
}

/** `level='ERROR'`, `level in ('ERROR', 'WARN')`, `timestamp > 'TS'`, `update_id = 'ID'` [?], joined by AND. */
function eventFilter({ account }: Call<unknown>, text: string | null): (event: PipelineEvent) => boolean {
  if (text === null) return () => true;
  const refused = () => new Unmodelled(`the simulator does not model the event filter ${text}`, 400);
  const clauses = text
    .trim()
    .split(/\s+AND\s+/i)
    .map((clause): ((event: PipelineEvent) => boolean) => {
      const [, name = "", how = "", value = ""] = /^(\w+)\s*(=|>|in)\s*(.+)$/i.exec(clause) ?? [];
      const one = /^'([^']*)'$/.exec(value)?.[1];
      const many = /^\(\s*'[^']*'(\s*,\s*'[^']*')*\s*\)$/.test(value)
        ? [...value.matchAll(/'([^']*)'/g)].map(([, each]) => each)
        : undefined;
      if (name === "level" && how === "=" && one !== undefined) return ({ level }) => level === one;
      if (name === "level" && how.toLowerCase() === "in" && many !== undefined)
        return ({ level }) => many.includes(level);
      if (name === "timestamp" && how === ">" && one !== undefined) {
        return ({ timestamp }) => Date.parse(timestamp) > Date.parse(one);
      }
      if (name === "update_id" && how === "=" && one !== undefined) {
        if (account.behaviours.update_id_filter === "refused") throw badRequest(`Invalid filter: ${clause}`);
        return ({ origin }) => origin.update_id === one;
      }
      throw refused();
    });
  return (event) => clauses.every((clause) => clause(event));
}

type PipelineEvent = ReturnType<typeof event>;

function event(pipeline: Pipeline, update: Update, index: number) {
  const failed = update.state === "FAILED";
  const message = update.error ?? "The simulated update failed.";
  return {
    id: `${update.id}-${index}`,
    origin: { pipeline_id: pipeline.id, update_id: update.id },
    timestamp: new Date(update.created).toISOString(),
    message: failed ? message : `Update ${update.id.slice(0, 6)} is ${update.state}.`,
    level: failed ? "ERROR" : "INFO",
    event_type: "update_progress",
    maturity_level: "STABLE",
    ...(failed ? { error: { exceptions: [{ class_name: "SimulatedFailure", message, stack: [] }], fatal: true } } : {}),
  };
}
