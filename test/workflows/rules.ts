/** Our rules for workflow files: each gives what is wrong, or nothing. */
import { join } from "node:path";
import { isMap, isScalar, parseDocument } from "yaml";
import { type Job, OURS, read, type Workflow, workflowOf } from "./files.ts";

/** What a workflow is for: called by others, run by this repository alone, or copied by a team. */
export type Kind = "shipped" | "own" | "caller";

/** An unknown environment is created by GitHub on first use, without any protection: a name is not to be mistyped. */
const ENVIRONMENTS = new Set([
  "sandbox",
  "dev",
  "staging",
  "prod",
  "prod-read",
  "prod-ops",
  "release",
  "probe",
  "probe-gated",
  "probe-elsewhere",
]);
/** Names that a caller gives. */
const GIVEN_ENVIRONMENTS = new Set([
  "${{ inputs.read-environment }}",
  "${{ inputs.nameless }}",
  // Always one of three that the docs tell how to protect.
  "${{ case(inputs.tier == 'prod', 'prod-ops', inputs.tier == 'staging', 'staging', 'dev') }}",
  "${{ case(inputs.tier == 'prod', 'prod-audit', inputs.tier == 'staging', 'staging-audit', 'dev-audit') }}",
  // repair-grants: planned by a principal that may not deploy, carried out where a promotion is.
  "${{ case(inputs.tier == 'prod', 'prod-audit', inputs.tier == 'staging', 'staging', 'dev') }}",
  "${{ case(inputs.tier == 'prod', 'prod', inputs.tier == 'staging', 'staging', 'dev') }}",
]);
const SUITE = /^four-tier\/four-tier\//;
const DANGEROUS_EVENTS = ["pull_request_target", "workflow_run", "issue_comment"];

/** No Deployment of GitHub's own, or one that the caller asks for. */
const DEPLOYMENTS: readonly unknown[] = [false, "${{ inputs.record == 'job' }}"];
/** A job that signs: it has a token of its own, and does nothing else. */
const SIGNING = /^actions\/attest@/;

/** What would bring, or be, a tool of whatever version is there: the suite needs none. */
const FETCHED = /\b(curl|wget|pipx?3?|uvx?|npm|npx|apt(-get)?|brew|databricks)\b/;

/** Beside credentials only these run. */
const BESIDE_CREDENTIALS: Record<Kind, RegExp> = {
  shipped: /^(\$\/action-[a-z-]+$|actions\/(checkout|download-artifact|upload-artifact)@)/,
  own: /^(\$\/probe$|actions\/(checkout|setup-node|download-artifact|attest)@)/,
  caller: /^(actions\/(checkout|download-artifact)@|four-tier\/four-tier\/)/,
};
/** The publishing script: no package of others, nothing built. It is tested, and this is its one call. */
const RUNS_BESIDE_CREDENTIALS = /^node scripts\/publish\.ts [-a-z ]+ --sums "\$SUMS"$/;

/** What is wrong with a workflow file, as sentences. */
export function offences(text: string, kind: Kind): string[] {
  const workflow = workflowOf(text);
  const found = [...wholeOffences(workflow, kind), ...commentOffences(text, kind)];
  for (const [id, job] of Object.entries(workflow.jobs)) {
    found.push(...jobOffences(job, id, kind).map((what) => `${id}: ${what}`));
    // A caller hands its permissions on; the environment is the called job's.
    if (job.uses === undefined) found.push(...credentialOffences(job, kind).map((what) => `${id}: ${what}`));
  }
  return found;
}

/** What the called jobs of ours ask for and a caller's job does not grant: GitHub starts none of them then. */
export function ungranted(text: string): string[] {
  const level: Readonly<Record<string, number>> = { none: 0, read: 1, write: 2 };
  return Object.entries(workflowOf(text).jobs).flatMap(([id, { uses = "", permissions }]) => {
    const file = /^four-tier\/four-tier\/\.github\/workflows\/([\w-]+\.yml)@/.exec(uses)?.[1];
    if (file === undefined) return [];
    const granted = typeof permissions === "object" ? permissions : {};
    return Object.values(workflowOf(read(join(OURS, file))).jobs).flatMap((called) =>
      Object.entries(called.permissions ?? {}).flatMap(([scope, asked]) =>
        (level[granted[scope] ?? "none"] ?? 0) >= (level[asked] ?? 0)
          ? []
          : [`${id}: ${file} asks for ${scope}: ${asked}`],
      ),
    );
  });
}

function wholeOffences(workflow: Workflow, kind: Kind): string[] {
  const found: string[] = [];
  if (JSON.stringify(workflow.permissions) !== "{}") found.push("the workflow gives permissions that no job asked for");
  for (const event of DANGEROUS_EVENTS) {
    if (event in workflow.on) found.push(`${event} runs with the rights of the default branch on what others sent`);
  }
  if (kind === "shipped" && Object.keys(workflow.on).length > 1)
    found.push("a called workflow that also runs by itself");
  return found;
}

