/**
 * The simulator's own lossless JSON: ids are int64 and travel as bare numbers (facts: databricks-api 2.5).
 * It repeats what the suite has, on purpose: the simulator follows the facts, never the suite's code.
 */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
/** A JSON object that may be changed. */
export interface JsonObject {
  [key: string]: Json;
}

/** Node 24's source text access, which TypeScript's library does not declare yet. */
interface JsonWithSource {
  parse(text: string, reviver?: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  stringify(value: unknown, replacer: (key: string, value: unknown) => unknown, space?: number): string;
}
const json = JSON as unknown as JsonWithSource;

/** A number, not a text, of so many digits: shorter integers are safe ones, for 2^53 has 16. */
const LONG_NUMBER = /(?:^|[[,:])\s*-?\d{16}/;

/** Parses JSON; integers beyond 2^53 become bigint. Throws SyntaxError. */
export function parseJson(text: string): Json {
  // to look at each value takes several times as long
  return (LONG_NUMBER.test(text) ? json.parse(text, exactInteger) : json.parse(text)) as Json;
}

function exactInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? "")
    ? BigInt(context.source ?? 0)
    : value;
}

/** Writes JSON; bigint becomes a bare number; what is undefined is left out. */
export function stringifyJson(value: unknown, space?: number): string {
  return json.stringify(
    value,
    (_key, item) => (typeof item === "bigint" ? json.rawJSON(item.toString()) : item),
    space,
  );
}

/** True for a JSON object, neither null nor a list. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A deep copy, so that an answer can never change the state it was made from. */
export function copy<T>(value: T): T {
  return structuredClone(value);
}

/** A key that an object of a JSON text has twice: parsing keeps the last without a word. */
export function repeatedKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (const [, key, token] of text.matchAll(/"((?:[^"\\]|\\.)*)"\s*:|"(?:[^"\\]|\\.)*"|([{}[\]])/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token !== undefined) open.pop();
    if (key === undefined) continue;
    const keys = open.at(-1);
    if (keys?.has(key) === true) return key;
    keys?.add(key);
  }
  return undefined;
}
