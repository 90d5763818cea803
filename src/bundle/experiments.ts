/**
 * MLflow experiments: named by a workspace path that outlives releases, marked by tags; and tasks that train without
 * one (docs/adr/0713).
 */
import { posix } from "node:path";
import type { Tier } from "../contract/model.ts";
import { markTags, TAGS } from "./marks.ts";
import { RELEASE_SYMBOL } from "./model.ts";
import type { Problems } from "./problems.ts";
import type { BundleSource } from "./source.ts";
import {
  eachScalar,
  type Entry,
  get,
  getString,
  mapping,
  type Mapping,
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

/** What starts or fills an MLflow run; `mlflow.pyfunc.load_model` and the registry alone do not. */
const TRAINS = /\bmlflow(?:\.\w+)*\.(?:start_run|autolog|log_model|log_metrics?|log_params?|evaluate)\s*\(/;
const CHOOSES = /\bset_experiment\b|MLFLOW_EXPERIMENT_(?:NAME|ID)|\bexperiment_id\s*=/;

/**
 * A warning for tasks whose own notebook or file writes MLflow runs and names no experiment: neither in its text nor by
 * a parameter that refers to an experiment of the bundle. What it imports is not looked into.
 */
export function checkTraining(
  job: Mapping,
  key: string,
  sourceOf: (path: string) => string | undefined,
  problems: Problems,
): void {
  const tasks = get(job, ["tasks"]);
  for (const task of tasks?.kind === "list" ? tasks.items : []) {
    const inner = get(task, ["for_each_task", "task"]) ?? task;
    const node = get(inner, ["notebook_task", "notebook_path"]) ?? get(inner, ["spark_python_task", "python_file"]);
    const path = getString(node, []);
    const text = path === undefined ? undefined : sourceOf(path);
    if (node === undefined || text === undefined || !TRAINS.test(text) || CHOOSES.test(text)) continue;
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

/** The text of a tracked file by its path in the release, notebooks with or without their extension. */
export function sourceReader(
  source: BundleSource,
  root: string,
  files: ReadonlySet<string>,
): (path: string) => string | undefined {
  return (path) => {
    if (!path.startsWith(`${RELEASE_SYMBOL}/`)) return undefined;
    const name = posix.join(root, path.slice(RELEASE_SYMBOL.length + 1));
    const file = [name, `${name}.py`, `${name}.ipynb`].find((each) => files.has(each));
    return file === undefined ? undefined : source.readText(file);
  };
}
