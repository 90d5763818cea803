/**
 * What a handler gets and gives: routes, calls, answers, and the service's errors.
 */
import type * as v from "valibot";
import type { Json } from "../json.ts";
import type { Account, Workspace } from "./account.ts";
import type { Principal } from "./principals.ts";

/** The methods that any modelled route has. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD";

/** A request that passed the door: known route, known parameters, a principal that may be here. */
export interface Call<Body = Json> {
  readonly account: Account;
  readonly workspace: Workspace;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Body;
  readonly bytes: Buffer;
  /** Read what was there before the last write (the fault `stale`). */
  readonly stale: boolean;
}

/** What a handler answers: 200 and an empty object where it says nothing else. */
export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whom an open route recognised, for the request log. */
  readonly principal?: Principal;
}

/** Which style an error of this route has (facts: databricks-api 2.1). */
export type ErrorStyle = "databricks" | "scim" | "oauth";

/** One method and path that is modelled, with all that it takes. */
export interface Route {
  readonly method: Method;
  /** `{name}` is one segment, `{name...}` the rest of the path. */
  readonly path: string;
  readonly query: readonly string[];
  readonly body: v.GenericSchema | "bytes" | undefined;
  readonly style: ErrorStyle;
  /** Needs no token; `call.principal` is then NOBODY. */
  readonly open: boolean;
  /** The section of the facts that this route follows. */
  readonly facts: string;
  readonly handle: (call: Call<never>) => Answer | Promise<Answer>;
}

interface RouteOptions<S extends v.GenericSchema> {
  readonly facts: string;
  readonly query?: readonly string[];
  readonly body?: S;
  readonly style?: ErrorStyle;
  readonly handle: (call: Call<v.InferOutput<S>>) => Answer | Promise<Answer>;
}

/** A route with a JSON body, or with none. */
export function route<S extends v.GenericSchema>(method: Method, path: string, options: RouteOptions<S>): Route {
  const { facts, query = [], body, style = "databricks", handle } = options;
  return { method, path, query, body, style, open: false, facts, handle };
}

/** A route whose body is not JSON: the handler reads `call.bytes`. */
export function rawRoute(
  method: Method,
  path: string,
  options: Omit<RouteOptions<v.GenericSchema>, "body" | "handle"> & {
    readonly open?: boolean;
    readonly handle: (call: Call) => Answer | Promise<Answer>;
  },
): Route {
  const { facts, query = [], style = "databricks", open = false, handle } = options;
  return { method, path, query, body: "bytes", style, open, facts, handle };
}

/** An error as the service says it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string | number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string | number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** What the simulator does not know: never a guess, always a refusal by name that a test can see. */
export class Unmodelled extends Error {
  override readonly name = "Unmodelled";
  readonly status: number;

  constructor(message: string, status = 501) {
    super(message);
    this.status = status;
  }
}

/** The error for a value that the service does not take. */
export const badRequest = (message: string): ApiError => new ApiError(400, "INVALID_PARAMETER_VALUE", message);
/** The error for somebody without the right. */
export const forbidden = (message: string): ApiError => new ApiError(403, "PERMISSION_DENIED", message);
/** The error for what is not there. */
export const notFound = (message: string, code = "RESOURCE_DOES_NOT_EXIST"): ApiError =>
  new ApiError(404, code, message);

/** A whole number from the query; throws 400 when it is none. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`${name} must be an integer, not '${text}'`);
  return Number(text);
}

/** true/false from the query. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text !== null && text !== "true" && text !== "false") throw badRequest(`${name} must be true or false`);
  return text === "true";
}

/** A parameter the service insists on. */
export function required(query: URLSearchParams, name: string): string {
  const text = query.get(name);
  if (text === null || text === "") throw badRequest(`Missing required field: ${name}`);
  return text;
}
