/**
 * What action-pause-pipelines records of holds on GitHub: a Deployment each, which whoever reads the records believes
 * by its run.
 */
import type { Tier } from "../contract/model.ts";
import { inUtc } from "../gate/wall-clock.ts";
import { type Hold, recordSelector } from "../ledger/holds.ts";
import { LONGEST_REASON, madeBy, type RecordInput, recordOperation } from "../release/evidence.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import type { PauseInputs } from "./pause-inputs.ts";
import type { TierAccess } from "./tier-access.ts";

/** A hold is taken, or holds are lifted. */
export type Holding = Extract<PauseInputs, { readonly mode: "hold" | "resume" }>;

/** A Deployment on GitHub; a sandbox is nobody's evidence, so there is none. */
export async function recordHolding(
  context: ActionContext,
  access: TierAccess,
  own: Holding,
  hold: Hold,
): Promise<string> {
  if (access.tier.name === "sandbox") return "";
  const payload = payloadOf(context, access, own, hold);
  const description = `${own.mode === "hold" ? "Hold" : "Resume"} schedules of ${hold.selector}: ${own.reason}`;
  return recordOperation(githubOf(context), {
    commit: context.run.sha,
    payload,
    description: description.slice(0, 140),
  });
}

/** That `enforce` lifted a hold whose time was over: whoever reads the records sees that it no longer stands. */
export async function recordExpiry(context: ActionContext, tier: Tier, hold: Hold): Promise<string> {
  if (tier.name === "sandbox") return "";
  const reason = `Expired on ${inUtc(hold.until ?? "")}: ${hold.reason}`.slice(0, LONGEST_REASON);
  return recordOperation(githubOf(context), {
    commit: context.run.sha,
    payload: {
      ...commonPayload(context, tier),
      kind: "resume",
      hold: "schedules",
      selector: recordSelector(hold),
      reason,
      by: context.run.triggeringActor,
    },
    description: `Resume schedules of ${hold.selector}: ${reason}`.slice(0, 140),
  });
}

function commonPayload({ run }: ActionContext, tier: Pick<Tier, "name" | "project">) {
  return {
    tier: tier.name === "sandbox" ? ("dev" as const) : tier.name,
    project: tier.project,
    run: madeBy(run),
  };
}

/** What a hold that was taken or lifted is recorded as. */
export function payloadOf(
  context: ActionContext,
  { tier }: TierAccess,
  own: Holding,
  hold: Hold,
): RecordInput<"hold" | "resume"> {
  const common = {
    ...commonPayload(context, tier),
    hold: "schedules" as const,
    reason: own.reason,
    by: context.run.triggeringActor,
  };
  if (own.mode === "hold")
    return { ...common, kind: "hold", selector: recordSelector(hold), until: hold.until ?? null };
  // Everything at once is one record: "" is about every hold.
  return { ...common, kind: "resume", selector: own.hold === "all" ? "" : recordSelector(hold) };
}
