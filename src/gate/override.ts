/**
 * Break-glass: a person takes some failing checks on themselves, with a reason. It shows everywhere as overridden, never
 * as passed, and holds only in a run that somebody else approved.
 */
import { type Finding, sentence } from "../findings.ts";
import { type CheckResult, OVERRIDABLE } from "./check.ts";
import type { GateFacts, OverrideFacts } from "./facts.ts";

interface BrokenGlass {
  readonly checks: readonly CheckResult[];
  /** What is said loudly, before all else. */
  readonly findings: readonly Finding[];
  /** The override itself fails the gate. */
  readonly refused: boolean;
}

/** Marks what is overridden. `approval` is asked only where the gate does not ask it anyway. */
export function breakGlass(facts: GateFacts, checks: readonly CheckResult[], approval: () => CheckResult): BrokenGlass {
  const { override } = facts;
  if (override === undefined) return { checks, findings: [], refused: false };
  const never = override.checks.filter((id) => !OVERRIDABLE.some((each) => each === id));
  if (never.length > 0 || override.reason.trim() === "") {
    return { checks, findings: [malformed(never)], refused: true };
  }
  const approved =
    facts.stage === "promote" ? (checks.find(({ check }) => check === "approval") ?? approval()) : undefined; // a brief says what the approver would allow
  if (approved !== undefined && approved.verdict !== "pass") {
    return { checks, findings: [notApproved(facts, override), ...approved.findings], refused: true };
  }
  const marked = checks.map((check) =>
    override.checks.includes(check.check) && stops(check, facts) ? overridden(check, override) : check,
  );
  return { checks: marked, findings: marked.flatMap((check) => loudly(check, facts)), refused: false };
}

/** A brief only warns of what time can fix; it says, too, what would be overridden if nothing changes until then. */
function stops({ verdict, findings }: CheckResult, { stage }: GateFacts): boolean {
  return verdict !== "pass" || (stage !== "promote" && findings.some(({ severity }) => severity === "warning"));
}

/** What it found stays, as warnings: the run goes on in spite of it. */
function overridden(check: CheckResult, { reason, by }: OverrideFacts): CheckResult {
  return {
    ...check,
    overridden: { reason, by },
    findings: check.findings.map((finding) => ({
      ...finding,
      severity: finding.severity === "notice" ? "notice" : "warning",
    })),
  };
}

function loudly({ check, summary, findings, overridden }: CheckResult, { tier, stage }: GateFacts): Finding[] {
  if (overridden === undefined) return [];
  return [
    {
      id: "gate/overridden",
      severity: "warning",
      message: `BREAK-GLASS in ${tier}: ${overridden.by} ${stage === "promote" ? "overrides" : "asks to override"} the check ${check}: ${sentence(overridden.reason)} What it says: ${summary === "" ? (findings[0]?.message ?? "") : summary}`,
      why: "An override is recorded with the promotion, and everybody sees it.",
      remedy: "Come back to it when the incident is over: why was it needed?",
    },
  ];
}

function malformed(never: readonly string[]): Finding {
  return {
    id: "gate/override",
    severity: "error",
    message:
      never.length > 0
        ? `${never.join(", ")} cannot be overridden.`
        : "An override needs a reason, and the input reason is empty.",
    why: "Who acts, what is done, and what was approved are never overridden.",
    remedy: `What can be: ${OVERRIDABLE.join(", ")}. Give the reason for which the rule does not hold today.`,
  };
}

function notApproved({ environment }: GateFacts, { by, checks }: OverrideFacts): Finding {
  return {
    id: "gate/override-not-approved",
    severity: "error",
    message: `${by} asks to override ${checks.join(", ")}, and nobody else approved this run for ${environment}.`,
    why: "An override holds only in a run that a second person let through.",
    remedy: `Have the run approved: required reviewers on the environment ${environment}, or approvals by dispatch.`,
  };
}
