/** action-pause-pipelines: inputs first; then check, enforce, hold or resume, loaded while the service answers. */
import { onceAsked } from "../http/agent.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace } from "./github.ts";
import { readPauseInputs } from "./pause-inputs.ts";
import { accessTier } from "./tier-access.ts";
import { viewTier } from "./tier-view.ts";

/** Brings the schedules of the run's tier to what the tier wants, says where they differ, holds them, or lifts holds. */
export async function pausePipelines(context: ActionContext): Promise<ActionResult> {
  const own = readPauseInputs(context, new Date());
  if (own.mode === "hold" || own.mode === "resume") return (await import("./schedules-story.ts")).hold(context, own);
  // To look, a principal that only may is good enough; what writes is the tier's own.
  const signing =
    own.mode === "check" ? viewTier(context) : accessTier({ ...context, cancelled: afterGrace(context.cancelled) });
  const { match } = await onceAsked(signing, () => import("./schedules-story.ts"));
  return match(context, own, signing);
}
