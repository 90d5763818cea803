/** What a check is, and the few ways in which one ends. */
import type { Finding, Severity } from "../findings.ts";
import { type Judging, MOST } from "./decision-facts.ts";
import type { JudgedRecord } from "./evidence-facts.ts";
import type { Fact, GateFacts } from "./facts.ts";

/** Every check, in the order in which people read them. */
export const CHECK_IDS = [
  "path",
  "identity",
  "commit",
  "source",
  "verification",
  "evidence",
  "parity",
  "rejects",
  "order",
  "window",
  "hold",
  "protection",
  "approval",
  "plan-digest",
  "drift",
  "destructive",
  "adoption",
  "active-runs",
  "grants",
  "estate",
  "lock",
] as const;
/** The name of a check, in findings (`gate/<id>`), reports and the input `override`. */
export type CheckId = (typeof CHECK_IDS)[number];

/** One question that the gate asks. */
export interface Check {
  readonly id: CheckId;
  /** What it proves, in a few words. */
  readonly title: string;
  evaluate(facts: GateFacts): CheckResult;
}

/** How a check ends; unknown does not let in either. */
export type Verdict = "pass" | "fail" | "unknown";

/**
 * What a person may break the glass for: what asks for time, order or patience, that a file is kept, and a proof that an
 * outage can hide.
 * Never who may do it (identity, protection, approval), nor what is done (path, commit, source, parity, order, plan-digest,
 * drift, destructive, adoption, lock): an override would be a way in, and each of those has a way of its own.
 */
export const OVERRIDABLE: readonly CheckId[] = [
  "verification",
  "evidence",
  "rejects",
  "window",
  "hold",
  "active-runs",
  "grants",
  "estate",
];

/** What one check said of one release. */
export interface CheckResult {
  readonly check: CheckId;
  /** What it says; an override does not change it. */
  readonly verdict: Verdict;
  /** It does not pass, and somebody took that on themselves. */
  readonly overridden?: { readonly reason: string; readonly by: string };
  /** One sentence for the table. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  readonly findings: readonly Finding[];
  /** It is a matter of time, and would be no problem from here on; milliseconds since 1970. */
  readonly notBefore?: number;
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
    readonly notBefore?: number | undefined;
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
    ...(outcome.notBefore === undefined ? {} : { notBefore: outcome.notBefore }),
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

/** Records that somebody made by hand, or whose run cannot be read: shown, and the latter fail. */
export function judgingProblems(
  { doubted, outdated, unread, whole }: Judging,
  what: { readonly noun: string },
): Problem[] {
  return [
    ...doubted.map((record) => ({
      what: "not-believed",
      severity: "warning" as const,
      message: `Deployment ${record.deployment.id} (by ${record.deployment.creator ?? "an unknown account"}) says ${what.noun}, and is not believed: ${record.doubts.join("; ")}.`,
      why: "Anybody with push access can write a Deployment, so only the run behind it counts.",
      remedy: "If nobody knows where it comes from, treat it as an attempt to get around the gate.",
    })),
    ...outdatedProblems(outdated, what),
    ...unread.map((record) => ({
      what: "unread",
      severity: "unknown" as const,
      message: `Deployment ${record.deployment.id} says ${what.noun}, and its run ${record.claim.run.id} cannot be read: ${record.unread?.why ?? ""}`,
      remedy: record.unread?.remedy ?? "Start a new run.",
    })),
    ...(whole
      ? []
      : [
          {
            what: "too-many",
            severity: "unknown" as const,
            message: `There are more records than are looked at (${MOST.listed} Deployments, ${MOST.judged} runs), so nobody can say what they amount to.`,
            why: "Anybody with push access can write Deployments.",
            remedy: "Find out who writes them, and delete those (set them inactive first).",
          },
        ]),
  ];
}

/** Honest ones, which count no more: many at once, since each new pin leaves them behind. */
function outdatedProblems(outdated: readonly JudgedRecord[], { noun }: { readonly noun: string }): Problem[] {
  const [newest] = outdated;
  if (newest === undefined) return [];
  const others = outdated.length === 1 ? "" : ` and ${outdated.length - 1} older`;
  return [
    {
      what: "outdated",
      severity: "notice",
      message: `Deployment ${newest.deployment.id}${others} say${outdated.length === 1 ? "s" : ""} ${noun}, and no longer count${outdated.length === 1 ? "s" : ""}: ${newest.doubts.join("; ")}.`,
      why: "Only a suite that is pinned now is trusted to let something in.",
      remedy:
        "Let it be done again by the suite that is pinned now, or list the commit of the older one in the contract's suite.commits.",
    },
  ];
}

/** Who decided it and why, with a link. */
export function evidenceOf(record: JudgedRecord): Evidence {
  const { deployment, runUrl, by, claim } = record;
  const label = `deployment ${deployment.id}, run ${claim.run.id}${by === undefined ? "" : ` by ${by}`}`;
  return { label, url: runUrl ?? deployment.url };
}
