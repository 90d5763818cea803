/** One connection to one workspace: every API module takes it first. */
import { createHttp, type HttpAnswer, type HttpClient, type HttpOptions, type HttpRequest } from "../http/client.ts";
import { type Clock, realClock } from "../http/clock.ts";
import { AmbiguousError } from "../http/errors.ts";
import { bounded } from "../http/pool.ts";
import { Redactor } from "../http/redact.ts";
import { userAgent } from "../http/user-agent.ts";
import { type JsonValue, stringifyJson } from "../json.ts";
import { isTokenRefused, judge, readFailure, tryJson } from "./answer.ts";
import { type Authenticator, type Credentials, createAuthenticator } from "./auth.ts";
import { ApiError, LostAnswer, UnexpectedAnswer } from "./errors.ts";
import { servesManyWorkspaces, workspaceUrl } from "./hosts.ts";

const AUTH_TYPE = { secret: "oauth-m2m", oidc: "github-oidc" } as const;

/** What the client needs of a log; the actions' frame has it. */
export interface ClientLog {
  info(message: string): void;
  debug(message: string): void;
  warning(message: string): void;
  /** Called with every secret and token before it is used. */
  secret(value: string): void;
}

/** One request to a workspace. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path from the host, its parts already URL-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON; a bigint becomes a bare number. */
  readonly json?: JsonValue;
  /** Sent as it is, instead of `json`. */
  readonly body?: { readonly bytes: Uint8Array; readonly type: string };
  /**
   * Whether sending it twice is harmless. GET, PUT and DELETE are taken as repeatable; a POST or PATCH only if it says
   * so. What is not repeatable throws LostAnswer on an ambiguous failure.
   */
  readonly repeatable?: boolean;
}

/** An answer of status 2xx, or one that the request said it expects. */
export interface ApiAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** The body as JSON, int64 exact; an empty body is `{}`. Throws UnexpectedAnswer. */
  json(): JsonValue;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
}

/** A connection that signs in by itself, and tries again what may be tried again. */
export interface Workspace {
  /** `https://…`, no trailing slash. */
  readonly host: string;
  readonly workspaceId: string | undefined;
  /** The kind of credential, as Databricks names it. */
  readonly authType: "oauth-m2m" | "github-oidc";
  /** The audience that GitHub's token is asked for; undefined with a client secret. */
  audience(): Promise<string | undefined>;
  /** Sends one request, with authentication, retries and deadlines. Throws ApiError, LostAnswer or FourTierError. */
  call(request: ApiRequest): Promise<ApiAnswer>;
}

/** Where to connect to, and as whom. */
export interface ConnectOptions {
  /** `https://…`; `http://` only for loopback. */
  readonly host: string;
  /** Sent as X-Databricks-Workspace-Id if the host serves several workspaces (facts: databricks-api 1.5). */
  readonly workspaceId?: string | undefined;
  readonly credentials: Credentials;
  readonly log: ClientLog;
  /** Once aborted, nothing new is sent; a write in flight is awaited. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
  /** Deadlines and attempts, other than the defaults. */
  readonly http?: Pick<HttpOptions, "attemptMs" | "overallMs" | "attempts" | "proxyLoopback">;
  /** Called before each request that is no GET: one of them may change something. */
  readonly onWrite?: () => void;
}

/** The same connection with at most `limit` requests in flight, whoever sends them. */
export function sparing(workspace: Workspace, limit: number): Workspace {
  const inTurn = bounded(limit);
  return { ...workspace, call: (request) => inTurn(() => workspace.call(request)) };
}

/** Makes a connection; nothing is sent before the first call. Throws FourTierError for a host that is not one. */
export function connect(options: ConnectOptions): Workspace {
  const host = workspaceUrl(options.host);
  const { credentials, log } = options;
  const clock = options.clock ?? realClock;
  const redactor = new Redactor();
  const userAgentText = userAgent(AUTH_TYPE[credentials.kind]);
  const onRetry: NonNullable<HttpOptions["onRetry"]> = (label, reason, waitMs) => {
    log.info(`${label.method} ${label.path}: ${reason}, again in ${(waitMs / 1000).toFixed(1)} s`);
  };
  const shared = { clock, onRetry, ...options.http };
  const authenticator = createAuthenticator({
    host,
    credentials,
    log,
    clock,
    redactor,
    httpFor: (origin) => createHttp({ overallMs: 60_000, ...shared, origins: [origin], userAgent: userAgentText }),
  });
  const http = createHttp({ ...shared, origins: [host.origin], userAgent: userAgentText, signal: options.signal });
  return {
    host: host.origin,
    workspaceId: options.workspaceId,
    authType: AUTH_TYPE[credentials.kind],
    audience: () => authenticator.audience(),
    call: async (request) => {
      if (request.method !== "GET") options.onWrite?.();
      const sent = await toHttp(request, host, options.workspaceId, authenticator);
      const repeatable = request.repeatable ?? ["GET", "PUT", "DELETE"].includes(request.method);
      const answer = await sendWithToken(http, sent, repeatable, authenticator, request);
      if (answer.status >= 300) throw new ApiError(request, readFailure(answer, redactor));
      return toApiAnswer(answer, request);
    },
  };
}

/** One request with a token; a token that is refused is renewed once, since a refused request had no effect. */
async function sendWithToken(
  http: HttpClient,
  request: HttpRequest,
  repeatable: boolean,
  authenticator: Authenticator,
  name: ApiRequest,
): Promise<HttpAnswer> {
  for (let renewed = false; ; renewed = true) {
    const token = await authenticator.token();
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    try {
      const answer = await http.send({ ...request, headers }, (answer) => judge(answer, repeatable), repeatable);
      if (renewed || !isTokenRefused(answer)) return answer;
    } catch (error) {
      if (error instanceof AmbiguousError) throw new LostAnswer(name, error.reason, { cause: error });
      throw error;
    }
    authenticator.refused(token);
  }
}

async function toHttp(
  request: ApiRequest,
  host: URL,
  workspaceId: string | undefined,
  authenticator: Authenticator,
): Promise<HttpRequest> {
  // joined as text, not resolved: a path like //elsewhere must not change the host
  const url = new URL(`${host.origin}${request.path}`);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const headers: Record<string, string> = { accept: "application/json" };
  if (workspaceId !== undefined && servesManyWorkspaces(host, (await authenticator.discovery()).hostType)) {
    headers["x-databricks-workspace-id"] = workspaceId;
  }
  if (request.body !== undefined) {
    headers["content-type"] = request.body.type;
    return { method: request.method, url, headers, body: request.body.bytes };
  }
  if (request.json === undefined) return { method: request.method, url, headers };
  headers["content-type"] = "application/json";
  return { method: request.method, url, headers, body: stringifyJson(request.json) };
}

function toApiAnswer(answer: HttpAnswer, request: ApiRequest): ApiAnswer {
  return {
    status: answer.status,
    bytes: answer.bytes,
    header: (name) => answer.header(name),
    json: () => {
      const text = answer.text();
      if (text.trim() === "") return {};
      const value = tryJson(text);
      if (value === undefined) throw new UnexpectedAnswer(request, "it is not JSON");
      return value;
    },
  };
}
