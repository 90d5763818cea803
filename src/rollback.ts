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
import type { Contract } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { RunContext } from "./environment.ts";
import { type Finding, FourTierError, isFailure, messageOf } from "./findings.ts";
import { together } from "./http/pool.ts";
import { withoutGoals } from "./ledger/holds.ts";
import { acquireLock, type Lock, lockHolder, releaseQuietly, type LockAccess, lockFor } from "./ledger/lock.ts";
import type { LockedLedger } from "./ledger/locked.ts";
import { type Ledger, type LedgerRelease, saysNothing } from "./ledger/model.ts";
import { componentFolder, tierFolder } from "./ledger/paths.ts";
import { readLedger, writeLedger } from "./ledger/store.ts";
import { goneWheels, type KeptArtifact, keptWheels } from "./release/again.ts";
import { type Candidate, contentsOf } from "./release/candidate.ts";
import { carryOut, endRecord, failureFindings, type GoOn, type RunPhase } from "./release/carry-out.ts";
import type { DeploymentRecord } from "./release/evidence.ts";
import { type Look, lookAt, type View } from "./release/look.ts";
import { dueToRoll, rollForward } from "./release/roll-forward.ts";
import { chooseTarget, type JudgedRelease, type Target } from "./release/rollback-target.ts";
import { unmarkedLosses } from "./release/losses.ts";
import type { Place } from "./release/standing.ts";
import { unreadFindings } from "./release/upload.ts";
import type { JsonObject } from "./json.ts";
import { rollbackEvidence } from "./report/evidence.ts";
import type { Outcome, Phase } from "./report/promotion.ts";
import { type RollbackView, rollbackJson, rollbackSummary } from "./report/rollback.ts";
import type { ActionResult } from "./report/report.ts";
import { giveBack, isOfRollback, pauseAll, withTierHeld } from "./rollback-holds.ts";
import { noLedger, type RecordedTier } from "./verify.ts";

export interface RollbackRequest extends LockAccess {
  readonly run: RunContext;
  readonly tier: RecordedTier;
  readonly contract: Contract;
  readonly workspace: Workspace;
  /** The application id that was authenticated and proven. */
  readonly principal: string;
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  /** The release to go back to; empty means that of a rollback that has not ended, else the last verified one. */
  readonly to: string;
  readonly reason: string;
  /** Keys that whoever started the run lets it delete or replace: what the contract lists is meant for going forward. */
  readonly deletes: readonly string[];
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
  const { workspace, log, now } = request;
  const tier = { ...request.tier, destructive: request.deletes };
  const place: Place = { tier, principal: request.principal, folder: tierFolder(request.principal, tier) };
  const phases: Phase[] = [];
  const phase: RunPhase = async (name, body) => {
    const started = now().getTime();
    log.info(`── ${name}`);
    try {
      return await body();
    } finally {
      phases.push({ name, milliseconds: now().getTime() - started });
    }
  };

  const [ledger, holder] = await together([ledgerOf(request, place), lockHolder(workspace, place.folder)]);
  const runs = [request.run.runId, ...(holder === undefined ? [] : [holder.run])];
  const target = await phase("choose", () => chooseTarget({ ...request, tier: tier.name, ledger, runs }));
  const candidate = await request.again(target.release);
  log.info(`Rolling back to ${candidate.commit.slice(0, 12)}, release ${candidate.digest.slice(0, 12)}`);
  const wheels = await keptWheels(workspace, place, candidate);
  const view = viewOf(request, place, candidate, wheels);
  const before = await phase("look", () => lookAt(view, ledger, "used"));
  const refusals = refusalsOf(request, before, candidate, wheels);
  if (refusals.length > 0) throw new FourTierError(refusals);

