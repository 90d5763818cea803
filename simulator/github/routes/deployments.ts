/** Environments and deployments (facts: github 3). */
import * as v from "valibot";
import { ActionShapes } from "../action-shapes.ts";
import * as git from "../git.ts";
import { type Answer, bodyOf, type Call, type Partly, route, type Schemas } from "../http.ts";
import { policyPatterns } from "../rules.ts";
import { timestamp } from "../text.ts";
import { type Deployment, type Environment, Refusal, stateOf } from "../world.ts";

const REPO = "/repos/{owner}/{repo}";
const READ = ["deployments", "read"] as const;
const WRITE = ["deployments", "write"] as const;

const shapes = (call: Call): ActionShapes => new ActionShapes(call.world, call.apiUrl);

function environmentOf(call: Call): Environment {
  readable(call);
  const found = call.world.environments.get((call.params["environment"] ?? "").toLowerCase());
  if (found === undefined) throw new Refusal(404, "Not Found");
  return found;
}

/** Whether `actions: read` shows environments where the repository is not everybody's to see is nowhere said. */
function readable({ token, world: { scenario } }: Call): void {
  if (token?.kind !== "job" || scenario.visibility === "public") return;
  if (!scenario.assumptions.job_tokens_read_environments)
    throw new Refusal(403, "Resource not accessible by integration");
}

function environments(call: Call): Answer {
  readable(call);
  const list = [...call.world.environments.values()].map((one) => shapes(call).environment(one));
  return { list, wrap: (page, total) => ({ total_count: total, environments: page }) };
}

/** Only custom policies are listed; `protected_branches` has no names of its own. */
function policies(call: Call): Answer {
  const environment = environmentOf(call);
  const patterns = policyPatterns(call.world.settings(environment), call.world.scenario.default_branch) ?? [];
  const list = patterns.map(
    (name, index): Partly<Schemas["deployment-branch-policy"]> => ({
      id: environment.id * 100 + index,
      name,
      type: "branch",
    }),
  );
  return { list, wrap: (page, total) => ({ total_count: total, branch_policies: page }) };
}

const newDeployment = v.strictObject({
  ref: v.string(),
  task: v.optional(v.string(), "deploy"),
  auto_merge: v.optional(v.boolean(), true),
  required_contexts: v.optional(v.array(v.string())),
  payload: v.optional(v.union([v.record(v.string(), v.unknown()), v.string()]), {}),
  environment: v.optional(v.string(), "production"),
  description: v.optional(v.nullable(v.string()), null),
  transient_environment: v.optional(v.boolean(), false),
  production_environment: v.optional(v.boolean()),
});

async function createDeployment(call: Call): Promise<Answer> {
  const { world } = call;
  const given = bodyOf(newDeployment, call);
  const sha = await git.resolveRef(world.dir, given.ref);
  if (sha === undefined) throw new Refusal(422, `No ref found for: ${given.ref}`);
  await requireContexts(call, sha, given);
  if (given.auto_merge && (await isBehind(call, given.ref, sha))) {
    throw new Refusal(501, "unmodelled: a deployment with auto_merge of a branch behind the default branch");
  }
  const deployment: Deployment = {
    id: world.id(),
    sha,
    ref: given.ref,
    task: given.task,
    payload: given.payload,
    environment: given.environment,
    description: given.description,
    creator: call.login,
    transient: given.transient_environment,
    production: given.production_environment ?? given.environment === "production",
    createdAt: timestamp(),
    statuses: [],
  };
  // An environment that a deployment names exists from then on, unprotected.
  world.environment(given.environment);
  world.deployments.push(deployment);
  return { status: 201, body: shapes(call).deployment(deployment) };
}

/** Left out, `required_contexts` means all of them, the running workflow's own check included (facts: github 3). */
async function requireContexts(
  call: Call,
  sha: string,
  given: { readonly ref: string; readonly required_contexts?: readonly string[] | undefined },
): Promise<void> {
  const checks = call.world.runs
    .filter((run) => run.headSha === sha)
    .flatMap((run) =>
      run.jobs.map((job) => ({ context: job.name, ok: job.conclusion === "success" || job.conclusion === "skipped" })),
    );
  const statuses = call.world.statuses
    .filter((status) => status.sha === sha)
    .map((status) => ({ context: status.context, ok: status.state === "success" }));
  const known = new Map([...checks, ...statuses].map((one) => [one.context, one.ok]));
  const names = given.required_contexts ?? [...known.keys()];
  if (names.some((name) => known.get(name) !== true)) {
    throw new Refusal(409, `Conflict: Commit status checks failed for ${given.ref}.`);
  }
}

