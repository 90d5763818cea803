/** The page an approver reads before the click: what changes, what is risky, what proves it, what the way back is. */
import type { TierName } from "../contract/model.ts";
import type { GateResult } from "../gate/evaluate.ts";
import type { Fact, GateFacts } from "../gate/facts.ts";
import type { History } from "./history.ts";
import type { Drift, Plan } from "./plan.ts";

export interface BriefFacts {
  readonly project: string;
  readonly tier: TierName;
  readonly catalog: string;
  /** owner/name, and GitHub's pages. */
  readonly repository: string;
  readonly serverUrl: string;
  readonly candidate: { readonly commit: string; readonly release: string };
  /** What the tier has now; undefined before the first deployment. */
  readonly current: { readonly commit: string; readonly release: string } | undefined;
  readonly history: Fact<History>;
  readonly plan: Plan;
  /** Unknown when nobody could look at the tier. */
  readonly drift: Fact<Drift>;
  readonly facts: GateFacts;
  readonly gate: GateResult;
}

/** The brief as Markdown for a job summary; outside text is escaped. */
export function renderBrief(_facts: BriefFacts): string {
  throw new Error("not built yet");
}