  const lock = await phase("lock", () => takeLock(request, place));
  try {
    const locked = await lockedLedger(request, place, lock);
    if (movedSince(request, ledger, locked.current())) throw new FourTierError(changedMeanwhile(tier.name));
    const release = releaseOf(request, candidate, before);
    const record = await request.record(
      release,
      ledger.release?.digest,
      `Rolling ${tier.name} back to ${candidate.commit.slice(0, 12)}`,
    );
    // From here on something may have been written: whatever happens is reported, and the record is ended.
    const goOn = goOnTo(candidate);
    const way = await goBack(request, { place, candidate, wheels, view, before, release, lock, locked, phase, goOn });
    const findings = [...way.outcome.findings, ...(await endRecord({ ...request, goOn }, record, way.outcome))];
    if (!findings.some(isFailure)) await forgetGoal(request, place, lock);
    const { outcome, left, reached } = way;
    const held = locked.current().holds.some((hold) => hold.kind === "tier" && isOfRollback(hold));
    const shown = { tier, target, candidate, from: ledger.release, before, outcome, left, reached, held, phases };
    const said = [...takenUp(tier.name, target), ...unusedDeletes(request, before), ...findings];
    return report(request, { ...shown, deployment: record.id }, said);
  } finally {
    await releaseQuietly(lock, log);
  }
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
async function goBack(request: RollbackRequest, going: Going): Promise<Gone> {
  const { tier } = request;
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

    const look = await phase("look again", () => lookAt(going.view, locked.current(), "used"));
    const { steps, left } = withoutUnlistedDeletes(request, look);
    gone.left = left;
    const refusals = refusalsOf(request, look, candidate, going.wheels);
    if (refusals.length > 0) throw new FourTierError(refusals);
    const standing = { ...look.standing, steps };
    const carried = await carryOut({ ...request, ...going, standing, folders: look.folders });
    gone.outcome = { ...carried, findings: [...gone.outcome.findings, ...carried.findings] };
    if (carried.findings.some(isFailure)) return gone;
    gone.reached = "applied";

    const failed = await phase("schedules", async () => {
      const ours = await lockedLedger(request, place, lock);
      const { live } = before.standing.observation; // as it was before all was paused
      if (found(await giveBack(request, ours, left))) return true;
      return found(await restart(request, { locked: ours, candidate, live, goOn: going.goOn }));
    });
    if (!failed) gone.reached = "end";
  } catch (error) {
    found(failureFindings({ ...going, standing: before.standing }, error, gone.outcome));
    request.log.warning(`The rollback of ${tier.name} did not come to its end: ${messageOf(error)}`);
  }
  return gone;
}

/** The release is named: so it is the same one even if the ledger should be lost meanwhile. */
function goOnTo({ commit }: Candidate): GoOn {
  return {
    rerun: `run the rollback again, with to: ${commit.slice(0, 12)}`,
    until: "Until then what is held stays held, and what is paused stays paused.",
  };
}

async function ledgerOf({ workspace, tier }: RollbackRequest, place: Place): Promise<Ledger> {
  const ledger = await readLedger(workspace, place.folder, { project: tier.project, tier: tier.name });
  if (ledger === undefined || saysNothing(ledger)) throw new FourTierError(noLedger(tier.name, place.folder));
  return ledger;
}

function viewOf(request: RollbackRequest, place: Place, candidate: Candidate, wheels: readonly KeptArtifact[]): View {
  const { workspace, root, now } = request;
  const folder = (name: string, digest: string): string => componentFolder(place.folder, name, digest);
  return { workspace, place, candidate, contents: contentsOf(candidate, root, wheels, folder), now };
}

/** What makes a rollback to this release impossible, all of it. */
function refusalsOf(
  { tier, deletes }: RollbackRequest,
  { standing, folders }: Look,
  candidate: Candidate,
  wheels: readonly KeptArtifact[],
): Finding[] {
  const unread = wheels.filter((wheel) => wheel.unread).map(({ name }) => name);
  return [
    ...standing.steps
      .filter(({ action, key }) => action === "replace" && !deletes.includes(key))
      .map(({ key, kind }) => replaces(tier.name, key, kind)),
    // What is named is taken away only if it carries our mark, as by a promotion.
    ...unmarkedLosses(
      standing.steps.filter(({ key }) => deletes.includes(key)),
      tier,
    ),
    ...standing.observation.namesakes
      .filter(({ adopted }) => !adopted)
      .map(({ key, name, id }) => nameTaken(tier.name, key, name, id)),
    ...folders.flatMap(({ content, missing }) =>
      missing
        .filter(({ path }) => unread.some((name) => path.endsWith(`/${name}`)))
        .map(({ path }) => wheelGone(tier.name, content.component, path)),
    ),
    ...goneWheels(candidate, wheels).map(({ component, name }) => wheelGone(tier.name, component, name)),
  ];
}

/** What the old release does not know is deleted only if the run names it; else it is left, and stays paused. */
function withoutUnlistedDeletes({ deletes }: RollbackRequest, { standing }: Look) {
  const left = standing.steps.filter(({ action, key }) => action === "delete" && !deletes.includes(key));
  return { left, steps: standing.steps.filter((step) => !left.includes(step)) };
}

function takeLock(request: RollbackRequest, place: Place): Promise<Lock> {
  return acquireLock(request.workspace, place.folder, lockFor(request, request.lockWaitMs));
}

/** The ledger under a lock that is ours already. */
async function lockedLedger(request: RollbackRequest, place: Place, lock: Lock): Promise<LockedLedger> {
  let ledger = await ledgerOf(request, place);
  return {
    current: () => ledger,
    save: async (next) => {
      await lock.check();
      ledger = await writeLedger(request.workspace, place.folder, { ...next, serial: ledger.serial });
    },
  };
}

function movedSince({ to }: RollbackRequest, before: Ledger, now: Ledger): boolean {
  return (
    before.release?.digest !== now.release?.digest ||
    before.pending?.release.run.id !== now.pending?.release.run.id ||
    (to === "" && newestGoal(before) !== newestGoal(now))
  );
}

function newestGoal({ holds }: Ledger): string | undefined {
  return holds.findLast(({ goal }) => goal !== undefined)?.goal;
}

