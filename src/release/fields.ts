/**
 * Two settings documents compared field by field. Lists whose items the platform tells apart by a key (tasks,
 * environments, …) are compared by that key, so their order does not matter; null and empty are absent.
 */
import { equalJson, isArray, isObject, type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import type { FieldChange } from "./change.ts";

/** A step into a document: a field, an item of a keyed list, an item of another list. */
export type Segment = string | { readonly key: string } | number;

/** One field that differs, unmasked. */
export interface Difference {
  readonly segments: readonly Segment[];
  readonly old: JsonValue | undefined;
  readonly new: JsonValue | undefined;
}

/** By the list's field: what tells its items apart (facts: databricks-api 2.6, 5). */
const KEYED: Readonly<Record<string, string>> = {
  tasks: "task_key",
  depends_on: "task_key",
  job_clusters: "job_cluster_key",
  environments: "environment_key",
  parameters: "name",
  clusters: "label",
  rules: "metric",
  on_start: "id",
  on_success: "id",
  on_failure: "id",
  on_duration_warning_threshold_exceeded: "id",
  on_streaming_backlog_exceeded: "id",
  permissions: "principal",
  grants: "principal",
};

/** Every field that differs, in the order of its path. Equal documents give an empty list. */
export function differences(
  old: JsonValue | undefined,
  now: JsonValue | undefined,
  segments: readonly Segment[] = [],
): Difference[] {
  // a document that is not there yet is an empty one, so that its fields are told one by one
  const absent = segments.length === 0 ? {} : undefined;
  const a = normal(old) ?? absent;
  const b = normal(now) ?? absent;
  if (a === undefined && b === undefined) return [];
  if (isObject(a) && isObject(b)) {
    return sortedKeys(a, b).flatMap((key) => differences(a[key], b[key], [...segments, key]));
  }
  if (isArray(a) && isArray(b)) {
    const field = segments.at(-1);
    const left = keyedItems(a, field);
    const right = keyedItems(b, field);
    if (left !== undefined && right !== undefined) {
      const keys = [...new Set([...left.keys(), ...right.keys()])].sort();
      return keys.flatMap((key) => differences(left.get(key), right.get(key), [...segments, { key }]));
    }
    if (a.length === b.length && [...a, ...b].every(isObject)) {
      return a.flatMap((item, index) => differences(item, b[index], [...segments, index]));
    }
  }
  if (a !== undefined && b !== undefined && equalJson(a, b)) return [];
  const field = segments.at(-1);
  return [{ segments, old: ordered(a, field), new: ordered(b, field) }];
}

/** A value that is told whole: keyed lists in the order of their keys, since the written order means nothing. */
function ordered(value: JsonValue | undefined, field: Segment | undefined): JsonValue | undefined {
  if (value === undefined) return undefined;
  if (isArray(value)) {
    const items = value.map((item) => ordered(item, undefined) ?? null);
    const keyed = keyedItems(items, field);
    return keyed === undefined ? items : [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, ordered(inner, key) ?? null]));
}

/** Without null and empty parts; undefined if nothing is left. Items of lists keep their places. */
export function normal(value: JsonValue | undefined): JsonValue | undefined {
  if (value === null || value === undefined) return undefined;
  if (isArray(value)) return value.length === 0 ? undefined : value.map((item) => normal(item) ?? null);
  if (isObject(value)) {
    const kept = Object.entries(value).flatMap(([key, inner]): [string, JsonValue][] => {
      const each = normal(inner);
      return each === undefined ? [] : [[key, each]];
    });
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
  }
  return value;
}

/** The items by their key; undefined if the list is none that has one, or an item lacks it or repeats it. */
export function keyedItems(
  items: readonly JsonValue[],
  field: Segment | undefined,
): ReadonlyMap<string, JsonObject> | undefined {
  const name = typeof field === "string" && Object.hasOwn(KEYED, field) ? KEYED[field] : undefined;
  if (name === undefined) return undefined;
  const found = new Map<string, JsonObject>();
  for (const item of items) {
    const key = isObject(item) ? item[name] : undefined;
    if (!isObject(item) || typeof key !== "string" || found.has(key)) return undefined;
    found.set(key, item);
  }
  return found;
}

/** `tasks[train].notebook_task.notebook_path`; a key that is no plain word stands in quotes. */
export function pathText(segments: readonly Segment[]): string {
  return segments.reduce<string>((text, segment) => {
    if (typeof segment === "number") return `${text}[${segment}]`;
    if (typeof segment === "object") return `${text}[${segment.key}]`;
    if (!/^\w+$/.test(segment)) return `${text}[${JSON.stringify(segment)}]`;
    return text === "" ? segment : `${text}.${segment}`;
  }, "");
}

function sortedKeys(a: JsonObject, b: JsonObject): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

/** `max_retries: 1 → 3`; long values are cut. */
export function fieldText(field: FieldChange): string {
  return `${field.path}: ${valueText(field.old)} → ${valueText(field.new)}`;
}

/** A value on one line, at most 60 characters, digests by their first 12 digits; absent is `—`. */
export function valueText(value: JsonValue | undefined): string {
  if (value === undefined) return "—";
  const whole = typeof value === "string" ? value : stringifyJson(value);
  const text = whole.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
