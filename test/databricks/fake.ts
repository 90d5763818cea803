/** A workspace on loopback whose API a test writes route by route; signing in works unless the test says otherwise. */
import type { ServerResponse } from "node:http";
import type { Credentials } from "../../src/databricks/auth.ts";
import { type ClientLog, type ConnectOptions, connect, type Workspace } from "../../src/databricks/workspace.ts";
import { fakeClock, json, type Loopback, type Seen, serve } from "../http/loopback.ts";

/** `count` is how many requests this route had, this one included. */
export type Route = (request: Seen, response: ServerResponse, count: number) => void | Promise<void>;
export type Routes = Readonly<Record<string, Route>>;

export const CLIENT_ID = "33333333-3333-4333-8333-333333333333";
export const SECRET = "dose-canary-secret-3";
const SECRET_CREDENTIALS: Credentials = { kind: "secret", clientId: CLIENT_ID, clientSecret: SECRET };

interface Fake extends Loopback {
  /** Requests other than signing in. */
  readonly calls: Seen[];
}

/** Starts it. A route is `GET /api/…`, the path as sent (still encoded); what no route takes is a 404 without a code. */
export async function fakeWorkspace(routes: Routes): Promise<Fake> {
  const counts = new Map<string, number>();
  const calls: Seen[] = [];
  const all: Routes = {
    "GET /oidc/.well-known/oauth-authorization-server": (request, response) =>
      json(response, 200, { token_endpoint: `http://${request.headers.host ?? ""}/oidc/v1/token` }),
    "POST /oidc/v1/token": (_request, response, count) =>
      json(response, 200, { access_token: `token-${count}`, token_type: "Bearer", expires_in: 3600 }),
    ...routes,
  };
  const loopback = await serve(async (request, response) => {
    const key = `${request.method} ${request.path}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (request.path.startsWith("/api/")) calls.push(request);
    const route = all[key];
    if (route === undefined) response.writeHead(404).end();
    else await route(request, response, count);
  });
  return { ...loopback, calls };
}

interface RecordedLog extends ClientLog {
  readonly lines: string[];
  readonly secrets: string[];
}

function recordLog(): RecordedLog {
  const lines: string[] = [];
  const secrets: string[] = [];
  const add = (message: string): void => void lines.push(message);
  return { lines, secrets, info: add, debug: add, warning: add, secret: (value) => void secrets.push(value) };
}

/** A connection to a fake (or any) workspace with time that does not pass by itself. */
export function connectTo(
  url: string,
  options: Partial<ConnectOptions> = {},
): { workspace: Workspace; clock: ReturnType<typeof fakeClock>; log: RecordedLog } {
  const clock = fakeClock();
  const log = recordLog();
  const workspace = connect({ host: url, credentials: SECRET_CREDENTIALS, log, clock, ...options });
  return { workspace, clock, log };
}

export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of iterable) all.push(item);
  return all;
}
