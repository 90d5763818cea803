/** The gate: all checks of a tier's stage, in order, so that everything that is wrong is seen at once. */
import type { TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { CHECK_IDS, type Check, type CheckId, type CheckResult, type Verdict } from "./check.ts";
import { activeRuns } from "./checks/active-runs.ts";
import { adoption } from "./checks/adoption.ts";
import { approval } from "./checks/approval.ts";
import { commit } from "./checks/commit.ts";
import { destructive } from "./checks/destructive.ts";
import { drift } from "./checks/drift.ts";
import { estate } from "./checks/estate.ts";
import { evidence } from "./checks/evidence.ts";
import { grants } from "./checks/grants.ts";
import { hold } from "./checks/hold.ts";
import { identity } from "./checks/identity.ts";
import { lock } from "./checks/lock.ts";
import { order } from "./checks/order.ts";
import { parity } from "./checks/parity.ts";
import { path } from "./checks/path.ts";
import { planDigest } from "./checks/plan-digest.ts";
import { protection } from "./checks/protection.ts";
import { rejects } from "./checks/rejects.ts";
import { source } from "./checks/source.ts";
import { verification } from "./checks/verification.ts";
import { window } from "./checks/window.ts";
import type { GateFacts, Stage } from "./facts.ts";
import { breakGlass } from "./override.ts";

const CHECKS: Readonly<Record<CheckId, Check>> = {
  path,
  identity,
  commit,
  source,
  verification,
  evidence,
  parity,
  rejects,
  order,
  window,
  hold,
  protection,
  approval,
  "plan-digest": planDigest,
  drift,
  destructive,
  adoption,
  "active-runs": activeRuns,
  grants,
  estate,
  lock,
};

/** What only the promotion itself can tell, and what a look at the tier can tell as well. */
const NEEDS_THE_PRINCIPAL: readonly CheckId[] = [
  "identity",
  "approval",
  "plan-digest",
  "active-runs",
  "grants",
  "lock",
];
const NEEDS_A_LOOK: readonly CheckId[] = [...NEEDS_THE_PRINCIPAL, "drift", "adoption"];
/** What has a meaning only where another tier comes before. */
const ABOVE_DEV: readonly CheckId[] = ["source", "verification", "evidence", "parity"];
/** What is asked of staging on the way to prod alone. */
const OF_PROD: readonly CheckId[] = ["evidence", "parity"];

/**
 * Which checks a tier makes, and when. `plan` has no credentials; `plan-live` may look at the tier, as a principal that
 * is not the tier's own, so that identity, grants and lock wait for `promote`.
 */
export const GATE: Readonly<Record<TierName, Readonly<Record<Stage, readonly CheckId[]>>>> = {
  sandbox: {
    plan: ["destructive"],
    "plan-live": ["drift", "destructive", "adoption"],
    promote: ["identity", "drift", "destructive", "adoption", "active-runs", "lock"],
  },
  dev: {
    plan: allBut(...NEEDS_A_LOOK, ...ABOVE_DEV),
    "plan-live": allBut(...NEEDS_THE_PRINCIPAL, ...ABOVE_DEV),
    promote: allBut(...ABOVE_DEV, "approval"),
  },
  staging: {
    plan: allBut(...NEEDS_A_LOOK, ...OF_PROD),
    "plan-live": allBut(...NEEDS_THE_PRINCIPAL, ...OF_PROD),
    promote: allBut(...OF_PROD, "approval"),
  },
  prod: {
    plan: allBut(...NEEDS_A_LOOK),
    "plan-live": allBut(...NEEDS_THE_PRINCIPAL),
    promote: allBut(),
  },
};

function allBut(...left: readonly CheckId[]): CheckId[] {
  return CHECK_IDS.filter((id) => !left.includes(id));
}

/** What all checks said together. */
export interface GateResult {
  readonly tier: TierName;
  readonly stage: Stage;
  /** `pass` only if every check passes, or is overridden by somebody whose run was approved. */
  readonly verdict: Verdict;
  readonly checks: readonly CheckResult[];
  readonly findings: readonly Finding[];
  /**
   * Checks that pass before the approval, since there is still time, and that would stop the promotion if it began now:
   * as the promotion itself would make them. What is asked to be overridden is not among them.
   */
  readonly waiting: readonly CheckResult[];
  /** Checks of this tier that only the promotion itself can make, with their titles. */
  readonly later: readonly { readonly id: CheckId; readonly title: string }[];
}

/** Asks every check of the tier's stage. */
export function evaluateGate(facts: GateFacts): GateResult {
  const stages = GATE[facts.tier];
  const ids = stages[facts.stage];
  const asked = ids.map((id) => CHECKS[id].evaluate(facts));
  const broken = breakGlass(facts, asked, () => CHECKS.approval.evaluate(facts));
  const checks = broken.checks;
  const findings = [...broken.findings, ...checks.flatMap(({ findings }) => findings)];
  return {
    tier: facts.tier,
    stage: facts.stage,
    verdict: worst([
      ...checks.map((check) => (check.overridden === undefined ? check.verdict : "pass")),
      ...(broken.refused ? (["fail"] as const) : []),
    ]),
    checks,
    findings,
    waiting: facts.stage === "promote" ? [] : waitingOf(facts, checks),
    later: stages.promote.filter((id) => !ids.includes(id)).map((id) => ({ id, title: CHECKS[id].title })),
  };
}

/** What is unknown at the promotion only because nobody has looked yet does not count. */
function waitingOf(facts: GateFacts, checks: readonly CheckResult[]): CheckResult[] {
  return checks
    .filter(({ verdict, overridden }) => verdict === "pass" && overridden === undefined)
    .map(({ check }) => CHECKS[check].evaluate({ ...facts, stage: "promote" }))
    .filter(({ verdict }) => verdict === "fail");
}

/** Those that pass as things are: nobody overrides them, and there is nothing that time or a hand still has to do. */
export function passing({ checks, waiting }: Pick<GateResult, "checks" | "waiting">): CheckResult[] {
  const waits = new Set(waiting.map(({ check }) => check));
  return checks.filter(({ check, verdict, overridden }) => {
    return verdict === "pass" && overridden === undefined && !waits.has(check);
  });
}

/** Whether a check that waits may pass by waiting; a change by hand stays until somebody does something about it. */
export function isMatterOfTime({ check }: Pick<CheckResult, "check">): boolean {
  return check !== "drift";
}

/** What a check proves, for a table's row. */
export function titleOf(id: CheckId): string {
  return CHECKS[id].title;
}

function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.includes("fail") ? "fail" : verdicts.includes("unknown") ? "unknown" : "pass";
}
