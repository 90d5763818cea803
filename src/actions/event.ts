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

const pullRequest = v.looseObject({ pull_request: v.looseObject({ head: v.looseObject({ ref: v.string() }) }) });

/**
 * The head branch of the pull request that this run is for; undefined if the run is for none. Throws FourTierError
 * `sandbox/no-branch` if it is for one, and the event does not say of which branch.
 */
export async function branchOfPullRequest(run: Pick<RunContext, "event" | "eventPath">): Promise<string | undefined> {
  if (!run.event.startsWith("pull_request")) return undefined;
  const parsed = v.safeParse(pullRequest, await readEvent(run));
  if (parsed.success) return parsed.output.pull_request.head.ref;
  throw new FourTierError({
    id: "sandbox/no-branch",
    severity: "error",
    message: `The event ${run.event} does not say which branch its pull request is of, so nothing was taken down.`,
    why: "A pull request takes down only what its own branch deployed.",
    remedy: "Run this again; or start the teardown by hand, which takes down whatever is there.",
  });
}
