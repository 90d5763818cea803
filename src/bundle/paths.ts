/**
 * Local paths in a resource become places in its content folder, `${release}/…`, as the CLI translates them: relative
 * to the file that writes them, notebooks without their extension. A file that the release does not hold is a finding.
 */
import { posix } from "node:path";
import picomatch from "picomatch";
import { type ArtifactReference, RELEASE_SYMBOL } from "./model.ts";
import { isEnvironmentPath, splitPipFlag } from "./pip.ts";
import type { Problems } from "./problems.ts";
import type { BundleSource } from "./source.ts";
import { child, list, type Mapping, mapAt, type Node, type Path, type Scalar, scalar } from "./tree.ts";

/** Where carried artifacts lie in a component's folder. */
export const ARTIFACTS_FOLDER = ".artifacts";

/** What paths are checked against. */
export interface Content {
  readonly source: BundleSource;
  /** The bundle's folder, "" for the repository's root. */
  readonly root: string;
  /** Tracked files that are deployed, from the repository's root. */
  readonly files: ReadonlySet<string>;
  /** Names of carried artifacts; undefined while they are not built yet. */
  readonly artifacts: readonly string[] | undefined;
  readonly problems: Problems;
  /** Told of every artifact that a resource needs. */
  readonly needs: (artifact: ArtifactReference) => void;
}

const NOTEBOOK_HEADERS: Readonly<Record<string, string>> = {
  ".py": "# Databricks notebook source",
  ".r": "# Databricks notebook source",
  ".scala": "// Databricks notebook source",
  ".sql": "-- Databricks notebook source",
};
const NOTEBOOK_EXTENSIONS = [".py", ".r", ".scala", ".sql", ".ipynb"];

/** Whether a workspace takes this file as a notebook: by its extension and first line, .ipynb always. */
export function isNotebook(path: string, text: string | undefined): boolean {
  const extension = posix.extname(path).toLowerCase();
  if (extension === ".ipynb") return true;
  const header = NOTEBOOK_HEADERS[extension];
  return header !== undefined && text !== undefined && text.split(/\r?\n/, 1)[0] === header;
}

/** A notebook's name in the workspace. Designer files keep their double extension. */
export function notebookName(path: string): string {
  return path.endsWith(".designer.ipynb") ? path : path.slice(0, path.length - posix.extname(path).length);
}

type Kind = "notebook" | "file" | "folder" | "glob";

const TASK_PATHS: readonly (readonly [readonly string[], Kind])[] = [
  [["notebook_task", "notebook_path"], "notebook"],
  [["spark_python_task", "python_file"], "file"],
  [["dbt_task", "project_directory"], "folder"],
  [["sql_task", "file", "path"], "file"],
  [["alert_task", "workspace_path"], "file"],
  [["libraries", "*", "requirements"], "file"],
  [["ai_runtime_task", "deployments", "*", "command_path"], "file"],
];
const TASKS = [
  ["tasks", "*"],
  ["tasks", "*", "for_each_task", "task"],
];

/** Translates the paths of a job. */
export function translateJob(job: Mapping, key: string, content: Content): Mapping {
  if (job.entries.has("git_source")) return job; // its paths are the repository's; that it is refused is said elsewhere
  let node: Node = job;
  for (const task of TASKS) {
    for (const [pattern, kind] of TASK_PATHS) {
      node = mapAt(node, [...task, ...pattern], (leaf, path) => translate(leaf, kind, show(key, path), content));
    }
  }
  for (const name of ["dependencies", "java_dependencies"]) {
    node = mapAt(node, ["environments", "*", "spec", name], (deps) => dependencies(deps, key, content));
  }
  return node.kind === "map" ? node : job;
}

/** Translates the paths of a pipeline; globs among its files and notebooks are expanded. */
export function translatePipeline(pipeline: Mapping, key: string, content: Content): Mapping {
  let node: Node = mapAt(pipeline, ["libraries"], (libraries) => expandLibraries(libraries, content));
  const patterns: readonly (readonly [readonly string[], Kind])[] = [
    [["libraries", "*", "notebook", "path"], "notebook"],
    [["libraries", "*", "file", "path"], "file"],
    [["libraries", "*", "glob", "include"], "glob"],
    [["root_path"], "folder"],
  ];
  for (const [pattern, kind] of patterns) {
    node = mapAt(node, pattern, (leaf, path) => translate(leaf, kind, show(key, path), content));
  }
  node = mapAt(node, ["environment", "dependencies"], (deps) => dependencies(deps, key, content));
  return node.kind === "map" ? node : pipeline;
}

