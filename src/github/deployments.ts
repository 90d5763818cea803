/** Deployments and their statuses: an index that anybody with push access can write, never evidence itself. */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import { type GitHub, Id, Login } from "./client.ts";

/** GitHub's words for the state of a Deployment. */
export type DeploymentState = "in_progress" | "success" | "failure" | "error" | "inactive" | "queued" | "pending";

/** A Deployment: an index to a run, which anybody with push can write. */
export interface Deployment {
  readonly id: string;
  readonly sha: string;
  readonly environment: string;
  readonly task: string;
  readonly creator: string | undefined;
  /** As it came; nothing in it is to be believed. */
  readonly payload: unknown;
  readonly createdAt: string;
}

/** GitHub cuts nothing, it refuses (facts: github 3). */
const MAX_DESCRIPTION = 140;

const DeploymentSchema = v.object({
  id: Id,
  sha: v.string(),
  environment: v.string(),
  task: v.string(),
  creator: Login,
  payload: v.unknown(),
  created_at: v.string(),
});

const StatusSchema = v.object({ state: v.string() });

const DEPLOYMENTS = "/repos/{owner}/{repo}/deployments";

/** Sorts Deployments by when they were made, the newest first. Times are whole seconds, and ids grow. */
export function newestFirst(a: Pick<Deployment, "id" | "createdAt">, b: Pick<Deployment, "id" | "createdAt">): number {
  const between = Date.parse(b.createdAt) - Date.parse(a.createdAt);
  return between === 0 ? Number(BigInt(b.id) - BigInt(a.id)) : between;
}

/** Creates a Deployment of exactly `sha`, without merging anything and without waiting for checks. Returns its id. */
export async function createDeployment(
  github: GitHub,
  deployment: {
    readonly sha: string;
    readonly environment: string;
    readonly task: string;
    readonly payload: JsonObject;
    readonly description: string;
    /** Only production is marked so; GitHub would guess from the name. */
    readonly production: boolean;
  },
): Promise<string> {
  const created = await github.send(
    `POST ${DEPLOYMENTS}`,
    {
      ref: deployment.sha,
      task: deployment.task,
      environment: deployment.environment,
      payload: deployment.payload,
      description: shorten(deployment.description),
      auto_merge: false,
      required_contexts: [],
      production_environment: deployment.production,
      transient_environment: false,
    },
    v.object({ id: Id }),
    "deployments: write",
  );
  return created.id;
}

/** Sets a Deployment's state. Earlier ones stay as they are: they tell what was deployed when. */
export async function setDeploymentStatus(
  github: GitHub,
  id: string,
  status: { readonly state: DeploymentState; readonly description: string; readonly logUrl?: string },
): Promise<void> {
  await github.send(
    `POST ${DEPLOYMENTS}/{deployment_id}/statuses`,
    {
      deployment_id: id,
      state: status.state,
      description: shorten(status.description),
      ...(status.logUrl === undefined ? {} : { log_url: status.logUrl }),
      auto_inactive: false,
    },
    v.object({ id: Id }),
    "deployments: write",
  );
}

/** Deployments, newest first. */
export async function* listDeployments(
  github: GitHub,
  filter: { readonly environment: string; readonly task: string; readonly sha?: string },
): AsyncGenerator<Deployment> {
  for await (const found of github.list(`GET ${DEPLOYMENTS}`, { ...filter }, DeploymentSchema, "deployments: read")) {
    yield {
      id: found.id,
      sha: found.sha,
      environment: found.environment,
      task: found.task,
      creator: found.creator,
      payload: typeof found.payload === "string" ? parsed(found.payload) : found.payload,
      createdAt: found.created_at,
    };
  }
}

/**
 * A Deployment's state, but for `inactive`: GitHub adds that to what was deployed before, and with it to ours when the
 * job has a Deployment of its own (facts: github 3, auto_inactive). Undefined before it has one. Asks for one page,
 * however many somebody wrote.
 */
export async function stateOf(github: GitHub, id: string): Promise<string | undefined> {
  let looked = 0;
  for await (const { state } of github.list(
    `GET ${DEPLOYMENTS}/{deployment_id}/statuses`,
    { deployment_id: id, per_page: STATUSES },
    StatusSchema,
    "deployments: read",
  )) {
    if (state !== "inactive") return state;
    if (++looked === STATUSES) return state;
  }
  return looked === 0 ? undefined : "inactive";
}

/** Newest first. */
const STATUSES = 10;

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return payload;
  }
}

function shorten(description: string): string {
  return description.length <= MAX_DESCRIPTION ? description : `${description.slice(0, MAX_DESCRIPTION - 1)}…`;
}
