/** Which run can have made a record: events, workflow and job by kind, and the words of the step that says so. */
import type { RecordKind, RecordPayload } from "../release/evidence.ts";

/** A tier that has records: every one but the sandbox. */
export type RecordTier = RecordPayload["tier"];

/** Where a record can come from: `job` of a reusable workflow of ours. */
export interface RecordSource {
  /** A file in .github/workflows. */
  readonly workflow: string;
  readonly job: string;
}

/** The reusable workflow that deploys to a tier. */
export const DEPLOYING_WORKFLOW: Readonly<Record<RecordTier, string>> = {
  dev: "deploy-to-dev.yml",
  staging: "gate-to-staging.yml",
  prod: "approve-to-prod.yml",
};
/** The job in it that does. */
export const DEPLOYING_JOB = "promote";

/** Events whose runs may deploy: they run the default branch's own files. */
export const DEPLOYING_EVENTS: readonly string[] = ["push", "workflow_dispatch"];
const VERIFYING_EVENTS: readonly string[] = [...DEPLOYING_EVENTS, "schedule"];
/** A person decides, by hand. */
const DECIDING_EVENTS: readonly string[] = ["workflow_dispatch"];

const OPERATE: RecordSource = { workflow: "operate.yml", job: "operate" };

/** The workflows and jobs that make records of a kind, and the events that may start them. */
export function sourcesOf(
  kind: RecordKind,
  tier: RecordTier,
): { readonly sources: readonly RecordSource[]; readonly events: readonly string[] } {
  const deploying: RecordSource = { workflow: DEPLOYING_WORKFLOW[tier], job: DEPLOYING_JOB };
  switch (kind) {
    case "promotion":
      return { sources: [deploying], events: DEPLOYING_EVENTS };
    case "verification":
      return { sources: [{ workflow: "verify.yml", job: "verify" }, deploying], events: VERIFYING_EVENTS };
    case "estate":
      return { sources: [{ workflow: "audit.yml", job: "audit" }], events: VERIFYING_EVENTS };
    case "rollback":
      return { sources: [{ workflow: "rollback.yml", job: "rollback" }], events: DECIDING_EVENTS };
    case "opening":
      return { sources: [{ workflow: "open-approval.yml", job: "open" }], events: VERIFYING_EVENTS };
    case "reject":
    case "accept":
    case "hold":
    case "resume":
    case "approval":
      return { sources: [OPERATE], events: DECIDING_EVENTS };
  }
}

/**
 * The name of the step that says what a job did. Our workflows give it that name, and nobody but the job's runner can
 * write it there, while anybody can write a Deployment. Everything that a gate acts on is in it.
 */
export function statementOf(claim: Exclude<RecordPayload, { readonly kind: "promotion" }>): string {
  const { tier } = claim;
  switch (claim.kind) {
    case "verification":
      return `Verify ${tier}, release ${claim.release}`;
    case "estate":
      return `Audit ${tier}`;
    case "reject":
      return `Reject in ${tier}, release ${claim.release}`;
    case "accept":
      return `Accept in ${tier}, release ${claim.release}`;
    case "rollback":
      return `Roll back ${tier}, release ${claim.release}`;
    case "approval":
      return `Approve for ${tier}, release ${claim.release}, plan ${claim.plan}`;
    case "opening":
      return `Open ${tier}, release ${claim.release}, commit ${claim.commit}, run ${claim.opened}`;
    case "hold":
      return `Hold ${tier}, ${whatIsHeld(claim)}${claim.until === null ? "" : `, until ${claim.until}`}`;
    case "resume":
      return `Resume ${tier}, ${whatIsHeld(claim)}`;
  }
}

/** The name of the step by which a promotion that stopped half way says that it holds its tier. */
export function halfWayStatement(tier: RecordTier, release: string): string {
  return `Hold ${tier}, promotions, release ${release}`;
}

/**
 * The name of the step by which a job says which evidence document it left: our workflows put the hash of its bytes there,
 * and nobody but the job's runner can write it.
 */
export function keepingStatement(digest: string): string {
  return `Keep the evidence, SHA-256 ${digest}`;
}

function whatIsHeld({ hold, selector }: { readonly hold: "schedules" | "tier"; readonly selector: string }): string {
  return hold === "tier" ? "promotions" : `schedules of ${selector === "" ? "all" : selector}`;
}
