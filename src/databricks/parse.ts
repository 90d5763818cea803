/** What the API modules share: parsing answers once, where they enter, and walking pages. */
import * as v from "valibot";
import { isObject, type JsonObject, type JsonValue } from "../json.ts";
import { UnexpectedAnswer } from "./errors.ts";
import type { ApiAnswer, ApiRequest, Workspace } from "./workspace.ts";

/** An id: int64 on the wire in some APIs, text in others; always text inside (facts: databricks-api 2.5). */
export const id = v.pipe(
  v.union([v.string(), v.pipe(v.number(), v.safeInteger()), v.bigint()]),
  v.transform((value) => String(value)),
);

/** A count or a time in milliseconds; `undefined` if absent. */
export const integer = v.pipe(
  v.union([v.number(), v.bigint(), v.pipe(v.string(), v.regex(/^-?\d+$/))]),
  v.transform((value) => Number(value)),
);

/** Any JSON object, kept whole. */
export const jsonObject = v.custom<JsonObject>(
  (input) => typeof input === "object" && input !== null && !Array.isArray(input),
  "an object",
);

/** A list that is simply not there when it is empty. */
export function list<const Item extends v.GenericSchema>(item: Item) {
  return v.optional(v.array(item), []);
}

/** Text that may be absent or null. */
export const optionalText = v.pipe(
  v.nullish(v.string()),
  v.transform((value) => value ?? undefined),
);

/** Parses what a request answered; unknown fields pass, a missing required one throws UnexpectedAnswer naming it. */
export function parse<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: JsonValue,
  request: ApiRequest,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new UnexpectedAnswer(request, `${path ?? "the answer"} is not as expected (${issue.message})`);
}

/** Sends a request and parses its JSON answer. */
export async function ask<const Schema extends v.GenericSchema>(
  workspace: Workspace,
  request: ApiRequest,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  return parse(schema, (await workspace.call(request)).json(), request);
}

/**
 * The pages of a list. A page may be empty and still name the next one; only a missing or empty `next_page_token` is
 * the end (facts: databricks-api 2.4, unity-catalog 1.1). Throws UnexpectedAnswer if a page names itself.
 */
export async function* pages(workspace: Workspace, request: ApiRequest): AsyncGenerator<JsonObject> {
  let token: string | undefined;
  do {
    const answer: ApiAnswer = await workspace.call(token === undefined ? request : pageOf(request, token));
    const page = answer.json();
    if (!isObject(page)) throw new UnexpectedAnswer(request, "a page is not an object");
    yield page;
    const next: JsonValue | undefined = page["next_page_token"];
    if (typeof next === "string" && next !== "" && next === token) {
      throw new UnexpectedAnswer(request, "a page names itself as the next one");
    }
    token = typeof next === "string" && next !== "" ? next : undefined;
  } while (token !== undefined);
}

/** A search is a POST, and says in its body which page it wants; a list says it in its query. */
function pageOf(request: ApiRequest, token: string): ApiRequest {
  return isObject(request.json)
    ? { ...request, json: { ...request.json, page_token: token } }
    : { ...request, query: { ...request.query, page_token: token } };
}

/** The items under one key of all pages, parsed one by one; a page without the key has none. */
export async function* items<const Schema extends v.GenericSchema>(
  workspace: Workspace,
  request: ApiRequest,
  key: string,
  schema: Schema,
): AsyncGenerator<v.InferOutput<Schema>> {
  const page = v.looseObject({ [key]: list(v.unknown()) });
  for await (const value of pages(workspace, request)) {
    parse(page, value, request);
    const found = value[key];
    if (!Array.isArray(found)) continue;
    for (const item of found as readonly JsonValue[]) yield parse(schema, item, request);
  }
}

/** Everything an iterator gives, as an array. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of iterable) all.push(item);
  return all;
}

/** A path's parts, each URL-encoded, joined by `/`. Throws RangeError for a part that would change the path. */
export function encodePath(...parts: readonly string[]): string {
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new RangeError("a part of a request's path is empty or made of dots");
  }
  return parts.map((part) => encodeURIComponent(part)).join("/");
}
