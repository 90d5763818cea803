/**
 * Promotes a release into a tier (design 7):
 *
 *   plan → gate → nothing to do? stop → active runs → lock → look again, gate again → upload → apply → read back →
 *   ledger → roll forward what runs all the time → record
 *
 * Nothing is written before the gate has passed twice: once before the lock, so that a refusal is quick and complete,
 * and once under it, because what was true a minute ago may not be true now.
 */
import type { Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { RunContext } from "./environment.ts";
import { type Finding, FourTierError } from "./findings.ts";
import type { OrderFacts } from "./gate/commit-facts.ts";
import { evaluateGate, type GateResult } from "./gate/evaluate.ts";
import { type Fact, type GateFacts, known, type LiveFacts } from "./gate/facts.ts";
import type { EarlierProof } from "./gate/live-facts.ts";
import type { Git } from "./git.ts";
import { together } from "./http/pool.ts";
import { acquireLock, type LockAccess, lockFor, releaseQuietly } from "./ledger/lock.ts";
import type { Ledger, LedgerRelease } from "./ledger/model.ts";
import { withRunsAwaited, withRunsNow } from "./release/active-runs.ts";
import { approvedAlready, isDone } from "./release/already.ts";
import { type Candidate, type CarriedArtifact, contentsOf, ledgerRelease } from "./release/candidate.ts";
import { carryOut } from "./release/carry-out.ts";
import { endRecord } from "./release/ending.ts";
import type { DeploymentRecord, Evidence } from "./release/evidence.ts";
import { runsBefore, settleFailure } from "./release/failed.ts";
import type { Look } from "./release/look.ts";
import { measured } from "./release/phases.ts";
import { ledgerAt, placeOf } from "./release/place.ts";
import { firstLook, listsMayDo, type Sight, secondLook } from "./release/promotion-look.ts";
import type { Standing } from "./release/standing.ts";
import { currentOf, lockBefore, lookFacts, orderOf } from "./release/tier-facts.ts";
import { type Promoted, promotedResult, type Seen } from "./report/promoted.ts";
import { shortSha } from "./short-sha.ts";

/** What is to be promoted into which tier, and how it is recorded. */
export interface PromoteRequest extends LockAccess, Pick<Sight, "recorded" | "deep" | "acceptDrift"> {
  readonly run: RunContext;
  readonly tier: Tier;
  readonly workspace: Workspace;
  /** The application id that was authenticated and proven. */
  readonly principal: string;
  readonly candidate: Candidate;
  /** The carried wheels; their bytes are those that the release digest was made of. */
  readonly wheels: readonly CarriedArtifact[];
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  readonly git: Pick<Git, "isAncestor">;
  /**
   * All facts of the gate: what GitHub records, and what was seen of the tier. Waits for neither longer than it must.
   * With an earlier proof, only the catalog itself needs to be proved.
   */
  readonly gather: (
    live: Promise<LiveOf>,
    current: Promise<Fact<OrderFacts["current"]>>,
    earlier: Promise<EarlierProof | undefined>,
  ) => Promise<GateFacts>;
  /** What the run proved that brought this release, where its record still stands; undefined if nothing may rest on it. */
  readonly provedEarlier: (release: LedgerRelease) => Promise<EarlierProof | undefined>;
  /**
   * What people decided by now, and by which policy: rejects, holds, approvals, verifications, the time; and where the
   * commit is.
   */
  readonly decisions: (before: GateFacts) => Promise<Partial<GateFacts>>;
  /** What else may stop it, asked under the lock: a sandbox's pull request may be closed by now. */
  readonly stillWanted?: (ledger: Ledger | undefined) => Promise<Finding | undefined>;
  /** Begins the record of this promotion outside the tier: evidence for the next one. */
  readonly record: (
    release: LedgerRelease,
    description: string,
    overrides: NonNullable<Evidence["overrides"]>,
  ) => Promise<DeploymentRecord>;
  /** How long to wait for another run's lock, in milliseconds. */
  readonly lockWaitMs: number;
}

/** What this story sees of the tier; identity and grants are proven by others. */
type LiveOf = Pick<LiveFacts, "lock"> & ReturnType<typeof lookFacts>;

/** Promotes; throws FourTierError before anything was written, and returns findings for everything after. */
export async function promote(request: PromoteRequest): Promise<Promoted> {
  const { tier, candidate, workspace, acceptDrift } = request;
  const place = placeOf(tier, request.principal);
  const { phases, phase } = measured(request);
  const sight = { ...request, place, contents: contentsOf(candidate, request.root, request.wheels, place.folder) };
  const ask = (facts: GateFacts, seen: Look) => evaluateGate(approvedAlready(facts, seen, candidate));
  const report = (seen: Seen) => promotedResult(seen, request.run, request.now());

  // What the gate asks GitHub and of grants does not wait for the look, but for what the look alone can tell.
  const ledger = ledgerAt(workspace, place);
  const look = phase("look", () => firstLook(sight, ledger));
  const earlier = earlierProof(request, sight, ledger, look);
  const gathering = phase("gate", () => gatherFacts(request, sight, look, earlier));
  const [before, gathered] = await together([look, gathering, earlier]);
  const facts = await withRunsNow(request, gathered, before.standing);
  const gate = ask(facts, before);
  const view = { tier, candidate, phases, acceptDrift, facts };
  if (gate.verdict !== "pass") return report({ ...view, ...before, gate, outcome: "refused" });
  if (isDone(before, candidate, tier)) return nothingToDo(request, { ...view, ...before, gate, outcome: "nothing" });

  const waited = await phase("active runs", () =>
    withRunsAwaited(request, facts, before.standing, tier.activeRunsTimeoutMs),
  );
  const still = ask(waited, before);
  if (still.verdict !== "pass") return report({ ...view, ...before, gate: still, outcome: "refused" });
  const lock = await phase("lock", () => acquireLock(workspace, place.folder, lockFor(request, request.lockWaitMs)));
  try {
    const [now, decided] = await phase("look again", () =>
      together([secondLook(sight, before), request.decisions(facts), lock.check()]),
    );
    const refreshed = await refresh(request, { ...facts, ...decided }, now.standing);
    const again = ask(refreshed, now);
    const seen = { ...view, ...now, gate: again, facts: refreshed };
    if (again.verdict !== "pass") return report({ ...seen, outcome: "refused" });
    if (isDone(now, candidate, tier)) return await nothingToDo(request, { ...seen, outcome: "nothing" });
    const unwanted = await request.stillWanted?.(now.standing.ledger);
    if (unwanted !== undefined) throw new FourTierError(unwanted);
    const release = releaseOf(request, now.standing);
    const policy = refreshed.policy.known ? refreshed.policy.value.onFailure : "hold";
    const work = { ...request, ...now, place, lock, release, phase };
    // Before the record: what may still refuse must not leave one that nobody ends.
    const ran = policy === "rollback" ? await runsBefore(work) : undefined;
    const record = await request.record(release, promoting(candidate, tier, again), overridesOf(again));
    const outcome = await settleFailure({ ...work, policy, before: ran }, await carryOut(work));
    const findings = [...outcome.findings, ...(await endRecord(request, record, outcome))];
    return report({ ...seen, outcome: { ...outcome, findings }, deployment: record.id });
  } finally {
    await releaseQuietly(lock, request.log);
  }
}

/**
 * What nothing needs to be proved for again, since there is nothing to do: then this run claims nothing new, and leaves no
 * record (ADR 814). That there is no such proof is told as soon as it can be known.
 */
async function earlierProof(
  { provedEarlier, candidate, tier }: PromoteRequest,
  sight: Sight,
  reading: Promise<Ledger | undefined>,
  look: Promise<Look>,
): Promise<EarlierProof | undefined> {
  const ledger = await reading;
  if (ledger?.release === undefined || !listsMayDo(sight, ledger)) return undefined;
  const [proof, seen] = await together([provedEarlier(ledger.release), look]);
  return isDone(seen, candidate, tier) ? proof : undefined;
}

async function gatherFacts(
  { tier, gather, runHasEnded }: PromoteRequest,
  { workspace, place }: Sight,
  look: Promise<Look>,
  earlier: Promise<EarlierProof | undefined>,
): Promise<GateFacts> {
  const looked = together([look, lockBefore(workspace, place.folder, runHasEnded)]);
  const live = looked.then(([{ standing }, lock]) => ({ ...lookFacts(standing, tier), lock: known(lock) }));
  const current = look.then(({ standing }) => known(currentOf(standing)));
  const [facts] = await together([gather(live, current, earlier), live, current]);
  return facts;
}

/**
 * The same facts with what the tier says now, under the lock, and with what people decided and branches became while this
 * run waited for it; the rest of what GitHub recorded stays.
 */
async function refresh(request: PromoteRequest, facts: GateFacts, standing: Standing): Promise<GateFacts> {
  const { run, tier, git, candidate } = request;
  const lock = { held: true, runId: run.runId, attempt: run.runAttempt, ended: false, waits: false } as const;
  const order = known(await orderOf(git, candidate, tier, standing));
  const now = { ...facts, ...lookFacts(standing, tier), lock: known(lock), order };
  return withRunsNow(request, now, standing, true);
}

async function nothingToDo(request: PromoteRequest, view: Seen): Promise<Promoted> {
  const { run, tier, now } = request;
  const { provedEarlier } = view.facts;
  if (provedEarlier !== undefined) {
    return promotedResult({ ...view, provedEarlier, deployment: provedEarlier.deployment }, run, now());
  }
  const release = releaseOf(request, view.standing);
  const description = `${tier.name} has ${shortSha(release.commit)} already`;
  const record = await request.record(release, description, overridesOf(view.gate));
  await record.finish("success", "nothing to do: no write to jobs, pipelines or files");
  return promotedResult({ ...view, deployment: record.id }, run, now());
}

/** The label of the record: an override is the first thing that is read. */
function promoting({ commit }: Candidate, tier: Tier, gate: GateResult): string {
  const overridden = overridesOf(gate).map(({ check }) => check);
  const what = `Promoting ${shortSha(commit)} to ${tier.name}`;
  return overridden.length === 0 ? what : `BREAK-GLASS (${overridden.join(", ")}): ${what}`;
}

function overridesOf({ checks }: GateResult): NonNullable<Evidence["overrides"]> {
  return checks.flatMap(({ check, overridden }) => (overridden === undefined ? [] : [{ check, ...overridden }]));
}

function releaseOf({ candidate, run, now }: PromoteRequest, { plan }: Standing): LedgerRelease {
  return ledgerRelease(candidate, { plan: plan.digest, run, at: now() });
}