function show(key: string, path: Path): string {
  return `${key}: ${path.filter((step) => typeof step === "string").join(".")}`;
}

function translate(node: Node, kind: Kind, what: string, content: Content): Node {
  if (node.kind !== "scalar" || typeof node.value !== "string" || node.value === "") return node;
  const local = localPath(node.value, node, what, content);
  if (local === undefined) return node;
  const name = checked(local, kind, node, what, content);
  return name === undefined ? node : { ...node, value: inRelease(name, content) };
}

/** The path from the repository's root; undefined for one that is not ours to translate (a finding where it should be). */
function localPath(value: string, node: Scalar, what: string, content: Content): string | undefined {
  const { problems, root } = content;
  if (value === RELEASE_SYMBOL || value.startsWith(`${RELEASE_SYMBOL}/`)) {
    return posix.join(root, value.slice(RELEASE_SYMBOL.length + 1));
  }
  if (value.startsWith("/")) {
    const why = "What it runs is not part of the release: it can change without a promotion, and differ between tiers.";
    const remedy = "Keep the file in the repository and write a path relative to this file.";
    problems.warning("path-outside-release", node.where, `${what} points to ${value} in the workspace.`, remedy, why);
    return undefined;
  }
  if (/^[a-z][a-z\d+.-]*:/i.test(value) || value.startsWith("${") || value.includes("{{")) return undefined;
  const path = posix.join(posix.dirname(node.where.file), value);
  const relative = posix.relative(root, path);
  if (relative === ".." || relative.startsWith("../")) {
    const remedy = "Move the file into the bundle's folder; only that is released.";
    problems.error("path-outside-bundle", node.where, `${what}: ${value} leads out of the bundle's folder.`, remedy);
    return undefined;
  }
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

function inRelease(path: string, content: Content): string {
  const relative = posix.relative(content.root, path);
  return relative === "" ? RELEASE_SYMBOL : `${RELEASE_SYMBOL}/${relative}`;
}

/** The path as the workspace names it; undefined (and a finding) if the release does not hold what is expected there. */
function checked(path: string, kind: Kind, node: Scalar, what: string, content: Content): string | undefined {
  const { files, problems } = content;
  switch (kind) {
    case "glob": {
      const matches = picomatch(path, { dot: true });
      if (![...files].some((file) => matches(file) || matches(posix.dirname(file)))) {
        problems.error("glob-empty", node.where, `${what}: no tracked file matches ${path}.`, "Correct the pattern.");
      }
      return path;
    }
    case "folder":
      if (path !== "." && path !== content.root && ![...files].some((file) => file.startsWith(`${path}/`))) {
        missing(path, node, what, content);
        return undefined;
      }
      return path === "." ? content.root : path;
    case "file":
    case "notebook":
      return checkedFile(path, kind, node, what, content);
  }
}

function checkedFile(
  path: string,
  kind: "file" | "notebook",
  node: Scalar,
  what: string,
  content: Content,
): string | undefined {
  const { files, problems, source } = content;
  const symbolic = String(node.value).startsWith(RELEASE_SYMBOL);
  if (!files.has(path)) {
    // In the workspace a notebook has no extension; a path that is written for the workspace may lack it.
    const extended = NOTEBOOK_EXTENSIONS.map((extension) => path + extension).find((name) => files.has(name));
    if (symbolic && kind === "notebook" && extended !== undefined) return path;
    missing(path, node, what, content, extended);
    return undefined;
  }
  const notebook = isNotebook(path, source.readText(path));
  if (kind === "notebook" && !notebook) {
    const header = NOTEBOOK_HEADERS[posix.extname(path).toLowerCase()];
    const first =
      header === undefined ? `give it one of ${NOTEBOOK_EXTENSIONS.join(", ")}` : `start it with \`${header}\``;
    problems.error(
      "not-a-notebook",
      node.where,
      `${what}: ${path} is a file, not a notebook.`,
      `For a notebook, ${first}.`,
    );
    return undefined;
  }
  if (kind === "file" && notebook) {
    const remedy = "Remove its first line, or run it as a notebook.";
    problems.error("not-a-file", node.where, `${what}: ${path} is a notebook, not a file.`, remedy);
    return undefined;
  }
  return notebook ? notebookName(path) : path;
}

function missing(path: string, node: Scalar, what: string, content: Content, near?: string): void {
  const { problems, source, root } = content;
  const excluded = source.has(path);
  const message = excluded
    ? `${what}: ${path} is excluded from what is deployed.`
    : `${what}: ${path} is not a tracked file of this commit.`;
  const hint = near === undefined ? "" : ` Did you mean \`${posix.relative(root, near)}\`?`;
  const remedy = excluded ? "Narrow `sync.exclude`." : `Commit the file, or correct the path.${hint}`;
  problems.error("file-missing", node.where, message, remedy);
}

/** `./etl/*.py` among a pipeline's files and notebooks becomes one entry a file, sorted. */
function expandLibraries(libraries: Node, content: Content): Node {
  if (libraries.kind !== "list") return libraries;
  const items = libraries.items.flatMap((library) => {
    for (const kind of ["notebook", "file"]) {
      const leaf = child(child(library, kind), "path");
      if (leaf?.kind !== "scalar" || typeof leaf.value !== "string" || !/[*?[]/.test(leaf.value)) continue;
      const pattern = localPath(leaf.value, leaf, kind, content);
      if (pattern === undefined) return [library];
      const matches = picomatch(pattern, { dot: true, noglobstar: true, nobrace: true, noextglob: true });
      const found = [...content.files].filter((file) => matches(file)).sort();
      return found.map((file) => {
        const relative = posix.relative(posix.dirname(leaf.where.file), file);
        return mapAt(library, [kind, "path"], () => scalar(relative, leaf.where));
      });
    }
    return [library];
  });
  return items.length === 0 && libraries.items.length > 0 ? libraries : list(items, libraries.where);
}

/** Dependencies of a serverless environment: wheels, folders, `-r requirements.txt`, `--editable ${workspace.file_path}`. */
function dependencies(node: Node, key: string, content: Content): Node {
  if (node.kind !== "list") return node;
  const items = node.items.flatMap((item) =>
    item.kind === "scalar" && typeof item.value === "string" ? dependency(item, item.value, key, content) : [item],
  );
  return { ...node, items };
}

function dependency(node: Scalar, value: string, key: string, content: Content): readonly Node[] {
  const what = `${key}: dependencies`;
  const flagged = splitPipFlag(value);
  if (flagged !== undefined) {
    const [extras = ""] = flagged.folder ? (/\[[^\]/]*\]$/.exec(flagged.path) ?? []) : [];
    const path = localPath(flagged.path.slice(0, flagged.path.length - extras.length), node, what, content);
    if (path === undefined) return [node];
    const isFolder = flagged.folder && !content.files.has(path);
    const name = checked(path, isFolder ? "folder" : "file", node, what, content);
    return [
      name === undefined
        ? node
        : { ...node, value: `${flagged.flag} ${flagged.quote}${inRelease(name, content)}${extras}${flagged.quote}` },
    ];
  }
  if (!isEnvironmentPath(value)) return [node];
  const path = localPath(value, node, what, content);
  if (path === undefined) return [node];
  const tracked = matching(path, [...content.files]);
  if (tracked.length > 0) return tracked.map((file) => ({ ...node, value: inRelease(file, content) }));
  if ([...content.files].some((file) => file.startsWith(`${path}/`)))
    return [{ ...node, value: inRelease(path, content) }];
  if (!/\.(whl|tar\.gz|zip|jar)$/.test(path) || content.source.has(path)) {
    missing(path, node, what, content);
    return [node];
  }
  return carried(path, node, key, content);
}

function matching(pattern: string, names: readonly string[]): string[] {
  if (!/[*?[]/.test(pattern)) return names.filter((name) => name === pattern);
  const matches = picomatch(pattern, { dot: true, noglobstar: true, nobrace: true, noextglob: true });
  return names.filter((name) => matches(name)).sort();
}

/** A built file that git does not track travels with the release; it is found by its name. */
function carried(path: string, node: Scalar, key: string, content: Content): readonly Node[] {
  const pattern = posix.basename(path);
  content.needs({ path, resources: [key], where: node.where });
  const { artifacts } = content;
  if (artifacts === undefined) return [{ ...node, value: artifactPath(pattern) }];
  const names = matching(
    pattern,
    artifacts.map((name) => posix.basename(name)),
  );
  if (names.length === 0) {
    const message = `${key} needs ${path}, which is neither tracked nor among the carried artifacts (${artifacts.join(", ") || "none"}).`;
    const remedy = "Build it before the deployment to dev, under this name; later tiers carry the same bytes.";
    content.problems.error("artifact-missing", node.where, message, remedy);
    return [node];
  }
  return names.map((name) => ({ ...node, value: artifactPath(name) }));
}

function artifactPath(name: string): string {
  return `${RELEASE_SYMBOL}/${ARTIFACTS_FOLDER}/${name}`;
}
