/** Every decision about sandboxes is one of days: a clock that is wrong by days would remove what was used yesterday. */
import { serverTime } from "../databricks/identity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";
import { shownAt } from "../gate/wall-clock.ts";

/** How far this machine's clock may be from the workspace's, in milliseconds. */
const SKEW = 5 * 60_000;

/** Throws FourTierError if this machine's clock is not the workspace's, or the workspace does not tell its time. */
export async function checkClock(workspace: Workspace, now: Date): Promise<void> {
  const theirs = await serverTime(workspace);
  if (theirs !== undefined && Math.abs(theirs.getTime() - now.getTime()) <= SKEW) return;
  const why = "What is unused is told by dates.";
  if (theirs === undefined) {
    throw new FourTierError({
      id: "sandbox/clock",
      severity: "unknown",
      message: `The workspace does not tell its time, so this runner's clock (${shownAt("UTC", now.getTime())}) cannot be checked. Nothing was written.`,
      why,
      remedy: "If a proxy takes the header Date out of answers, have it left in; then run this again.",
    });
  }
  throw new FourTierError({
    id: "sandbox/clock",
    severity: "error",
    message: `This runner's clock says ${shownAt("UTC", now.getTime())}, the workspace's ${shownAt("UTC", theirs.getTime())}. Nothing was written.`,
    why,
    remedy: "Set the runner's clock, then run this again.",
  });
}
