/**
 * Takes a tier back to a release that it had (design 7):
 *
 *   which one? → made again from its commit → lock → record → the tier is held, its schedules are paused → look again →
 *   upload what is gone → apply → read back → ledger → the prior mix of schedules → roll forward what runs all the time →
 *   end of the record
 *
 * Nothing is built, and nothing is deleted that the run does not name: what the old release does not know stays,
 * paused, and the ledger keeps it. The hold on the tier stays, too, until somebody resumes it.
 */
import type { RecordedTier } from "./contract/model.ts";
import { type Finding, FourTierError, isFailure, messageOf } from "./findings.ts";
import { type GoBackRequest, goBack } from "./go-back.ts";
import { together } from "./http/pool.ts";
import type { JsonObject } from "./json.ts";
import { withoutGoals } from "./ledger/holds.ts";
import { acquireLock, type Lock, lockFor, lockHolder, releaseQuietly } from "./ledger/lock.ts";
import { ledgerUnder } from "./ledger/locked.ts";
import type { LedgerRelease } from "./ledger/model.ts";
import { keptWheels } from "./release/again.ts";
import { type Candidate, contentsOf, ledgerRelease } from "./release/candidate.ts";
import { endRecord, type GoOn } from "./release/ending.ts";
import type { DeploymentRecord } from "./release/evidence.ts";
import { lookAt } from "./release/look.ts";
import { neededLedger } from "./release/lost-ledger.ts";
import { measured } from "./release/phases.ts";
import { type Place, placeOf } from "./release/place.ts";
import { changedMeanwhile, refusalsOf, unusedDeletes } from "./release/rollback-refusals.ts";
import { chooseTarget, type JudgedRelease, type Target } from "./release/rollback-target.ts";
import { unreadFindings } from "./release/upload.ts";
import { rollbackEvidence } from "./report/evidence.ts";
import type { ActionResult } from "./report/report.ts";
import { type RollbackView, rollbackJson, rollbackSummary } from "./report/rollback.ts";
import { isOfRollback } from "./rollback-holds.ts";
import { shortSha } from "./short-sha.ts";

/** Which tier is to go back, and how its releases are judged and made again. */
export interface RollbackRequest extends GoBackRequest {
  readonly tier: RecordedTier;
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  /** The release to go back to; empty means that of a rollback that has not ended, else the last verified one. */
  readonly to: string;
  /** Makes a release of the tier again from its commit. Throws FourTierError if it is not that release. */
  readonly again: (release: LedgerRelease) => Promise<Candidate>;
  readonly isAncestor: (ancestor: string, descendant: string) => Promise<boolean>;
  readonly judge: (release: LedgerRelease) => Promise<JudgedRelease>;
  /** Begins the record of this rollback; `from` is the release that is left. */
  readonly record: (release: LedgerRelease, from: string | undefined, description: string) => Promise<DeploymentRecord>;
  /** How long to wait for another run's lock, in milliseconds. */
  readonly lockWaitMs: number;
}

/** What a rollback gives back: the evidence is a document of its own. */
export interface RolledBack extends ActionResult {
  readonly evidence: JsonObject;
}

