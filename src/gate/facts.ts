/**
 * What the gate decides on. Every fact is either known or says why it is not: a check never has to guess, and what is
 * not known never passes.
 */
import type { GatePolicy, TierName, TierPolicy } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { Drift, Plan } from "../release/change.ts";
import type { Artifact } from "../release/digest.ts";
import type { Loss } from "../release/losses.ts";
import type { Move } from "../release/move.ts";
import type { CommitFacts, OrderFacts } from "./commit-facts.ts";
import type {
  AuditFacts,
  BelowFacts,
  CollectedFacts,
  HoldFacts,
  KeptFacts,
  OpeningFacts,
  RejectFacts,
  VerificationFacts,
} from "./decision-facts.ts";
import type { DocumentFacts } from "./document-facts.ts";
import type { EvidenceFacts, SuiteTrust } from "./evidence-facts.ts";
import type {
  ActiveRunsFacts,
  EarlierProof,
  IdentityFacts,
  LockFacts,
  NamesakeFacts,
  ParityFacts,
} from "./live-facts.ts";

/** Something that was seen, or two sentences: why it was not, and how it will be. */
export type Fact<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string; readonly remedy: string };

/** A fact that was seen. */
export function known<T>(value: T): Fact<T> {
  return { known: true, value };
}

/** Both texts are sentences. */
export function notKnown(why: string, remedy: string): Fact<never> {
  return { known: false, why, remedy };
}

/**
 * When a gate is asked. `plan`: before any approval, without credentials for the tier. `plan-live`: the same with a
 * look at the tier. `promote`: in the job that changes the tier, after the approval.
 */
export type Stage = "plan" | "plan-live" | "promote";

/** Everything that the checks of one gate are told. */
export interface GateFacts extends Subject, RecordFacts, LiveFacts {}

/** What tells whether the tier below had this release. */
export type SourceQuestion = Pick<
  GateFacts,
  "previous" | "source" | "below" | "repository" | "candidate" | "project" | "suite"
>;

/** What is asked about. */
interface Subject {
  readonly project: string;
  readonly tier: TierName;
  /** The tier below, that the release must have been in; undefined where the path begins. */
  readonly previous: TierName | undefined;
  readonly stage: Stage;
  /** The GitHub environment of the tier. */
  readonly environment: string;
  /** Repository path of the contract. */
  readonly contractFile: string;
  /** What is to be promoted: a commit and the digest recomputed from it and the carried artifacts' bytes. */
  readonly candidate: {
    readonly commit: string;
    readonly release: string;
    /** The wheels in hand, by the hashes of their bytes. */
    readonly artifacts: readonly Artifact[];
  };
  /** The digests that were approved or handed over, as given; undefined where none was. */
  readonly approved: { readonly release: string | undefined; readonly plan: string | undefined };
  /** The digest of the drift that was shown and accepted, as given. */
  readonly acceptedDrift: string | undefined;
  /** Resource keys that the contract lets be replaced or deleted; `*` is all. */
  readonly destructive: readonly string[];
  /** What the default branch's contract adopts in the tier: live ids by resource key. */
  readonly adopt: ReadonlyMap<string, string>;
  /** From the tier as the run's contract names it to what the default branch's says of it. */
  readonly move: Move;
  /** What the default branch's head asks of the tier, never the release's own copy. */
  readonly policy: Fact<PolicyFacts>;
  /** Checks that somebody wants to break the glass for; undefined if nobody does. */
  readonly override: OverrideFacts | undefined;
  /** By GitHub's clock. */
  readonly now: Date;
  /** How far that is ahead of the runner's, in milliseconds; 0 where they agree. */
  readonly skewMs: number;
  readonly run: CurrentRun;
  readonly suite: SuiteTrust;
}

/** What the contract asks of a release that wants in. */
export interface PolicyFacts extends GatePolicy {
  readonly activeRuns: "allow" | "wait" | "fail";
  /** What becomes of the tier when a promotion stops half way. */
  readonly onFailure: TierPolicy["onFailure"];
  /** What becomes of a hold whose time is over. */
  readonly onExpiry: "report" | "resume";
  /** The branch on which evidence is kept; undefined: the contract names none. */
  readonly evidenceBranch: string | undefined;
}

/** The inputs `override` and `reason`. */
export interface OverrideFacts {
  readonly checks: readonly string[];
  readonly reason: string;
  /** Who started the run. */
  readonly by: string;
}

