/** What a job may not say: compute that is not serverless, code from elsewhere, tasks that do not fit together. */
import type { Problems } from "./problems.ts";
import { eachScalar, get, getMap, getString, type Mapping } from "./tree.ts";

/** Why clusters are refused. */
export const WHY_SERVERLESS = "Compute is serverless in every tier.";

interface Task {
  readonly node: Mapping;
  readonly name: string;
}

function tasksOf(job: Mapping): Task[] {
  const tasks = get(job, ["tasks"]);
  if (tasks?.kind !== "list") return [];
  return tasks.items.flatMap((node, index) => {
    const name = `task ${getString(node, ["task_key"]) ?? index}`;
    const inner = get(node, ["for_each_task", "task"]);
    const own = node.kind === "map" ? [{ node, name }] : [];
    return inner?.kind === "map" ? [...own, { node: inner, name: `${name} (for each)` }] : own;
  });
}

/** Checks a job before its paths are translated. */
export function checkJob(job: Mapping, key: string, problems: Problems): void {
  const clusters = job.entries.get("job_clusters");
  if (clusters !== undefined) {
    const remedy = "Remove `job_clusters` and the tasks' `job_cluster_key`; give Python tasks an `environment_key`.";
    problems.error("not-serverless", clusters.key, `${key} brings clusters of its own.`, remedy, WHY_SERVERLESS);
  }
  checkGitSource(job, key, problems);
  const environments = environmentKeys(job, key, problems);
  const tasks = tasksOf(job);
  for (const task of tasks) checkTask(task, key, environments, problems);
  checkTaskKeys(job, key, problems);
}

function checkGitSource(job: Mapping, key: string, problems: Problems): void {
  const entry = job.entries.get("git_source");
  if (entry === undefined) return;
  const why = "A promotion moves the same bytes from tier to tier; a branch moves by itself.";
  const remedy = "Remove `git_source`, and write paths relative to this file.";
  problems.error("git-source", entry.key, `${key} takes its code from a git repository at run time.`, remedy, why);
}

function environmentKeys(job: Mapping, key: string, problems: Problems): ReadonlySet<string> {
  const found = new Set<string>();
  const environments = get(job, ["environments"]);
  for (const item of environments?.kind === "list" ? environments.items : []) {
    const name = getString(item, ["environment_key"]);
    if (name === undefined) continue;
    if (found.has(name)) {
      const remedy = "Declare it once; what differs between tiers can be a variable.";
      const why = "Environments of a target are added to the others, not merged with them.";
      problems.error("environment-twice", item.where, `${key} has the environment ${name} twice.`, remedy, why);
    }
    found.add(name);
  }
  return found;
}

const CLUSTER_KEYS = ["new_cluster", "existing_cluster_id", "job_cluster_key"];
/** Tasks that run code outside a notebook need an environment on serverless compute (facts: databricks-api 5). */
const NEED_ENVIRONMENT = ["spark_python_task", "python_wheel_task", "spark_jar_task", "dbt_task"];

