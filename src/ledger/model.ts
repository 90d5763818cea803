/**
 * The ledger: what a tier has applied, kept in the tier as one JSON document. A cache for speed and recovery; it can be
 * rebuilt from tags and is never proof to another tier (design 2).
 */
import type { TierName } from "../contract/model.ts";
import { canonicalJson } from "../json.ts";
import type { Applied, AppliedResource } from "../release/change.ts";
import type { Artifact } from "../release/digest.ts";
import type { Hold } from "./holds.ts";

/** A release that was applied here, or is being applied. */
export interface LedgerRelease {
  /** Release digest, 64 hex. */
  readonly digest: string;
  readonly commit: string;
  /** Digest of the plan that led to it. */
  readonly plan: string;
  /** ISO time. */
  readonly at: string;
  readonly run: { readonly id: string; readonly attempt: number };
  /** Component digests by name: its folders follow from them. */
  readonly components: Readonly<Record<string, string>>;
  /** Wheels that were carried with it. */
  readonly artifacts: readonly Artifact[];
}

/** One change, written down before it is made: what a later run needs to finish it or to find what it left. */
export interface Intent {
  readonly key: string;
  readonly action: "create" | "update" | "replace" | "delete";
  /** The name to look for if the answer to a create was lost. */
  readonly name: string;
  /** What the resource shall be; undefined for a delete. The id is empty until it is known. */
  readonly target: AppliedResource | undefined;
  readonly done: boolean;
}

/** A release whose application has begun and not ended. */
interface Pending {
  readonly release: LedgerRelease;
  readonly intents: readonly Intent[];
  /** What runs before this one had begun and not ended: a resource may still be as one of them wanted it. */
  readonly left?: readonly Intent[];
}

/** What a tier knows of itself. */
export interface Ledger {
  /** Counts writes: the older of two copies is told by it. */
  readonly serial: number;
  readonly project: string;
  readonly tier: TierName;
  /** The last release that was applied whole. */
  readonly release: LedgerRelease | undefined;
  /** Its resources. */
  readonly resources: Applied;
  readonly pending: Pending | undefined;
  /** Releases that were applied whole, newest first; rollback chooses among them. */
  readonly history: readonly LedgerRelease[];
  /** The newest verdict on each release, newest first: a cache of the records, for speed and for people. */
  readonly verifications?: readonly LedgerVerification[];
  /** Releases that were rejected here and not accepted again: a copy of the records, which can be deleted. */
  readonly rejects?: readonly LedgerReject[];
  /** What a rollback left behind: ours by its mark, paused, and of no release that the tier has; by key. */
  readonly left?: ReadonlyMap<string, LeftResource>;
  /** Keys of what runs all the time and was not yet seen to run the release: the next promotion restarts it. */
  readonly unrolled?: readonly string[];
  /** What stands; a hold that was lifted is gone from here. */
  readonly holds: readonly Hold[];
}

/** A resource that stands and that no release declares any more. */
export interface LeftResource {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
}

/** A release that somebody found bad here. */
interface LedgerReject {
  /** Digest, 64 hex. */
  readonly release: string;
  readonly reason: string;
  /** GitHub login. */
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  readonly run: { readonly id: string; readonly attempt: number };
}

/** One verification of a release that the tier had. */
interface LedgerVerification {
  /** Release digest, 64 hex. */
  readonly release: string;
  /** ISO time at which it ended. */
  readonly at: string;
  readonly run: { readonly id: string; readonly attempt: number };
  readonly passed: boolean;
}

/** How many releases the history keeps, and how many verifications are kept. */
export const HISTORY = 50;

/** Every change that was begun and is not known to be over: those of earlier runs first. */
export function begunIntents(ledger: Pick<Ledger, "pending"> | undefined): readonly Intent[] {
  const { left = [], intents = [] } = ledger?.pending ?? {};
  return [...left, ...intents];
}

/** The pending of a run that takes up what others left: what they wanted is kept, unless this one wants the same. */
export function pendingOver(ledger: Ledger, release: LedgerRelease, intents: readonly Intent[]): Pending {
  const says = ({ key, target }: Intent): string =>
    canonicalJson([key, target === undefined ? null : { ...target, id: "", permissions: target.permissions ?? null }]);
  const known = new Set(intents.map(says));
  const left = begunIntents(ledger)
    .toReversed()
    .filter((intent) => {
      const what = says(intent);
      return !known.has(what) && known.add(what);
    })
    .toReversed();
  return left.length === 0 ? { release, intents } : { release, intents, left };
}

/** What the ledger knows of a release's verification; undefined if nothing. */
export function verdictOn(ledger: Ledger, release: string): LedgerVerification | undefined {
  return ledger.verifications?.find((one) => one.release === release);
}

/** The ledger of a tier that has applied nothing. */
export function emptyLedger(project: string, tier: TierName): Ledger {
  return {
    serial: 0,
    project,
    tier,
    release: undefined,
    resources: new Map(),
    pending: undefined,
    history: [],
    holds: [],
  };
}

/** True if nothing was ever applied by it: what people decided may stand in it all the same, as after a loss. */
export function saysNothing({ release, pending, resources, history }: Ledger): boolean {
  return release === undefined && pending === undefined && resources.size === 0 && history.length === 0;
}
