/** The half of a promotion that writes: share, upload, apply, read back, ledger; and the end of its record. */
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure, messageOf } from "../findings.ts";
import { together } from "../http/pool.ts";
import { type Hold, withoutGoals } from "../ledger/holds.ts";
import type { Lock } from "../ledger/lock.ts";
import { type LockedLedger, ledgerUnder } from "../ledger/locked.ts";
import { emptyLedger, HISTORY, type Ledger, type LedgerRelease } from "../ledger/model.ts";
import { componentFolder } from "../ledger/paths.ts";
import { shareFolder } from "../ledger/share.ts";
import type { Outcome } from "../report/promotion.ts";
import { underHolds } from "../schedules/holds.ts";
import { shortSha } from "../short-sha.ts";
import type { Waiting } from "../waiting.ts";
import { applySteps } from "./apply.ts";
import type { Candidate } from "./candidate.ts";
import type { DeploymentRecord } from "./evidence.ts";
import { leftAfter } from "./left.ts";
import { dueToRoll } from "./loops.ts";
import type { RunPhase } from "./phases.ts";
import type { Place } from "./place.ts";
import { verifyApplied } from "./read-back.ts";
import { rollForward, workBefore } from "./roll-forward.ts";
import { driftContext, resourcesAfter, type Standing } from "./standing.ts";
import { type FolderState, uploadFolders } from "./upload.ts";

/** Milliseconds between attempts to end the record. */
const RECORD_AGAIN = [1_000, 4_000];

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

/** What is to be run again after a failure; the run that does it takes up what this one left. */
export interface GoOn {
  /** A clause without a full stop: `run the rollback again`. */
  readonly rerun: string;
  /** What is so until then, as sentences. */
  readonly until: string;
}

/** Upload, apply, read back, ledger. Never throws for what the tier did: the outcome says how far it came. */
export async function carryOut(work: Work): Promise<Outcome> {
  const { workspace, place, candidate, release, lock, phase, signal, log, pause } = work;
  const { tier } = place;
  const { steps, observation } = work.standing;
  const before = work.standing.ledger ?? emptyLedger(tier.project, tier.name);
  const ledger = ledgerUnder(lock, workspace, place.folder, before);
  const outcome = { uploaded: 0, done: [] as readonly string[], open: steps, findings: [] as readonly Finding[] };
  try {
    const access = { principal: place.principal, readers: tier.readers, manager: tier.manager };
    outcome.uploaded = await phase("upload", () =>
      uploadFolders(workspace, work.folders, {
        tier: tier.name,
        check: () => lock.check(),
        share: () => shareFolder(workspace, place.folder, access),
        log,
        signal,
      }),
    );
    // Outside prod nothing is restarted: its schedules are paused.
    const due =
      tier.schedules === "running" ? dueToRoll(work.standing.ledger, steps, candidate.desired, observation.live) : [];
    const atWork = await workBefore(workspace, due);
    const applied = await phase("apply", () =>
      applySteps(workspace, steps, observation.live, before, {
        ...place,
        folder: (name, digest) => componentFolder(place.folder, name, digest),
        release,
        check: () => lock.check(),
        save: (next) => ledger.save(next),
        pause,
        log,
        signal,
      }),
    );
    outcome.done = applied.done;
    outcome.open = applied.open;
    if (applied.failure !== undefined) {
      await applied.written().catch(() => undefined); // one writer of the ledger at a time
      await saveQuietly(ledger, applied.ledger, log);
      throw applied.failure;
    }
    const resources = resourcesAfter(candidate.desired, applied.ledger, observation);
    [outcome.findings] = await phase("read back", () =>
      together([
        verifyApplied(workspace, resources, {
          ...driftContext(resources, { live: new Map() }, place, applied.ledger.holds),
          rerun: work.goOn?.rerun,
          tier: tier.name,
          schedules: tier.schedules,
          pause,
        }),
        applied.written(),
      ]),
    );
    if (outcome.findings.some(isFailure)) return outcome;
    await phase("ledger", async () => {
      await ledger.save({
        ...applied.ledger,
        release: samePlan(release, applied.ledger.release, work.standing),
        resources,
        pending: undefined,
        left: leftAfter(observation, new Set(candidate.desired.map(({ key }) => key)), steps, tier),
        unrolled: due.map(({ key }) => key),
        // What was put back was here before; and a tier that is whole again needs no hold for that it was not.
        history: (work.undoing ? applied.ledger.history : [release, ...applied.ledger.history]).slice(0, HISTORY),
        holds: heldAfter(applied.ledger.holds, work),
      });
      // Whoever was overtaken in the middle of that write has not applied a release, and must not be recorded so.
      await lock.check();
    });
    if (due.length === 0) return outcome;
    // The release stays applied; that it does not run fails the promotion, and the ledger knows that it is due.
    const { findings, unrolled } = await phase("roll forward", () =>
      rollForward(workspace, due, atWork, {
        ...work,
        rerun: work.goOn?.rerun,
        tier: tier.name,
        written: ({ desired, live }) =>
          desired === undefined
            ? {}
            : underHolds(ledger.current().holds, { ...desired, id: live?.id }, desired.settings),
      }),
    );
    await saveQuietly(ledger, { ...ledger.current(), unrolled }, log);
    return { ...outcome, findings: [...outcome.findings, ...findings] };
  } catch (error) {
    return { ...outcome, findings: [...outcome.findings, ...failureFindings(work, error, outcome)] };
  }
}

