/** Evaluates `${{ }}` with GitHub's own parser; what it does not know is refused by name (facts: github 7). */
import { data, Evaluator, Lexer, Parser, type Result, wellKnownFunctions } from "@actions/expressions";
import { isBasicExpression, isMapping, isScalar, isSequence } from "@actions/workflow-parser";
import type { TemplateToken } from "@actions/workflow-parser/templates/tokens/template-token";
import { tellOfExpression } from "./modelled.ts";
import { isOfOtherEvents } from "./payloads.ts";
import { UnmodelledError } from "./unmodelled.ts";

/** What an expression can be. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };
/** Values by key, such as a context. */
export type Dictionary = { readonly [key: string]: Value };

/** What an expression can see: contexts by name, and how the job or its needs stand for `success()` and its kin. */
export interface Scope {
  readonly contexts: Dictionary;
  readonly status?: { readonly success: boolean; readonly failure: boolean; readonly cancelled: boolean };
}

type Call = (...args: data.ExpressionData[]) => data.ExpressionData;

/** Evaluates the text of one expression. Throws Error with the parser's message for one that is not understood. */
export function evaluate(expression: string, scope: Scope): Value {
  const tokens = unescaped(new Lexer(expression).lex());
  for (const name of calledIn(tokens)) {
    // a newer version of the parser may know more than the table
    if (!tellOfExpression("function", name) && name.toLowerCase() in wellKnownFunctions)
      throw new UnmodelledError(`expression function ${name}`);
  }
  const status = scope.status ?? { success: true, failure: false, cancelled: false };
  const is =
    (answer: boolean): Call =>
    () =>
      new data.BooleanData(answer);
  const functions: readonly [name: string, call: Call][] = [
    ["success", is(status.success)],
    ["failure", is(status.failure)],
    ["cancelled", is(status.cancelled)],
    ["always", is(true)],
    [
      "hashFiles",
      () => {
        throw new UnmodelledError("expression function hashFiles");
      },
    ],
  ];
  const known = functions.map(([name, call]) => ({ name, call, minArgs: 0, maxArgs: 255 }));
  // The parser must know each context by name, and each name must have data (trap 5).
  const tree = new Parser(tokens, Object.keys(scope.contexts), known).parse();
  const contexts = new Contexts(
    ...Object.entries(scope.contexts).map(([key, value]) => ({ key, value: contextOf(key, value) })),
  );
  const table = new Map(known.map((entry) => [entry.name.toLowerCase(), entry]));
  try {
    return fromData(new Evaluator(tree, contexts, table).evaluate());
  } catch (error) {
    if (error instanceof UnmodelledError) throw error;
    // the service fails the step or the job that has it
    throw new UnmodelledError(
      `the failure of ${expression}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The names before an opening bracket. */
function calledIn(tokens: Result["tokens"]): string[] {
  return tokens.flatMap(({ lexeme }, index) =>
    tokens[index + 1]?.lexeme === "(" && /^[a-z]\w*$/i.test(lexeme) ? [lexeme] : [],
  );
}

/**
 * The lexer of @actions/expressions 0.3.61 turns only the first doubled quote of a string into one; the service all of
 * them. The parser doubles every quote of a text that holds an expression, so scripts with two quotes would break.
 */
function unescaped({ tokens }: Result): Result["tokens"] {
  return tokens.map((token) =>
    typeof token.value === "string" && token.lexeme.startsWith("'")
      ? { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") }
      : token,
  );
}

/** Evaluates a condition: the parser has already put `success() &&` before one that asks for no status (trap 4). */
export function condition(expression: string, scope: Scope): boolean {
  return truthy(evaluate(expression, scope));
}

/** Null, false, zero, NaN and the empty string are false. */
export function truthy(value: Value): boolean {
  return !(value === null || value === false || value === 0 || Number.isNaN(value) || value === "");
}

/** A token's value: scalars as they are, expressions evaluated, mappings and sequences all through. */
export function resolve(token: TemplateToken, scope: Scope): Value {
  if (isBasicExpression(token)) return evaluate(token.expression, scope);
  if (isMapping(token)) {
    const entries: [string, Value][] = [];
    for (const { key, value } of token) {
      if (key.isExpression) throw new UnmodelledError("an expression as a key");
      entries.push([key.toString(), resolve(value, scope)]);
    }
    return Object.fromEntries(entries);
  }
  if (isSequence(token)) return [...token].map((item) => resolve(item, scope));
  return literal(token);
}

/** A scalar that holds no expression. */
function literal(token: TemplateToken): Value {
  if (!isScalar(token)) throw new UnmodelledError(`a ${token.typeName()}`);
  const json: unknown = token.toJSON();
  if (json === null || json === undefined) return null;
  if (typeof json === "string" || typeof json === "number" || typeof json === "boolean") return json;
  return token.toString();
}

/** As `resolve`, as text. */
export function resolveText(token: TemplateToken | undefined, scope: Scope): string {
  return token === undefined ? "" : textOf(resolve(token, scope));
}

/** A scalar as its file has it, its expressions as they are. */
export function asWritten(token: TemplateToken | undefined): string | undefined {
  return token !== undefined && isScalar(token) ? token.toString() : undefined;
}

/** A mapping's values as text, as in `env:` and `with:`; undefined is an empty one. */
export function resolveTexts(token: TemplateToken | undefined, scope: Scope): Record<string, string> {
  if (token === undefined) return {};
  const value = resolve(token, scope);
  if (!isDictionary(value)) throw new Error("Expected a mapping");
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, textOf(one)]));
}

/** How a value appears inside a text: nothing for null, and a whole object as its kind's name. */
export function textOf(value: Value): string {
  if (value === null) return "";
  if (typeof value === "object") return Array.isArray(value) ? "Array" : "Object";
  return String(value);
}

/** True for values by key, neither null nor a list. */
export function isDictionary(value: Value | undefined): value is Dictionary {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Contexts whose properties the service fixes. It gives null for one that does not exist; here that one is either a
 * typing error or something we lack, and both are refused by name. An empty context is one that is not there yet.
 */
const FIXED: readonly string[] = ["github", "job", "runner", "strategy"];

/** Of these not everything is modelled, so that the whole (`toJSON(github)`, `github.*`) would be a part. */
const PARTIAL = /^(github|job|runner)\b/;

/** All contexts by their names; says which were asked for. */
class Contexts extends data.Dictionary {
  override get(key: string): data.ExpressionData | undefined {
    tellOfExpression("context", key);
    return super.get(key);
  }
}

class FixedContext extends data.Dictionary {
  readonly #name: string;
  readonly #isNull: (key: string) => boolean;
  constructor(
    name: string,
    entries: readonly { readonly key: string; readonly value: data.ExpressionData }[],
    isNull: (key: string) => boolean = () => false,
  ) {
    super(...entries);
    this.#name = name;
    this.#isNull = isNull;
  }
  override get(key: string): data.ExpressionData | undefined {
    const found = super.get(key);
    if (found !== undefined) {
      const place = `${this.#name.replace(/^(steps|needs)\..*/, "$1.*")}.${key}`;
      // what an event brings is told as one
      if (!tellOfExpression("context", place) && !place.startsWith("github.event."))
        throw new UnmodelledError(`context ${place}, which is in no table`);
      return found;
    }
    if (this.#isNull(key)) return undefined;
    throw new UnmodelledError(`context ${this.#name}.${key}`);
  }
  override values(): data.ExpressionData[] {
    this.#refuseWhole();
    return super.values();
  }
  override pairs(): ReturnType<data.Dictionary["pairs"]> {
    this.#refuseWhole();
    return super.pairs();
  }
  #refuseWhole(): void {
    if (PARTIAL.test(this.#name)) throw new UnmodelledError(`the whole of ${this.#name}`);
  }
}

function contextOf(name: string, value: Value): data.ExpressionData {
  if ((name === "steps" || name === "needs") && isDictionary(value)) {
    const entries = Object.entries(value).map(([id, one]) => ({ key: id, value: closed(`${name}.${id}`, one) }));
    return new data.Dictionary(...entries);
  }
  if (!FIXED.includes(name) || !isDictionary(value) || Object.keys(value).length === 0) return toData(value);
  const entries = Object.entries(value).map(([key, one]) => ({
    key,
    value: name === "github" && key === "event" ? payloadOf(value, one) : toData(one),
  }));
  return new FixedContext(name, entries);
}

/** What a step or a job that is needed has, and no more: its names below `outputs` are its own. */
function closed(name: string, value: Value): data.ExpressionData {
  if (!isDictionary(value)) return toData(value);
  return new FixedContext(
    name,
    Object.entries(value).map(([key, one]) => ({ key, value: toData(one) })),
  );
}

/** The payload of the event: closed at every level but the inputs, whose names are the workflow's. */
function payloadOf(github: Dictionary, payload: Value): data.ExpressionData {
  const event = textOf(github["event_name"] ?? null);
  const action = isDictionary(payload) ? textOf(payload["action"] ?? null) : "";
  const close = (name: string, value: Value, isNull?: (key: string) => boolean): data.ExpressionData => {
    if (Array.isArray(value)) return new data.Array(...value.map((one: Value) => close(`${name}.*`, one)));
    if (!isDictionary(value) || name === "github.event.inputs") return toData(value);
    const entries = Object.entries(value).map(([key, one]) => ({ key, value: close(`${name}.${key}`, one) }));
    return new FixedContext(name, entries, isNull);
  };
  return close("github.event", payload, (key) => isOfOtherEvents(event, action, key));
}

function toData(value: Value): data.ExpressionData {
  if (value === null) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (isDictionary(value)) {
    return new data.Dictionary(...Object.entries(value).map(([key, one]) => ({ key, value: toData(one) })));
  }
  return new data.Array(...value.map(toData));
}

function fromData(value: data.ExpressionData): Value {
  if (value instanceof data.StringData || value instanceof data.NumberData || value instanceof data.BooleanData) {
    return value.value;
  }
  if (value instanceof data.Dictionary) {
    return Object.fromEntries(value.pairs().map((pair) => [pair.key, fromData(pair.value)]));
  }
  if (value instanceof data.Array) return value.values().map(fromData);
  return null;
}