/** Rolls back; throws FourTierError before anything was written, and returns findings for everything after. */
export async function rollback(request: RollbackRequest): Promise<RolledBack> {
  const { workspace, log, now, run } = request;
  const tier = { ...request.tier, destructive: request.deletes };
  const place = placeOf(tier, request.principal);
  const { phases, phase } = measured(request);

  const [ledger, holder] = await together([neededLedger(workspace, place), lockHolder(workspace, place.folder)]);
  const runs = [run.runId, ...(holder === undefined ? [] : [holder.run])];
  const target = await phase("choose", () => chooseTarget({ ...request, tier: tier.name, ledger, runs }));
  const candidate = await request.again(target.release);
  log.info(`Rolling back to ${shortSha(candidate.commit)}, release ${shortSha(candidate.digest)}`);
  const wheels = await keptWheels(workspace, place, candidate);
  const contents = contentsOf(candidate, request.root, wheels, place.folder);
  const view = { workspace, place, candidate, contents, now };
  const before = await phase("look", () => lookAt(view, ledger, "used"));
  const refusals = refusalsOf(request, before, candidate, wheels);
  if (refusals.length > 0) throw new FourTierError(refusals);

  const lock = await phase("lock", () => acquireLock(workspace, place.folder, lockFor(request, request.lockWaitMs)));
  try {
    const locked = ledgerUnder(lock, workspace, place.folder, await neededLedger(workspace, place));
    const moved = changedMeanwhile(request, ledger, locked.current());
    if (moved.length > 0) throw new FourTierError(moved);
    const release = ledgerRelease(candidate, { plan: before.standing.plan.digest, run, at: now() });
    const description = `Rolling ${tier.name} back to ${shortSha(candidate.commit)}`;
    const record = await request.record(release, ledger.release?.digest, description);
    // From here on something may have been written: whatever happens is reported, and the record is ended.
    const goOn = goOnTo(candidate);
    const gone = await goBack(request, { place, candidate, wheels, view, before, release, lock, locked, phase, goOn });
    const findings = [...gone.outcome.findings, ...(await endRecord({ ...request, goOn }, record, gone.outcome))];
    if (!findings.some(isFailure)) await forgetGoal(request, place, lock);
    const held = locked.current().holds.some((hold) => hold.kind === "tier" && isOfRollback(hold));
    const said = [...takenUp(tier.name, target), ...unusedDeletes(request, before), ...findings];
    const from = ledger.release;
    const shown = { tier, target, candidate, from, before, ...gone, held, phases, deployment: record.id };
    return report(request, shown, said);
  } finally {
    await releaseQuietly(lock, log);
  }
}

/** The release is named: so it is the same one even if the ledger should be lost meanwhile. */
function goOnTo({ commit }: Candidate): GoOn {
  return {
    rerun: `run the rollback again, with to: ${shortSha(commit)}`,
    until: "Until then what is held stays held, and what is paused stays paused.",
  };
}

/**
 * It has come to its end, and the next one without a name goes further back. If that cannot be written, the next one
 * comes here once more, which does no harm.
 */
async function forgetGoal({ workspace, log }: RollbackRequest, place: Place, lock: Lock): Promise<void> {
  try {
    const locked = ledgerUnder(lock, workspace, place.folder, await neededLedger(workspace, place));
    await locked.save({ ...locked.current(), holds: withoutGoals(locked.current().holds) });
  } catch (error) {
    log.warning(`The ledger does not know yet that the rollback has ended: ${messageOf(error)}`);
  }
}

function report({ run, reason, now }: RollbackRequest, view: RollbackView, findings: readonly Finding[]): RolledBack {
  const { candidate, before, outcome } = view;
  return {
    findings: [...findings, ...unreadFindings(before.folders, view.tier.name)],
    outputs: {
      "release-digest": candidate.digest,
      "plan-digest": before.standing.plan.digest,
      commit: candidate.commit,
      changed: String(outcome.done.length > 0 || outcome.uploaded > 0),
      "deployment-id": view.deployment,
    },
    summary: rollbackSummary(view),
    report: rollbackJson(view),
    evidence: rollbackEvidence(view, { run, reason, findings, now: now() }),
  };
}

/** Says that nothing was chosen: a rollback that had not ended is ended. */
function takenUp(tier: string, { release, takenUp: hold }: Target): Finding[] {
  if (hold === undefined) return [];
  return [
    {
      id: "rollback/taken-up",
      severity: "notice",
      message: `The rollback of run ${hold.run.id} had not come to its end in ${tier}: this one goes to the same release, ${shortSha(release.commit)}.`,
      remedy: "To go to another release, name it with the input to.",
    },
  ];
}
