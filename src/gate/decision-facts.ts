/** What was decided and verified, as the gate sees it: by records that were held against their runs, and by the tier's ledger. */
import type { RecordOf } from "../release/evidence.ts";
import type { JudgedRecord } from "./evidence-facts.ts";

/**
 * How much is looked at to answer one question: beyond so many Deployments of a tier nobody can say what was decided, and
 * forged records must not cost an hour's requests for runs.
 */
export const MOST = { listed: 1000, judged: 20 } as const;

/** What was looked at to answer one question, and what of it cannot be used. */
export interface Judging {
  /** Not believed. */
  readonly doubted: readonly JudgedRecord[];
  /** Made by a suite that was pinned then, and is not any more. */
  readonly outdated: readonly JudgedRecord[];
  /** Nobody can say: the run behind it could not be read. */
  readonly unread: readonly JudgedRecord[];
  /** False if there was more than is looked at. */
  readonly whole: boolean;
}

/** Verifications of one release. */
export interface VerificationFacts extends Judging {
  /** The newest that failed. */
  readonly failed: JudgedRecord<RecordOf<"verification">> | undefined;
  /** Of those that passed after it, oldest first: the newest, as many as are asked for, and the oldest that counts. */
  readonly passed: readonly JudgedRecord<RecordOf<"verification">>[];
}

/** What became of a release in the tier below. */
export interface BelowFacts {
  /** What that tier has now, by the newest record that is believed; undefined if none is. */
  readonly now: { readonly commit: string; readonly release: string } | undefined;
  /** The newest rollback that took the tier from the release to another. */
  readonly left:
    | {
        /** ISO: when its job ended. */
        readonly at: string;
        /** The commit that it went to. */
        readonly to: string;
        readonly reason: string;
        readonly by: string | undefined;
        readonly run: { readonly id: string; readonly url: string | undefined };
      }
    | undefined;
}

/** Estate proofs of one tier. */
export interface AuditFacts extends Judging {
  /** The newest that is believed, however it ended. */
  readonly newest: JudgedRecord<RecordOf<"estate">> | undefined;
}

/** Rejects of one release. */
export interface RejectFacts extends Judging {
  /** What stands, in any tier. */
  readonly standing: readonly JudgedRecord<RecordOf<"reject">>[];
  /** What was lifted. */
  readonly lifted: readonly JudgedRecord<RecordOf<"accept">>[];
}

/** Holds of one tier, of the kind tier. */
export interface HoldFacts extends Judging, ClosedBy {
  /** Not lifted, expired ones included. */
  readonly standing: readonly JudgedRecord<RecordOf<"hold">>[];
  /** What lifted those before. */
  readonly resumed: JudgedRecord<RecordOf<"resume">> | undefined;
}

/** What keeps a tier closed beside records of holds; read only where the tier's ledger, which has it too, is not. */
export interface ClosedBy {
  readonly rolledBack?: RolledBack;
  readonly halfWay?: HalfWay;
  /**
   * The commit of the newest promotion that stopped half way and held the tier, resumed since or not: parts of it may
   * be there.
   */
  readonly partly?: string;
}

/** A promotion that stopped half way and holds the tier against every other release, as its run says. */
export interface HalfWay extends RolledBack {
  /** The release that may enter all the same. */
  readonly release: string;
}

/** A rollback that a run bears out, and after which nobody resumed the tier. */
export interface RolledBack {
  /** Said as in the tier's own hold. */
  readonly reason: string;
  /** GitHub login. */
  readonly by: string;
  /** ISO: when its job ended. */
  readonly at: string;
  readonly run: { readonly id: string; readonly attempt: number; readonly url: string };
}

/** Runs that open-approval.yml opened. */
export interface OpeningFacts extends Judging {
  /** Runs that were started for this release and this tier. */
  readonly opened: readonly JudgedRecord<RecordOf<"opening">>[];
}

/** Approvals of digests, given by runs of operate.yml. */
export interface CollectedFacts extends Judging {
  readonly approved: readonly {
    readonly record: JudgedRecord<RecordOf<"approval">>;
    /** Undefined where GitHub does not say. */
    readonly mayWrite: boolean | undefined;
  }[];
}

/** What the tier's ledger keeps of decisions. */
export interface KeptFacts {
  readonly holds: readonly KeptHold[];
  readonly rejects: readonly KeptReject[];
}

/** A hold of the kind tier. */
interface KeptHold {
  readonly reason: string;
  readonly by: string;
  /** ISO times. */
  readonly at: string;
  readonly until: string | undefined;
  readonly runId: string;
  /** The one release that may enter all the same: its own promotion stopped half way. */
  readonly release?: string;
}

/** A reject, as the ledger keeps it. */
export interface KeptReject {
  readonly release: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
  readonly runId: string;
}
