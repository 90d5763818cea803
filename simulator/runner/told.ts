/** Which of the modelled parts a workflow file has: told to whoever measures what the tests come to. */
import { tell } from "../witness.ts";
import { CONCURRENCY, ENVIRONMENT, MATRIX, MODELLED, STRATEGY } from "./modelled.ts";
import { find, type JobModel, type StepModel, type TemplateToken, type WorkflowModel } from "./workflow.ts";

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
