/**
 * What a scenario says about GitHub: the settings of one repository and its people. Parsed strictly: a key that the
 * simulator does not know is refused, so that nothing is believed to be simulated that is not.
 */
import * as v from "valibot";
import { MANNERS } from "../door.ts";

const role = v.picklist(["read", "triage", "write", "maintain", "admin"]);
const text = v.record(v.string(), v.string());

/** A branch's rules. `by` says which feature they come from: both protect, but each is read by its own route. */
const branchRules = v.strictObject({
  by: v.optional(v.picklist(["ruleset", "classic"]), "ruleset"),
  required_approving_review_count: v.optional(v.number(), 1),
  require_code_owner_review: v.optional(v.boolean(), true),
  dismiss_stale_reviews: v.optional(v.boolean(), true),
  require_last_push_approval: v.optional(v.boolean(), true),
  required_status_checks: v.optional(v.array(v.string()), []),
  enforce_admins: v.optional(v.boolean(), true),
  require_pull_request: v.optional(v.boolean(), true),
  forbid_deletion: v.optional(v.boolean(), true),
  forbid_force_push: v.optional(v.boolean(), true),
  /** Of a ruleset: one that is not active is not listed, and holds nobody up. */
  enforcement: v.optional(v.picklist(["active", "evaluate", "disabled"]), "active"),
});

const environment = v.strictObject({
  /** Logins, or `team:slug`. Up to six; any one suffices (facts: github 3). */
  reviewers: v.optional(v.pipe(v.array(v.string()), v.maxLength(6)), []),
  prevent_self_review: v.optional(v.boolean(), false),
  /** Minutes, 0 to 43,200. */
  wait_timer: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(43_200)), 0),
  can_admins_bypass: v.optional(v.boolean(), true),
  /** Which refs may deploy: any, protected branches, the default branch alone, or these patterns. */
  branch_policy: v.optional(v.union([v.picklist(["none", "protected", "default"]), v.array(v.string())]), "none"),
  secrets: v.optional(text, {}),
  variables: v.optional(text, {}),
});

const user = v.strictObject({
  role: v.optional(role, "read"),
  name: v.optional(v.string()),
  type: v.optional(v.picklist(["User", "Bot"]), "User"),
});

const fault = v.strictObject({
  method: v.optional(v.string(), "GET"),
  /** A path of the API without its query; `*` stands for one segment. */
  path: v.string(),
  /** Which matching request fails, counted from one; and how many in a row. */
  nth: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
  /** `lost-answer` does the work and then drops the connection; how else an answer leaves: door.ts. */
  effect: v.union([
    v.picklist(["reset", "lost-answer", ...MANNERS]),
    v.pipe(v.number(), v.minValue(400), v.maxValue(599)),
  ]),
  retry_after: v.optional(v.number()),
  /** How long a `drip` takes in all. */
  delay_ms: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1000),
});

/** What the facts leave open, each to be run both ways (facts: github, marks [?]). */
const assumptions = v.strictObject({
  /** In a called workflow, an environment's secrets are visible only if the caller says `secrets: inherit` (facts: github 2). */
  environment_secrets_need_inherit: v.optional(v.boolean(), true),
  /** A branch policy holds for `deployment: false` too (facts: github 2 does not say). */
  branch_policy_without_deployment: v.optional(v.boolean(), true),
  /** A job takes its place in its concurrency group before it waits for a review, not after (facts: github 2). */
  concurrency_before_approval: v.optional(v.boolean(), false),
  /** A job's token may ask for anybody's permission in the repository. */
  job_tokens_read_roles: v.optional(v.boolean(), true),
  /** The filter `task` of a list of Deployments is exact, not a beginning. */
  task_filter_is_exact: v.optional(v.boolean(), true),
  /** A branch that only a ruleset protects is shown as `protected`. */
  rulesets_protect: v.optional(v.boolean(), true),
  /** A successful Deployment makes earlier ones of its environment inactive whatever their task. */
  inactive_whatever_task: v.optional(v.boolean(), true),
  /** A dispatch with `return_run_details` names the run that it starts. */
  dispatch_names_run: v.optional(v.boolean(), true),
  /** A file that rules keep off a branch is refused with 409, not with 422. */
  rules_refuse_as_conflict: v.optional(v.boolean(), true),
  /** A job's token may read environments and their rules in a private repository (facts: github 3). */
  job_tokens_read_environments: v.optional(v.boolean(), true),
  /** A run names the workflows of other repositories that it called, with their commits (facts: github 2). */
  calls_are_referenced: v.optional(v.boolean(), true),
  /** The name of a step is shown with what its expressions came to; of one that failed, too. */
  step_names_are_resolved: v.optional(v.boolean(), true),
  failed_step_names_are_resolved: v.optional(v.boolean(), true),
  /** Deployments and jobs are told by clocks that agree within two minutes. */
  clocks_agree: v.optional(v.boolean(), true),
  /** What a job writes with its own token has the author github-actions[bot]. */
  job_writes_as_the_bot: v.optional(v.boolean(), true),
  /** A list of runs that wait holds those that wait for a review. */
  reviews_are_waited_for: v.optional(v.boolean(), true),
  /** A job that has ended is shown so while another of its run is at work. */
  ended_jobs_show_at_once: v.optional(v.boolean(), true),
});

