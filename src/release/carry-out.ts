/** The half of a promotion that writes: share, upload, apply, read back, ledger; and roll forward. */
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, isFailure, messageOf } from "../findings.ts";
import { together } from "../http/pool.ts";
import { type Hold, withoutGoals } from "../ledger/holds.ts";
import type { Lock } from "../ledger/lock.ts";
import { type LockedLedger, ledgerUnder } from "../ledger/locked.ts";
import { emptyLedger, HISTORY, type Ledger, type LedgerRelease } from "../ledger/model.ts";
import { componentFolder } from "../ledger/paths.ts";
import { shareFolder } from "../ledger/share.ts";
import type { Outcome } from "../report/promotion.ts";
import { underHolds } from "../schedules/holds.ts";
import type { Waiting } from "../waiting.ts";
import { applySteps } from "./apply.ts";
import type { Candidate } from "./candidate.ts";
import type { Applied } from "./change.ts";
import { failureFindings, type GoOn } from "./ending.ts";
import { leftAfter } from "./left.ts";
import { dueToRoll } from "./loops.ts";
import type { RunPhase } from "./phases.ts";
import type { Place } from "./place.ts";
import { verifyApplied } from "./read-back.ts";
import { type AtWork, rollForward, workBefore } from "./roll-forward.ts";
import { driftContext, resourcesAfter, type Standing } from "./standing.ts";
import type { Step } from "./step.ts";
import { type FolderState, uploadFolders } from "./upload.ts";

/** What is to be done, once everything has agreed to it. */
export interface Work extends Waiting {
  readonly workspace: Workspace;
  readonly place: Place;
  readonly candidate: Pick<Candidate, "commit" | "desired">;
  readonly standing: Standing;
  readonly folders: readonly FolderState[];
  readonly release: LedgerRelease;
  readonly lock: Lock;
  readonly phase: RunPhase;
  readonly log: { info(message: string): void; warning(message: string): void };
  readonly signal: AbortSignal;
  /** The release was here before, and what stopped half way is taken back. */
  readonly undoing?: boolean;
  /** How to go on from a failure, where that is not to promote the commit again. */
  readonly goOn?: GoOn;
}

/** Upload, apply, read back, ledger, roll forward. Never throws for what the tier did: the outcome says how far it came. */
export async function carryOut(work: Work): Promise<Outcome> {
  const { workspace, place, candidate, lock, phase } = work;
  const { tier } = place;
  const { steps, observation } = work.standing;
  const before = work.standing.ledger ?? emptyLedger(tier.project, tier.name);
  const ledger = ledgerUnder(lock, workspace, place.folder, before);
  const outcome = { uploaded: 0, done: [] as readonly string[], open: steps, findings: [] as readonly Finding[] };
  try {
    outcome.uploaded = await phase("upload", () => upload(work));
    // Outside prod nothing is restarted: its schedules are paused.
    const due =
      tier.schedules === "running" ? dueToRoll(work.standing.ledger, steps, candidate.desired, observation.live) : [];
    const atWork = await workBefore(workspace, due);
    const applied = await phase("apply", () => apply(work, before, ledger));
    outcome.done = applied.done;
    outcome.open = applied.open;
    if (applied.failure !== undefined) {
      await applied.written().catch(() => undefined); // one writer of the ledger at a time
      await saveQuietly(ledger, applied.ledger, work.log);
      throw applied.failure;
    }
    const resources = resourcesAfter(candidate.desired, applied.ledger, observation);
    [outcome.findings] = await phase("read back", () =>
      together([readBack(work, resources, applied.ledger.holds), applied.written()]),
    );
    if (outcome.findings.some(isFailure)) return outcome;
    await phase("ledger", async () => {
      await ledger.save({ ...ledgerAfter(work, applied.ledger), resources, unrolled: due.map(({ key }) => key) });
      // Whoever was overtaken in the middle of that write has not applied a release, and must not be recorded so.
      await lock.check();
    });
    if (due.length === 0) return outcome;
    // The release stays applied; that it does not run fails the promotion, and the ledger knows that it is due.
    const { findings, unrolled } = await phase("roll forward", () => roll(work, due, atWork, ledger));
    await saveQuietly(ledger, { ...ledger.current(), unrolled }, work.log);
    return { ...outcome, findings: [...outcome.findings, ...findings] };
  } catch (error) {
    return { ...outcome, findings: [...outcome.findings, ...failureFindings(work, error, outcome)] };
  }
}

