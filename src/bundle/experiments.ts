/**
 * MLflow experiments: named by a workspace path that outlives releases, marked by tags; and tasks that train without
 * one (docs/adr/0713).
 */
import { posix } from "node:path";
import type { Tier } from "../contract/model.ts";
import { isArray, isObject, parseJson } from "../json.ts";
import { markTags, TAGS } from "./marks.ts";
import { RELEASE_SYMBOL } from "./model.ts";
import type { Problems } from "./problems.ts";
import type { BundleSource } from "./source.ts";
import {
  type Entry,
  eachScalar,
  get,
  getString,
  type Mapping,
  mapping,
  type Node,
  scalar,
  scalarText,
  withKey,
} from "./tree.ts";

/** Checks an experiment, and gives it the path and the tags that the tier has it with. */
export function renderExperiment(
  declared: Mapping,
  key: string,
  tier: Tier,
  finalName: (name: Node) => Node,
  problems: Problems,
): Mapping {
  for (const [name, remedy] of [
    ["trace_location", "Remove it: traces are kept where the service keeps them."],
  ] as const) {
    const entry = declared.entries.get(name);
    if (entry !== undefined) problems.error("unsupported", entry.key, `${key}: \`${name}\` is not deployed.`, remedy);
  }
  const node = get(declared, ["name"]);
  const text = scalarText(node);
  if (node === undefined || text === undefined || text === "") {
    problems.error("nameless", declared.where, `${key} has no name.`, "Add `name`, an absolute path in the workspace.");
    return declared;
  }
  checkPath(text, node, key, problems);
  return withTags(withKey(declared, "name", experimentName(node, finalName)), key, tier, problems);
}

