/**
 * Verifies what a tier has (design 7):
 *
 *   what has it? → is it that, whole? → run what the contract names → did it change meanwhile? → record → cache
 *
 * No lock is held while jobs run: what is verified stays what it is unless somebody promotes, and then this verification
 * counts for nothing and says so. One that begins while somebody promotes waits until that has ended.
 */
import type { RecordedTier, Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { RunContext } from "./environment.ts";
import { type Finding, FourTierError, messageOf } from "./findings.ts";
import { type LockAccess, lockFor, lockHolder } from "./ledger/lock.ts";
import { withLedger } from "./ledger/locked.ts";
import { HISTORY, type Ledger, type LedgerRelease, verdictOn } from "./ledger/model.ts";
import { goneWheels, keptWheels } from "./release/again.ts";
import { type Candidate, contentsOf } from "./release/candidate.ts";
import { madeBy } from "./release/evidence.ts";
import type { RecordInput } from "./release/evidence.ts";
import { fieldText } from "./release/fields.ts";
import { glance } from "./release/glance.ts";
import { type Look, lookAt } from "./release/look.ts";
import { noLedger } from "./release/lost-ledger.ts";
import { owedNow } from "./release/roll-forward.ts";
import { ledgerAt, type Place, placeOf } from "./release/place.ts";
import { unreadFindings } from "./release/upload.ts";
import { runVerification, type Verification, type VerificationPolicy } from "./release/verification.ts";
import { verificationJson, verificationSummary } from "./report/verification.ts";
import type { ActionResult } from "./report/report.ts";
import { shortSha } from "./short-sha.ts";

export interface VerifyRequest extends LockAccess {
  readonly run: RunContext;
  readonly tier: RecordedTier;
  readonly workspace: Workspace;
  /** The application id that was authenticated and proven. */
  readonly principal: string;
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  /** What to run: the default branch's word. */
  readonly policy: VerificationPolicy;
  /** The release that the tier must have, 64 hex; empty means whatever it has. */
  readonly expected: string;
  /** Compare live state whole and every byte of the release's folders, not only what lists show. */
  readonly deep: boolean;
  /** Makes a release of the tier again from its commit. Throws FourTierError if it is not that release. */
  readonly again: (release: LedgerRelease) => Promise<Candidate>;
  /** Records the verification outside the tier; gives the record's id. */
  readonly record: (commit: string, payload: RecordInput<"verification">, description: string) => Promise<string>;
}

/** How long the cache in the ledger is worth waiting for, in milliseconds. */
const CACHE_WAIT_MS = 60_000;
/** How long to wait for a promotion that is under way, and how often to look, in milliseconds. */
const PROMOTION_WAIT_MS = 600_000;
const LOOK_MS = 5_000;

/** Verifies, records it, and says what failed. Throws FourTierError if there is nothing that could be verified. */
export async function verify(request: VerifyRequest): Promise<ActionResult> {
  const { tier, workspace, log } = request;
  const place = placeOf(tier, request.principal);
  const { ledger, release } = await whatItHas(request, place);
  log.info(`${tier.name} has ${shortSha(release.commit)}, release ${shortSha(release.digest)}`);

  const candidate = await request.again(release);
  const look = await lookFor(request, place, ledger, candidate);
  const owed = owedNow(tier, ledger, candidate.desired, look.standing.observation.live);
  const unlike = [...notWhole(look, tier.name), ...owed.map(({ key }) => mayRunOld(tier.name, key))];
  const verification =
    unlike.length > 0
      ? { steps: [], findings: unlike, verdict: "failed" as const }
      : await runVerification(workspace, request.policy, ledger.resources, {
          ...request,
          tier: tier.name,
          token: { release: release.digest, run: request.run.runId, attempt: request.run.runAttempt },
        });

  const moved = await changedMeanwhile(workspace, place, ledger);
  if (moved !== undefined) throw new FourTierError([moved, ...verification.findings]);
  if (verification.verdict === "none") {
    throw new FourTierError([inconclusive(tier.name, release), ...verification.findings]);
  }
  const passed = verification.verdict === "passed";
  const id = await request.record(release.commit, payloadOf(request, release, verification), describe(tier, passed));
  if (verdictOn(ledger, release.digest)?.passed !== passed) await cache(request, place, release, passed);
  const view = { tier: tier.name, release, look, verification, passed };
  return {
    findings: [...verification.findings, ...unreadFindings(look.folders, tier.name)],
    outputs: {
      "release-digest": release.digest,
      commit: release.commit,
      verified: String(passed),
      "deployment-id": id,
    },
    summary: verificationSummary(view),
    report: verificationJson(view),
  };
}

/** The tier's ledger, once it says that the tier has a release whole. */
async function whatItHas(
  request: VerifyRequest,
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
async function ledgerAtRest(request: VerifyRequest, place: Place): Promise<Ledger | undefined> {
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

/** The tier beside the release that its ledger says it has: what lists show, or everything. */
async function lookFor(request: VerifyRequest, place: Place, ledger: Ledger, candidate: Candidate): Promise<Look> {
  const { workspace, root, deep } = request;
  if (!deep) {
    const names = candidate.artifacts.map((artifact) => ({ ...artifact, bytes: new Uint8Array() }));
    const contents = contentsOf(candidate, root, names, place.folder);
    const standing = await glance(workspace, ledger, candidate.desired, contents, place);
    if (standing !== undefined) return { standing, folders: [], compared: "lists", at: request.now() };
  }
  const wheels = await keptWheels(workspace, place, candidate);
  const [gone] = goneWheels(candidate, wheels);
  if (gone !== undefined) {
    throw new FourTierError(unlike(place.tier.name, gone.component, `the wheel ${gone.name} is missing`));
  }
  const contents = contentsOf(candidate, root, wheels, place.folder);
  return lookAt({ ...request, place, candidate, contents }, ledger, "all");
}

/** What differs from the release; an empty list means that what lives is what was released. */
function notWhole({ standing: { plan, drift }, folders }: Look, tier: string): Finding[] {
  const changes = plan.changes.filter(({ action }) => action !== "none");
  return [
    ...drift.entries.map(({ key, what, fields }) =>
      unlike(tier, key, what === "missing" ? "it is gone" : `changed by hand: ${fields.map(fieldText).join("; ")}`),
    ),
    ...changes.map(({ key, fields }) =>
      unlike(tier, key, `its commit says otherwise: ${fields.map(fieldText).join("; ")}`),
    ),
    ...folders
      .filter(({ complete }) => !complete)
      .map(({ content }) => unlike(tier, content.component, `files of it are missing in ${content.folder}`)),
  ];
}

function unlike(tier: string, key: string, what: string): Finding {
  return {
    id: "verify/not-as-released",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} in ${tier} is not as it was released: ${what}.`,
    why: "What would be verified is not the release, so nothing was started.",
    remedy: "Promote the release again (with accept-drift where the gate asks for it), then verify.",
  };
}

function mayRunOld(tier: string, key: string): Finding {
  return {
    id: "verify/not-rolled-forward",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} in ${tier} ran all the time, and was not stopped since its release was applied.`,
    why: "It may still run the release before, so what would be verified is not the release; nothing was started.",
    remedy: "Promote the same commit again: that restarts it, or ends it. After a rollback, run the rollback again.",
  };
}

/** A failure on record ends a soak: what says nothing of the release must not be one. */
function inconclusive(tier: string, { digest }: LedgerRelease): Finding {
  return {
    id: "verify/inconclusive",
    severity: "unknown",
    message: `${tier} could not be verified, so nothing is recorded: this counts neither for release ${shortSha(digest)} nor against it.`,
    remedy: "Fix what kept it from being verified, told below, and verify again.",
  };
}

/** A promotion in between makes it unclear what the jobs have seen. */
async function changedMeanwhile(workspace: Workspace, place: Place, before: Ledger): Promise<Finding | undefined> {
  const now = await ledgerAt(workspace, place);
  const same =
    now?.pending === undefined &&
    now?.release?.digest === before.release?.digest &&
    now?.release?.at === before.release?.at;
  if (same) return undefined;
  return {
    id: "verify/changed-meanwhile",
    severity: "error",
    message: `${place.tier.name} was promoted to while it was being verified.`,
    why: "Nobody can say which release the jobs have seen, so this counts neither for nor against one.",
    remedy: "Verify again.",
  };
}

function payloadOf(
  { run, tier }: VerifyRequest,
  release: LedgerRelease,
  { steps, findings, verdict }: Verification,
): RecordInput<"verification"> {
  const whole = findings.every(({ id }) => !["verify/not-as-released", "verify/not-rolled-forward"].includes(id));
  return {
    kind: "verification",
    tier: tier.name,
    project: tier.project,
    run: madeBy(run),
    release: release.digest,
    passed: verdict === "passed",
    checks: [
      { name: "lives as released", passed: whole },
      ...steps.map(({ key, how, outcome }) => ({ name: `${how} ${key}`, passed: outcome === "passed" })),
    ].slice(0, 100),
  };
}

function describe(tier: Tier, passed: boolean): string {
  return passed ? `${tier.name} verified` : `${tier.name}: the verification failed`;
}

/** Writes a new verdict into the ledger, for speed and for people; that it cannot be written loses no proof. */
async function cache(request: VerifyRequest, place: Place, release: LedgerRelease, passed: boolean): Promise<void> {
  const { workspace, run, tier, now, log } = request;
  const made = {
    release: release.digest,
    at: now().toISOString(),
    run: { id: run.runId, attempt: run.runAttempt },
    passed,
  };
  try {
    const of = { folder: place.folder, project: tier.project, tier: tier.name };
    await withLedger(workspace, { ...lockFor(request, CACHE_WAIT_MS), ...of }, async (locked) => {
      const ledger = locked.current();
      if (ledger.release === undefined) return; // it was lost meanwhile
      const others = (ledger.verifications ?? []).filter((one) => one.release !== release.digest);
      await locked.save({ ...ledger, verifications: [made, ...others].slice(0, HISTORY) });
    });
  } catch (error) {
    log.warning(`The verification is recorded, and the ledger does not know of it: ${messageOf(error)}`);
  }
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