/** Gives how many files went up. */
function upload({ workspace, place, folders, lock, log, signal }: Work): Promise<number> {
  const { tier, principal } = place;
  const access = { principal, readers: tier.readers, manager: tier.manager };
  return uploadFolders(workspace, folders, {
    tier: tier.name,
    check: () => lock.check(),
    share: () => shareFolder(workspace, place.folder, access),
    log,
    signal,
  });
}

function apply(work: Work, before: Ledger, ledger: LockedLedger): ReturnType<typeof applySteps> {
  const { workspace, place, release, lock, log, signal, pause } = work;
  const { steps, observation } = work.standing;
  return applySteps(workspace, steps, observation.live, before, {
    ...place,
    folder: (name, digest) => componentFolder(place.folder, name, digest),
    release,
    check: () => lock.check(),
    save: (next) => ledger.save(next),
    pause,
    log,
    signal,
  });
}

function readBack(work: Work, resources: Applied, holds: readonly Hold[]): Promise<readonly Finding[]> {
  const { workspace, place, pause, goOn } = work;
  return verifyApplied(workspace, resources, {
    ...driftContext(resources, { live: new Map() }, place, holds),
    rerun: goOn?.rerun,
    tier: place.tier.name,
    schedules: place.tier.schedules,
    pause,
  });
}

function roll(work: Work, due: readonly Step[], atWork: AtWork, ledger: LockedLedger): ReturnType<typeof rollForward> {
  return rollForward(work.workspace, due, atWork, {
    ...work,
    rerun: work.goOn?.rerun,
    tier: work.place.tier.name,
    written: ({ desired, live }) =>
      desired === undefined ? {} : underHolds(ledger.current().holds, { ...desired, id: live?.id }, desired.settings),
  });
}

/** The ledger of a tier that has the release whole, but for its resources. */
function ledgerAfter({ release, candidate, standing, place, ...work }: Work, applied: Ledger): Ledger {
  const { steps, observation } = standing;
  return {
    ...applied,
    release: samePlan(release, applied.release, standing),
    pending: undefined,
    left: leftAfter(observation, new Set(candidate.desired.map(({ key }) => key)), steps, place.tier),
    // What was put back was here before; and a tier that is whole again needs no hold for that it was not.
    history: (work.undoing ? applied.history : [release, ...applied.history]).slice(0, HISTORY),
    holds: heldAfter(applied.holds, work),
  };
}

/** A rollback goes on after this and ends itself; a promotion that went over one leaves nothing of it to be taken up. */
function heldAfter(holds: readonly Hold[], { goOn, undoing }: Pick<Work, "goOn" | "undoing">): readonly Hold[] {
  const others = holds.filter(({ origin }) => origin !== "promotion");
  return goOn === undefined && undoing !== true ? withoutGoals(others) : others;
}

/** A release that is there already came by the plan that was approved, and not by the empty one of a second attempt. */
function samePlan(release: LedgerRelease, had: LedgerRelease | undefined, { plan }: Standing): LedgerRelease {
  const same = plan.empty && had?.digest === release.digest && had.commit === release.commit;
  return same ? { ...release, plan: had.plan } : release;
}

async function saveQuietly(ledger: LockedLedger, next: Ledger, log: Work["log"]): Promise<void> {
  try {
    await ledger.save(next);
  } catch (error) {
    log.warning(
      `The ledger could not be written (${messageOf(error)}): the next run finds our resources by their tags.`,
    );
  }
}
