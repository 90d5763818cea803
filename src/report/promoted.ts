/** The one place where a promotion becomes findings, outputs, summary, report and evidence. */
import type { RunContext } from "../environment.ts";
import type { GateFacts } from "../gate/facts.ts";
import type { JsonObject } from "../json.ts";
import { leftFindings } from "../release/left.ts";
import { loopsLeft } from "../release/loops.ts";
import { unreadFindings } from "../release/upload.ts";
import { replacedNotices } from "../sandboxes/replaced.ts";
import { heldNotices } from "../schedules/holds.ts";
import { promotionEvidence } from "./evidence.ts";
import { type PromotionView, promotionJson, promotionSummary } from "./promotion.ts";
import type { ActionResult } from "./report.ts";

/** What a promotion gives back: the evidence is a document of its own. */
export interface Promoted extends ActionResult {
  readonly evidence: JsonObject;
}

/** What is reported, and the facts that the gate was asked with last. */
export interface Seen extends PromotionView {
  readonly facts: GateFacts;
}

/** A promotion as it ended: refused, with nothing to do, or carried out as far as its outcome says. */
export function promotedResult(view: Seen, run: RunContext, now: Date): Promoted {
  const { standing, candidate, gate, outcome, tier } = view;
  const carried = typeof outcome === "object" ? outcome : undefined;
  const changed = carried !== undefined && (carried.done.length > 0 || carried.uploaded > 0);
  return {
    findings: [
      ...gate.findings,
      ...unreadFindings(view.folders, tier.name),
      ...heldNotices(tier.name, standing.ledger?.holds ?? [], candidate.desired),
      ...leftFindings(tier.name, standing.left),
      ...(carried === undefined || tier.schedules === "running"
        ? []
        : loopsLeft(tier.name, standing.steps, carried.done)),
      ...(carried?.findings ?? []),
      ...(changed ? replacedNotices(tier, standing.ledger?.release, candidate.commit) : []),
    ],
    outputs: {
      "release-digest": candidate.digest,
      "plan-digest": standing.plan.digest,
      "drift-digest": standing.drift.digest,
      changed: String(changed),
      "deployment-id": view.deployment ?? "",
      held: String(carried?.findings.some(({ id }) => id === "promote/held") ?? false),
    },
    summary: promotionSummary(view),
    report: promotionJson(view),
    evidence: promotionEvidence(view, view.facts, run, now),
  };
}
