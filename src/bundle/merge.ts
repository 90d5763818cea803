/**
 * How configuration files and a target's overrides become one tree, as the Databricks CLI does it: maps merge, lists
 * are joined, scalars and kinds are replaced by what comes later; later, tasks, parameters and clusters of one key merge.
 */
import type { Problems } from "./problems.ts";
import { type Entry, getString, isNull, list, type Mapping, type Node, withKey } from "./tree.ts";

/** Merges `b` over `a`. A map over a list, or the like, is a finding at `b`. */
function merge(a: Node, b: Node, problems: Problems): Node {
  if (isNull(b)) return a;
  if (isNull(a)) return b;
  if (a.kind === "map" && b.kind === "map") return mergeMaps(a, b, problems);
  if (a.kind === "list" && b.kind === "list") return { ...a, items: [...a.items, ...b.items] };
  if (a.kind === b.kind) return b;
  problems.error(
    "merge-kind",
    b.where,
    `This is a ${NAMES[b.kind]}, but what it overrides (${a.where.file}:${a.where.line}) is a ${NAMES[a.kind]}.`,
    "Give both the same shape.",
  );
  return a;
}

const NAMES = { map: "map", list: "list", scalar: "single value" };

/** Both maps as one: what stands in both is merged, and of what cannot be, the second counts. */
export function mergeMaps(a: Mapping, b: Mapping, problems: Problems): Mapping {
  const entries = new Map(a.entries);
  for (const [key, entry] of b.entries) {
    const existing = entries.get(key);
    entries.set(
      key,
      existing === undefined ? entry : { key: existing.key, value: merge(existing.value, entry.value, problems) },
    );
  }
  return { ...a, entries };
}

/** Merges the items of a list that have the same key; the first stands for all. `sorted`: by that key, as the CLI sorts tasks. */
export function mergeByKey(node: Node, keyName: string, sorted: boolean, problems: Problems): Node {
  if (node.kind !== "list") return node;
  const order: (Node | string)[] = [];
  const byKey = new Map<string, Node>();
  for (const item of node.items) {
    const key = getString(item, [keyName]);
    if (key === undefined) {
      order.push(item);
      continue;
    }
    const existing = byKey.get(key);
    if (existing === undefined) order.push(key);
    byKey.set(key, existing === undefined ? item : merge(existing, item, problems));
  }
  const keyOf = (item: Node | string): string => (typeof item === "string" ? item : "");
  if (sorted) order.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
  const items = order.flatMap((item) => (typeof item === "string" ? (byKey.get(item) ?? []) : item));
  return { ...list(items, node.where) };
}

/** What a target may say, merged into the root by the rule of each key (facts: databricks-api 10). */
const MERGED = ["bundle", "workspace", "artifacts", "resources", "sync", "permissions", "presets"];
const TO_BUNDLE = ["mode", "cluster_id", "compute_id"];

/** The root with one target's overrides in it; variables are merged by `variables.ts`. */
export function mergeTarget(root: Mapping, target: Mapping, problems: Problems): Mapping {
  let merged = root;
  for (const [key, entry] of target.entries) {
    if (MERGED.includes(key)) merged = mergeMaps(merged, only(merged, key, entry), problems);
    else if (key === "run_as") merged = withKey(withoutKey(merged, key), key, entry.value, entry.key);
    else if (TO_BUNDLE.includes(key) || key === "git") {
      const bundle = only(merged, "bundle", {
        key: entry.key,
        value: only({ ...target }, key, entry),
      });
      merged = mergeMaps(merged, bundle, problems);
    }
  }
  return merged;
}

function only(like: Mapping, key: string, entry: Entry): Mapping {
  return { ...like, entries: new Map([[key, entry]]) };
}

function withoutKey(node: Mapping, key: string): Mapping {
  return { ...node, entries: new Map([...node.entries].filter(([name]) => name !== key)) };
}
