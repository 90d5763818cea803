/** The ledger of a tier that is to be verified: once nobody promotes, and whether it is the same after the verification. */
import type { RecordedTier } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { type LockAccess, lockHolder } from "../ledger/lock.ts";
import type { Ledger, LedgerRelease } from "../ledger/model.ts";
import { shortSha } from "../short-sha.ts";
import { noLedger } from "./lost-ledger.ts";
import { ledgerAt, type Place } from "./place.ts";

/** Whose ledger is asked for, and with what a promotion that is under way is waited for. */
interface AtRestRequest extends LockAccess {
  readonly tier: RecordedTier;
  readonly workspace: Workspace;
  /** The release that the tier must have, 64 hex; empty means whatever it has. */
  readonly expected: string;
}

/** How long to wait for a promotion that is under way, and how often to look, in milliseconds. */
const PROMOTION_WAIT_MS = 600_000;
const LOOK_MS = 5_000;

/**
 * The tier's ledger and its release, once nobody promotes any more. Throws FourTierError if there is none, if it is
 * another than was expected, and for a promotion that stopped half way or goes on for too long.
 */
export async function whatItHas(
  request: AtRestRequest,
  place: Place,
): Promise<{ readonly ledger: Ledger; readonly release: LedgerRelease }> {
  const { tier, expected } = request;
  const ledger = await ledgerAtRest(request, place);
  const release = ledger?.release;
  if (ledger === undefined || release === undefined) throw new FourTierError(noLedger(tier.name, place.folder));
  if (expected !== "" && expected !== release.digest) {
    throw new FourTierError(otherRelease(tier.name, expected, release));
  }
  return { ledger, release };
}

/**
 * The ledger when nobody promotes any more. Throws FourTierError for a promotion that stopped half way, that goes on for
 * too long, or that brings another release than the one that is to be verified.
 */
async function ledgerAtRest(request: AtRestRequest, place: Place): Promise<Ledger | undefined> {
  const { workspace, tier, expected, log, signal, now, pause } = request;
  const read = () => ledgerAt(workspace, place);
  const until = now().getTime() + PROMOTION_WAIT_MS;
  let ledger = await read();
  for (let said = false; ledger?.pending !== undefined; said = true) {
    const { release } = ledger.pending;
    if (expected !== "" && expected !== release.digest) {
      throw new FourTierError(otherRelease(tier.name, expected, release));
    }
    const holder = await lockHolder(workspace, place.folder);
    const atWork = holder !== undefined && (await request.runHasEnded(holder.run, holder.attempt)) !== true;
    if (atWork && !said) log.info(`Waiting for run ${holder.run}, which changes ${tier.name}.`);
    if (atWork && now().getTime() < until && !signal.aborted) await pause(LOOK_MS, signal);
    const next = await read();
    // Whoever held the lock may have let go of it, and another taken it, between two answers.
    const same = next?.pending?.release.run.id === release.run.id && next.pending.release.at === release.at;
    if (same && (!atWork || now().getTime() >= until || signal.aborted)) {
      throw new FourTierError(unfinished(tier.name, release));
    }
    ledger = next;
  }
  return ledger;
}

/** A finding if somebody promoted since `before` was read: it is unclear then what the jobs have seen. */
export async function changedMeanwhile(
  workspace: Workspace,
  place: Place,
  before: Ledger,
): Promise<Finding | undefined> {
  const now = await ledgerAt(workspace, place);
  const same =
    now?.pending === undefined &&
    now?.release?.digest === before.release?.digest &&
    now?.release?.at === before.release?.at;
  if (same) return undefined;
  return {
    id: "verify/changed-meanwhile",
    severity: "error",
    message: `${place.tier.name} was promoted to, or rolled back, while it was being verified.`,
    why: "Nobody can say which release the jobs have seen, so this counts neither for nor against one.",
    remedy: "Verify again.",
  };
}

function unfinished(tier: string, { commit, run }: LedgerRelease): Finding {
  return {
    id: "ledger/unfinished",
    severity: "error",
    message: `The promotion of ${shortSha(commit)} to ${tier} (run ${run.id}) has not ended.`,
    why: "Part of the tier is of one release and part of another.",
    remedy: `Promote ${shortSha(commit)} again to finish it, or go back with rollback.yml.`,
  };
}

function otherRelease(tier: string, expected: string, { digest, commit }: LedgerRelease): Finding {
  return {
    id: "verify/other-release",
    severity: "error",
    message: `${tier} has release ${shortSha(digest)} (commit ${shortSha(commit)}) by now, not ${shortSha(expected)}.`,
    remedy: "Start the verification again: it takes what the tier has then.",
  };
}