/** The run that asks. */
interface CurrentRun {
  readonly id: string;
  readonly attempt: number;
  readonly event: string;
  readonly ref: string;
  readonly actor: string;
  readonly triggeringActor: string;
}

/** What GitHub's record says; gathered by src/release/gather.ts. */
interface RecordFacts {
  readonly repository: Fact<RepositoryFacts>;
  readonly commit: Fact<CommitFacts>;
  /** What claims to be the release's deployment to the tier below; empty if nothing does. */
  readonly source: Fact<readonly EvidenceFacts[]>;
  /** Whether the document of the deployment to the tier below is kept; read only if the contract names a branch. */
  readonly documents: Fact<DocumentFacts>;
  /** How the candidate relates to what the tier has now. */
  readonly order: Fact<OrderFacts>;
  readonly protection: Fact<ProtectionFacts>;
  /** What was approved in this run, by environment. */
  readonly approvals: Fact<readonly ApprovalFacts[]>;
  /** Approvals of these digests, by runs of operate.yml. */
  readonly collected: Fact<CollectedFacts>;
  /** What opened the run that asks; read only if a workflow started it. */
  readonly openings: Fact<OpeningFacts>;
  /** What became of this release in the tier below. */
  readonly below: Fact<BelowFacts>;
  /** Verifications of this release in the tier below. */
  readonly verifications: Fact<VerificationFacts>;
  readonly rejects: Fact<RejectFacts>;
  /** Estate proofs of the tier; read only if the contract asks for one. */
  readonly audits: Fact<AuditFacts>;
  /** Holds of the tier itself. */
  readonly holds: Fact<HoldFacts>;
}

/** The repository and its default branch, as GitHub has them now. */
export interface RepositoryFacts {
  readonly defaultBranch: string;
  /** The default branch's head. */
  readonly head: string;
  /** Whether any rule protects the default branch. */
  readonly headIsProtected: boolean;
  readonly visibility: "public" | "private" | "internal";
}

/** Which refs an environment takes. */
export type BranchFacts =
  | { readonly kind: "any" }
  | { readonly kind: "protected" }
  | { readonly kind: "custom"; readonly patterns: readonly { readonly name: string; readonly type: string }[] };

/** What keeps others out of the tier's environment, and who owns the files that say so. */
export interface ProtectionFacts {
  /** Undefined if the environment does not exist. */
  readonly environment:
    | {
        readonly url: string | undefined;
        readonly reviewers: readonly string[];
        readonly preventSelfReview: boolean;
        readonly canAdminsBypass: boolean | undefined;
        readonly branches: BranchFacts;
      }
    | undefined;
  /** The environment of a brief that looks, if it is not the tier's; no branches if it does not exist. */
  readonly reading?: { readonly name: string; readonly branches: BranchFacts | undefined };
  /** The CODEOWNERS file at the default branch's head; undefined if there is none. */
  readonly codeowners: { readonly path: string; readonly text: string } | undefined;
}

/** One review of a waiting job of this run; `state` is GitHub's word: approved, rejected. */
export interface ApprovalFacts {
  readonly environments: readonly string[];
  readonly state: string;
  readonly user: string | undefined;
  readonly comment: string;
}

/** What the tier itself says, and what is planned for it; handed in by the story that looked. */
export interface LiveFacts {
  /** Token, principal, workspace and catalog are the tier's. */
  readonly identity: Fact<IdentityFacts>;
  readonly plan: Fact<Pick<Plan, "digest" | "changes" | "empty">>;
  /** Of what the tier has now, before this promotion. */
  readonly drift: Fact<Drift>;
  readonly adoption: Fact<readonly NamesakeFacts[]>;
  /** How the candidate is rendered for staging and for prod; asked only on the way to prod. */
  readonly parity: Fact<ParityFacts>;
  /** What would be taken away, with what tells whether it may be. */
  readonly losses: Fact<readonly Loss[]>;
  /** What the tier's grant proof found. */
  readonly grants: Fact<readonly Finding[]>;
  /** Given where that proof was of the catalog itself alone: who proved what is in it. */
  readonly provedEarlier?: EarlierProof | undefined;
  readonly lock: Fact<LockFacts>;
  /** Runs at work of what the plan changes. */
  readonly activeRuns: Fact<ActiveRunsFacts>;
  /** What the tier's ledger keeps of decisions. It only adds: records can be deleted, so can nothing here be lifted. */
  readonly kept: Fact<KeptFacts>;
}