async function isBehind(call: Call, ref: string, sha: string): Promise<boolean> {
  const { dir, scenario } = call.world;
  const branch = await git.resolveCommit(dir, `refs/heads/${ref.replace(/^refs\/heads\//, "")}`);
  const base = await git.resolveCommit(dir, `refs/heads/${scenario.default_branch}`);
  return branch !== undefined && base !== undefined && !(await git.isAncestor(dir, base, sha));
}

function listDeployments(call: Call): Answer {
  const { sha, ref, task, environment } = call.query;
  const exact = task === undefined || call.world.scenario.assumptions.task_filter_is_exact;
  const list = call.world.deployments
    .filter((one) => sha === undefined || one.sha === sha)
    .filter((one) => ref === undefined || one.ref === ref)
    .filter((one) => task === undefined || one.task === task || (!exact && one.task.startsWith(task)))
    .filter((one) => environment === undefined || one.environment === environment)
    .reverse();
  return { list: list.map((one) => shapes(call).deployment(one)) };
}

function deploymentOf(call: Call): Deployment {
  const found = call.world.deployments.find((one) => String(one.id) === call.params["id"]);
  if (found === undefined) throw new Refusal(404, "Not Found");
  return found;
}

const newStatus = v.strictObject({
  state: v.picklist(["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]),
  target_url: v.optional(v.string()),
  log_url: v.optional(v.string()),
  description: v.optional(
    v.pipe(v.string(), v.maxLength(140, "description is too long (maximum is 140 characters)")),
    "",
  ),
  environment: v.optional(v.string()),
  environment_url: v.optional(v.string(), ""),
  auto_inactive: v.optional(v.boolean(), true),
});

function createStatus(call: Call): Answer {
  const deployment = deploymentOf(call);
  const given = bodyOf(newStatus, call);
  const status = call.world.addStatus(
    deployment,
    {
      state: given.state,
      creator: call.login,
      description: given.description,
      environment: given.environment ?? deployment.environment,
      environmentUrl: given.environment_url,
      logUrl: given.log_url ?? given.target_url ?? "",
    },
    given.auto_inactive,
  );
  return { status: 201, body: shapes(call).deploymentStatus(deployment, status) };
}

/** Newest first. */
function statuses(call: Call): Answer {
  const deployment = deploymentOf(call);
  const list = deployment.statuses.toReversed();
  return { list: list.map((status) => shapes(call).deploymentStatus(deployment, status)) };
}

/** Only an inactive deployment can be deleted, unless it is the only one. */
function deleteDeployment(call: Call): Answer {
  const deployment = deploymentOf(call);
  if (stateOf(deployment) !== "inactive" && call.world.deployments.length > 1) {
    throw new Refusal(
      422,
      "We cannot delete an active deployment unless it is the only deployment in a given environment.",
    );
  }
  call.world.deployments.splice(call.world.deployments.indexOf(deployment), 1);
  return { status: 204, body: undefined };
}

export const deploymentRoutes = [
  route(`GET ${REPO}/environments`, ["actions", "read"], environments),
  route(`GET ${REPO}/environments/{environment}`, ["actions", "read"], (call) => ({
    body: shapes(call).environment(environmentOf(call)),
  })),
  route(`GET ${REPO}/environments/{environment}/deployment-branch-policies`, ["actions", "read"], policies),
  route(`GET ${REPO}/environments/{environment}/deployment_protection_rules`, ["actions", "read"], (call) => {
    environmentOf(call);
    return { body: { total_count: 0, custom_deployment_protection_rules: [] } };
  }),
  route(`GET ${REPO}/deployments`, READ, listDeployments, { query: ["sha", "ref", "task", "environment"] }),
  route(`POST ${REPO}/deployments`, WRITE, createDeployment, { body: newDeployment }),
  route(`GET ${REPO}/deployments/{id}`, READ, (call) => ({ body: shapes(call).deployment(deploymentOf(call)) })),
  route(`DELETE ${REPO}/deployments/{id}`, WRITE, deleteDeployment),
  route(`GET ${REPO}/deployments/{id}/statuses`, READ, statuses),
  route(`POST ${REPO}/deployments/{id}/statuses`, WRITE, createStatus, { body: newStatus }),
];
