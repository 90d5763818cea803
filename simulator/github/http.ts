/** The HTTP of the simulated API: routes by pattern, closed to what is not modelled, paginated, typed. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { components } from "@octokit/openapi-types";
import * as v from "valibot";
import { bytesOf } from "../door.ts";
import { repeatedKey } from "../json.ts";
import { allows, type Level, type Scope } from "./permissions.ts";
import type { Role } from "./scenario.ts";
import { Refusal, type Token, type World } from "./world.ts";

/** GitHub's own types of what its API answers. */
export type Schemas = components["schemas"];

/** Some of an answer's fields: what is given must be named and typed as GitHub's; links nobody follows are left out. */
export type Partly<T> = T extends (infer Item)[]
  ? Partly<Item>[]
  : T extends object
    ? { [Key in keyof T]?: Partly<T[Key]> }
    : T;

/** What a route demands of the token. `admin` routes are closed to GITHUB_TOKEN: no permission of its grants them. */
type Access = "metadata" | "admin" | "person" | readonly [Scope, Level] | readonly (readonly [Scope, Level])[];

/** A request that has found its route and may be answered. */
export interface Call {
  readonly world: World;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly token: Token | undefined;
  /** The login behind the token; `github-actions[bot]` for a job. */
  readonly login: string;
  readonly apiUrl: string;
  readonly accept: string;
}

/** What a handler answers. */
export type Answer =
  | { readonly status?: number; readonly body: unknown }
  | { readonly status?: number; readonly bytes: Buffer; readonly type: string }
  | { readonly status: number; readonly location: string }
  /** A list to be cut into pages, and what is put around a page. */
  | { readonly list: readonly unknown[]; readonly wrap?: (page: readonly unknown[], total: number) => unknown };

/** One method and path that is modelled, and what a token needs for it. */
export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly template: string;
  readonly access: Access;
  /** Query parameters that are modelled, beside `page` and `per_page`. */
  readonly query: readonly string[];
  /** Those of them that know a few values only. */
  readonly choices: Readonly<Record<string, readonly string[]>>;
  /** Whether the media type `raw` gives the bytes. */
  readonly raw: boolean;
  readonly body: v.GenericSchema | undefined;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
}

/** A route; `{name}` in the template is one segment, `{name+}` the rest of the path. */
export function route(
  template: string,
  access: Access,
  handle: Route["handle"],
  options: {
    readonly query?: readonly string[];
    readonly choices?: Route["choices"];
    readonly raw?: boolean;
    readonly body?: v.GenericSchema;
  } = {},
): Route {
  const [method = "GET", path = ""] = template.split(" ");
  const source = path
    .split(/(\{\w+\+?\})/)
    .map((part) => {
      const name = /^\{(\w+)(\+?)\}$/.exec(part);
      if (name === null) return part.replace(/[.+]/g, "\\$&");
      return name[2] === "+" ? `(?<${name[1]}>.+)` : `(?<${name[1]}>[^/]+)`;
    })
    .join("");
  const pattern = new RegExp(`^${source}$`);
  const { choices = {}, query = [], raw = false, body } = options;
  return { method, template, pattern, access, query: [...query, ...Object.keys(choices)], choices, raw, body, handle };
}

/** Parses a body that a route declared; the schema has been checked before the handler runs. */
export function bodyOf<S extends v.GenericSchema>(schema: S, call: Call): v.InferOutput<S> {
  return v.parse(schema, call.body);
}

const ROLE_RANK: Readonly<Record<Role | "none", number>> = {
  none: 0,
  read: 1,
  triage: 2,
  write: 3,
  maintain: 4,
  admin: 5,
};

/** Whether somebody has a role in the repository, or a higher one. */
export function hasRole(world: World, login: string, role: Role): boolean {
  return ROLE_RANK[world.person(login).role] >= ROLE_RANK[role];
}

/** Refuses what the token may not do, with the service's status and words. */
export function authorise(world: World, route: Route, token: Token | undefined): void {
  if (token === undefined) {
    if (route.method !== "GET" || route.access === "admin") throw new Refusal(401, "Requires authentication");
    if (world.scenario.visibility === "private") throw new Refusal(404, "Not Found");
    return;
  }
  if (token.kind === "user") {
    if (world.scenario.visibility === "private" && !hasRole(world, token.login, "read")) {
      throw new Refusal(404, "Not Found");
    }
    if (route.access === "admin" && !hasRole(world, token.login, "admin")) {
      throw new Refusal(403, "Must have admin rights to Repository.");
    }
    const commentsOnly = /\/comments/.test(route.template);
    if (
      route.method !== "GET" &&
      route.access !== "person" &&
      !hasRole(world, token.login, commentsOnly ? "read" : "write")
    ) {
      throw new Refusal(403, "Must have push access to repository");
    }
    return;
  }
  if (!granted(route.access, token)) throw new Refusal(403, "Resource not accessible by integration");
}

