/** What of a workflow this runner carries out, with the facts that it follows; anything else is refused by name. */
import { tell } from "../witness.ts";
import type { JobModel, StepModel, WorkflowModel } from "./workflow.ts";

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
  has("workflow", "run-name", model.runName);
  has("workflow", "env", model.env);
  has("workflow", "defaults", model.defaults.shell ?? model.defaults.workingDirectory);
  has("workflow", "concurrency", model.concurrency);
  has("workflow", "permissions", model.permissions);
  has("workflow_call", "inputs", model.call?.inputs);
  has("workflow_call", "secrets", model.call?.secrets);
  has("workflow_call", "outputs", model.call?.outputs);
  has("workflow_dispatch", "inputs", model.dispatchInputs);
  for (const job of model.jobs) tellOfJob(job, has);
}

type Has = (family: string, name: string, value: unknown) => void;

function tellOfJob(job: JobModel, has: Has): void {
  has("job", "name", job.name);
  has("job", "needs", job.needs.length > 0 ? job.needs : undefined);
  has("job", "if", job.condition === "success()" ? undefined : job.condition);
  has("job", "permissions", job.permissions);
  has("job", "concurrency", job.concurrency);
  has("job", "strategy", job.strategy);
  if (job.kind === "call") {
    has("calling job", "uses", job.uses);
    has("calling job", "with", job.with);
    has("calling job", job.secrets === "inherit" ? "secrets: inherit" : "secrets", job.secrets);
    return;
  }
  has("job", "runs-on", job.runsOn);
  has("job", "env", job.env);
  has("job", "environment", job.environment);
  has("job", "outputs", job.outputs);
  has("job", "timeout-minutes", job.timeoutMinutes);
  has("job", "defaults", job.defaults.shell ?? job.defaults.workingDirectory);
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