/** The path as the service shows it, without /Workspace; a prefix stands before its last part, as the CLI has it. */
export function experimentName(name: Node, finalName: (name: Node) => Node): Node {
  const path = (scalarText(name) ?? "").replace(/^\/+Workspace\//, "/");
  const last = scalarText(finalName(scalar(posix.basename(path), name.where))) ?? "";
  return scalar(posix.join(posix.dirname(path), last), name.where);
}

function checkPath(path: string, node: Node, key: string, problems: Problems): void {
  const remedy = "Write a path such as `/Users/${workspace.current_user.userName}/churn`.";
  if (path.includes(RELEASE_SYMBOL) || path.split("/").includes(".four-tier")) {
    const why = "A release's folder is written once and removed some day, and the experiment would go with it.";
    problems.error("experiment-in-release", node.where, `${key} would lie in a release's folder.`, remedy, why);
  } else if (!path.startsWith("/") || path.endsWith("/") || path.split("/").includes("..")) {
    problems.error("experiment-path", node.where, `${key}: ${path} is not an absolute path in the workspace.`, remedy);
  }
}

/** Tags as a map: their order says nothing, and the service adds some of its own. */
function withTags(experiment: Mapping, key: string, tier: Tier, problems: Problems): Mapping {
  const entries = new Map<string, Entry>();
  const list = get(experiment, ["tags"]);
  for (const item of list?.kind === "list" ? list.items : []) {
    const name = getString(item, ["key"]) ?? "";
    if (name === "" || entries.has(name)) {
      const remedy = "Give each tag a `key` of its own.";
      problems.error("tag", item.where, `${key}: a tag ${name === "" ? "without key" : `${name} twice`}.`, remedy);
    } else if (Object.values<string>(TAGS).includes(name)) {
      problems.error(
        "reserved",
        item.where,
        `${key}: the tag ${name} belongs to the suite.`,
        "Remove it: the suite sets it.",
      );
    }
    entries.set(name, { key: item.where, value: get(item, ["value"]) ?? scalar("", item.where) });
  }
  for (const [name, value] of Object.entries(markTags(tier, key))) {
    entries.set(name, { key: experiment.where, value: scalar(value, experiment.where) });
  }
  return withKey(experiment, "tags", mapping(entries, list?.where ?? experiment.where), experiment.where);
}

/** What starts or fills an MLflow run; loading a model and the registry alone do not. */
const WRITES = String.raw`(?:start_run|autolog|log_(?:model|metrics?|params?|artifacts?|figure|image|dict|text|table|inputs?|batch)|set_tags?|evaluate)`;
const TRAINS = [
  new RegExp(String.raw`\bmlflow(?:\.\w+)*\.${WRITES}\s*\(`),
  // from mlflow import start_run, log_metric
  new RegExp(String.raw`\bfrom\s+mlflow(?:\.\w+)*\s+import\s+(?:\([^)]*|[^\n(]*)\b${WRITES}\b`),
  // client = MlflowClient(); client.log_metric(run, …)
  new RegExp(String.raw`\bMlflowClient\b[\s\S]*\.${WRITES}\s*\(`),
];
/** `create_run` of a client takes the experiment's id. */
const CHOOSES = /\bset_experiment\s*\(|MLFLOW_EXPERIMENT_(?:NAME|ID)|\bexperiment_id\s*=|\.create_run\s*\(\s*[^)\s]/;

/**
 * A warning for tasks whose own notebook, file or package writes MLflow runs and names no experiment: neither in its code
 * nor by a parameter that refers to an experiment of the bundle. What it imports is not looked into.
 */
export function checkTraining(job: Mapping, key: string, sources: Sources, problems: Problems): void {
  const tasks = get(job, ["tasks"]);
  for (const task of tasks?.kind === "list" ? tasks.items : []) {
    const inner = get(task, ["for_each_task", "task"]) ?? task;
    const file = get(inner, ["notebook_task", "notebook_path"]) ?? get(inner, ["spark_python_task", "python_file"]);
    const node = file ?? get(inner, ["python_wheel_task", "package_name"]);
    const path = getString(node, []);
    if (node === undefined || path === undefined) continue;
    const text = codeOf(file === undefined ? sources.ofPackage(path) : sources.ofFile(path));
    if (!TRAINS.some((pattern) => pattern.test(text)) || CHOOSES.test(text)) continue;
    if (namesExperiment(job, inner)) continue;
    const message = `${key}, task ${getString(task, ["task_key"]) ?? ""}: ${path?.replace(`${RELEASE_SYMBOL}/`, "") ?? ""} writes MLflow runs and names no experiment.`;
    const why =
      "Its runs would go to an experiment of the notebook itself, in the release's folder: each release would begin an empty one.";
    const remedy =
      "Declare one under `resources.experiments`, hand it over (`base_parameters: { experiment_id: ${resources.experiments.<key>.id} }`), and call `mlflow.set_experiment(experiment_id=…)`.";
    problems.warning("no-experiment", node.where, message, remedy, why);
  }
}

function namesExperiment(job: Mapping, task: Node): boolean {
  let found = false;
  for (const part of [task, get(job, ["parameters"])]) {
    if (part === undefined) continue;
    eachScalar(part, (leaf) => {
      if (typeof leaf.value === "string" && leaf.value.includes("${resources.experiments.")) found = true;
    });
  }
  return found;
}

/** Where the code of a task is, as far as it is tracked; each an empty list if it is not. */
interface Sources {
  /** A notebook or file by its path in the release, notebooks with or without their extension. */
  readonly ofFile: (path: string) => readonly string[];
  /** The modules of a package that is built into a wheel. */
  readonly ofPackage: (name: string) => readonly string[];
}

/** Reads tracked files only. */
export function sourcesIn(source: BundleSource, root: string, files: ReadonlySet<string>): Sources {
  const texts = (paths: readonly string[]): string[] => paths.flatMap((path) => source.readText(path) ?? []);
  return {
    ofFile: (path) => {
      if (!path.startsWith(`${RELEASE_SYMBOL}/`)) return [];
      const name = posix.join(root, path.slice(RELEASE_SYMBOL.length + 1));
      return texts([name, `${name}.py`, `${name}.ipynb`].filter((each) => files.has(each)).slice(0, 1));
    },
    ofPackage: (name) => {
      const folder = `/${name.replaceAll(/[-.]/g, "_")}/`;
      return texts([...files].filter((path) => path.endsWith(".py") && `/${path}`.includes(folder)));
    },
  };
}

/** Python without what is not run: comments, text in triple quotes, and the cells of a notebook that are no code. */
function codeOf(texts: readonly string[]): string {
  return texts
    .map((text) =>
      cellsOf(text)
        .replaceAll(/("""|''')[\s\S]*?\1/g, '""')
        .replaceAll(/(^|\s)#[^\n]*/g, "$1"),
    )
    .join("\n");
}

/** The code of an .ipynb file; any other text as it is. */
function cellsOf(text: string): string {
  if (!text.trimStart().startsWith("{")) return text;
  try {
    const notebook = parseJson(text);
    const cells = isObject(notebook) ? notebook["cells"] : undefined;
    if (cells === undefined || !isArray(cells)) return text;
    const sources = cells.flatMap((cell) => (isObject(cell) && cell["cell_type"] === "code" ? [cell["source"]] : []));
    return sources
      .map((lines) =>
        lines !== undefined && isArray(lines) ? lines.map(String).join("") : typeof lines === "string" ? lines : "",
      )
      .join("\n");
  } catch {
    return text;
  }
}
