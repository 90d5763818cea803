/** Findings about the contract's shape: unknown keys, missing ones, wrong types and values, each at its place. */
import * as v from "valibot";
import type { Finding } from "../findings.ts";
import { nearestName } from "./nearest.ts";
import { type ContractFile, contractSchema } from "./schema.ts";
import type { Path, YamlFile } from "./yaml.ts";

/**
 * Checks a read file against the schema. `contract` is there unless a type or a value is wrong: unknown keys alone do
 * not hide what else is wrong in the file.
 */
export function checkShape(file: YamlFile): { contract: ContractFile | undefined; findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const known = prune(contractSchema, file.value, [], {
    unknown: (path, name, names) => findings.push(unknownKey(file, path, name, names)),
    list: (path) => findings.push(listForMapping(file, path)),
  });
  if (findings.some((finding) => finding.id === "contract/wrong-type")) return { contract: undefined, findings };
  const result = v.safeParse(contractSchema, known);
  if (result.success) return { contract: result.output, findings };
  for (const issue of result.issues) findings.push(wrongValue(file, issue));
  return { contract: undefined, findings };
}

/** What valibot would tell once, or not at all. */
interface Report {
  unknown(path: Path, name: string, known: readonly string[]): void;
  /** A list where a mapping belongs: to valibot a list is an object as well. */
  list(path: Path): void;
}

/** The value without the keys that the schema does not know; each of those is reported. */
function prune(schema: unknown, value: unknown, path: Path, report: Report): unknown {
  if (!isSchema(schema)) return value;
  if ("wrapped" in schema) return prune(schema.wrapped, value, path, report);
  if (Array.isArray(value)) {
    if ("entries" in schema || schema.type === "record") report.list(path);
    const item = "item" in schema ? schema.item : undefined;
    return value.map((each, index) => prune(item, each, [...path, index], report));
  }
  if (typeof value !== "object" || value === null) return value;
  const kept: [string, unknown][] = [];
  for (const [key, each] of Object.entries(value)) {
    if ("entries" in schema && typeof schema.entries === "object" && schema.entries !== null) {
      const entry: unknown = Object.hasOwn(schema.entries, key) ? Reflect.get(schema.entries, key) : undefined;
      if (entry === undefined) report.unknown(path, key, Object.keys(schema.entries));
      else kept.push([key, prune(entry, each, [...path, key], report)]);
    } else if (RESERVED.includes(key)) {
      // valibot's record skips these names without a word
      report.unknown(path, key, []);
    } else {
      kept.push([key, prune("value" in schema ? schema.value : undefined, each, [...path, key], report)]);
    }
  }
  return Object.fromEntries(kept);
}

const RESERVED: readonly string[] = ["__proto__", "prototype", "constructor"];

function isSchema(value: unknown): value is v.GenericSchema {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "schema";
}

function unknownKey(file: YamlFile, path: Path, name: string, known: readonly string[]): Finding {
  const nearest = nearestName(name, known);
  return {
    id: "contract/unknown-key",
    severity: "error",
    where: file.keyAt([...path, name]),
    message: `${name} is not a key ${path.length === 0 ? "of the contract" : `of ${pathText(path)}`}.`,
    remedy:
      nearest !== undefined
        ? `Did you mean ${nearest}?`
        : known.length > 0
          ? `Remove it; the keys here are ${known.join(", ")}.`
          : "Use another name.",
  };
}

function listForMapping(file: YamlFile, path: Path): Finding {
  return {
    id: "contract/wrong-type",
    severity: "error",
    where: file.valueAt(path),
    message: `${pathText(path)} must be a mapping, not a list.`,
    remedy: "Write `key: value` lines here.",
  };
}

type Issue = v.InferIssue<typeof contractSchema>;

function wrongValue(file: YamlFile, issue: Issue): Finding {
  const steps = (issue.path ?? []).map((item) => item.key);
  const path = steps.filter((step) => typeof step === "string" || typeof step === "number");
  const name = pathText(path);
  if (issue.received === "undefined") {
    return {
      id: "contract/missing-key",
      severity: "error",
      where: file.keyAt(path.slice(0, -1)),
      message: `${name} is missing.`,
      remedy: `Add ${String(path.at(-1))} here; see four-tier.schema.json for what it holds.`,
    };
  }
  // a record's key, not its value, is wrong
  const isKey = issue.path?.at(-1)?.origin === "key";
  const where = isKey ? file.keyAt(path) : file.valueAt(path);
  if (issue.received === "null") {
    return {
      id: "contract/wrong-type",
      severity: "error",
      where,
      message: `${name} is empty.`,
      remedy: "Give it a value, or remove the key.",
    };
  }
  if (issue.type === "union" && issue.message.startsWith("must")) {
    return {
      id: "contract/wrong-type",
      severity: "error",
      where,
      message: `${name} (${show(issue.input)}) ${issue.message}.`,
      remedy: "Write it in one of these forms.",
    };
  }
  if (issue.kind === "schema" && issue.type !== "picklist") {
    const written = file.sourceOf(path) ?? "";
    return {
      id: "contract/wrong-type",
      severity: "error",
      where,
      message: `${name} must be ${typeName(issue.expected)}, not ${typeName(issue.received)}.`,
      ...(issue.expected === "string" && /^\d+$/.test(written) ? { why: "A long number loses digits in YAML." } : {}),
      remedy:
        issue.expected === "string" && written !== ""
          ? `Put it in quotes: "${written}".`
          : `Write ${typeName(issue.expected)} here.`,
    };
  }
  const choices = issue.kind === "schema" ? choicesOf(issue.expected) : [];
  const nearest = nearestName(String(issue.input), choices);
  return {
    id: "contract/wrong-value",
    severity: "error",
    where,
    message:
      choices.length > 0
        ? `${name} is ${show(issue.input)}, which is none of ${choices.join(", ")}.`
        : `${isKey ? `The key ${name}` : `${name} (${show(issue.input)})`} ${constraint(issue)}.`,
    remedy:
      nearest !== undefined
        ? `Did you mean ${nearest}?`
        : choices.length > 0
          ? "Write one of these."
          : "See four-tier.schema.json for what it may be.",
  };
}

/** Our own messages begin with "must"; the others are valibot's own and are put in our words. */
function constraint(issue: Issue): string {
  if (issue.message.startsWith("must")) return issue.message;
  return issue.type === "max_length" ? "is too long" : "is not allowed here";
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** valibot writes choices as `("a" | "b")`. */
function choicesOf(expected: string | null): string[] {
  return [...(expected ?? "").matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? "");
}

/** Types in YAML's words. */
function typeName(type: string | null): string {
  if (type === null) return "something else";
  if (type.startsWith('"') || type === "string") return "text";
  if (type === "Object") return "a mapping";
  if (type === "Array") return "a list";
  if (type === "number" || /^-?[\d.]/.test(type)) return "a number";
  if (type === "boolean" || type === "true" || type === "false") return "true or false";
  return type;
}

/** `tiers.prod.gate.windows[0]`. */
function pathText(path: Path): string {
  return (
    path.reduce<string>(
      (text, step) => (typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`),
      "",
    ) || "the contract"
  );
}
