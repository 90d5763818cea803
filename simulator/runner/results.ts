/** What a run leaves: for tests, the demo and the command line. */
import type { Annotation } from "./step.ts";

export type { Annotation } from "./step.ts";

/** How a step, job or run ended. */
export type Conclusion = "success" | "failure" | "cancelled" | "skipped" | "timed_out" | "startup_failure";

/** A step that has ended. */
export interface StepResult {
  readonly name: string;
  readonly conclusion: Conclusion;
  readonly seconds: number;
  /** Masked, as GitHub shows it. */
  readonly log: string;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

/** A job that has ended. */
export interface JobResult {
  /** `caller / called`, as the checks are named. */
  readonly name: string;
  readonly conclusion: Conclusion;
  /** From the first step on: what it waited before is not in it. */
  readonly seconds: number;
  readonly environment: string | undefined;
  readonly steps: readonly StepResult[];
  readonly outputs: Readonly<Record<string, string>>;
  /** The job summary: the steps' summaries, one after the other. */
  readonly summary: string;
  /** The job's own and its steps'. */
  readonly annotations: readonly Annotation[];
}

/** A run that has ended. */
export interface RunResult {
  readonly id: number;
  readonly attempt: number;
  readonly conclusion: Conclusion;
  readonly seconds: number;
  readonly jobs: readonly JobResult[];
  /** Why the run did not start, or was pushed out, as GitHub says it. */
  readonly errors: readonly string[];
}

/** What happens while a run goes on, told as it happens. */
export type RunnerEvent =
  | { readonly type: "run-start"; readonly run: number; readonly workflow: string; readonly event: string }
  | { readonly type: "run-end"; readonly run: number; readonly result: RunResult }
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

/** What a reviewer does about a job that waits; `wait` leaves it waiting. */
export type ReviewDecision =
  | "wait"
  | { readonly user: string; readonly state: "approved" | "rejected"; readonly comment?: string };
