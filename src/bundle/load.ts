/** Reads databricks.yml and the files it includes into one tree. */
import { posix } from "node:path";
import picomatch from "picomatch";
import type { Where } from "../findings.ts";
import { mergeMaps } from "./merge.ts";
import type { Problems } from "./problems.ts";
import type { BundleSource } from "./source.ts";
import { type Entry, type FileWhere, get, getMap, isNull, type Mapping, type Node } from "./tree.ts";
import { parseYaml } from "./yaml.ts";

/** The names that the root file may have. */
export const ROOT_NAMES = ["databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml"] as const;

interface Loaded {
  readonly root: Mapping;
  /** databricks.yml, then the included files in the order they were merged: paths from the repository root. */
  readonly files: readonly string[];
}

/** Loads the bundle of folder `folder` ("" = the repository's root); undefined if there is nothing to go on with. */
export function loadBundle(source: BundleSource, folder: string, problems: Problems): Loaded | undefined {
  const file = findRoot(source, folder, problems);
  if (file === undefined) return undefined;
  const root = readFile(source, file, problems);
  if (root === undefined) return undefined;
  const includes = findIncludes(source, folder, root, file, problems);
  const parts = [{ file, tree: root }];
  for (const include of includes) {
    const tree = readFile(source, include, problems);
    if (tree === undefined) continue;
    const nested = tree.entries.get("include");
    if (nested !== undefined) {
      const remedy = `Move the patterns to the \`include\` of ${file}.`;
      problems.error(
        "include-nested",
        nested.key,
        "Only the root file may include others; this would be ignored.",
        remedy,
      );
    }
    parts.push({ file: include, tree });
  }
  checkUniqueKeys(
    parts.map(({ tree }) => tree),
    problems,
  );
  const merged = parts.slice(1).reduce((all, { tree }) => mergeMaps(all, tree, problems), root);
  return { root: merged, files: parts.map((part) => part.file) };
}

function findRoot(source: BundleSource, folder: string, problems: Problems): string | undefined {
  const present = ROOT_NAMES.map((name) => posix.join(folder, name)).filter((path) => source.has(path));
  const [file, other] = present;
  const expected = posix.join(folder, ROOT_NAMES[0]);
  if (file === undefined) {
    const remedy = "Commit the bundle there, or give the action's input `bundle` the folder that holds it.";
    problems.error("missing", { kind: "file", file: expected }, `${expected} is not a tracked file.`, remedy);
    return undefined;
  }
  if (other !== undefined) {
    const where: Where = { kind: "file", file: other, line: 1, column: 1 };
    problems.error("two-roots", where, `The folder has two root files, ${present.join(" and ")}.`, "Keep one of them.");
    return undefined;
  }
  return file;
}

function readFile(source: BundleSource, file: string, problems: Problems): Mapping | undefined {
  const text = source.readText(file);
  const start: FileWhere = { kind: "file", file, line: 1, column: 1 };
  if (text === undefined) {
    problems.error("unreadable", start, `${file} is not UTF-8 text.`, "Save it as UTF-8.");
    return undefined;
  }
  const { node, findings } = parseYaml(text.replace(/^\uFEFF/, ""), file);
  problems.addAll(findings);
  if (node?.kind === "map") return node;
  if (findings.length > 0) return undefined;
  if (node === undefined || isNull(node)) return { kind: "map", entries: new Map(), where: start, anchored: false };
  problems.error("not-a-map", node.where, `${file} does not hold a map.`, "Start it with keys such as `resources:`.");
  return undefined;
}

/** The patterns as Go's filepath.Glob matches them: `*` stays within a folder, and so does `**`. */
const GO_GLOB = { dot: true, nobrace: true, noextglob: true, noglobstar: true, nonegate: true } as const;

/** Files that match a pattern relative to `folder`, sorted. */
function glob(source: BundleSource, pattern: string): string[] {
  const matches = picomatch(pattern, GO_GLOB);
  return source.list().filter((path) => matches(path));
}

function findIncludes(
  source: BundleSource,
  folder: string,
  root: Mapping,
  rootFile: string,
  problems: Problems,
): readonly string[] {
  const patterns = get(root, ["include"]);
  if (patterns === undefined || isNull(patterns)) return [];
  if (patterns.kind !== "list") return []; // a finding of the sections
  const found = new Set<string>();
  for (const item of patterns.items) {
    for (const path of findInclude(source, folder, item, problems)) if (path !== rootFile) found.add(path);
  }
  return [...found];
}

function findInclude(source: BundleSource, folder: string, item: Node, problems: Problems): readonly string[] {
  const pattern = item.kind === "scalar" ? item.value : undefined;
  if (typeof pattern !== "string" || posix.isAbsolute(pattern)) {
    problems.error(
      "include",
      item.where,
      "An include must be a relative path.",
      "Write it relative to databricks.yml.",
    );
    return [];
  }
  const full = posix.join(folder, pattern);
  if (full === ".." || full.startsWith("../") || posix.relative(folder, full).startsWith("..")) {
    const remedy = "Move the file into the bundle's folder.";
    const why = "The release is the bundle's folder; a file outside could change it without changing its digest.";
    problems.error("include-outside", item.where, `${pattern} leads out of the bundle's folder.`, remedy, why);
    return [];
  }
  const matches = glob(source, full);
  if (matches.length === 0 && !/[*?[]/.test(pattern)) {
    const remedy = "Commit the file, or remove the entry.";
    problems.error("include-missing", item.where, `${pattern} is not a tracked file.`, remedy);
  } else if (matches.length === 0) {
    const why =
      "What it should have brought is missing from the bundle without a word, here and with the Databricks CLI.";
    const folders = pattern.includes("**") ? "`**` stands for one folder, as `*` does: write a pattern a level." : "";
    const remedy = folders === "" ? "Correct it, or remove the entry." : folders;
    problems.warning("include-empty", item.where, `No tracked file matches ${pattern}.`, remedy, why);
  }
  return matches.filter((path) => {
    if (/\.(ya?ml|json)$/.test(path)) return true;
    const remedy = "Narrow the pattern, to `*.yml` for example.";
    problems.error("include-type", item.where, `${path} is neither YAML nor JSON.`, remedy);
    return false;
  });
}

/** One key means one resource in the whole bundle, whatever its kind, as the CLI demands. */
function checkUniqueKeys(parts: readonly Mapping[], problems: Problems): void {
  const seen = new Map<string, { where: FileWhere; kind: string }>();
  for (const part of parts) {
    for (const [kind, group] of getMap(part, ["resources"])?.entries ?? new Map<string, Entry>()) {
      if (group.value.kind !== "map") continue;
      for (const [key, entry] of group.value.entries) {
        const first = seen.get(key);
        if (first === undefined) seen.set(key, { where: entry.key, kind });
        else {
          const message = `The key \`${key}\` is already taken by ${first.kind}.${key} at ${first.where.file}:${first.where.line}.`;
          problems.error("duplicate-key", entry.key, message, "Give one of the two resources another key.");
        }
      }
    }
  }
}