/** A rollback goes on after this and ends itself; a promotion that went over one leaves nothing of it to be taken up. */
function heldAfter(holds: readonly Hold[], { goOn, undoing }: Work): readonly Hold[] {
  const others = holds.filter(({ origin }) => origin !== "promotion");
  return goOn === undefined && undoing !== true ? withoutGoals(others) : others;
}

/** A release that is there already came by the plan that was approved, and not by the empty one of a second attempt. */
function samePlan(release: LedgerRelease, had: LedgerRelease | undefined, { plan }: Standing): LedgerRelease {
  const same = plan.empty && had?.digest === release.digest && had.commit === release.commit;
  return same ? { ...release, plan: had.plan } : release;
}

/** What stopped the work halfway, and how to go on from there. */
export function failureFindings(
  { place: { tier }, candidate, standing, goOn }: Pick<Work, "place" | "candidate" | "standing" | "goOn">,
  error: unknown,
  { done, open }: Pick<Outcome, "done" | "open">,
): Finding[] {
  const cause: readonly Finding[] =
    error instanceof FourTierError
      ? error.findings.map((finding) => (goOn === undefined ? finding : asOfRollback(finding, goOn)))
      : [
          {
            id: "suite/defect",
            severity: "error",
            message: `The work failed in a way that the suite does not know: ${messageOf(error)}`,
            remedy: "Re-run with debug logging; if it happens again, open an issue with the log.",
          },
        ];
  const all = done.length + open.length;
  const had = standing.ledger?.release;
  return [
    ...cause,
    {
      id: "promote/unfinished",
      severity: "error",
      message: `${done.length} of ${all} changes were applied to ${tier.name}${open.length === 0 ? "" : `; not applied: ${open.map((step) => step.key).join(", ")}`}.`,
      why: "The ledger knows which: nothing is made twice.",
      remedy:
        goOn === undefined
          ? tier.name === "sandbox"
            ? "Fix the cause and deploy again."
            : `To go on, fix the cause and promote ${shortSha(candidate.commit)} again. To go back, run rollback.yml${had === undefined ? "" : ` for ${tier.name}, to ${shortSha(had.commit)}`}.`
          : `To go on, fix the cause and ${goOn.rerun}: it takes up its own work. ${goOn.until}`,
    },
  ];
}

/** What promotions and rollbacks share is told in a promotion's words. */
function asOfRollback(finding: Finding, { rerun, until }: GoOn): Finding {
  if (finding.id !== "promote/cancelled") return finding;
  return { ...finding, id: "rollback/cancelled", remedy: `To go on, ${rerun}: it takes up its own work. ${until}` };
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

/** Ends the record; a status that is sent twice does no harm, and one that never came would keep the next tier shut. */
export async function endRecord(
  { pause, signal, goOn }: Pick<Work, "pause" | "signal" | "goOn">,
  record: DeploymentRecord,
  outcome: Outcome,
): Promise<readonly Finding[]> {
  const failed = outcome.findings.some(isFailure);
  const applied = `${outcome.done.length} of ${outcome.done.length + outcome.open.length} changes applied${outcome.undone === undefined ? "" : ", then all undone: the tier has what it had before"}`;
  for (const wait of [...RECORD_AGAIN, undefined]) {
    try {
      await record.finish(failed ? "failure" : "success", failed ? applied : `${applied} and read back equal`);
      return [];
    } catch (error) {
      if (wait !== undefined) {
        await pause(wait, signal);
        continue;
      }
      return [
        {
          id: "promote/not-recorded",
          severity: failed ? "warning" : "error",
          message: `GitHub did not take the end of Deployment ${record.id}: ${messageOf(error)}`,
          why: "The next tier believes only what is recorded.",
          remedy: `To have it recorded, ${goOn?.rerun ?? "promote the same commit again"}: it finds nothing to do and records that.`,
        },
      ];
    }
  }
  return [];
}