function checkTask({ node, name }: Task, key: string, environments: ReadonlySet<string>, problems: Problems): void {
  for (const cluster of CLUSTER_KEYS) {
    const entry = node.entries.get(cluster);
    if (entry === undefined) continue;
    const remedy = `Remove \`${cluster}\`; a notebook needs nothing in its place, a Python task an \`environment_key\`.`;
    problems.error(
      "not-serverless",
      entry.key,
      `${key}, ${name}: \`${cluster}\` asks for a cluster.`,
      remedy,
      WHY_SERVERLESS,
    );
  }
  const submit = node.entries.get("spark_submit_task");
  if (submit !== undefined) {
    const remedy = "Use `spark_python_task`, `python_wheel_task` or `spark_jar_task` with an `environment_key`.";
    problems.error(
      "not-serverless",
      submit.key,
      `${key}, ${name}: spark-submit needs a cluster.`,
      remedy,
      WHY_SERVERLESS,
    );
  }
  const uri = getMap(node, ["spark_jar_task"])?.entries.get("jar_uri");
  if (uri !== undefined) {
    const remedy = "Name the jar under `environments: [{ spec: { java_dependencies: … } }]`.";
    problems.error("not-serverless", uri.key, `${key}, ${name}: \`jar_uri\` needs a cluster.`, remedy, WHY_SERVERLESS);
  }
  const libraries = node.entries.get("libraries");
  if (libraries !== undefined && libraries.value.kind === "list" && libraries.value.items.length > 0) {
    const remedy = "Name them under `environments: [{ spec: { dependencies: … } }]`, and the environment in the task.";
    problems.error(
      "not-serverless",
      libraries.key,
      `${key}, ${name}: libraries need a cluster.`,
      remedy,
      WHY_SERVERLESS,
    );
  }
  checkEnvironment(node, `${key}, ${name}`, environments, problems);
  eachScalar(node, (leaf, path) => {
    if (path.at(-1) !== "source" || leaf.value !== "GIT") return;
    problems.error("git-source", leaf.where, `${key}, ${name}: source GIT.`, "Remove `source`, or write WORKSPACE.");
  });
}

function checkEnvironment(node: Mapping, what: string, environments: ReadonlySet<string>, problems: Problems): void {
  const named = get(node, ["environment_key"]);
  const name = getString(named, []);
  if (named !== undefined && name !== undefined && !environments.has(name)) {
    const message = `${what}: the job has no environment ${name}.`;
    const remedy = `Declare it under \`environments\`: \`- environment_key: ${name}\`.`;
    problems.error("environment-missing", named.where, message, remedy);
  }
  const needing = NEED_ENVIRONMENT.find((task) => node.entries.has(task));
  const hasCluster = CLUSTER_KEYS.some((cluster) => node.entries.has(cluster));
  if (needing === undefined || name !== undefined || hasCluster) return;
  const remedy = "Add `environment_key`, and the environment under `environments`.";
  const where = node.entries.get(needing)?.key ?? node.where;
  problems.error(
    "environment-missing",
    where,
    `${what}: a ${needing} needs an environment on serverless compute.`,
    remedy,
  );
}

function checkTaskKeys(job: Mapping, key: string, problems: Problems): void {
  const tasks = get(job, ["tasks"]);
  const known = new Set<string>();
  for (const task of tasks?.kind === "list" ? tasks.items : []) {
    const name = getString(task, ["task_key"]);
    if (name === undefined) {
      const remedy = "Give every task a `task_key`, by which tiers' overrides find it.";
      problems.error("task-key", task.where, `${key} has a task without \`task_key\`.`, remedy);
    } else known.add(name);
  }
  for (const { node, name } of tasksOf(job)) checkKind(node, name, key, problems);
  for (const task of tasks?.kind === "list" ? tasks.items : []) {
    const depends = get(task, ["depends_on"]);
    for (const item of depends?.kind === "list" ? depends.items : []) {
      const name = getString(item, ["task_key"]);
      if (name === undefined || known.has(name)) continue;
      const message = `${key}: a task depends on ${name}, which does not exist.`;
      problems.error("task-missing", item.where, message, `The tasks are ${[...known].join(", ")}.`);
    }
  }
}

function checkKind(node: Mapping, name: string, key: string, problems: Problems): void {
  const kinds = [...node.entries.keys()].filter((field) => field.endsWith("_task"));
  if (kinds.length === 1) return;
  const message = `${key}, ${name}: ${kinds.length === 0 ? "it says nothing to do" : `${kinds.join(" and ")} in one task`}.`;
  const where = (kinds[1] === undefined ? undefined : node.entries.get(kinds[1])?.key) ?? node.where;
  problems.error("task-kind", where, message, "Give a task one thing to do, such as `notebook_task`.");
}