/** Which lines of docs/assumptions.md each is about. */
const ASSUMPTION_IDS: Readonly<Record<keyof typeof assumptions.entries, string>> = {
  environment_secrets_need_inherit: "A3",
  branch_policy_without_deployment: "A2",
  concurrency_before_approval: "A20",
  job_tokens_read_roles: "A39",
  task_filter_is_exact: "A44",
  rulesets_protect: "A45",
  inactive_whatever_task: "A96",
  dispatch_names_run: "A100",
  rules_refuse_as_conflict: "A108",
  job_tokens_read_environments: "A4",
  calls_are_referenced: "A5",
  step_names_are_resolved: "A38",
  failed_step_names_are_resolved: "A46",
  clocks_agree: "A41",
  job_writes_as_the_bot: "A69, A107",
  reviews_are_waited_for: "A101",
  ended_jobs_show_at_once: "A102",
};

/** Every assumption with its positions, the default first: for the tests that run each, and for the documentation. */
export const ASSUMPTIONS = Object.entries(assumptions.entries).map(([name, schema]) => ({
  name,
  assumption: ASSUMPTION_IDS[name as keyof typeof ASSUMPTION_IDS],
  values: [schema.default, !schema.default],
}));

const schema = v.strictObject({
  repository: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]+\/[\w.-]+$/, "owner/name")), "acme/ml-pipelines"),
  id: v.optional(v.number(), 4001),
  owner_id: v.optional(v.number(), 301),
  visibility: v.optional(v.picklist(["public", "private"]), "public"),
  plan: v.optional(v.picklist(["free", "team", "enterprise"]), "free"),
  default_branch: v.optional(v.string(), "main"),
  protected_branches: v.optional(v.union([v.array(v.string()), v.record(v.string(), branchRules)]), ["main"]),
  /** What GITHUB_TOKEN may do where no `permissions:` is written. */
  default_workflow_permissions: v.optional(v.picklist(["read", "write"]), "read"),
  /** Subjects with ids, as for repositories made after 2026-07-15 (facts: github 4). */
  immutable_subjects: v.optional(v.boolean(), false),
  users: v.optional(v.record(v.string(), user), {}),
  teams: v.optional(v.record(v.string(), v.array(v.string())), {}),
  environments: v.optional(v.record(v.string(), environment), {}),
  secrets: v.optional(text, {}),
  variables: v.optional(text, {}),
  faults: v.optional(v.array(fault), []),
  assumptions: v.optional(assumptions, {}),
});

/** The `github:` half as written, defaults left out. */
export type GitHubScenarioInput = v.InferInput<typeof schema>;
/** The `github:` half with its defaults. */
export type GitHubScenario = v.InferOutput<typeof schema>;
/** An environment's rules. */
export type EnvironmentSettings = v.InferOutput<typeof environment>;
/** What protects a branch. */
export type BranchRules = v.InferOutput<typeof branchRules>;
/** What somebody is in the repository, from read up to admin. */
export type Role = v.InferOutput<typeof role>;
/** What a request is to meet instead of its answer. */
export type Fault = v.InferOutput<typeof fault>;

/** Every key of a scenario's `github:` part, and every assumption that can be turned round: for the documentation. */
export const scenarioKeys: readonly string[] = Object.keys(schema.entries);
/** The open questions that a scenario can turn. */
export const assumptionKeys: readonly string[] = Object.keys(assumptions.entries);

/** Parses the `github:` part of a scenario; throws an Error that names each unknown or wrong key. */
export function parseGitHubScenario(value: unknown): GitHubScenario {
  const result = v.safeParse(schema, value ?? {});
  if (result.success) return result.output;
  const lines = result.issues.map((issue) => `  github.${v.getDotPath(issue) ?? ""}: ${issue.message}`);
  throw new Error(`The scenario's github part is not understood:\n${lines.join("\n")}`);
}

/** The rules of each protected branch; a bare name means the defaults above. */
export function branchRulesOf(scenario: GitHubScenario): ReadonlyMap<string, BranchRules> {
  const given = scenario.protected_branches;
  if (!Array.isArray(given)) return new Map(Object.entries(given));
  return new Map(given.map((branch) => [branch, v.parse(branchRules, {})]));
}

/** An environment that nobody set up: what the service makes of an unknown name (facts: github 2). */
export function unprotected(): EnvironmentSettings {
  return v.parse(environment, {});
}
