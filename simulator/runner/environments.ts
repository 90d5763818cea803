/** How a job enters its environment: policy, timer, review; and the Deployment that the service keeps of it. */
import { environmentGate, reviewersOf } from "../github/rules.ts";
import { timestamp } from "../github/text.ts";
import {
  ACTIONS_BOT,
  type Approval,
  type Deployment,
  type DeploymentState,
  type Environment,
  type Job,
} from "../github/world.ts";
import type { GitHubFacts } from "./contexts.ts";
import { isDictionary, resolve, type Scope, textOf, truthy } from "./expressions.ts";
import type { JobResult } from "./results.ts";
import type { RunOptions } from "./run.ts";
import type { StepsJob } from "./workflow.ts";

interface WantedEnvironment {
  readonly name: string;
  /** False: no Deployment, but the rules hold (facts: github 2). */
  readonly deployment: boolean;
}

type EnvironmentEnd =
  | {
      readonly kind: "open";
      readonly environment: Environment | undefined;
      readonly deployment: Deployment | undefined;
    }
  | { readonly kind: "refused"; readonly conclusion: "failure" | "cancelled"; readonly why: string };

type Open = Extract<EnvironmentEnd, { kind: "open" }>;

/** The environment a job names; an empty name is none. The url is not known yet. */
export function environmentOf(job: StepsJob, scope: Scope): WantedEnvironment | undefined {
  if (job.environment === undefined) return undefined;
  // The url may speak of steps, which have not run: they are nothing yet.
  const early = { ...scope, contexts: { steps: {}, job: {}, runner: {}, env: {}, ...scope.contexts } };
  const value = resolve(job.environment, early);
  const name = textOf((isDictionary(value) ? value["name"] : value) ?? null);
  if (name === "") return undefined;
  return { name, deployment: !isDictionary(value) || truthy(value["deployment"] ?? true) };
}

/** One job's way into its environment. */
export class EnvironmentEntry {
  readonly #options: Pick<RunOptions, "github" | "emit" | "reviewer">;
  readonly #facts: GitHubFacts;
  readonly #finished: readonly JobResult[];

  constructor(
    options: Pick<RunOptions, "github" | "emit" | "reviewer">,
    facts: GitHubFacts,
    finished: readonly JobResult[],
  ) {
    this.#options = options;
    this.#facts = facts;
    this.#finished = finished;
  }

  /** Decides, waits and records; gives what the job may go on with. */
  async enter(job: Job, wanted: WantedEnvironment | undefined, signal: AbortSignal): Promise<EnvironmentEnd> {
    if (wanted === undefined) return { kind: "open", environment: undefined, deployment: undefined };
    const { world } = this.#options.github;
    const environment = world.environment(wanted.name);
    const deployment = wanted.deployment ? this.#deploy(environment) : undefined;
    const settings = world.settings(environment);
    const gate = environmentGate(
      environment.name,
      settings,
      {
        ref: this.#facts.trigger.ref,
        defaultBranch: world.scenario.default_branch,
        protectedBranches: world.branchRules.keys(),
      },
      {
        deployment: wanted.deployment,
        policyWithoutDeployment: world.scenario.assumptions.branch_policy_without_deployment,
      },
    );
    if (gate.kind === "open") return { kind: "open", environment, deployment };
    if (gate.kind === "refused") {
      this.#status(deployment, "failure");
      return { kind: "refused", conclusion: "failure", why: gate.message };
    }
    this.#status(deployment, "waiting");
    if (gate.minutes > 0) {
      // A wait timer only costs time: it is said and passed over.
      this.#waiting(job, `the wait timer of ${environment.name}: ${gate.minutes} minutes, passed over here`);
    }
    if (!gate.review) return { kind: "open", environment, deployment };
    const approval = await this.#review(job, environment, signal);
    if (approval === undefined) {
      this.#status(deployment, "failure");
      return { kind: "refused", conclusion: "cancelled", why: "The run was cancelled while it waited for a review." };
    }
    if (approval.state === "approved") return { kind: "open", environment, deployment };
    this.#status(deployment, "failure");
    return {
      kind: "refused",
      conclusion: "failure",
      why: `The deployment was rejected or didn't satisfy other protection rules. (${environment.name}, by ${approval.user})`,
    };
  }

  started(job: Job, entry: Open): void {
    this.#status(entry.deployment, "in_progress", job);
  }

  ended(job: Job, entry: Open, ok: boolean, url: string): void {
    this.#status(entry.deployment, ok ? "success" : "failure", job, url);
  }

  /** Parks the job until a reviewer decides; undefined if the run is cancelled meanwhile. */
  async #review(job: Job, environment: Environment, signal: AbortSignal): Promise<Approval | undefined> {
    const { github, reviewer } = this.#options;
    const { world } = github;
    const { run } = job;
    const decided = Promise.withResolvers<Approval | undefined>();
    const pending = { environment, job, since: timestamp(), decide: decided.resolve };
    const cancel = (): void => decided.resolve(undefined);
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
    run.pending.push(pending);
    job.status = "waiting";
    run.status = "waiting";
    this.#waiting(job, `a review for ${environment.name}`);
    try {
      const decision = await reviewer?.({
        run: run.id,
        job: job.name,
        environment: environment.name,
        reviewers: reviewersOf(world.settings(environment), world.scenario.teams),
        finished: [...this.#finished],
      });
      const open = run.pending.includes(pending) && !signal.aborted;
      if (decision !== undefined && decision !== "wait" && open) {
        world.decide(run, [environment.id], decision.user, decision.state, decision.comment ?? "");
      }
      return await decided.promise;
    } finally {
      signal.removeEventListener("abort", cancel);
      const index = run.pending.indexOf(pending);
      if (index >= 0) run.pending.splice(index, 1);
      if (run.pending.length === 0 && run.status === "waiting") run.status = "in_progress";
    }
  }

  #waiting(job: Job, why: string): void {
    this.#options.emit({ type: "job-waiting", run: job.run.id, job: job.name, why });
  }

  /** The service's own Deployment: of `github.sha`, by github-actions[bot], task deploy (facts: github 3). */
  #deploy(environment: Environment): Deployment {
    const { world } = this.#options.github;
    const { trigger } = this.#facts;
    const deployment: Deployment = {
      id: world.id(),
      sha: trigger.sha,
      ref: trigger.ref.replace(/^refs\/heads\//, ""),
      task: "deploy",
      payload: {},
      environment: environment.name,
      description: null,
      creator: ACTIONS_BOT,
      transient: false,
      production: environment.name === "production",
      createdAt: timestamp(),
      statuses: [],
    };
    world.deployments.push(deployment);
    return deployment;
  }

  #status(deployment: Deployment | undefined, state: DeploymentState, job?: Job, url = ""): void {
    if (deployment === undefined) return;
    const { world } = this.#options.github;
    const page =
      job === undefined
        ? ""
        : `https://github.com/${world.scenario.repository}/actions/runs/${job.run.id}/job/${job.id}`;
    world.addStatus(deployment, { state, creator: ACTIONS_BOT, environmentUrl: url, logUrl: page }, true);
  }
}
