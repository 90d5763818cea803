/**
 * A plain client for the simulator's own tests: no client of the suite's, so that both cannot be wrong together.
 */
import type { DatabricksScenario } from "../../../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../../../simulator/databricks/server.ts";
import { type Json, type JsonObject, parseJson, stringifyJson } from "../../../simulator/json.ts";

export const DEV_ID = "11111111-1111-4111-8111-111111111111";
export const PROD_ID = "33333333-3333-4333-8333-333333333333";

/** Two workspaces, two service principals, one person; tests add what they are about. */
export function scenario(more: Partial<DatabricksScenario> = {}): DatabricksScenario {
  return {
    workspaces: { dev: { id: "1111111111111111" }, prod: { id: "3333333333333333" } },
    service_principals: {
      "ml-pipelines-dev": { application_id: DEV_ID, workspaces: ["dev"], secrets: ["dev-secret"] },
      "ml-pipelines-prod": { application_id: PROD_ID, workspaces: ["prod"], secrets: ["prod-secret"] },
    },
    users: { "mona@example.com": { display_name: "Mona" } },
    ...more,
  };
}

export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
  readonly text: string;
  readonly headers: Headers;
}

export interface Options {
  readonly body?: Json | FormData | Uint8Array;
  readonly headers?: Record<string, string>;
}

/** Calls the API of one workspace as one principal. */
export interface As {
  (method: string, path: string, options?: Options): Promise<Reply>;
}

const started: DatabricksSimulator[] = [];

/** Starts a simulator; `closeAll` in afterEach ends it. */
export async function start(given: DatabricksScenario = scenario()): Promise<DatabricksSimulator> {
  const simulator = await startDatabricks(given);
  started.push(simulator);
  return simulator;
}

export async function closeAll(): Promise<void> {
  await Promise.all(started.splice(0).map((simulator) => simulator.close()));
}

export function as(simulator: DatabricksSimulator, principal: string, workspace: string): As {
  const token = simulator.tokenFor(principal);
  const url = simulator.workspaces[workspace]?.url ?? "";
  return (method, path, { body, headers = {} } = {}) =>
    request(`${url}${path}`, method, { authorization: `Bearer ${token}`, ...headers }, body);
}

export async function request(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: Json | FormData | Uint8Array,
): Promise<Reply> {
  const raw = body instanceof FormData || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: body === undefined || raw ? headers : { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as FormData) : stringifyJson(body) }),
  });
  const text = await response.text();
  const json = response.headers.get("content-type") === "application/json";
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? (parseJson(text) as JsonObject) : {},
  };
}
