/**
 * One run of a job: its states, and how the two status systems show them (facts: databricks-api 5).
 */
import type { JsonObject } from "../json.ts";

type RunState = "QUEUED" | "PENDING" | "RUNNING" | "TERMINATING" | "TERMINATED" | "SKIPPED";
/** How a run ends, in the older status system's words. */
export type RunResult =
  | "SUCCESS"
  | "FAILED"
  | "TIMEDOUT"
  | "CANCELED"
  | "SUCCESS_WITH_FAILURES"
  | "MAXIMUM_CONCURRENT_RUNS_REACHED";
/** What started a run. */
export type RunTrigger = "ONE_TIME" | "PERIODIC" | "CONTINUOUS";

/** How a run goes on: its end, and how many reads see it active before. */
export interface Course {
  readonly result: RunResult;
  readonly polls: number;
  readonly output: string | undefined;
  readonly error: string | undefined;
}

/** A run of a job. */
export class Run {
  readonly id: bigint;
  readonly jobId: bigint;
  readonly number: number;
  readonly creator: string;
  readonly trigger: RunTrigger;
  /** What the job was when the run started: later changes do not touch it. */
  readonly settings: JsonObject;
  readonly tasks: readonly { readonly key: string; readonly runId: bigint }[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly started: number;
  course: Course;
  state: RunState = "PENDING";
  result: RunResult | undefined;
  ended: number | undefined;
  #polls = 0;

  constructor(
    given: Pick<
      Run,
      "id" | "jobId" | "number" | "creator" | "trigger" | "settings" | "tasks" | "parameters" | "started" | "course"
    >,
  ) {
    this.id = given.id;
    this.jobId = given.jobId;
    this.number = given.number;
    this.creator = given.creator;
    this.trigger = given.trigger;
    this.settings = given.settings;
    this.tasks = given.tasks;
    this.parameters = given.parameters;
    this.started = given.started;
    this.course = given.course;
  }

  get active(): boolean {
    return this.state !== "TERMINATED" && this.state !== "SKIPPED";
  }

  /** Takes a place among the job's concurrent runs. */
  get occupying(): boolean {
    return this.active && this.state !== "QUEUED";
  }

  /** Somebody read it: time goes on. True when it ended by this. */
  step(now: number): boolean {
    if (!this.active || this.state === "QUEUED") return false;
    if (this.state === "TERMINATING") return this.end("CANCELED", now);
    if (this.#polls >= this.course.polls) return this.end(this.course.result, now);
    if (this.#polls > 0) this.state = "RUNNING";
    this.#polls += 1;
    return false;
  }

  end(result: RunResult, now: number): true {
    this.state = result === "MAXIMUM_CONCURRENT_RUNS_REACHED" ? "SKIPPED" : "TERMINATED";
    this.result = result;
    this.ended = now;
    return true;
  }

  /** facts: databricks-api 5: cancelling is not immediate. */
  cancel(now: number): void {
    if (this.state === "QUEUED") this.end("CANCELED", now);
    else if (this.active) this.state = "TERMINATING";
  }

  /** As runs/get and runs/list show it. */
  show(workspaceUrl: string, workspaceId: string): JsonObject {
    const { id, jobId, settings } = this;
    return {
      job_id: jobId,
      run_id: id,
      number_in_job: id,
      original_attempt_run_id: id,
      creator_user_name: this.creator,
      run_name: settings["name"] ?? "Untitled",
      run_page_url: `${workspaceUrl}/?o=${workspaceId}#job/${jobId}/run/${id}`,
      run_type: "JOB_RUN",
      format: "MULTI_TASK",
      trigger: this.trigger,
      start_time: this.started,
      end_time: this.ended ?? 0,
      job_parameters: Object.entries(this.parameters).map(([name, value]) => ({ name, value })),
      ...this.#status(false),
      tasks: this.tasks.map(({ key, runId }) => ({
        run_id: runId,
        task_key: key,
        start_time: this.started,
        end_time: this.ended ?? 0,
        attempt_number: 0,
        ...this.#status(true),
      })),
    };
  }

  #status(ofTask: boolean): JsonObject {
    const { state, result } = this;
    if (result === undefined) {
      const details =
        state === "QUEUED"
          ? { queue_details: { code: "MAX_CONCURRENT_RUNS_REACHED", message: "Waiting for an active run to end." } }
          : {};
      return { state: { life_cycle_state: state, state_message: "" }, status: { state, ...details } };
    }
    // facts: databricks-api 5: a failed task makes the run INTERNAL_ERROR in the old system
    const failed = result === "FAILED" && !ofTask;
    const message = result === "FAILED" ? failureMessage(this.tasks[0]?.key, ofTask) : "";
    return {
      state: {
        life_cycle_state: failed ? "INTERNAL_ERROR" : state,
        result_state: result,
        state_message: message,
        user_cancelled_or_timedout: result === "CANCELED" || result === "TIMEDOUT",
      },
      status: { state: "TERMINATED", termination_details: { ...termination(result), message } },
    };
  }
}

function failureMessage(task: string | undefined, ofTask: boolean): string {
  const reason = "Workload failed, see run output for details";
  return ofTask ? reason : `Task ${task ?? ""} failed with message: ${reason}.`;
}

function termination(result: RunResult): { code: string; type: string } {
  switch (result) {
    case "SUCCESS":
    case "SUCCESS_WITH_FAILURES":
      return { code: result, type: "SUCCESS" };
    case "CANCELED":
      return { code: "USER_CANCELED", type: "CLIENT_ERROR" };
    case "MAXIMUM_CONCURRENT_RUNS_REACHED":
      return { code: "MAX_CONCURRENT_RUNS_EXCEEDED", type: "CLIENT_ERROR" };
    case "FAILED":
    case "TIMEDOUT":
      return { code: "RUN_EXECUTION_ERROR", type: "CLIENT_ERROR" };
  }
}
