/**
 * Brings a declared resource to the types of the API, as the CLI does: `base_parameters: { n: 5 }` becomes "5",
 * `max_retries: "3"` becomes 3, empty texts and nulls fall away. A field that the API does not know is a finding.
 */
import { FIELDS, VALUES } from "./fields.ts";
import { didYouMean, type Problems } from "./problems.ts";
import {
  type Entry,
  isNull,
  type Mapping,
  type Node,
  type Path,
  type Scalar,
  type ScalarValue,
  scalar,
  showPath,
} from "./tree.ts";

interface Field {
  readonly type: string;
  /** Sent even if it is empty; such fields are also required. */
  readonly always: boolean;
}

/** Fields newer than the table: multi-trigger preview (facts: databricks-api 3.1). */
const EXTRA: Readonly<Record<string, string>> = { Job: "triggers:[*]" };

/** Values that the CLI takes as they are, and the service does not (facts: databricks-api 4); new ones may come. */
const SERVICE_VALUES: Readonly<Record<string, readonly string[]>> = {
  "Pipeline.channel": ["CURRENT", "PREVIEW"],
  "Pipeline.edition": ["CORE", "PRO", "ADVANCED"],
  "Notifications.alerts": ["on-update-success", "on-update-failure", "on-update-fatal-failure", "on-flow-failure"],
};

const tables = new Map<string, ReadonlyMap<string, Field>>();

function fieldsOf(type: string): ReadonlyMap<string, Field> {
  const known = tables.get(type);
  if (known !== undefined) return known;
  const text = [FIELDS[type], EXTRA[type]].filter((part) => part !== undefined && part !== "").join(" ");
  const fields = new Map<string, Field>();
  for (const part of text.split(" ").filter((part) => part !== "")) {
    const [name = "", fieldType = ""] = part.split(":");
    fields.set(name.replace("!", ""), { type: fieldType, always: name.endsWith("!") });
  }
  tables.set(type, fields);
  return fields;
}

/** Normalizes a resource declared as `type` of the table (`Job`, `Schema`); `key` names it in messages. */
export function normalize(node: Mapping, type: string, key: string, problems: Problems): Mapping {
  return normalizeStruct(node, type, [], { key, problems });
}

interface Context {
  readonly key: string;
  readonly problems: Problems;
}

function normalizeStruct(node: Mapping, type: string, path: Path, context: Context): Mapping {
  const fields = fieldsOf(type);
  const entries: [string, Entry][] = [];
  for (const [name, entry] of node.entries) {
    const field = fields.get(name);
    if (field === undefined) {
      if (!entry.value.anchored) unknownField(name, entry, fields, path, context);
      continue;
    }
    if (isNull(entry.value)) continue;
    const value = normalizeValue(entry.value, field.type, [...path, name], context);
    if (!field.always && value.kind === "scalar" && value.value === "") continue;
    doubtValues(value, `${type}.${name}`, [...path, name], context);
    entries.push([name, { key: entry.key, value }]);
  }
  for (const [name, field] of fields) {
    if (!field.always || node.entries.has(name)) continue;
    const message = `${context.key}: ${showPath([...path, name])} is required and missing.`;
    context.problems.warning(
      "field-missing",
      node.where,
      message,
      `Add \`${name}\`; the workspace will refuse the ${type} without it.`,
    );
  }
  return { ...node, entries: new Map(entries) };
}

function unknownField(
  name: string,
  entry: Entry,
  fields: ReadonlyMap<string, Field>,
  path: Path,
  context: Context,
): void {
  const message = `${context.key} has no field \`${showPath([...path, name])}\`.`;
  const remedy = `Correct or remove it.${didYouMean(name, fields.keys())}`;
  const why = "The workspace would ignore or refuse it; the Databricks CLI would drop it.";
  context.problems.error("unknown-field", entry.key, message, remedy, why);
}

