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
import { type LockAccess, lockFor } from "./ledger/lock.ts";
import { withLedger } from "./ledger/locked.ts";
import { HISTORY, type LedgerRelease, verdictOn } from "./ledger/model.ts";
import { lookFor, notAsReleased } from "./release/as-released.ts";
import type { Candidate } from "./release/candidate.ts";
import { madeBy, type RecordInput } from "./release/evidence.ts";
import { changedMeanwhile, whatItHas } from "./release/ledger-at-rest.ts";
import { type Place, placeOf } from "./release/place.ts";
import { unreadFindings } from "./release/upload.ts";
import { runVerification, type Verification, type VerificationPolicy } from "./release/verification.ts";
import type { ActionResult } from "./report/report.ts";
import { verificationJson, verificationSummary } from "./report/verification.ts";
import { shortSha } from "./short-sha.ts";

/** What a verification is asked with. */
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

/** Verifies, records it, and says what failed. Throws FourTierError if there is nothing that could be verified. */
export async function verify(request: VerifyRequest): Promise<ActionResult> {
  const { tier, workspace, log } = request;
  const place = placeOf(tier, request.principal);
  const { ledger, release } = await whatItHas(request, place);
  log.info(`${tier.name} has ${shortSha(release.commit)}, release ${shortSha(release.digest)}`);

  const candidate = await request.again(release);
  const look = await lookFor(request, place, ledger, candidate);
  const unlike = notAsReleased(tier, ledger, candidate, look);
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

/** A failure on record ends a soak: what says nothing of the release must not be one. */
function inconclusive(tier: string, { digest }: LedgerRelease): Finding {
  return {
    id: "verify/inconclusive",
    severity: "unknown",
    message: `${tier} could not be verified, so nothing is recorded: this counts neither for release ${shortSha(digest)} nor against it.`,
    remedy: "Fix what kept it from being verified, told below, and verify again.",
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
