/** Runs workflow files as GitHub would: the run is decided by the simulated service, its jobs run on this machine. */
import "./json-hook.ts";
import type { GitHubSimulator } from "../github/server.ts";
import type { DispatchOptions } from "./events.ts";
import type { RunProcess } from "./process.ts";
import type { PendingReview, ReviewDecision, RunnerEvent, RunResult } from "./results.ts";
import type { RepositorySource } from "./sources.ts";

export type { DispatchOptions } from "./events.ts";
export type * from "./results.ts";
export type { RepositorySource } from "./sources.ts";

/** Whose workflows are run, and where other repositories are found. */
export interface RunnerOptions {
  readonly github: GitHubSimulator;
  /**
   * By `owner/name`: where `uses:` of other repositories are found; a list holds one entry a commit. The run's own
   * repository is the simulator's.
   */
  readonly repositories?: Readonly<Record<string, RepositorySource | readonly RepositorySource[]>>;
  readonly onEvent?: (event: RunnerEvent) => void;
  /**
   * Asked for each job that waits for a review. With `wait`, or without a hook, the job waits until somebody decides
   * through the REST API or the run is cancelled. A decision that GitHub would not take makes `dispatch` reject.
   */
  readonly reviewer?: (pending: PendingReview) => ReviewDecision | Promise<ReviewDecision>;
  /** Called before each step with the job's name, the step's, and the job's workspace: the place to tamper. */
  readonly between?: (job: string, step: string, workspace: string) => void | Promise<void>;
  /** Arguments for the Node that runs actions, such as a preload that closes the network. */
  readonly nodeArguments?: readonly string[];
  /** Runs the Node of an action. Default: a process of its own, as on a real runner. */
  readonly runNode?: RunProcess;
  /** Variables that the machine's image sets for every step. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Sets RUNNER_DEBUG and shows `::debug::`. */
  readonly debug?: boolean;
}

/** A run that has an id and goes on. */
export interface RunHandle {
  readonly id: number;
  readonly done: Promise<RunResult>;
}

/** Makes events happen, and runs what listens to them. */
export interface Runner {
  /** Starts one workflow and waits for its end. Rejects for what is not modelled or does not listen to the event. */
  dispatch(options: DispatchOptions): Promise<RunResult>;
  /** As dispatch, but gives the run as soon as it has an id: to approve, cancel or look at it meanwhile. */
  start(options: DispatchOptions): Promise<RunHandle>;
  /** A new attempt of a run, on the same commit with the same workflow files. */
  rerun(run: number, options: { readonly actor: string; readonly jobs?: "all" | "failed" }): Promise<RunResult>;
  /** Stops a run: what waits ends, running steps get SIGINT, then SIGTERM. */
  cancel(run: number): Promise<void>;
  /** Cancels what still runs and removes what was extracted. */
  close(): Promise<void>;
}

/** A runner on this machine for the simulator's repository. */
export function createRunner(options: RunnerOptions): Runner {
  // The parser can be loaded only once the hook above is in place, so not with this module's own imports.
  const engine = import("./engine.ts").then(({ createEngine }) => createEngine(options));
  return {
    dispatch: async (dispatch) => (await engine).dispatch(dispatch),
    start: async (dispatch) => (await engine).start(dispatch),
    rerun: async (run, how) => (await engine).rerun(run, how),
    cancel: async (run) => (await engine).cancel(run),
    close: async () => (await engine).close(),
  };
}
