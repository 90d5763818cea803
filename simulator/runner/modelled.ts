/** What of a workflow this runner carries out, with the facts that it follows; anything else is refused by name. */
import { tell } from "../witness.ts";
import { find, type JobModel, type StepModel, type TemplateToken, type WorkflowModel } from "./workflow.ts";

const FILTERS = ["branches", "branches-ignore", "paths", "paths-ignore"] as const;
const CONCURRENCY = ["group", "cancel-in-progress", "queue"] as const;
const ENVIRONMENT = ["name", "url", "deployment"] as const;
const STRATEGY = ["matrix", "fail-fast", "max-parallel"] as const;
const MATRIX = ["include", "exclude"] as const;
const DEFAULTS = ["shell", "working-directory"] as const;

/** Each part by its facts. */
export const MODELLED: Readonly<Record<string, string>> = {
  ...parts("github 2, 5, 6", "on: ", [
    "push",
    "pull_request",
    "merge_group",
    "workflow_dispatch",
    "schedule",
    "workflow_call",
  ]),
  ...parts("github 2", "push: ", [...FILTERS, "tags", "tags-ignore"]),
  ...parts("github 2", "pull_request: ", [...FILTERS, "types"]),
  ...parts("github 2", "workflow: ", ["run-name", "env", "defaults", "concurrency", "permissions"]),
  ...parts("github 2", "workflow_call: ", ["inputs", "secrets", "outputs"]),
  ...parts("github 2", "workflow_dispatch: ", ["inputs"]),
  ...parts("github 2", "job: ", [
    "name",
    "needs",
    "if",
    "permissions",
    "concurrency",
    "strategy",
    "runs-on",
    "env",
    "environment",
    "outputs",
    "timeout-minutes",
    "defaults",
  ]),
  ...parts("github 2", "concurrency: ", CONCURRENCY),
  ...parts("github 2, 3", "environment: ", ENVIRONMENT),
  ...parts("github 2", "strategy: ", STRATEGY),
  ...parts("github 2", "matrix: ", MATRIX),
  ...parts("github 2", "defaults: ", DEFAULTS),
  ...parts("github 2", "calling job: ", ["uses", "with", "secrets", "secrets: inherit"]),
  ...parts("github 1, 2", "step: ", [
    "name",
    "if",
    "env",
    "continue-on-error",
    "timeout-minutes",
    "uses",
    "with",
    "run",
    "shell",
    "working-directory",
  ]),
  ...parts("github 1", "stand-in: ", ["actions/checkout", "actions/upload-artifact", "actions/download-artifact"]),
};

/** The functions and contexts of expressions, each property by its facts; a context whose names are the user's is one. */
export const EXPRESSIONS: Readonly<Record<string, string>> = {
  ...parts("github 7", "function: ", [
    "always",
    "cancelled",
    "case",
    "contains",
    "endsWith",
    "failure",
    "format",
    "fromJSON",
    "join",
    "startsWith",
    "success",
    "toJSON",
  ]),
  ...parts("github 2, 7", "context: ", ["env", "inputs", "jobs", "matrix", "needs", "secrets", "steps", "vars"]),
  ...parts("github 2", "context: needs.*.", ["outputs", "result"]),
  ...parts("github 1", "context: steps.*.", ["conclusion", "outcome", "outputs"]),
  ...parts("github 2", "context: strategy.", ["fail-fast", "job-index", "job-total", "max-parallel"]),
  ...parts("github 2", "context: job.", [
    "check_run_id",
    "status",
    "workflow_file_path",
    "workflow_ref",
    "workflow_repository",
    "workflow_sha",
  ]),
  ...parts("github 1", "context: runner.", ["arch", "debug", "environment", "name", "os", "temp", "tool_cache"]),
  ...parts("github 2, 4", "context: github.", [
    "action",
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "event",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repositoryUrl",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "secret_source",
    "server_url",
    "sha",
    "token",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
  ]),
};

/** By lower case: neither functions nor contexts mind it. */
const EXPRESSION_NAMES = new Map(Object.keys(EXPRESSIONS).map((name) => [name.toLowerCase(), name]));

