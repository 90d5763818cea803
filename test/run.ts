/** A run of a workflow as an action sees it, and a clock that waits without time passing. */
import type { Log } from "../src/actions/frame.ts";
import type { RunContext } from "../src/environment.ts";

/** A push to the default branch by octocat. */
export const RUN: RunContext = {
  owner: "acme",
  repository: "ml-pipelines",
  sha: "0".repeat(40),
  ref: "refs/heads/main",
  event: "push",
  eventPath: undefined,
  actor: "octocat",
  triggeringActor: "octocat",
  runId: "1",
  runAttempt: 1,
  job: "promote",
  workflowRef: "acme/ml-pipelines/.github/workflows/promote.yml@refs/heads/main",
  workspace: "/nowhere",
  apiUrl: "http://127.0.0.1:9",
  serverUrl: "https://github.com",
  temp: "/nowhere",
  oidc: undefined,
};

/** A log that nobody reads. */
export const QUIET: Log = { info() {}, debug() {}, warning() {}, secret() {} };

/** What a story is handed where nobody reads its log, nobody cancels it, and its waits end at once. */
export function undisturbed(): {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly pause: (milliseconds: number) => Promise<void>;
} {
  return { log: QUIET, signal: new AbortController().signal, pause: () => Promise.resolve() };
}

/** A clock that a pause moves, and nothing else: whoever waits has waited at once. */
export function leaping(start = Date.now()): {
  readonly now: () => Date;
  readonly pause: (milliseconds: number) => Promise<void>;
} {
  let time = start;
  return {
    now: () => new Date(time),
    pause: (milliseconds) => {
      time += milliseconds;
      return Promise.resolve();
    },
  };
}
