/** What an action that writes needs of GitHub, and time to end well when it is cancelled. */
import { setTimeout as sleep } from "node:timers/promises";
import { FourTierError } from "../findings.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import { connectGitHub, type GitHub } from "../github/client.ts";
import { getRun } from "../github/runs.ts";
import { getBranch, getRepository } from "../github/repository.ts";
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

/** Waits; an abort ends it early. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  // An abort ends the wait; whoever waits looks at the signal next.
  await sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/** The default branch and its head. Throws FourTierError if the token may not see them. */
export async function repositoryFacts(github: GitHub): Promise<RepositoryFacts> {
  const { defaultBranch, visibility } = await getRepository(github);
  const branch = await getBranch(github, defaultBranch);
  if (branch !== undefined)
    return { defaultBranch, visibility, head: branch.commit, headIsProtected: branch.protected };
  throw new FourTierError({
    id: "github/no-default-branch",
    severity: "unknown",
    message: `The default branch ${defaultBranch} has no commit, or the token may not see it.`,
    remedy: "Give the job `contents: read`.",
  });
}
