/** What a check is, and the few ways in which one ends. */
import type { Finding, Severity } from "../findings.ts";
import type { Fact, GateFacts } from "./facts.ts";

export const CHECK_IDS = [
  "path",
  "identity",
  "commit",
  "source",
  "order",
  "protection",
  "approval",
  "plan-digest",
  "drift",
  "destructive",
  "adoption",
  "grants",
  "lock",
] as const;
export type CheckId = (typeof CHECK_IDS)[number];

export interface Check {
  readonly id: CheckId;
  /** What it proves, in a few words. */
  readonly title: string;
  evaluate(facts: GateFacts): CheckResult;
}

export type Verdict = "pass" | "fail" | "unknown";

export interface CheckResult {
  readonly check: CheckId;
  readonly verdict: Verdict;
  /** One sentence for the table. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  readonly findings: readonly Finding[];
}

/** What a person can look at to believe it. */
export interface Evidence {
  readonly label: string;
  readonly url?: string;
}

/** A finding of a check; its id becomes `gate/<check>` or `gate/<check>-<what>`. */
export interface Problem {
  readonly what?: string;
  readonly severity?: Severity;
  readonly message: string;
  readonly why?: string;
  readonly remedy: string;
}

/**
 * The result of a check: it passes only if no problem fails it, whatever the summary says. `summary` is what a pass
 * says; otherwise the first failing problem speaks.
 */
export function conclude(
  check: CheckId,
  outcome: {
    readonly summary: string;
    readonly evidence?: readonly Evidence[];
    readonly problems?: readonly Problem[];
    /** Findings of a proof made elsewhere, passed on as they are. */
    readonly findings?: readonly Finding[];
  },
): CheckResult {
  const problems = (outcome.problems ?? []).map((problem) => ({
    id: problem.what === undefined ? `gate/${check}` : `gate/${check}-${problem.what}`,
    severity: problem.severity ?? ("error" as const),
    message: problem.message,
    ...(problem.why === undefined ? {} : { why: problem.why }),
    remedy: problem.remedy,
  }));
  const findings = [...problems, ...(outcome.findings ?? [])];
  const worst =
    findings.find(({ severity }) => severity === "error") ?? findings.find(({ severity }) => severity === "unknown");
  return {
    check,
    verdict: worst === undefined ? "pass" : worst.severity === "error" ? "fail" : "unknown",
    summary: worst?.message ?? outcome.summary,
    evidence: outcome.evidence ?? [],
    findings,
  };
}

/** Evaluates with a fact's value; without it the check is unknown. */
export function withFact<T>(check: CheckId, fact: Fact<T>, evaluate: (value: T) => CheckResult): CheckResult {
  if (fact.known) return evaluate(fact.value);
  return conclude(check, {
    summary: "",
    problems: [{ severity: "unknown", what: "unknown", message: fact.why, remedy: fact.remedy }],
  });
}

/** The first 12 digits of a commit or digest, enough for a person. */
export function short(hex: string): string {
  return hex.slice(0, 12);
}
