/**
 * From what a release means to what one tier's API is told: `${release}` becomes a folder, `${principal}` an application
 * id, `${resources.*.id}` an id. Everything before this speaks in symbols, so that plans of two tiers can be compared.
 */
import { isArray, isObject, type JsonObject, type JsonValue } from "../json.ts";

interface ResolveContext {
  /** The content folder that `${release}` stands for. */
  readonly folder: string;
  /** The tier's application id. */
  readonly principal: string;
  /** The id of another resource (`jobs.score`); undefined leaves the symbol as it is. */
  readonly idOf: (key: string) => string | undefined;
}

/** Resolves every symbol in a resource's settings. What is unknown stays a symbol: ask `unresolved` before sending it. */
export function resolveSettings(settings: JsonObject, context: ResolveContext): JsonObject {
  const value = resolveValue(settings, "", context);
  return isObject(value) ? value : {};
}

/** A name as the tier has it: an experiment's path holds the principal. */
export function nameIn(name: string, principal: string): string {
  return name.replaceAll("${principal}", () => principal);
}

/** The symbols that are left, each once. */
export function unresolved(settings: JsonValue): string[] {
  if (typeof settings === "string") {
    return settings.match(/\$\{(?:release|principal|resources\.[^}]*)\}/g) ?? [];
  }
  const inside = isArray(settings) ? settings : isObject(settings) ? Object.values(settings) : [];
  return [...new Set(inside.flatMap((value) => unresolved(value)))];
}

/** Keys of the resources whose ids the settings need. */
export function references(settings: JsonObject): string[] {
  return unresolved(settings).flatMap((symbol) => /^\$\{resources\.(.+)\.id\}$/.exec(symbol)?.[1] ?? []);
}

function resolveValue(value: JsonValue, key: string, context: ResolveContext): JsonValue {
  if (typeof value === "string") return resolveText(value, key, context);
  if (isArray(value)) {
    return value.map((item) => resolveValue(item, key, context));
  }
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolveValue(inner, name, context)]));
  }
  return value;
}

function resolveText(text: string, key: string, context: ResolveContext): JsonValue {
  const resolved = text
    .replaceAll("${release}", () => context.folder)
    .replaceAll("${principal}", () => context.principal)
    .replaceAll(/\$\{resources\.((?:jobs|pipelines|experiments)\.[^.}]+)\.id\}/g, (symbol, resource: string) => {
      return context.idOf(resource) ?? symbol;
    });
  // Job ids are numbers on the wire, wherever the API asks for one (facts: databricks-api 2.5).
  return key === "job_id" && /^\d+$/.test(resolved) ? number(resolved) : resolved;
}

function number(digits: string): number | bigint {
  const small = Number(digits);
  return Number.isSafeInteger(small) ? small : BigInt(digits);
}
