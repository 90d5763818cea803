/** Runs workflow files as GitHub would: the run is decided by the simulated service, its jobs run on this machine. */
import type { GitHubSimulator } from "../github/server.ts";

export type Conclusion =
  | "success"
  | "failure"
  | "cancelled"
  | "skipped"
  | "timed_out"
  | "startup_failure"
  | "action_required";

/** Where the files of a repository other than the run's come from. */
export interface RepositorySource {
  readonly dir: string;
  /** The working tree of `dir` stands for this commit, and no other exists. Without it, commits are read from git. */
  readonly commit?: string;
}

export interface Annotation {
  readonly level: "error" | "warning" | "notice";
  readonly message: string;
  readonly title?: string;
  readonly file?: string;
  readonly line?: number;
}

export interface StepResult {
  readonly name: string;
  readonly conclusion: Conclusion;
  readonly seconds: number;
  /** Masked, as GitHub shows it. */
  readonly log: string;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

export interface JobResult {
  /** `caller / called`, as the checks are named. */
  readonly name: string;
  readonly conclusion: Conclusion;
  readonly seconds: number;
  readonly environment: string | undefined;
  readonly steps: readonly StepResult[];
  readonly outputs: Readonly<Record<string, string>>;
  /** The job summary: the steps' summaries, one after the other. */
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

export interface RunResult {
  readonly id: number;
  readonly attempt: number;
  readonly conclusion: Conclusion;
  readonly seconds: number;
  readonly jobs: readonly JobResult[];
  /** Why the run did not start, as GitHub says it. */
  readonly errors: readonly string[];
}

export type RunnerEvent =
  | { readonly type: "run-start"; readonly run: number; readonly workflow: string; readonly event: string }
  | { readonly type: "run-end"; readonly run: number; readonly conclusion: Conclusion; readonly seconds: number }
  | { readonly type: "job-start"; readonly run: number; readonly job: string; readonly environment: string | undefined }
  | { readonly type: "job-waiting"; readonly run: number; readonly job: string; readonly why: string }
  | { readonly type: "job-end"; readonly run: number; readonly job: string; readonly result: JobResult }
  | { readonly type: "step-start"; readonly run: number; readonly job: string; readonly step: string }
  | { readonly type: "step-end"; readonly run: number; readonly job: string; readonly result: StepResult };

/** A job that waits for a person. */
export interface PendingReview {
  readonly run: number;
  readonly job: string;
  readonly environment: string;
  readonly reviewers: readonly string[];
  /** The jobs that have ended so far: their summaries are what the reviewer reads. */
  readonly finished: readonly JobResult[];
}

export type ReviewDecision =
  | "wait"
  | { readonly user: string; readonly state: "approved" | "rejected"; readonly comment?: string };

export interface RunnerOptions {
  readonly github: GitHubSimulator;
  /** By `owner/name`: where `uses:` of other repositories are resolved. The run's own repository is the simulator's. */
  readonly repositories?: Readonly<Record<string, RepositorySource>>;
  readonly onEvent?: (event: RunnerEvent) => void;
  /** Asked for each job that waits. `wait`, or no hook: somebody must decide through the REST API. */
  readonly reviewer?: (pending: PendingReview) => ReviewDecision | Promise<ReviewDecision>;
  /** Called before each step with the job's workspace: the place to tamper. */
  readonly between?: (job: string, step: string, workspace: string) => void | Promise<void>;
  /** Arguments for the Node that runs actions, such as a preload that closes the network. */
  readonly nodeArguments?: readonly string[];
  /** Sets RUNNER_DEBUG and shows `::debug::`. */
  readonly debug?: boolean;
}

export interface DispatchOptions {
  /** `push`, `pull_request`, `merge_group`, `workflow_dispatch`, `schedule`. */
  readonly event: string;
  /** The workflow file in the run's repository, such as `.github/workflows/promote.yml`. */
  readonly workflow: string;
  /** `refs/heads/…` or a branch; default: the default branch. Not for pull requests. */
  readonly ref?: string;
  readonly actor: string;
  readonly inputs?: Readonly<Record<string, string | number | boolean>>;
  readonly pullRequest?: number;
}

export interface Runner {
  /** Starts one workflow and waits for its end. Rejects for what is not modelled or does not listen to the event. */
  dispatch(options: DispatchOptions): Promise<RunResult>;
  /** A new attempt of a run, by anybody with write access. */
  rerun(run: number, options: { readonly actor: string; readonly jobs?: "all" | "failed" }): Promise<RunResult>;
  /** Stops a run: running steps get SIGINT, then SIGTERM. */
  cancel(run: number): void;
}

/** A runner on this machine for the simulator's repository. */
export function createRunner(_options: RunnerOptions): Runner {
  throw new Error("The runner is not built yet");
}