/** Tells that an expression has come to a function or a context; false for one that is not in the table. */
export function tellOfExpression(family: "function" | "context", name: string): boolean {
  const known = EXPRESSION_NAMES.get(`${family}: ${name}`.toLowerCase());
  if (known !== undefined) tell({ place: `runner ${known}` });
  return known !== undefined;
}

function parts(facts: string, family: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`${family}${name}`, facts]));
}

/** Tells which parts a workflow file has that is about to run. */
export function tellOf(event: string, model: WorkflowModel): void {
  const has = (family: string, name: string, value: unknown): void => {
    if (value !== undefined && !(value instanceof Map && value.size === 0))
      tell({ place: `runner ${family}: ${name}` });
  };
  has("on", event, true);
  filters(event, model, has);
  has("workflow", "run-name", model.runName);
  has("workflow", "env", model.env);
  has("workflow", "defaults", model.defaults.shell ?? model.defaults.workingDirectory);
  has("workflow", "concurrency", model.concurrency);
  below("concurrency", model.concurrency, CONCURRENCY, has);
  has("defaults", "shell", model.defaults.shell);
  has("defaults", "working-directory", model.defaults.workingDirectory);
  has("workflow", "permissions", model.permissions);
  has("workflow_call", "inputs", model.call?.inputs);
  has("workflow_call", "secrets", model.call?.secrets);
  has("workflow_call", "outputs", model.call?.outputs);
  has("workflow_dispatch", "inputs", model.dispatchInputs);
  for (const job of model.jobs) tellOfJob(job, has);
}

type Has = (family: string, name: string, value: unknown) => void;

/** The keys of a mapping; what is written as a scalar is its first key. */
function below(family: string, token: TemplateToken | undefined, names: readonly string[], has: Has): void {
  const found = names.filter((name) => find(token, name) !== undefined);
  if (token !== undefined && found.length === 0) found.push(names[0] ?? "");
  for (const name of found) has(family, name, true);
}

function filters(event: string, { events }: WorkflowModel, has: Has): void {
  if (event !== "push" && event !== "pull_request") return;
  for (const name of Object.keys(events[event] ?? {})) has(event, name, true);
}

function tellOfJob(job: JobModel, has: Has): void {
  has("job", "name", job.name);
  has("job", "needs", job.needs.length > 0 ? job.needs : undefined);
  has("job", "if", job.condition === "success()" ? undefined : job.condition);
  has("job", "permissions", job.permissions);
  has("job", "concurrency", job.concurrency);
  below("concurrency", job.concurrency, CONCURRENCY, has);
  has("job", "strategy", job.strategy);
  below("strategy", job.strategy, STRATEGY, has);
  for (const name of MATRIX) has("matrix", name, find(find(job.strategy, "matrix"), name));
  if (job.kind === "call") {
    has("calling job", "uses", job.uses);
    has("calling job", "with", job.with);
    has("calling job", job.secrets === "inherit" ? "secrets: inherit" : "secrets", job.secrets);
    return;
  }
  has("job", "runs-on", job.runsOn);
  has("job", "env", job.env);
  has("job", "environment", job.environment);
  below("environment", job.environment, ENVIRONMENT, has);
  has("job", "outputs", job.outputs);
  has("job", "timeout-minutes", job.timeoutMinutes);
  has("job", "defaults", job.defaults.shell ?? job.defaults.workingDirectory);
  has("defaults", "shell", job.defaults.shell);
  has("defaults", "working-directory", job.defaults.workingDirectory);
  for (const step of job.steps) tellOfStep(step, has);
}

function tellOfStep(step: StepModel, has: Has): void {
  const { uses } = step;
  has("step", "name", step.name);
  has("step", "if", step.condition === "success()" ? undefined : step.condition);
  has("step", "env", step.env);
  has("step", "continue-on-error", step.continueOnError);
  has("step", "timeout-minutes", step.timeoutMinutes);
  has("step", "uses", uses);
  has("step", "with", step.with);
  has("step", "run", step.run);
  has("step", "shell", step.shell);
  has("step", "working-directory", step.workingDirectory);
  const standIn = uses?.split("@")[0] ?? "";
  has("stand-in", standIn, `stand-in: ${standIn}` in MODELLED || undefined);
}
