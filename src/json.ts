/**
 * JSON without losing digits: Databricks ids are int64 and do not fit a JavaScript number
 * (facts: databricks-api 2.5). An integer that is not safe becomes a bigint, and a bigint is written as a bare number.
 */
export type JsonValue = null | boolean | number | bigint | string | JsonArray | JsonObject;
/** A list of JSON values. */
export type JsonArray = readonly JsonValue[];
/** A JSON object; a key that is not there reads as undefined. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Node 24's JSON source text access, which TypeScript's library does not declare yet. */
interface JsonWithSource {
  parse(text: string, reviver?: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  stringify(value: unknown, replacer: (key: string, value: unknown) => unknown, space?: number): string;
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the runtime has it, the library lacks the types
const json = JSON as unknown as JsonWithSource;

/** A number, not a text, of so many digits: shorter integers are safe ones, for 2^53 has 16. */
const LONG_NUMBER = /(?:^|[[,:])\s*-?\d{16}/;

/** Parses JSON; throws SyntaxError as JSON.parse does. Integers beyond 2^53 come back as bigint. */
export function parseJson(text: string): JsonValue {
  // Most texts have no such number (the ledger has its ids as texts), and to look at each value takes several times as long.
  const value = LONG_NUMBER.test(text) ? json.parse(text, exactInteger) : json.parse(text);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse yields exactly these, and the reviver only adds bigint
  return value as JsonValue;
}

function exactInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? "")
    ? BigInt(context.source ?? 0)
    : value;
}

/** Writes JSON; a bigint becomes a bare number. */
export function stringifyJson(value: unknown, space?: number): string {
  return json.stringify(
    value,
    (_key, value) => (typeof value === "bigint" ? json.rawJSON(value.toString()) : value),
    space,
  );
}

/** JSON with sorted keys and no blanks: equal values give equal text. The base of every digest. */
export function canonicalJson(value: JsonValue): string {
  return stringifyJson(sortKeys(value));
}

function sortKeys(value: JsonValue): JsonValue {
  if (isArray(value)) return value.map(sortKeys);
  if (isObject(value)) {
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((key) => [key, sortKeys(value[key] ?? null)]),
    );
  }
  return value;
}

/** A JSON object, neither null nor an array. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON array. */
export function isArray(value: JsonValue | undefined): value is JsonArray {
  return Array.isArray(value);
}

/** Deep equality of JSON values: order of keys does not matter, order of items does. */
export function equalJson(a: JsonValue, b: JsonValue): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
