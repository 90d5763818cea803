/** Which files of a bundle's folder are deployed: what `sync` of the bundle says. */
import { posix } from "node:path";
import picomatch from "picomatch";
import { stringifyJson } from "../json.ts";
import type { Problems } from "./problems.ts";
import type { BundleSource } from "./source.ts";
import { get, type Mapping, type Node, toJson } from "./tree.ts";

/**
 * Tracked files that are deployed: those of the bundle's folder without what `sync.exclude` takes out
 * (patterns as in .gitignore, relative to the file that writes them).
 */
export function deployedFiles(
  source: BundleSource,
  folder: string,
  root: Mapping,
  problems: Problems,
): readonly string[] {
  const inside = source.list().filter((path) => folder === "" || folder === "." || path.startsWith(`${folder}/`));
  const paths = items(get(root, ["sync", "paths"])).map((item) => syncPath(item, folder, problems));
  for (const item of items(get(root, ["sync", "include"]))) {
    const excludes = excluder([item], folder, problems);
    if (inside.some((path) => excludes(path))) continue;
    const message = `sync.include: no tracked file matches ${shown(item)}.`;
    const remedy = "Commit the files, or carry them as an artifact: only what is known by its digest is released.";
    problems.error("sync-include", item.where, message, remedy);
  }
  const excluded = excluder(items(get(root, ["sync", "exclude"])), folder, problems);
  const within = (path: string): boolean =>
    paths.length === 0 || paths.some((at) => at === "" || path === at || path.startsWith(`${at}/`));
  return inside.filter((path) => within(path) && !excluded(path));
}

/** A folder or file of `sync.paths`, from the repository's root. */
function syncPath(item: Node, folder: string, problems: Problems): string {
  const text = item.kind === "scalar" ? String(item.value ?? "") : "";
  const base = posix.dirname(item.where.file);
  const path = posix.join(base === "." ? "" : base, text).replace(/\/$/, "");
  const relative = posix.relative(folder, path === "." ? "" : path);
  if (relative === ".." || relative.startsWith("../") || posix.isAbsolute(text)) {
    const remedy = "Move databricks.yml up to a folder that holds both; the release is the bundle's folder.";
    problems.error("sync-paths", item.where, `sync.paths: ${shown(item)} leads out of the bundle's folder.`, remedy);
  }
  return path === "." ? "" : path;
}

function shown(node: Node): string {
  return stringifyJson(toJson(node));
}

function items(node: Node | undefined): readonly Node[] {
  return node?.kind === "list" ? node.items : [];
}

function excluder(patterns: readonly Node[], folder: string, problems: Problems): (path: string) => boolean {
  const rules = patterns.flatMap((item) => {
    const text = item.kind === "scalar" ? String(item.value ?? "") : "";
    if (text === "" || text.startsWith("!")) {
      problems.error("sync-exclude", item.where, "A pattern must be a text without `!`.", "Write what to leave out.");
      return [];
    }
    const base = posix.dirname(item.where.file);
    const anchored = text.replace(/\/$/, "").includes("/");
    const trimmed = text.replace(/^\.?\//, "").replace(/\/$/, "");
    const from = base === "." ? folder : base;
    const full = posix.join(from, anchored ? trimmed : `**/${trimmed}`);
    return [picomatch(full, { dot: true }), picomatch(`${full}/**`, { dot: true })];
  });
  return (path) => rules.some((matches) => matches(path));
}
