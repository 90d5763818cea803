/**
 * The half of a rollback that writes:
 *
 *   hold the tier → pause its schedules → look again → upload what is gone, apply, read back → give the schedules back →
 *   roll forward what runs all the time
 */
import { type Finding, FourTierError, isFailure, messageOf } from "./findings.ts";
import type { Lock, LockAccess } from "./ledger/lock.ts";
import { type LockedLedger, ledgerUnder } from "./ledger/locked.ts";
import type { LedgerRelease } from "./ledger/model.ts";
import type { KeptArtifact } from "./release/again.ts";
import type { Candidate } from "./release/candidate.ts";
import { carryOut } from "./release/carry-out.ts";
import { endLoopsOf } from "./release/end-loop.ts";
import { failureFindings, type GoOn } from "./release/ending.ts";
import { type Look, lookAt, type View } from "./release/look.ts";
import { dueToRoll } from "./release/loops.ts";
import { neededLedger } from "./release/lost-ledger.ts";
import type { RunPhase } from "./release/phases.ts";
import type { Place } from "./release/place.ts";
import { type AtWork, rollForward, workBefore } from "./release/roll-forward.ts";
import { refusalsOf, withoutUnlistedDeletes } from "./release/rollback-refusals.ts";
import type { Outcome } from "./report/promotion.ts";
import type { RollbackView } from "./report/rollback.ts";
import { giveBack, type Holding, pauseAll, withTierHeld } from "./rollback-holds.ts";

/** What of a rollback's request the work needs. */
export interface GoBackRequest extends Holding, LockAccess {
  readonly run: Holding["run"];
  readonly log: LockAccess["log"];
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** Keys that whoever started the run lets it delete or replace: what the contract lists is meant for going forward. */
  readonly deletes: readonly string[];
}

/** What is done under the lock, once nothing speaks against it. */
interface Going {
  readonly place: Place;
  readonly candidate: Candidate;
  readonly wheels: readonly KeptArtifact[];
  readonly view: View;
  /** The tier before anything was done. */
  readonly before: Look;
  readonly release: LedgerRelease;
  readonly lock: Lock;
  readonly locked: LockedLedger;
  readonly phase: RunPhase;
  readonly goOn: GoOn;
}

/** How far it came, and what the old release does not know and was left. */
interface Gone extends Pick<RollbackView, "reached" | "left"> {
  readonly outcome: Outcome;
}

/** Holds, pauses, goes back, gives back. Never throws: what went wrong is among the outcome's findings. */
export async function goBack(request: GoBackRequest, going: Going): Promise<Gone> {
  const { tier, workspace } = request;
  const { place, candidate, before, locked, lock, phase } = going;
  const due = withoutUnlistedDeletes(request, before);
  const gone: { -readonly [Key in keyof Gone]: Gone[Key] } = {
    reached: "nothing",
    left: due.left,
    outcome: { uploaded: 0, done: [], open: due.steps, findings: [] },
  };
  const found = (findings: readonly Finding[]): boolean => {
    gone.outcome = { ...gone.outcome, findings: [...gone.outcome.findings, ...findings] };
    return findings.some(isFailure);
  };
  try {
    await locked.save({ ...withTierHeld(request, locked.current(), candidate), unrolled: owedBy(before, candidate) });
    const paused = await phase("pause", () => pauseAll(request, locked, candidate));
    if (paused.some(isFailure)) throw new FourTierError(paused);
    found(paused);
    gone.reached = "paused";
    if (tier.schedules === "running") found(await phase("loops", () => endLoopsLeft(request, before, due.left)));
    const atWork = await loopsAtWork(request, going);

    const look = await phase("look again", () => lookAt(going.view, locked.current(), "used"));
    const { steps, left } = withoutUnlistedDeletes(request, look);
    gone.left = left;
    const refusals = refusalsOf(request, look, candidate, going.wheels);
    if (refusals.length > 0) throw new FourTierError(refusals);
    const standing = { ...look.standing, steps };
    const carried = await carryOut({ ...request, ...going, standing, folders: look.folders });
    // A loop that could not be ended is tried again below, and keeps no schedule from being given back.
    const told = carried.findings.filter((finding) => !isOfLoop(finding));
    gone.outcome = { ...carried, findings: [...gone.outcome.findings, ...told] };
    if (told.some(isFailure)) return gone;
    gone.reached = "applied";

    const failed = await phase("schedules", async () => {
      const ours = ledgerUnder(lock, workspace, place.folder, await neededLedger(workspace, place));
      if (found(await giveBack(request, ours, left))) return true;
      return found(await restart(request, going, ours, atWork));
    });
    if (!failed) gone.reached = "end";
  } catch (error) {
    found(failureFindings({ ...going, standing: before.standing }, error, gone.outcome));
    request.log.warning(`The rollback of ${tier.name} did not come to its end: ${messageOf(error)}`);
  }
  return gone;
}

/** What is left behind is paused by now; what ran all the time of it is at work still. */
function endLoopsLeft(request: GoBackRequest, { standing }: Look, left: Gone["left"]): Promise<readonly Finding[]> {
  const { tier, workspace } = request;
  return endLoopsOf(workspace, left, standing.observation.live, { ...request, tier: tier.name });
}

/** What ran all the time before anything was paused: known also to the next run, if this one is killed. */
function owedBy({ standing: { ledger, steps, observation } }: Look, candidate: Candidate): readonly string[] {
  return dueToRoll(ledger, steps, candidate.desired, observation.live).map(({ key }) => key);
}

/** What is at work of the loops that are to end: told from later runs also after their settings are written. */
async function loopsAtWork({ tier, workspace }: GoBackRequest, { before, candidate, locked }: Going): Promise<AtWork> {
  if (tier.schedules !== "running") return new Map();
  return workBefore(workspace, dueToRoll(locked.current(), [], candidate.desired, before.standing.observation.live));
}

/** Whether it is of a job's loop that is to end. */
function isOfLoop({ id, where }: Finding): boolean {
  return id === "promote/loop-goes-on" && where?.kind === "resource" && where.key.startsWith("jobs.");
}

/** What runs all the time in prod runs the old release only once it was restarted: now that nothing holds it. */
async function restart(
  request: GoBackRequest,
  { candidate, goOn, before }: Going,
  locked: LockedLedger,
  atWork: AtWork,
): Promise<readonly Finding[]> {
  const { tier, workspace } = request;
  if (tier.schedules !== "running") return [];
  const { live } = before.standing.observation; // as it was before all was paused
  const due = dueToRoll(locked.current(), [], candidate.desired, live);
  // Pipelines were stopped, and have started with the old release.
  const jobs = due.filter(({ kind }) => kind === "jobs");
  const rolled = await rollForward(workspace, jobs, atWork, {
    ...request,
    rerun: goOn.rerun,
    tier: tier.name,
    written: ({ desired }) => desired?.settings ?? {},
  });
  await locked.save({ ...locked.current(), unrolled: rolled.unrolled });
  return rolled.findings;
}