function jobOffences(job: Job, id: string, kind: Kind): string[] {
  const found: string[] = [];
  if (job.permissions === undefined || typeof job.permissions === "string") found.push("no permissions of its own");
  if (JSON.stringify(job).includes("toJSON(secrets)")) found.push("reads every secret there is");
  if (job.uses === undefined) {
    if (job["timeout-minutes"] === undefined) found.push("no timeout");
    if (job.name !== id) found.push("its name, which required checks use, is not its key");
    if (kind === "own" && !/^[a-z]+-\d/.test(job["runs-on"] ?? "")) found.push("runs on whatever is newest");
  }
  for (const step of [job, ...job.steps]) {
    const uses = step.uses ?? "";
    if (uses.startsWith("./")) found.push(`${uses} would run what is checked out`);
    if (uses.startsWith("$/") && uses.includes("@")) found.push(`${uses} has a ref`);
    if (uses.startsWith("$/") && kind === "caller") found.push(`${uses} is the caller's own repository`);
    if (SUITE.test(uses) && kind !== "caller") found.push(`${uses} is a sibling, named as a stranger`);
    if (uses !== "" && !uses.startsWith("$/") && !/@[0-9a-f]{40}$/.test(uses))
      found.push(`${uses} is not pinned to a commit`);
    if (step["continue-on-error"] !== undefined) found.push("goes on after an error");
  }
  for (const { run = "" } of job.steps) {
    if (run.includes("${{")) found.push("an expression inside a run");
    if (kind === "shipped" && FETCHED.test(run))
      found.push(`a tool that no commit pins: ${FETCHED.exec(run)?.[0] ?? ""}`);
  }
  return found;
}

/** A job with an environment or a secret holds keys; what else runs in it could take them. */
function credentialOffences(job: Job, kind: Kind): string[] {
  const found: string[] = [];
  const held = job.environment !== undefined || JSON.stringify(job).includes("secrets.");
  const signs =
    job.steps.length > 0 && job.steps.every(({ uses, run }) => run === undefined && SIGNING.test(uses ?? ""));
  if (!held) {
    return JSON.stringify(job).includes("id-token") && !signs ? ["may get a token without an environment"] : [];
  }
  if (typeof job.environment !== "object" || !DEPLOYMENTS.includes(job.environment.deployment)) {
    found.push("has credentials but no environment with deployment: false");
  }
  const name = typeof job.environment === "object" ? job.environment.name : job.environment;
  if (name !== undefined && !ENVIRONMENTS.has(name) && !GIVEN_ENVIRONMENTS.has(name)) {
    found.push(`${name} is no environment that the docs tell anybody to protect`);
  }
  for (const { uses, run } of job.steps) {
    if (run !== undefined && !(kind === "own" && RUNS_BESIDE_CREDENTIALS.test(run))) {
      found.push("a run in a job with credentials");
    }
    if (uses !== undefined && !BESIDE_CREDENTIALS[kind].test(uses)) found.push(`${uses} in a job with credentials`);
  }
  return found;
}

/** Every permission says why, every pin which version it is, and so does the one way of handing on all secrets. */
function commentOffences(text: string, kind: Kind): string[] {
  const found: string[] = [];
  const jobs = parseDocument(text).get("jobs");
  if (!isMap(jobs)) return ["no jobs"];
  for (const { key: id, value: job } of jobs.items) {
    if (!isMap(job)) continue;
    const permissions = job.get("permissions");
    for (const { key, value } of isMap(permissions) ? permissions.items : []) {
      if (commentOf(value) === "") found.push(`${String(id)}: does not say why it needs ${String(key)}`);
    }
    if (job.get("secrets") === "inherit") {
      const toSuite = kind === "caller" && SUITE.test(String(job.get("uses")));
      const says = commentOf(job.get("secrets", true));
      // zizmor reads the same comment; what it asks for is the reason
      if (!toSuite || !/^zizmor: ignore\[secrets-inherit\] \S.{20,}/.test(says)) {
        found.push(`${String(id)}: hands on every secret there is`);
      }
    }
    const steps = job.get("steps");
    const places: unknown[] = [
      job,
      ...(typeof steps === "object" && steps !== null && "items" in steps ? stepsOf(steps.items) : []),
    ];
    for (const place of places) {
      if (!isMap(place)) continue;
      const uses = place.get("uses", true);
      if (!isScalar(uses) || !/@[0-9a-f]{40}$/.test(String(uses.value))) continue;
      const says = commentOf(uses);
      const ours = SUITE.test(String(uses.value));
      if (ours ? says === "" : !/^v\d+\.\d+\.\d+$/.test(says)) {
        found.push(`${String(id)}: ${String(uses.value)} does not say which version it is`);
      }
    }
  }
  return found;
}

const stepsOf = (items: unknown): unknown[] => (Array.isArray(items) ? items : []);
const commentOf = (node: unknown): string => (isScalar(node) ? (node.comment ?? "").trim() : "");
