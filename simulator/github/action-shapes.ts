/** Environments, deployments, runs, jobs and artifacts as the API shows them. */
import type { Commit } from "./git.ts";
import type { Partly, Schemas } from "./http.ts";
import { policyPatterns } from "./rules.ts";
import { Shapes } from "./shapes.ts";
import { timestamp } from "./text.ts";
import type {
  Artifact,
  CommitStatus,
  Deployment,
  DeploymentStatus,
  Environment,
  Job,
  Pending,
  ReferencedWorkflow,
  Run,
} from "./world.ts";

/** More than two clocks of one service are apart. */
const APART_MS = 180_000;

/** Makes the API's documents of what the world remembers of Actions. */
export class ActionShapes extends Shapes {
  deployment(deployment: Deployment): Partly<Schemas["deployment"]> {
    const url = `${this.api}/deployments/${deployment.id}`;
    return {
      url,
      id: deployment.id,
      node_id: `DE_${deployment.id}`,
      sha: deployment.sha,
      ref: deployment.ref,
      task: deployment.task,
      payload: deployment.payload,
      original_environment: deployment.environment,
      environment: deployment.statuses.at(-1)?.environment ?? deployment.environment,
      description: deployment.description,
      creator: this.user(deployment.creator),
      created_at: this.#clock(deployment.createdAt),
      updated_at: deployment.statuses.at(-1)?.at ?? deployment.createdAt,
      statuses_url: `${url}/statuses`,
      repository_url: this.api,
      transient_environment: deployment.transient,
      production_environment: deployment.production,
    };
  }

  deploymentStatus(
    deployment: Deployment,
    status: DeploymentStatus,
  ): Omit<Partly<Schemas["deployment-status"]>, "state"> & { state: string } {
    const url = `${this.api}/deployments/${deployment.id}`;
    return {
      url: `${url}/statuses/${status.id}`,
      id: status.id,
      node_id: `DES_${status.id}`,
      state: status.state,
      creator: this.user(status.creator),
      description: status.description,
      environment: status.environment,
      target_url: status.logUrl,
      log_url: status.logUrl,
      environment_url: status.environmentUrl,
      created_at: status.at,
      updated_at: status.at,
      deployment_url: url,
      repository_url: this.api,
    };
  }

  environmentStub(environment: Environment): Partly<Schemas["pending-deployment"]["environment"]> {
    const path = encodeURIComponent(environment.name);
    return {
      id: environment.id,
      node_id: `EN_${environment.id}`,
      name: environment.name,
      url: `${this.api}/environments/${path}`,
      html_url: `${this.html}/deployments/activity_log?environments_filter=${path}`,
    };
  }

  /** With `can_admins_bypass`, which the service sends and the OpenAPI text does not have (facts: github 3). */
  environment(environment: Environment): Partly<Schemas["environment"]> & { can_admins_bypass: boolean } {
    const settings = this.world.settings(environment);
    const rules: NonNullable<Partly<Schemas["environment"]>["protection_rules"]> = [];
    const base = environment.id * 10;
    if (settings.wait_timer > 0) {
      rules.push({ id: base + 1, node_id: `GA_${base + 1}`, type: "wait_timer", wait_timer: settings.wait_timer });
    }
    if (settings.reviewers.length > 0) {
      rules.push({
        id: base + 2,
        node_id: `GA_${base + 2}`,
        type: "required_reviewers",
        prevent_self_review: settings.prevent_self_review,
        reviewers: this.#reviewers(settings.reviewers),
      });
    }
    if (settings.branch_policy !== "none") {
      rules.push({ id: base + 3, node_id: `GA_${base + 3}`, type: "branch_policy" });
    }
    const custom = policyPatterns(settings, this.world.scenario.default_branch) !== undefined;
    return {
      ...this.environmentStub(environment),
      created_at: environment.createdAt,
      updated_at: environment.createdAt,
      can_admins_bypass: settings.can_admins_bypass,
      protection_rules: rules,
      deployment_branch_policy:
        settings.branch_policy === "none" ? null : { protected_branches: !custom, custom_branch_policies: custom },
    };
  }