/**
 * It has come to its end, and the next one without a name goes further back. If that cannot be written, the next one
 * comes here once more, which does no harm.
 */
async function forgetGoal(request: RollbackRequest, place: Place, lock: Lock): Promise<void> {
  try {
    const locked = await lockedLedger(request, place, lock);
    await locked.save({ ...locked.current(), holds: withoutGoals(locked.current().holds) });
  } catch (error) {
    request.log.warning(`The ledger does not know yet that the rollback has ended: ${messageOf(error)}`);
  }
}

/** What ran all the time before anything was paused: known also to the next run, if this one is killed. */
function owedBy({ standing: { ledger, steps, observation } }: Look, candidate: Candidate): readonly string[] {
  return dueToRoll(ledger, steps, candidate.desired, observation.live).map(({ key }) => key);
}

/** What runs all the time in prod runs the old release only once it was restarted: now that nothing holds it. */
async function restart(
  request: RollbackRequest,
  {
    locked,
    candidate,
    live,
    goOn,
  }: Pick<Look["standing"]["observation"], "live"> &
    Pick<Going, "candidate" | "goOn"> & { readonly locked: LockedLedger },
): Promise<readonly Finding[]> {
  const { tier, workspace } = request;
  if (tier.schedules !== "running") return [];
  const due = dueToRoll(locked.current(), [], candidate.desired, live);
  // Pipelines were stopped, and have started with the old release.
  const jobs = due.filter(({ kind }) => kind === "jobs");
  const rolled = await rollForward(workspace, jobs, new Map(), {
    ...request,
    rerun: goOn.rerun,
    tier: tier.name,
    written: ({ desired }) => desired?.settings ?? {},
  });
  await locked.save({ ...locked.current(), unrolled: rolled.unrolled });
  return rolled.findings;
}

function releaseOf({ run, now }: RollbackRequest, candidate: Candidate, { standing }: Look): LedgerRelease {
  return {
    digest: candidate.digest,
    commit: candidate.commit,
    plan: standing.plan.digest,
    at: now().toISOString(),
    run: { id: run.runId, attempt: run.runAttempt },
    components: Object.fromEntries(candidate.components.map(({ name, digest }) => [name, digest])),
    artifacts: candidate.artifacts.map(({ name, sha256 }) => ({ name, sha256 })),
  };
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

function replaces(tier: string, key: string, kind: string): Finding {
  return {
    id: "rollback/destructive",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `To go back, ${key} would have to be deleted and made anew: the release changed what cannot be changed back.`,
    why:
      kind === "pipelines"
        ? "A new pipeline does not take over the tables of the old one."
        : "What it holds would be lost.",
    remedy: `If that is wanted, run the rollback again with delete: ${key}; else fix it with a new commit.`,
  };
}

function nameTaken(tier: string, key: string, name: string, id: string): Finding {
  return {
    id: "rollback/name-taken",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} is gone, and ${id} has its name, "${name}", and is not ours.`,
    remedy: "Rename or delete the other one, then run the rollback again.",
  };
}

function wheelGone(tier: string, component: string, path: string): Finding {
  return {
    id: "rollback/content-gone",
    severity: "error",
    where: { kind: "resource", tier, key: component },
    message: `${path} of ${component} is not in ${tier} any more, and nothing else has its bytes.`,
    why: "Files come from git again, and the digest proves them; a wheel is built once and is not in git.",
    remedy:
      "Choose another release, or revert on the default branch and promote the revert, which builds the wheel anew.",
  };
}

/** Says that nothing was chosen: a rollback that had not ended is ended. */
function takenUp(tier: string, { release, takenUp: hold }: Target): Finding[] {
  if (hold === undefined) return [];
  return [
    {
      id: "rollback/taken-up",
      severity: "notice",
      message: `The rollback of run ${hold.run.id} had not come to its end in ${tier}: this one goes to the same release, ${release.commit.slice(0, 12)}.`,
      remedy: "To go to another release, name it with the input to.",
    },
  ];
}

/** A key that was mistyped would else be taken for one that was deleted. */
function unusedDeletes({ tier, deletes }: RollbackRequest, { standing }: Look): Finding[] {
  const taken = new Set(
    standing.steps.flatMap(({ key, action }) => (action === "delete" || action === "replace" ? [key] : [])),
  );
  return deletes
    .filter((key) => !taken.has(key))
    .map((key) => ({
      id: "rollback/delete-unused",
      severity: "warning",
      where: { kind: "resource", tier: tier.name, key },
      message: `The input delete names ${key}, and this rollback had nothing to delete or replace under that key.`,
      remedy: "Nothing, if it was gone already. Else look whether the key is written as in the bundle.",
    }));
}

function changedMeanwhile(tier: string): Finding {
  return {
    id: "rollback/changed-meanwhile",
    severity: "error",
    message: `${tier} was promoted to while the rollback waited for the lock; nothing was written.`,
    remedy: "Look at what it has now, and run the rollback again if it is still wanted.",
  };
}
