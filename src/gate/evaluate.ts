/** The gate: all checks of a tier's stage, in order, so that everything that is wrong is seen at once. */
import type { Finding } from "../findings.ts";
import type { CheckId, CheckResult, Verdict } from "./check.ts";
import type { GateFacts } from "./facts.ts";

export interface GateResult {
  readonly tier: GateFacts["tier"];
  readonly stage: GateFacts["stage"];
  readonly verdict: Verdict;
  readonly checks: readonly CheckResult[];
  readonly findings: readonly Finding[];
  /** Checks of this tier that only a later stage can make, with their titles. */
  readonly later: readonly { readonly id: CheckId; readonly title: string }[];
}

export function evaluateGate(_facts: GateFacts): GateResult {
  throw new Error("The gate is not built yet.");
}
