/**
 * MLflow experiments of one workspace: named by a workspace path, kept by an id, deleted softly (facts: databricks-api 8
 * for who may what; bodies and answers as the Databricks CLI sends and takes them).
 */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import type { Account, Workspace } from "./account.ts";
import {
  ApiError,
  badRequest,
  type Call,
  forbidden,
  notFound,
  type Route,
  required,
  route,
  Unmodelled,
} from "./api.ts";
import { parentOf, plainPath } from "./file-tree.ts";
import { listed, pageOf } from "./pages.ts";
import type { Principal } from "./principals.ts";

interface Experiment {
  readonly id: bigint;
  /** Without the prefix /Workspace. */
  name: string;
  stage: "active" | "deleted";
  readonly artifacts: string;
  readonly created: number;
  updated: number;
  readonly tags: Map<string, string>;
}

/** The experiments of one workspace. */
export class ExperimentStore {
  readonly #account: Account;
  readonly #workspace: Workspace;
  readonly #all = new Map<bigint, Experiment>();

  constructor(account: Account, workspace: Workspace) {
    this.#account = account;
    this.#workspace = workspace;
  }

  get all(): Experiment[] {
    return [...this.#all.values()];
  }

  byId(id: string): Experiment | undefined {
    return /^\d+$/.test(id) ? this.#all.get(BigInt(id)) : undefined;
  }

  /** The active one of a name, else a deleted one. */
  named(name: string): Experiment | undefined {
    const found = this.all.filter((one) => one.name === name);
    return found.find(({ stage }) => stage === "active") ?? found.at(-1);
  }

  /** Whether a new one may have this name: a deleted one's is free, or kept for its return. */
  isFree(name: string): boolean {
    const there = this.named(name);
    if (there?.stage === "deleted") return this.#account.behaviours.deleted_experiment_path === "free";
    return there === undefined && this.#workspace.files.at(name) === undefined;
  }

  create(principal: Principal, name: string, tags: readonly [string, string][], artifacts?: string): Experiment {
    const now = this.#account.clock.now();
    const id = this.#account.nextId();
    const own: [string, string][] = [
      ["mlflow.ownerEmail", principal.name],
      ["mlflow.experimentType", "MLFLOW_EXPERIMENT"],
      ["mlflow.experiment.sourceName", name],
    ];
    const made: Experiment = {
      id,
      name,
      stage: "active",
      artifacts: artifacts ?? `dbfs:/databricks/mlflow-tracking/${id}`,
      created: now,
      updated: now,
      tags: new Map([...tags, ...own]),
    };
    this.#all.set(id, made);
    this.#workspace.acls.set("experiments", String(id), [{ principal: principal.name, level: "CAN_MANAGE" }]);
    return made;
  }

  /** Its own entries, or the folder's that holds it. */
  can(principal: Principal, level: string, { id, name }: Experiment): boolean {
    const { acls, files } = this.#workspace;
    return acls.can(principal, level, "experiments", String(id)) || files.can(principal, level, parentOf(name));
  }
}

const BASE = "/api/2.0/mlflow/experiments";
const FACTS = "databricks-api 8";
const Tag = v.strictObject({ key: v.string(), value: v.optional(v.string(), "") });
const ById = v.strictObject({ experiment_id: v.string() });

export function experimentRoutes(): Route[] {
  return [
    route("POST", `${BASE}/create`, {
      facts: FACTS,
      body: v.strictObject({
        name: v.string(),
        artifact_location: v.optional(v.string()),
        tags: v.optional(v.array(Tag), []),
      }),
      handle: (call) => {
        const { workspace, principal, body } = call;
        const name = pathOf(body.name);
        // the folder must be there, and the caller must be allowed to add to it
        workspace.files.demand(principal, "CAN_EDIT", parentOf(name));
        checkFree(workspace, name);
        const tags = body.tags.map(({ key, value }): [string, string] => [key, value]);
        return {
          body: {
            experiment_id: String(workspace.experiments.create(principal, name, tags, body.artifact_location).id),
          },
        };
      },
    }),
    route("GET", `${BASE}/get`, {
      facts: FACTS,
      query: ["experiment_id"],
      handle: (call) => {
        const id = required(call.query, "experiment_id");
        return { body: { experiment: shown(demand(call, id, "CAN_READ")) } };
      },
    }),
    route("GET", `${BASE}/get-by-name`, {
      facts: FACTS,
      query: ["experiment_name"],
      handle: (call) => {
        const name = required(call.query, "experiment_name");
        const found = call.workspace.experiments.named(pathOf(name));
        if (found === undefined) throw notFound(`Node ${name} does not exist.`);
        return { body: { experiment: shown(demand(call, String(found.id), "CAN_READ")) } };
      },
    }),
    route("POST", `${BASE}/search`, {
      facts: FACTS,
      body: v.strictObject({
        filter: v.optional(v.string()),
        max_results: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(50_000))),
        page_token: v.optional(v.string()),
        view_type: v.optional(v.picklist(["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]), "ACTIVE_ONLY"),
      }),
      handle: ({ account, workspace, principal, body }) => {
        if (body.view_type !== "ACTIVE_ONLY") throw new Unmodelled("the simulator searches active experiments only");
        const asked = filterOf(body.filter ?? "");
        const blind = (body.filter ?? "") !== "" && account.behaviours.experiment_tag_search === "finds-none";
        const matches = blind ? () => false : asked;
        const found = workspace.experiments.all
          .filter(
            (one) => one.stage === "active" && matches(one) && workspace.experiments.can(principal, "CAN_READ", one),
          )
          .map(shown);
        const { items, next } = pageOf(
          found,
          body.max_results ?? 1000,
          body.page_token ?? null,
          listed("experiments", new URLSearchParams({ filter: body.filter ?? "" })),
        );
        return {
          body: {
            ...(items.length === 0 ? {} : { experiments: [...items] }),
            ...(next === undefined ? {} : { next_page_token: next }),
          },
        };
      },
    }),
    route("POST", `${BASE}/update`, {
      facts: FACTS,
      body: v.strictObject({ experiment_id: v.string(), new_name: v.optional(v.string()) }),
      handle: (call) => {
        const found = demand(call, call.body.experiment_id, "CAN_EDIT");
        const name = pathOf(call.body.new_name ?? found.name);
        if (name !== found.name) {
          call.workspace.files.demand(call.principal, "CAN_EDIT", parentOf(name));
          checkFree(call.workspace, name);
          found.name = name;
          found.tags.set("mlflow.experiment.sourceName", name);
        }
        found.updated = call.account.clock.now();
        return { body: {} };
      },
    }),
    route("POST", `${BASE}/set-experiment-tag`, {
      facts: FACTS,
      body: v.strictObject({ experiment_id: v.string(), key: v.string(), value: v.string() }),
      handle: (call) => {
        const { experiment_id, key, value } = call.body;
        demand(call, experiment_id, "CAN_EDIT").tags.set(key, value);
        return { body: {} };
      },
    }),
    route("POST", `${BASE}/delete`, {
      facts: FACTS,
      body: ById,
      handle: (call) => {
        demand(call, call.body.experiment_id, "CAN_MANAGE").stage = "deleted";
        return { body: {} };
      },
    }),
  ];
}

function pathOf(name: string): string {
  if (!name.startsWith("/"))
    throw badRequest(`Got an invalid experiment name '${name}'. An absolute path is required.`);
  return plainPath(name);
}

function checkFree(workspace: Workspace, name: string): void {
  if (workspace.experiments.isFree(name)) return;
  const deleted = workspace.experiments.named(name)?.stage === "deleted" ? " and is deleted: restore it" : "";
  throw new ApiError(400, "RESOURCE_ALREADY_EXISTS", `Node named '${name}' already exists${deleted}`);
}

function demand({ workspace, principal }: Call<unknown>, id: string, level: string): Experiment {
  const found = workspace.experiments.byId(id);
  if (found === undefined) throw notFound(`Node ID ${id} does not exist.`);
  if (!workspace.experiments.can(principal, level, found))
    throw forbidden(`${principal.name} does not have ${level} permissions on node with ID ${id}.`);
  return found;
}

/** `tags.key = 'value'`, several joined by AND; nothing else is modelled. */
function filterOf(filter: string): (one: Experiment) => boolean {
  if (filter.trim() === "") return () => true;
  const parts = filter.split(/\s+AND\s+/i).map((part) => {
    const [, key, value] = /^\s*tags\.[`"]?([\w.]+)[`"]?\s*=\s*'([^']*)'\s*$/.exec(part) ?? [];
    if (key === undefined || value === undefined)
      throw new Unmodelled(`the simulator does not model the filter ${part}`);
    return (one: Experiment) => one.tags.get(key) === value;
  });
  return (one) => parts.every((matches) => matches(one));
}

function shown(one: Experiment): JsonObject {
  return {
    experiment_id: String(one.id),
    name: one.name,
    artifact_location: one.artifacts,
    lifecycle_stage: one.stage,
    creation_time: one.created,
    last_update_time: one.updated,
    tags: [...one.tags].map(([key, value]) => ({ key, value })),
  };
}
