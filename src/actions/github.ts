/** What an action that writes needs of GitHub, and time to end well when it is cancelled. */
import { setTimeout as sleep } from "node:timers/promises";
import { connectGitHub, type GitHub } from "../github/client.ts";
import { getRun } from "../github/runs.ts";
import type { LockAccess } from "../ledger/lock.ts";
import { beginning } from "./begun.ts";
import type { ActionContext } from "./frame.ts";

/** A connection with the input `github-token`, which shows as *** from here on. */
export function githubOf(context: ActionContext): GitHub {
  const { run, log, cancelled } = context;
  const token = context.input("github-token");
  if (token !== "") log.secret(token);
  return connectGitHub({
    token,
    apiUrl: run.apiUrl,
    serverUrl: run.serverUrl,
    owner: run.owner,
    repository: run.repository,
    log,
    signal: afterGrace(cancelled),
    ...beginning(run),
  });
}

/** A runner kills a cancelled step within seconds: time to record what is in flight and to let the lock go. */
const GRACE_MS = 8_000;

/** Aborts a while after the signal: connections outlive the cancellation, so that it can be recorded. */
export function afterGrace(signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  signal.addEventListener("abort", () => setTimeout(() => late.abort(), GRACE_MS).unref(), { once: true });
  return late.signal;
}

/** Whether an attempt of a run is over; undefined if GitHub does not say. */
export async function runHasEnded(github: GitHub, id: string, attempt: number): Promise<boolean | undefined> {
  const found = await getRun(github, id).catch(() => undefined);
  if (found === undefined) return undefined;
  return found.attempt > attempt || found.status === "completed";
}

/** The branch that a run was for; undefined if GitHub does not say. */
export async function branchOfRun(github: GitHub, id: string): Promise<string | undefined> {
  return (await getRun(github, id).catch(() => undefined))?.headBranch;
}

/** Waits; an abort ends it early. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  // An abort ends the wait; whoever waits looks at the signal next.
  await sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/** What a story takes a tier's lock with: GitHub is asked whether another owner's run has ended. */
export function lockAccess(context: ActionContext): LockAccess & Pick<ActionContext, "run"> {
  const { run, log, cancelled } = context;
  const github = githubOf(context);
  return {
    run,
    runHasEnded: (id, attempt) => runHasEnded(github, id, attempt),
    log,
    signal: cancelled,
    now: () => new Date(),
    pause,
  };
}
