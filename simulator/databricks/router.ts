/**
 * From a request to its route, in a closed world: what is not modelled is refused by name.
 */
import * as v from "valibot";
import { type Json, parseJson, repeatedKey } from "../json.ts";
import { listForObject } from "../shape.ts";
import { ApiError, badRequest, type Method, type Route, Unmodelled } from "./api.ts";

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** The route of a request, and what its path holds. */
export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a request. */
export class Router {
  readonly #routes: readonly Compiled[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(compile);
  }

  /** Routes in the order in which they are tried. */
  get routes(): readonly Route[] {
    return this.#routes.map(({ route }) => route);
  }

  /** Throws Unmodelled for a path, or a method on a path, that the simulator does not know. */
  match(method: string, path: string): Match {
    for (const { route, pattern, names } of this.#routes) {
      if (route.method !== (method as Method)) continue;
      const groups = pattern.exec(path);
      if (groups === null) continue;
      const values = names.map((name, index) => [name, decode(groups[index + 1] ?? "")]);
      return { route, params: Object.fromEntries(values) as Record<string, string> };
    }
    throw new Unmodelled(`the simulator does not model ${method} ${path}`);
  }
}

/** Refuses a query parameter that the route does not know. */
export function checkQuery(route: Route, query: URLSearchParams): void {
  for (const name of query.keys()) {
    const once = query.getAll(name).length === 1;
    if (once && route.query.includes(name)) continue;
    throw new Unmodelled(
      `the simulator does not model the query parameter ${name}${once ? "" : ", given twice,"} of ${route.method} ${route.path}`,
      400,
    );
  }
}

/** The parsed and checked body. Unknown fields are unmodelled; wrong values are the service's own 400. */
export function readBody(route: Route, bytes: Buffer, contentType: string | undefined): Json {
  const { body } = route;
  if (body === "bytes") return null;
  const text = bytes.toString("utf8");
  if (body === undefined) {
    if (text !== "" && text !== "{}")
      throw new Unmodelled(`the simulator models no body for ${route.method} ${route.path}`, 400);
    return null;
  }
  const where = `the body of ${route.method} ${route.path}`;
  if (text !== "" && !/^application\/(scim\+)?json(;|$)/.test(contentType ?? ""))
    throw new Unmodelled(`the simulator does not model ${contentType ?? "no content type"} for ${where}`, 400);
  let value: Json;
  try {
    value = parseJson(text === "" ? "{}" : text);
  } catch {
    throw new ApiError(400, "MALFORMED_REQUEST", "The request body is not valid JSON.");
  }
  const lost = lostKey(value);
  if (lost !== undefined) throw new Unmodelled(`the simulator does not model a key ${lost} in ${where}`, 400);
  const twice = repeatedKey(text);
  if (twice !== undefined) throw new Unmodelled(`the simulator does not model a key ${twice} twice in ${where}`, 400);
  return checkShape(body, value, `${route.method} ${route.path}`) as Json;
}

/** A key that a record of our schemas would drop without a word. */
function lostKey(value: Json): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = Object.keys(value).find((key) => ["__proto__", "prototype", "constructor"].includes(key));
  if (found !== undefined && !Array.isArray(value)) return found;
  return Object.values(value)
    .map(lostKey)
    .find((key) => key !== undefined);
}

/** Checks a JSON value; see readBody. `what` names it in the refusal. */
export function checkShape<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const list = listForObject(schema, value);
  if (list !== undefined) throw badRequest(`${list === "" ? "body" : list}: an object is needed, not a list`);
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const unknown = result.issues.filter((issue) => issue.type === "strict_object" && issue.expected === "never");
  if (unknown.length > 0) {
    const fields = unknown.map((issue) => v.getDotPath(issue) ?? "?").join(", ");
    throw new Unmodelled(`the simulator does not model the field ${fields} of ${what}`, 400);
  }
  const [issue] = result.issues;
  throw badRequest(`${v.getDotPath(issue) ?? "body"}: ${issue.message}`);
}

function compile(route: Route): Compiled {
  const names: string[] = [];
  const source = route.path
    .split(/(\{[^}]+\})/)
    .map((part) => {
      const name = /^\{(.+?)(\.\.\.)?\}$/.exec(part);
      if (name === null) return part.replaceAll(/[.+?^$()|[\]\\]/g, "\\$&");
      names.push(name[1] ?? "");
      return name[2] === undefined ? "([^/]+)" : "(.*)";
    })
    .join("");
  return { route, pattern: new RegExp(`^${source}$`), names };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, "MALFORMED_REQUEST", "The path is not correctly encoded.");
  }
}
