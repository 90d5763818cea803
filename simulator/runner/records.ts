/** The jobs of a run as the service lists them, and as they are handed back. */
import { timestamp } from "../github/text.ts";
import type { Job, Run, World } from "../github/world.ts";
import type { JobResult, RunnerEvent } from "./results.ts";
import type { NodeResult } from "./schedule.ts";

/** Keeps both for one run. */
export class JobRecords {
  /** In the order in which they ended. */
  readonly results: JobResult[] = [];
  readonly #world: World;
  readonly #run: Run;
  readonly #emit: (event: RunnerEvent) => void;

  constructor(world: World, run: Run, emit: (event: RunnerEvent) => void) {
    this.#world = world;
    this.#run = run;
    this.#emit = emit;
  }

  /** A job that is about to be decided on. */
  open(name: string, labels: readonly string[] = []): Job {
    const now = timestamp();
    const record: Job = {
      id: this.#world.id(),
      run: this.#run,
      attempt: this.#run.attempt,
      name,
      labels,
      createdAt: now,
      status: "queued",
      conclusion: null,
      startedAt: now,
      completedAt: null,
      steps: [],
    };
    this.#run.jobs.push(record);
    return record;
  }

  skip(name: string, conclusion: "skipped" | "cancelled"): NodeResult {
    return this.end(this.open(name), conclusion, undefined, undefined);
  }

  fail(name: string, why: string, conclusion: "failure" | "cancelled"): NodeResult {
    return this.end(this.open(name), conclusion, why, undefined);
  }

  /** Ends a job that ran no step. */
  end(
    record: Job,
    conclusion: "skipped" | "cancelled" | "failure",
    why: string | undefined,
    environment: string | undefined,
  ): NodeResult {
    return this.close(record, {
      name: record.name,
      conclusion,
      seconds: 0,
      environment,
      steps: [],
      outputs: {},
      summary: "",
      annotations: why === undefined ? [] : [{ level: "error", message: why }],
    });
  }

  /** Ends a job with what its steps came to. */
  close(record: Job, result: JobResult): NodeResult {
    const { conclusion } = result;
    record.status = "completed";
    record.conclusion = conclusion === "startup_failure" ? "failure" : conclusion;
    record.completedAt = timestamp();
    this.results.push(result);
    this.#emit({ type: "job-end", run: this.#run.id, job: record.name, result });
    const end =
      conclusion === "success" || conclusion === "skipped" || conclusion === "cancelled" ? conclusion : "failure";
    return { result: end, outputs: result.outputs };
  }
}
