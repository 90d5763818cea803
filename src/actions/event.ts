/** The payload of the event that started a run: a file that the runner writes. */
import { readFile } from "node:fs/promises";
import * as v from "valibot";
import type { RunContext } from "../environment.ts";
import { FourTierError } from "../findings.ts";
import { parseJson } from "../json.ts";

/** The payload, not yet parsed into anything; undefined if there is none or nobody can read it. */
export async function readEvent({ eventPath }: Pick<RunContext, "eventPath">): Promise<unknown> {
  if (eventPath === undefined) return undefined;
  try {
    return parseJson(await readFile(eventPath, "utf8"));
  } catch {
    return undefined;
  }
}

const ofRepository = v.looseObject({ repository: v.looseObject({ default_branch: v.string() }) });

/** The repository's default branch when the run was started; undefined where the event does not say it. */
export async function defaultBranchOfEvent(run: Pick<RunContext, "eventPath">): Promise<string | undefined> {
  const parsed = v.safeParse(ofRepository, await readEvent(run));
  return parsed.success ? parsed.output.repository.default_branch : undefined;
}

const pullRequest = v.looseObject({
  pull_request: v.looseObject({
    number: v.pipe(v.number(), v.integer()),
    head: v.looseObject({ ref: v.string(), sha: v.string() }),
  }),
});

/** The pull request that a run is for, as it was when the run was started. */
interface RunPull {
  readonly number: string;
  readonly branch: string;
  /** Its newest commit then; the run's own commit may be the merge of it. */
  readonly head: string;
}

/**
 * The pull request that this run is for; undefined if the run is for none. Throws FourTierError `sandbox/no-branch` if it
 * is for one, and the event does not say for which.
 */
export async function pullOfRun(run: Pick<RunContext, "event" | "eventPath">): Promise<RunPull | undefined> {
  if (!run.event.startsWith("pull_request")) return undefined;
  const parsed = v.safeParse(pullRequest, await readEvent(run));
  if (parsed.success) {
    const { number, head } = parsed.output.pull_request;
    return { number: String(number), branch: head.ref, head: head.sha };
  }
  throw new FourTierError({
    id: "sandbox/no-branch",
    severity: "error",
    message: `The event ${run.event} does not say which pull request it is about, and of which branch, so nothing was done.`,
    why: "A pull request deploys its newest commit, and takes down only what its own branch deployed.",
    remedy: "Run this again; to take a deployment down, the teardown can be started by hand.",
  });
}
