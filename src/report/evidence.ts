/** A promotion's evidence document (src/release/evidence-document.ts), made of what the story saw. */
import type { RunContext } from "../environment.ts";
import { isFailure } from "../findings.ts";
import type { GateFacts } from "../gate/facts.ts";
import type { JsonObject } from "../json.ts";
import { type EvidenceDocument, evidenceDocument } from "../release/evidence-document.ts";
import { fieldJson, type PromotionView } from "./promotion.ts";

/** `facts` are those that the gate was asked with last. */
export function promotionEvidence(view: PromotionView, facts: GateFacts, run: RunContext, now: Date): JsonObject {
  const { standing, candidate, gate, outcome, tier } = view;
  const before = standing.ledger?.release;
  const done = typeof outcome === "object" ? outcome : { done: [], open: [], findings: [] };
  return evidenceDocument({
    suite: "four-tier",
    kind: "promotion-evidence",
    version: 1,
    project: tier.project,
    tier: tier.name,
    repository: `${run.owner}/${run.repository}`,
    release: candidate.digest,
    commit: candidate.commit,
    components: Object.fromEntries(candidate.components.map(({ name, digest }) => [name, digest])),
    artifacts: candidate.artifacts.map(({ name, sha256 }) => ({ name, sha256 })),
    before: before === undefined ? null : { release: before.digest, commit: before.commit },
    outcome: outcomeOf(outcome),
    applied: [...done.done],
    not_applied: done.open.map(({ key }) => key),
    ...("undone" in done && done.undone !== undefined ? { undone: [...done.undone] } : {}),
    plan: {
      digest: standing.plan.digest,
      changes: standing.plan.changes
        .filter(({ action }) => action !== "none")
        .map(({ key, action, class: each, fields }) => ({ key, action, class: each, fields: fields.map(fieldJson) })),
    },
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
    run: {
      id: run.runId,
      attempt: run.runAttempt,
      job: run.job,
      event: run.event,
      url: `${run.serverUrl}/${run.owner}/${run.repository}/actions/runs/${run.runId}/attempts/${run.runAttempt}`,
      actor: run.actor,
      triggering_actor: run.triggeringActor,
      workflow: run.workflowRef,
    },
    suite_ref: run.suiteRef ?? null,
    deployment: view.deployment === undefined || view.deployment === "" ? null : view.deployment,
    written_at: now.toISOString(),
  });
}

function outcomeOf(outcome: PromotionView["outcome"]): EvidenceDocument["outcome"] {
  if (outcome === "refused") return "refused";
  if (outcome === "nothing") return "nothing-to-do";
  return outcome.findings.some(isFailure) ? "failed" : "promoted";
}

function verificationsOf({ verifications }: GateFacts): EvidenceDocument["verifications"] {
  if (!verifications.known) return [];
  const { failed, passed } = verifications.value;
  return [...(failed === undefined ? [] : [failed]), ...passed].map(({ at, claim, by, runUrl }) => ({
    at,
    passed: claim.passed,
    run: runUrl ?? claim.run.id,
    by: by ?? null,
  }));
}

function approvalsOf({ approvals, collected, environment }: GateFacts): EvidenceDocument["approvals"] {
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