function normalizeValue(node: Node, type: string, path: Path, context: Context): Node {
  if (type === "*" || isSymbol(node)) return node;
  if (type.startsWith("[")) {
    if (node.kind !== "list") return mismatch(node, "a list", path, context);
    const inner = type.slice(1, -1);
    const items = node.items
      .filter((item) => !dropNull(item, path, context))
      .map((item, index) => normalizeValue(item, inner, [...path, index], context));
    return { ...node, items };
  }
  if (type.startsWith("{")) {
    if (node.kind !== "map") return mismatch(node, "a map", path, context);
    const inner = type.slice(1, -1);
    const entries = [...node.entries]
      .filter(([key, entry]) => !dropNull(entry.value, [...path, key], context))
      .map(([key, entry]): [string, Entry] => [
        key,
        { key: entry.key, value: normalizeValue(entry.value, inner, [...path, key], context) },
      ]);
    return { ...node, entries: new Map(entries) };
  }
  if (type.startsWith("=")) return normalizeValueOf(node, type.slice(1), path, context);
  if (type.length > 1) {
    return node.kind === "map" ? normalizeStruct(node, type, path, context) : mismatch(node, "a map", path, context);
  }
  if (node.kind !== "scalar") return mismatch(node, SCALARS[type] ?? "a single value", path, context);
  const value = coerce(node.value, type);
  if (value === undefined) return mismatch(node, SCALARS[type] ?? "a single value", path, context);
  return value === node.value ? node : retyped(node, value);
}

/** A text of few values: one that is not among them would be refused by the workspace, in the middle of a promotion. */
function normalizeValueOf(node: Node, type: string, path: Path, context: Context): Node {
  const text = normalizeValue(node, "s", path, context);
  if (text.kind !== "scalar" || typeof text.value !== "string" || text.value === "" || text.value.includes("${"))
    return text;
  const known = VALUES[type]?.split(" ") ?? [];
  if (known.includes(text.value)) return text;
  const message = `${context.key}: ${showPath(path)} cannot be ${JSON.stringify(text.value)}.`;
  context.problems.error(
    "value",
    node.where,
    message,
    `Write one of ${known.join(", ")}.${didYouMean(text.value, known)}`,
  );
  return text;
}

/** A warning for a value that the service is not known to take; how it is spelt may not matter to it. */
function doubtValues(node: Node, field: string, path: Path, context: Context): void {
  const known = Object.hasOwn(SERVICE_VALUES, field) ? SERVICE_VALUES[field] : undefined;
  if (known === undefined || isSymbol(node)) return;
  for (const item of node.kind === "list" ? node.items : [node]) {
    if (item.kind !== "scalar" || typeof item.value !== "string") continue;
    if (known.some((value) => value.toLowerCase() === String(item.value).toLowerCase())) continue;
    const message = `${context.key}: ${showPath(path)} is ${JSON.stringify(item.value)}, which is none of ${known.join(", ")}.`;
    const remedy = `Write one of them.${didYouMean(item.value, known)}`;
    context.problems.warning("value", item.where, message, remedy, "The workspace may refuse it.");
  }
}

function retyped(node: Scalar, value: ScalarValue): Scalar {
  return { ...scalar(value, node.where), anchored: node.anchored };
}

/** A null among values is dropped, and said: the CLI does so too. */
function dropNull(node: Node, path: Path, context: Context): boolean {
  if (!isNull(node)) return false;
  const message = `${context.key}: ${showPath(path)} holds a null, which is left out.`;
  context.problems.warning("null-value", node.where, message, 'Remove the entry, or write `""` for an empty text.');
  return true;
}

/** What stays a symbol until it is applied has no type yet. */
function isSymbol(node: Node): boolean {
  return node.kind === "scalar" && typeof node.value === "string" && /^\$\{[^}]+\}$/.test(node.value);
}

const SCALARS: Readonly<Record<string, string>> = { s: "a text", b: "true or false", i: "an integer", f: "a number" };

const TRUE = ["true", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
const FALSE = ["false", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];

/** The value as the type wants it; undefined if it cannot be. */
function coerce(value: ScalarValue, type: string): ScalarValue | undefined {
  if (value === null) return undefined;
  switch (type) {
    case "s":
      return String(value);
    case "b":
      if (typeof value === "boolean") return value;
      if (typeof value !== "string") return undefined;
      return TRUE.includes(value) ? true : FALSE.includes(value) ? false : undefined;
    case "i":
      if (typeof value === "bigint") return value;
      if (typeof value === "number") return Number.isInteger(value) ? value : undefined;
      return typeof value === "string" && /^[-+]?\d+$/.test(value) ? integer(value) : undefined;
    default:
      if (typeof value === "number" || typeof value === "bigint") return value;
      return typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))
        ? Number(value)
        : undefined;
  }
}

function integer(text: string): number | bigint {
  const value = BigInt(text.replace(/^\+/, ""));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function mismatch(node: Node, expected: string, path: Path, context: Context): Node {
  const found = node.kind === "map" ? "a map" : node.kind === "list" ? "a list" : JSON.stringify(String(node.value));
  const message = `${context.key}: ${showPath(path)} must be ${expected}, and is ${found}.`;
  context.problems.error("field-type", node.where, message, `Write ${expected}.`);
  return node;
}
