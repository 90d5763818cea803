/**
 * A verification: what the contract names is started, one after the other in the contract's order (a smoke test may
 * read what a pipeline before it wrote), watched to its end, and cancelled if the time is up or the run is stopped.
 * Nothing else is started, and no schedule is touched: a paused job can be run (facts: databricks-api 3.3).
 */
import type { VerifyStep } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import type { Applied, AppliedResource } from "./change.ts";
import { unfitFindings } from "./verification-findings.ts";
import { type VerificationOptions, type VerifiedStep, verifyStep } from "./verification-step.ts";

/** What is asked of one tier. */
export interface VerificationPolicy {
  readonly steps: readonly VerifyStep[];
  /** For all steps together, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * What it says of the release. `none`: nothing, since it could not be made: the service did not answer, the release has
 * not what the contract names by now, or something else was at work of it and took its time. What ran and was then
 * cancelled with the run has failed: whoever sees it failing could cancel it.
 */
type VerificationVerdict = "passed" | "failed" | "none";

/** What the steps came to, together. */
export interface Verification {
  /** In the contract's order. */
  readonly steps: readonly VerifiedStep[];
  readonly findings: readonly Finding[];
  readonly verdict: VerificationVerdict;
}

/** Runs the steps. Never throws for what they come to: findings say it, and none means that all passed. */
export async function runVerification(
  workspace: Workspace,
  policy: VerificationPolicy,
  applied: Applied,
  options: VerificationOptions,
): Promise<Verification> {
  const unfit = policy.steps.flatMap((step) => unfitFindings(step, applied.get(step.key), options.tier));
  if (unfit.length > 0) {
    const steps = policy.steps.map((step) => notStarted(step, applied.get(step.key)));
    return { steps, findings: unfit, verdict: "none" };
  }
  const { timeoutMs } = policy;
  const deadline = { until: options.now().getTime() + timeoutMs, timeoutMs };
  const steps: VerifiedStep[] = [];
  const findings: Finding[] = [];
  let verdict: VerificationVerdict = "passed";
  for (const step of policy.steps) {
    const resource = applied.get(step.key);
    if (findings.length > 0 || resource === undefined) {
      steps.push(notStarted(step, resource));
      continue;
    }
    const ended = await verifyStep(workspace, step, resource, deadline, options);
    steps.push(ended.result);
    if (ended.finding === undefined) continue;
    findings.push(ended.finding);
    verdict = ended.conclusive ? "failed" : "none";
  }
  return { steps, findings, verdict };
}

function notStarted(step: VerifyStep, resource: AppliedResource | undefined): VerifiedStep {
  const name = resource?.name ?? step.key;
  return { ...step, name, outcome: "not started", code: undefined, url: undefined, seconds: 0, failures: [] };
}
