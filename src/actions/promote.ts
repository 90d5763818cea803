/**
 * action-promote: its modes, each a story of its own, loaded only for it; validate (all tiers), plan, promote: typed
 * inputs first.
 */
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { isOperation } from "./operations.ts";
import { readInputs } from "./promote-inputs.ts";
import { readTierInputs } from "./tier-inputs.ts";

/** Runs the mode that is asked for. Throws FourTierError for what stops it. */
export async function promote(context: ActionContext): Promise<ActionResult> {
  const mode = context.input("mode");
  if (mode === "verify" || mode === "status") return (await import("./verify.ts"))[mode](context);
  if (mode === "rollback") return (await import("./rollback.ts")).rollback(context);
  if (mode === "teardown") return (await import("./teardown.ts")).teardownSandbox(context);
  if (mode === "open" || mode === "opened") return (await import("./open.ts"))[mode](context);
  if (mode === "comment") return (await import("./comment.ts")).comment(context);
  if (mode === "keep") return (await import("./keep.ts")).keep(context);
  if (mode === "drift") return (await import("./drift.ts")).drift(context);
  if (isOperation(mode)) return (await import("./operate.ts")).operate(context, mode);
  const own = readInputs(context);
  if (own.allTiers) return (await import("./validate.ts")).validateAll(context, own);
  const inputs = readTierInputs(context);
  return (await import("./promotion.ts")).planOrPromote(context, own, inputs);
}
