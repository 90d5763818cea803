/**
 * What of a workflow this runner carries out, with the facts that it follows; anything else is refused by name. Read by the
 * documentation too, so that it needs no parser.
 */
import { tell } from "../witness.ts";

const FILTERS = ["branches", "branches-ignore", "paths", "paths-ignore"] as const;
/** The keys of `concurrency:` that are modelled. */
export const CONCURRENCY = ["group", "cancel-in-progress", "queue"] as const;
/** Of `environment:` the same. */
export const ENVIRONMENT = ["name", "url", "deployment"] as const;
/** Of `strategy:`. */
export const STRATEGY = ["matrix", "fail-fast", "max-parallel"] as const;
/** Of `matrix:`, beside its axes. */
export const MATRIX = ["include", "exclude"] as const;
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