  #reviewers(reviewers: readonly string[]): Partly<Schemas["pending-deployment"]["reviewers"]> {
    return reviewers.map((reviewer) => {
      if (!reviewer.startsWith("team:")) return { type: "User", reviewer: this.user(reviewer) };
      const slug = reviewer.slice("team:".length);
      return { type: "Team", reviewer: { id: 0, name: slug, slug } };
    });
  }

  pending(pending: Pending, canApprove: boolean): Partly<Schemas["pending-deployment"]> {
    const settings = this.world.settings(pending.environment);
    return {
      environment: this.environmentStub(pending.environment),
      wait_timer: settings.wait_timer,
      wait_timer_started_at: pending.since,
      current_user_can_approve: canApprove,
      reviewers: this.#reviewers(settings.reviewers),
    };
  }

  run(run: Run, head: Commit | undefined): Partly<Schemas["workflow-run"]> {
    const url = `${this.api}/actions/runs/${run.id}`;
    return {
      id: run.id,
      name: run.name,
      node_id: `WFR_${run.id}`,
      check_suite_id: run.id + 500_000,
      head_branch: run.headBranch,
      head_sha: run.headSha,
      path: run.path,
      run_number: run.number,
      run_attempt: run.attempt,
      referenced_workflows: this.#referenced(run),
      event: run.event,
      status: run.status,
      conclusion: run.conclusion,
      workflow_id: run.workflowId,
      url,
      html_url: this.runPage(run),
      display_title: run.title,
      // A fork's pull request is not listed here, as on the service.
      pull_requests:
        run.pull !== undefined && run.pull.headOwner === this.world.owner ? [this.pullMinimal(run.pull)] : [],
      created_at: run.createdAt,
      updated_at: run.updatedAt,
      run_started_at: run.startedAt,
      actor: this.user(run.actor),
      triggering_actor: this.user(run.triggeringActor),
      jobs_url: `${url}/jobs`,
      artifacts_url: `${url}/artifacts`,
      head_commit:
        head === undefined
          ? null
          : {
              id: head.sha,
              tree_id: head.tree,
              message: head.message,
              timestamp: head.committer.date,
              author: { name: head.author.name, email: head.author.email },
              committer: { name: head.committer.name, email: head.committer.email },
            },
      repository: this.repository(),
      head_repository: this.headRepository(run.headOwner),
    };
  }

  /** A Deployment's time, by a clock that may not be the jobs' own. */
  #clock(time: string): string {
    const agree = this.world.scenario.assumptions.clocks_agree;
    return agree ? time : timestamp(new Date(Date.parse(time) + APART_MS));
  }

  /** Those of this repository are named in any case. */
  #referenced({ referenced }: Run): ReferencedWorkflow[] {
    const own = `${this.world.scenario.repository}/`;
    const other = referenced.some(({ path }) => !path.startsWith(own));
    const all = !other || this.world.scenario.assumptions.calls_are_referenced;
    return referenced.filter(({ path }) => all || path.startsWith(own)).map((workflow) => ({ ...workflow }));
  }

  #stepName({ name, written, conclusion }: Job["steps"][number]): string {
    if (written === undefined) return name;
    const { assumptions } = this.world.scenario;
    const resolved =
      conclusion === "failure" ? assumptions.failed_step_names_are_resolved : assumptions.step_names_are_resolved;
    return resolved ? name : written;
  }

  /** How far a job is, as its run tells it. */
  #stand(job: Job): Pick<Job, "status" | "conclusion" | "completedAt"> {
    const between = job.status === "completed" && job.run.status !== "completed";
    if (!between || this.world.scenario.assumptions.ended_jobs_show_at_once) return job;
    return { status: "in_progress", conclusion: null, completedAt: null };
  }

  runPage(run: Run): string {
    return `${this.html}/actions/runs/${run.id}`;
  }

  job(job: Job): Partly<Schemas["job"]> {
    const { status, conclusion, completedAt } = this.#stand(job);
    return {
      id: job.id,
      run_id: job.run.id,
      run_url: `${this.api}/actions/runs/${job.run.id}`,
      run_attempt: job.attempt,
      node_id: `CR_${job.id}`,
      head_sha: job.run.headSha,
      head_branch: job.run.headBranch,
      url: `${this.api}/actions/jobs/${job.id}`,
      html_url: `${this.runPage(job.run)}/job/${job.id}`,
      status,
      conclusion,
      created_at: job.createdAt,
      started_at: job.startedAt,
      completed_at: completedAt,
      name: job.name,
      workflow_name: job.run.name,
      check_run_url: `${this.api}/check-runs/${job.id}`,
      labels: [...job.labels],
      runner_id: 1,
      runner_name: "simulated",
      runner_group_id: 1,
      runner_group_name: "GitHub Actions",
      steps: job.steps.map((step) => ({
        name: this.#stepName(step),
        number: step.number,
        status: "completed",
        conclusion: step.conclusion,
        started_at: step.startedAt,
        completed_at: step.completedAt,
      })),
    };
  }

  /** Every job of a run is a check run of GitHub Actions on the run's head commit, by the job's id. */
  checkRun(job: Job): Partly<Schemas["check-run"]> {
    return {
      id: job.id,
      head_sha: job.run.headSha,
      name: job.name,
      url: `${this.api}/check-runs/${job.id}`,
      html_url: `${this.runPage(job.run)}/job/${job.id}`,
      details_url: `${this.runPage(job.run)}/job/${job.id}`,
      status: job.status,
      conclusion: job.conclusion,
      started_at: job.startedAt,
      completed_at: job.completedAt,
      app: { id: 15_368, slug: "github-actions", name: "GitHub Actions" },
      check_suite: { id: job.run.id + 500_000 },
      pull_requests: [],
    };
  }

  status(status: CommitStatus): Partly<Schemas["status"]> {
    return {
      id: status.id,
      state: status.state,
      context: status.context,
      description: status.description,
      target_url: status.targetUrl,
      created_at: status.at,
      updated_at: status.at,
      creator: this.user(status.creator),
    };
  }

  artifact(artifact: Artifact): Partly<Schemas["artifact"]> {
    const url = `${this.api}/actions/artifacts/${artifact.id}`;
    return {
      id: artifact.id,
      node_id: `A_${artifact.id}`,
      name: artifact.name,
      size_in_bytes: artifact.zip.length,
      url,
      archive_download_url: `${url}/zip`,
      expired: false,
      created_at: artifact.createdAt,
      updated_at: artifact.createdAt,
      expires_at: null,
      digest: artifact.digest,
      workflow_run: {
        id: artifact.run.id,
        repository_id: this.world.scenario.id,
        head_repository_id: this.world.scenario.id,
        head_branch: artifact.run.headBranch,
        head_sha: artifact.run.headSha,
      },
    };
  }
}
