/** Evidence documents (src/release/evidence-document.ts), made of what the stories saw. */
import type { Tier } from "../contract/model.ts";
import type { RunContext } from "../environment.ts";
import { type Finding, isFailure } from "../findings.ts";
import type { GateFacts } from "../gate/facts.ts";
import { runUrl } from "../github/links.ts";
import type { JsonObject } from "../json.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import type { Candidate } from "../release/candidate.ts";
import { changed, type Plan } from "../release/change.ts";
import { type EvidenceOf, evidenceDocument, type Operation } from "../release/evidence-document.ts";
import { fieldJson, type PromotionView } from "./promotion.ts";
import type { RollbackView } from "./rollback.ts";

type Promotion = EvidenceOf<"promotion-evidence">;

/** `facts` are those that the gate was asked with last. */
export function promotionEvidence(view: PromotionView, facts: GateFacts, run: RunContext, now: Date): JsonObject {
  const { standing, candidate, gate, outcome, tier } = view;
  const done = typeof outcome === "object" ? outcome : { done: [], open: [], findings: [] };
  return evidenceDocument({
    kind: "promotion-evidence",
    ...commonOf(tier, run, view.deployment, now),
    ...releasedOf(candidate, standing.ledger?.release, standing.plan),
    outcome: outcomeOf(outcome),
    applied: [...done.done],
    not_applied: done.open.map(({ key }) => key),
    ...("undone" in done && done.undone !== undefined ? { undone: [...done.undone] } : {}),
    drift: {
      digest: standing.drift.digest,
      accepted: !standing.drift.empty && view.acceptDrift === standing.drift.digest,
      resources: standing.drift.entries.map(({ key }) => key),
    },
    gate: {
      verdict: gate.verdict,
      checks: gate.checks.map(({ check, verdict, summary, overridden, evidence }) => ({
        check,
        verdict,
        says: summary,
        ...(overridden === undefined ? {} : { overridden: { ...overridden } }),
        evidence: evidence.map(({ label, url }) => ({ label, ...(url === undefined ? {} : { url }) })),
      })),
    },
    verifications: verificationsOf(facts),
    approvals: approvalsOf(facts),
    grants: facts.grants.known
      ? {
          passed: !facts.grants.value.some(isFailure),
          findings: facts.grants.value.map(({ id, severity }) => ({ id, severity })),
          ...(facts.provedEarlier === undefined
            ? {}
            : { proved_earlier: { run: facts.provedEarlier.run, at: facts.provedEarlier.at } }),
        }
      : null,
  });
}

/** What a rollback did; `now` is when it ended. */
export function rollbackEvidence(
  view: RollbackView,
  { run, reason, findings, now }: Ended & { readonly reason: string },
): JsonObject {
  const { tier, candidate, from, before, outcome, reached, held, left, target } = view;
  const { plan, drift } = before.standing;
  return evidenceDocument({
    kind: "rollback-evidence",
    ...commonOf(tier, run, view.deployment, now),
    ...releasedOf(candidate, from, plan),
    reason,
    verified: target.judged.verified,
    outcome: findings.some(isFailure) ? "failed" : "rolled-back",
    reached,
    held,
    applied: [...outcome.done],
    not_applied: outcome.open.map(({ key }) => key),
    left: left.map(({ key }) => key),
    drift: { digest: drift.digest, resources: drift.entries.map(({ key }) => key) },
  });
}

/** What a run came to. */
interface Ended {
  readonly run: RunContext;
  readonly findings: readonly Finding[];
  readonly now: Date;
}

/** What a person decided about a tier. */
export interface OperationView {
  readonly tier: Pick<Tier, "name" | "project">;
  readonly operation: Operation;
  readonly reason: string;
  readonly release?: string;
  readonly plan?: string;
  readonly selector?: string;
  readonly until?: string | null;
  /** Keys or names of jobs and pipelines whose schedules were changed. */
  readonly schedules?: readonly string[];
  /** The Deployment's id; empty: none. */
  readonly deployment: string;
}

/** What a person decided, and what came of it. */
export function operationEvidence(view: OperationView, { run, findings, now }: Ended): JsonObject {
  return evidenceDocument({
    kind: "operation-evidence",
    ...commonOf(view.tier, run, view.deployment, now),
    operation: view.operation,
    reason: view.reason,
    release: view.release ?? null,
    plan: view.plan ?? null,
    selector: view.selector ?? null,
    until: view.until ?? null,
    schedules: [...(view.schedules ?? [])],
    findings: findings.map(({ id, severity }) => ({ id, severity })),
  });
}

function commonOf(tier: Pick<Tier, "name" | "project">, run: RunContext, deployment: string | undefined, now: Date) {
  const repository = `${run.owner}/${run.repository}`;
  return {
    suite: "four-tier" as const,
    version: 1 as const,
    project: tier.project,
    tier: tier.name,
    repository,
    run: {
      id: run.runId,
      attempt: run.runAttempt,
      job: run.job,
      event: run.event,
      url: runUrl(run, run.runId, run.runAttempt),
      actor: run.actor,
      triggering_actor: run.triggeringActor,
      workflow: run.workflowRef,
    },
    suite_ref: run.suiteRef ?? null,
    deployment: deployment === undefined || deployment === "" ? null : deployment,
    written_at: now.toISOString(),
  };
}

function releasedOf(candidate: Candidate, before: Pick<LedgerRelease, "digest" | "commit"> | undefined, plan: Plan) {
  return {
    release: candidate.digest,
    commit: candidate.commit,
    components: Object.fromEntries(candidate.components.map(({ name, digest }) => [name, digest])),
    artifacts: candidate.artifacts.map(({ name, sha256 }) => ({ name, sha256 })),
    before: before === undefined ? null : { release: before.digest, commit: before.commit },
    plan: {
      digest: plan.digest,
      changes: changed(plan).map(({ key, action, class: each, fields }) => ({
        key,
        action,
        class: each,
        fields: fields.map(fieldJson),
      })),
    },
  };
}

function outcomeOf(outcome: PromotionView["outcome"]): Promotion["outcome"] {
  if (outcome === "refused") return "refused";
  if (outcome === "nothing") return "nothing-to-do";
  return outcome.findings.some(isFailure) ? "failed" : "promoted";
}

function verificationsOf({ verifications }: GateFacts): Promotion["verifications"] {
  if (!verifications.known) return [];
  const { failed, passed } = verifications.value;
  return [...(failed === undefined ? [] : [failed]), ...passed].map(({ at, claim, by, runUrl }) => ({
    at,
    passed: claim.passed,
    run: runUrl ?? claim.run.id,
    by: by ?? null,
  }));
}

function approvalsOf({ approvals, collected, environment }: GateFacts): Promotion["approvals"] {
  const reviews = approvals.known
    ? approvals.value.filter(({ state, environments }) => state === "approved" && environments.includes(environment))
    : [];
  const given = collected.known ? collected.value.approved : [];
  return [
    ...reviews.map(({ user, comment }) => ({
      by: user ?? "a deleted account",
      how: "review" as const,
      at: null,
      says: comment,
    })),
    ...given.map(({ record }) => ({
      by: record.by ?? "unknown",
      how: "dispatch" as const,
      at: record.at,
      says: record.claim.reason,
    })),
  ];
}