function granted(access: Access, token: Extract<Token, { kind: "job" }>): boolean {
  if (access === "metadata") return true;
  if (access === "admin" || access === "person") return false;
  const either = isPair(access) ? [access] : access;
  return either.some(([scope, level]) => allows(token.permissions, scope, level));
}

function isPair(access: Exclude<Access, string>): access is readonly [Scope, Level] {
  return typeof access[0] === "string";
}

/** Reads a JSON body; an empty one is undefined, one of another type is refused by its name. */
export async function readBody(request: IncomingMessage, route: Route): Promise<unknown> {
  const text = (await bytesOf(request)).toString("utf8");
  if (text === "") return undefined;
  const type = request.headers["content-type"] ?? "no content type";
  if (!JSON_BODY.test(type)) throw new Refusal(501, `unmodelled: ${type} for the body of ${route.template}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, "Problems parsing JSON");
  }
  const twice = repeatedKey(text);
  if (twice !== undefined) throw new Refusal(501, `unmodelled: the key ${twice} twice in a body`);
  return value;
}

const JSON_BODY = /^application\/(json|vnd\.github(\.v3)?\+json)(; ?charset=utf-8)?$/i;
const JSON_TYPES = /^(\*\/\*|application\/json|application\/vnd\.github(\.v3)?\+json)$/;
const RAW_TYPES = /^application\/vnd\.github(\.v3)?\.raw(\+json)?$/;
const API_VERSION = "2022-11-28";

/** Refuses by name the headers that would change the answer in a way that is not modelled. */
export function checkHeaders(route: Route, headers: IncomingMessage["headers"]): void {
  for (const one of (headers.accept ?? "*/*").split(",").map((type) => type.replace(/;.*$/, "").trim())) {
    if (JSON_TYPES.test(one) || (route.raw && RAW_TYPES.test(one))) continue;
    throw new Refusal(501, `unmodelled media type: ${one} of ${route.template}`);
  }
  const version = headers["x-github-api-version"];
  if (version !== undefined && version !== API_VERSION) {
    throw new Refusal(501, `unmodelled version of the API: ${String(version)}`);
  }
  for (const name of ["if-none-match", "if-modified-since", "range", "x-http-method-override"]) {
    if (headers[name] !== undefined) throw new Refusal(501, `unmodelled header: ${name}`);
  }
}

/** Refuses by name what is asked and not modelled: a parameter, its value, a parameter given twice. */
export function checkQuery(route: Route, query: URLSearchParams): void {
  for (const [name, value] of query) {
    const once = query.getAll(name).length === 1;
    const paging = name === "page" || name === "per_page";
    if (!once || !(paging || route.query.includes(name)))
      throw new Refusal(501, `unmodelled query parameter: ${name} of ${route.template}`);
    if (value === "" || (paging ? !/^[1-9]\d*$/.test(value) : route.choices[name]?.includes(value) === false))
      throw new Refusal(501, `unmodelled value of the query parameter ${name}: ${value} of ${route.template}`);
  }
}

interface Page {
  readonly items: readonly unknown[];
  readonly total: number;
  readonly link: string | undefined;
}

/** Cuts a list: 30 a page unless asked otherwise, 100 at most, with the `Link` header that clients follow. */
export function paginate(list: readonly unknown[], url: URL): Page {
  const size = Math.min(Math.max(Number(url.searchParams.get("per_page") ?? 30) || 30, 1), 100);
  const page = Math.max(Number(url.searchParams.get("page") ?? 1) || 1, 1);
  const last = Math.max(Math.ceil(list.length / size), 1);
  const at = (number: number, rel: string): string => {
    const target = new URL(url);
    target.searchParams.set("per_page", String(size));
    target.searchParams.set("page", String(number));
    return `<${target.href}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [at(page - 1, "prev"), at(1, "first")] : []),
    ...(page < last ? [at(page + 1, "next"), at(last, "last")] : []),
  ];
  return {
    items: list.slice((page - 1) * size, page * size),
    total: list.length,
    link: links.length > 0 ? links.join(", ") : undefined,
  };
}

/** Sends an answer; one of status 204 has no body. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (status === 204) {
    response.writeHead(204).end();
    return;
  }
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}
