/** YAML as a tree that remembers where every key and value stands, through merges and substitutions. */
import { isArray, isObject, type JsonObject, type JsonValue } from "../json.ts";

/** A position in a file, 1-based. */
export interface FileWhere {
  readonly kind: "file";
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A value without parts, as YAML knows them; whole numbers beyond 2^53 are bigints. */
export type ScalarValue = string | number | bigint | boolean | null;

/** A value without parts, and where it stands. */
export interface Scalar {
  readonly kind: "scalar";
  readonly value: ScalarValue;
  readonly where: FileWhere;
  /** True for a YAML anchor (`&name`) or a container of nothing but anchors: a block kept for reuse. */
  readonly anchored: boolean;
}

interface List {
  readonly kind: "list";
  readonly items: readonly Node[];
  readonly where: FileWhere;
  readonly anchored: boolean;
}

/** Keys and values in their order, and where it begins. */
export interface Mapping {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
  readonly where: FileWhere;
  readonly anchored: boolean;
}

/** A key with its value. */
export interface Entry {
  /** Where the key stands. */
  readonly key: FileWhere;
  readonly value: Node;
}

/** Anything that stands in a YAML file. */
export type Node = Scalar | List | Mapping;
/** Keys and list positions (from 0) from the top of a file to a node. */
export type Path = readonly (string | number)[];

/** A scalar at a place. */
export function scalar(value: ScalarValue, where: FileWhere): Scalar {
  return { kind: "scalar", value, where, anchored: false };
}

/** A list at a place. */
export function list(items: readonly Node[], where: FileWhere): List {
  return { kind: "list", items, where, anchored: false };
}

/** A map at a place. */
export function mapping(entries: Iterable<readonly [string, Entry]>, where: FileWhere): Mapping {
  return { kind: "map", entries: new Map(entries), where, anchored: false };
}

/** A value of ours as a tree; every part stands at `where`. */
export function fromJson(value: JsonValue, where: FileWhere): Node {
  if (isArray(value))
    return list(
      value.map((item) => fromJson(item, where)),
      where,
    );
  if (isObject(value)) {
    return mapping(
      Object.entries(value).map(([key, item]) => [key, { key: where, value: fromJson(item, where) }]),
      where,
    );
  }
  return scalar(value, where);
}

/** The tree without positions. A null value is kept. */
export function toJson(node: Node): JsonValue {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(toJson);
    case "map":
      return toJsonObject(node);
  }
}

/** A map as plain data, without places. */
export function toJsonObject(node: Mapping): JsonObject {
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toJson(entry.value)]));
}

/** What stands below a key or an index; undefined for nothing. */
export function child(node: Node | undefined, step: string | number): Node | undefined {
  if (node === undefined) return undefined;
  if (node.kind === "map") return node.entries.get(String(step))?.value;
  if (node.kind === "list" && typeof step === "number") return node.items[step];
  return undefined;
}

/** The value at a path; undefined if there is none. */
export function get(node: Node | undefined, path: Path): Node | undefined {
  return path.reduce<Node | undefined>((at, step) => child(at, step), node);
}

/** The mapping at a path; undefined if there is none or it is something else. */
export function getMap(node: Node | undefined, path: Path): Mapping | undefined {
  const found = get(node, path);
  return found?.kind === "map" ? found : undefined;
}

/** The string at a path; undefined if there is none or it is something else. */
export function getString(node: Node | undefined, path: Path): string | undefined {
  const found = get(node, path);
  return found?.kind === "scalar" && typeof found.value === "string" ? found.value : undefined;
}

/** The text of a scalar; undefined for null and what is no scalar. */
export function scalarText(node: Node | undefined): string | undefined {
  if (node?.kind !== "scalar" || isNull(node)) return undefined;
  const value: ScalarValue = node.value;
  return getString(node, []) ?? String(value);
}

/** True for what is written as null. */
export function isNull(node: Node | undefined): boolean {
  return node?.kind === "scalar" && node.value === null;
}

/** Where a path stands: a single value itself, else its key or item; the nearest ancestor that exists otherwise. */
export function whereAt(node: Node, path: Path, start: FileWhere = node.where): FileWhere {
  let at = start;
  let current: Node = node;
  for (const step of path) {
    const entry = current.kind === "map" ? current.entries.get(String(step)) : undefined;
    const next: Node | undefined = entry?.value ?? child(current, step);
    if (next === undefined) return at;
    at = next.kind === "scalar" ? next.where : (entry?.key ?? next.where);
    current = next;
  }
  return at;
}

/** A mapping with one key set; a new key stands at `where`, or where the mapping stands. */
export function withKey(node: Mapping, key: string, value: Node, where?: FileWhere): Mapping {
  const entries = new Map(node.entries);
  entries.set(key, { key: node.entries.get(key)?.key ?? where ?? value.where, value });
  return { ...node, entries };
}

/** A mapping without some keys. */
export function withoutKeys(node: Mapping, keys: readonly string[]): Mapping {
  return { ...node, entries: new Map([...node.entries].filter(([key]) => !keys.includes(key))) };
}

/** A mapping with every value replaced; `change` may drop one by answering undefined. */
export function mapValues(
  node: Mapping,
  change: (value: Node, key: string, entry: Entry) => Node | undefined,
): Mapping {
  const entries: [string, Entry][] = [];
  for (const [key, entry] of node.entries) {
    const value = change(entry.value, key, entry);
    if (value !== undefined) entries.push([key, { key: entry.key, value }]);
  }
  return { ...node, entries: new Map(entries) };
}

/** A pattern over paths: a key, `*` for any key or index. */
type Pattern = readonly string[];

/** The tree with every value at `pattern` replaced. */
export function mapAt(node: Node, pattern: Pattern, change: (value: Node, path: Path) => Node, path: Path = []): Node {
  const [step, ...rest] = pattern;
  if (step === undefined) return change(node, path);
  if (node.kind === "map") {
    return mapValues(node, (value, key) =>
      step === "*" || step === key ? mapAt(value, rest, change, [...path, key]) : value,
    );
  }
  if (node.kind === "list" && step === "*") {
    return { ...node, items: node.items.map((item, index) => mapAt(item, rest, change, [...path, index])) };
  }
  return node;
}

/** Visits every scalar of the tree with its path. */
export function eachScalar(node: Node, visit: (leaf: Scalar, path: Path) => void, path: Path = []): void {
  switch (node.kind) {
    case "scalar":
      visit(node, path);
      break;
    case "list":
      for (const [index, item] of node.items.entries()) eachScalar(item, visit, [...path, index]);
      break;
    case "map":
      for (const [key, entry] of node.entries) eachScalar(entry.value, visit, [...path, key]);
      break;
  }
}

/** `tasks[0].notebook_task`: a path as people write it. */
export function showPath(path: Path): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}
