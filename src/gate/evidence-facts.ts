/** Evidence as the gate sees it: a Deployment, what it claims, and the run behind it as GitHub tells it. */
import type { Artifact } from "../release/digest.ts";
import type { RecordPayload } from "../release/evidence.ts";

/** Which workflows of which suite count. */
export interface SuiteTrust {
  /** owner/name of the suite's repository. */
  readonly repository: string;
  /** Commits that the contract lists besides those that the callers pin. */
  readonly commits: readonly string[];
}

/** A Deployment and the run that it points to. */
export interface EvidenceFacts {
  readonly deployment: {
    readonly id: string;
    readonly creator: string | undefined;
    readonly sha: string;
    readonly state: string | undefined;
    readonly url: string | undefined;
    /** ISO; GitHub's word. */
    readonly createdAt: string;
  };
  /** Undefined when the payload is not ours, or not whole. */
  readonly claim: EvidenceClaim | undefined;
  /** The run behind it; undefined if there is none. */
  readonly run: EvidenceRun | undefined;
}

/** What a Deployment's payload claims. */
export interface EvidenceClaim {
  readonly kind: "promotion" | "rollback";
  readonly tier: string;
  readonly project: string;
  readonly release: string;
  readonly runId: string;
  readonly attempt: number;
  /** Wheels that were carried; whether the release digest is over these is for whoever uses them to check. */
  readonly artifacts: readonly Artifact[];
}

/** A record of what was verified or decided, held against the run behind it (src/release/records.ts). */
export interface JudgedRecord<Claim extends RecordPayload = RecordPayload> {
  readonly deployment: { readonly id: string; readonly creator: string | undefined; readonly url: string };
  readonly claim: Claim;
  /** Why it is not believed, clauses without a full stop; empty if it is. */
  readonly doubts: readonly string[];
  /** Not believed for one reason only: the suite that made it was pinned then, and is not any more. */
  readonly outdated?: true;
  /** Why nobody can say: its run could not be read. Then it is not believed either. */
  readonly unread: { readonly why: string; readonly remedy: string } | undefined;
  /** When the job behind it ended, ISO; GitHub's word, not the record's. Empty unless it is believed. */
  readonly at: string;
  /** Who started the run behind it; the record's own `by` is only text. */
  readonly by: string | undefined;
  readonly runUrl: string | undefined;
}

/** A run, and what the caller's workflow file said when it ran. */
export interface EvidenceRun {
  readonly url: string;
  /** Who started the first attempt, and who the newest. */
  readonly actor: string | undefined;
  readonly triggeringActor: string | undefined;
  readonly event: string;
  readonly headBranch: string | undefined;
  readonly headSha: string;
  readonly headRepository: string | undefined;
  /** owner/name of the repository that asks. */
  readonly repository: string;
  readonly workflow: string;
  /** Reusable workflows that ran, `owner/name/.github/workflows/x.yml`, at the commits that were used. */
  readonly referencedWorkflows: readonly { readonly path: string; readonly sha: string }[];
  /** The suite's workflows in the caller's file at the default branch's head. */
  readonly pins: readonly WorkflowPin[];
  /** The same in the caller's file at the commit that ran. */
  readonly pinsAtCommit: readonly WorkflowPin[];
  /** Every job of the caller's file at the commit that ran. */
  readonly callerJobs: readonly CallerJob[];
  readonly jobs: readonly EvidenceJob[];
}

/** A job of a run, in one attempt. */
export interface EvidenceJob {
  readonly name: string;
  readonly attempt: number;
  readonly conclusion: string | undefined;
  readonly url: string | undefined;
  /** ISO times. */
  readonly startedAt: string | undefined;
  readonly completedAt: string | undefined;
  /** Its steps as they were shown, in order. */
  readonly steps: readonly { readonly name: string; readonly conclusion: string | undefined }[];
}

/** `uses: four-tier/four-tier/.github/workflows/deploy-to-dev.yml@<sha>` in a caller. */
export interface WorkflowPin {
  /** The name of the calling job: the first half of its jobs' names. */
  readonly job: string;
  /** `owner/name/.github/workflows/x.yml`. */
  readonly path: string;
  readonly ref: string;
}

/** A job of a caller. */
export interface CallerJob {
  readonly key: string;
  /** As written: it may hold expressions. */
  readonly name: string;
  /** The workflow that it calls, without the ref; undefined if it has steps. */
  readonly calls: string | undefined;
}
