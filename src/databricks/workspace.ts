/** One connection to one workspace: every API module takes it first. */
import type { JsonValue } from "../json.ts";
import type { Credentials } from "./auth.ts";

/** What the client needs of a log; the actions' frame has it. */
export interface ClientLog {
  info(message: string): void;
  debug(message: string): void;
  warning(message: string): void;
  /** Called with every secret and token before it is used. */
  secret(value: string): void;
}

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

export interface ApiAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** The body as JSON, int64 exact; an empty body is `{}`. Throws UnexpectedAnswer. */
  json(): JsonValue;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
}

export interface Workspace {
  /** `https://…`, no trailing slash. */
  readonly host: string;
  readonly workspaceId: string | undefined;
  /** The kind of credential, as Databricks names it. */
  readonly authType: "oauth-m2m" | "github-oidc";
  /** Sends one request, with authentication, retries and deadlines. Throws ApiError, LostAnswer or FourTierError. */
  call(request: ApiRequest): Promise<ApiAnswer>;
}

export interface ConnectOptions {
  /** `https://…`; `http://` only for loopback. */
  readonly host: string;
  /** Sent as X-Databricks-Workspace-Id if the host serves several workspaces (facts: databricks-api 1.5). */
  readonly workspaceId?: string | undefined;
  readonly credentials: Credentials;
  readonly log: ClientLog;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a connection; nothing is sent before the first call. Throws FourTierError for a host that is not one. */
export function connect(_options: ConnectOptions): Workspace {
  throw new Error("not built yet");
}
