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
import { evaluateGate, type GateResult } from "./gate/evaluate.ts";
import {
  type EarlierProof,
  type Fact,
  type GateFacts,
  known,
  type LiveFacts,
  type LockFacts,
  type OrderFacts,
} from "./gate/facts.ts";
import type { Git } from "./git.ts";
import { together } from "./http/pool.ts";
import { keptOf } from "./ledger/kept.ts";
import { acquireLock, type Lock, lockHolder, releaseQuietly, type LockAccess, lockFor } from "./ledger/lock.ts";
import type { Ledger, LedgerRelease } from "./ledger/model.ts";
import { componentFolder, tierFolder } from "./ledger/paths.ts";
import { readLedger } from "./ledger/store.ts";
import { settleActiveRuns, touched } from "./release/active-runs.ts";
import { type Candidate, type CarriedArtifact, contentsOf } from "./release/candidate.ts";
import { carryOut, endRecord, type RunPhase } from "./release/carry-out.ts";
import type { DeploymentRecord, Evidence } from "./release/evidence.ts";
import { runsBefore, settleFailure } from "./release/failed.ts";
import { glance } from "./release/glance.ts";
import { type Look, lookAgainAt, lookTwice, type View } from "./release/look.ts";
import { lostLedger, type RecordedNow } from "./release/lost-ledger.ts";
import { leftFindings } from "./release/left.ts";
import { lossesOf } from "./release/losses.ts";
import type { Place, Standing } from "./release/standing.ts";
import { loopsLeft, owedNow } from "./release/roll-forward.ts";
import { type Content, unreadFindings } from "./release/upload.ts";
import { heldNotices } from "./schedules/holds.ts";
import { type Phase, type PromotionView, promotionJson, promotionSummary } from "./report/promotion.ts";
import { promotionEvidence } from "./report/evidence.ts";
import type { ActionResult } from "./report/report.ts";
import type { JsonObject } from "./json.ts";
import { replacedNotices } from "./sandboxes/replaced.ts";

export interface PromoteRequest extends LockAccess {
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
  /** What runs prove the tier to have; asked only where its ledger says nothing. */
  readonly recorded: () => Promise<Fact<RecordedNow>>;
  /** Compare live state and content whole, even if the tier has this release already. */
  readonly deep: boolean;
  /** The input `accept-drift`; empty means not given. */
  readonly acceptDrift: string;
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
  /** What people decided by now, and by which policy: rejects, holds, approvals, verifications, the time. */
  readonly decisions: () => Promise<Partial<GateFacts>>;
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
type LiveOf = Pick<LiveFacts, "plan" | "drift" | "adoption" | "losses" | "lock" | "kept">;

/** What a promotion gives back: the evidence is a document of its own. */
export interface Promoted extends ActionResult {
  readonly evidence: JsonObject;
}

/** What is reported, and the facts that the gate was asked with last. */
interface Seen extends PromotionView {
  readonly facts: GateFacts;
}

/** Promotes; throws FourTierError before anything was written, and returns findings for everything after. */
export async function promote(request: PromoteRequest): Promise<Promoted> {
  const { tier, candidate, principal } = request;
  const place: Place = { tier, principal, folder: tierFolder(principal, tier) };
  const phases: Phase[] = [];
  const phase = timed(request, phases);

  // What the gate asks GitHub and of grants does not wait for the look, but for what the look alone can tell.
  const ledger = readLedgerAt(request, place);
  const look = phase("look", () => firstLook(request, place, ledger));
  const earlier = earlierProof(request, ledger, look);
  const gathering = phase("gate", () => gatherFacts(request, look, earlier, place));
  const [before, gathered] = await together([look, gathering, earlier]);
  const facts = await withActiveRuns(request, gathered, before);
  const gate = evaluateGate(approvedAlready(facts, before, candidate));
  const view = { tier, candidate, phases, acceptDrift: request.acceptDrift, facts };
  if (gate.verdict !== "pass") return report(request, { ...view, ...before, gate, outcome: "refused" });
  if (isDone(before, candidate, tier)) return nothingToDo(request, { ...view, ...before, gate, outcome: "nothing" });

  const waited = await phase("active runs", () => waitForRuns(request, facts, before));
  const still = evaluateGate(approvedAlready(waited, before, candidate));
  if (still.verdict !== "pass") return report(request, { ...view, ...before, gate: still, outcome: "refused" });
  const lock = await phase("lock", () => takeLock(request, place));
  try {
    const [now, decided] = await phase("look again", () =>
      together([lookAgain(request, place, before), request.decisions(), lock.check()]),
    );
    const refreshed = await refresh(request, { ...facts, ...decided }, now);
    const again = evaluateGate(approvedAlready(refreshed, now, candidate));
    const seen = { ...view, ...now, gate: again, facts: refreshed };
    if (again.verdict !== "pass") return report(request, { ...seen, outcome: "refused" });
    if (isDone(now, candidate, tier)) {
      return await nothingToDo(request, { ...seen, outcome: "nothing" });
    }
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
    return report(request, { ...seen, outcome: { ...outcome, findings }, deployment: record.id });
  } finally {
    await releaseQuietly(lock, request.log);
  }
}

/**
 * A tier that has this release by its ledger is compared by its lists, which does not cost more the bigger the project
 * is; if they show nothing to do, nothing is looked at twice. Before anything is written, the tier is looked at whole.
 */
async function firstLook(request: PromoteRequest, place: Place, reading: Promise<Ledger | undefined>): Promise<Look> {
  const { workspace, candidate, deep } = request;
  const ledger = await notLost(request, place, await reading);
  if (ledger !== undefined && isSettled(request, ledger)) {
    const standing = await glance(workspace, ledger, candidate.desired, contentsAt(request, place), place);
    if (standing !== undefined) return { standing, folders: [], compared: "lists", at: request.now() };
  }
  return lookTwice(viewOf(request, place), ledger, () => ledgerOf(request, place), deep ? "all" : "none");
}

/** True if the ledger says that the tier has this release, and nobody asks for more than its lists. */
function isSettled({ candidate, deep, acceptDrift }: PromoteRequest, ledger: Ledger): boolean {
  return (
    !deep &&
    acceptDrift === "" &&
    hasRelease(ledger, candidate) &&
    (ledger.unrolled ?? []).length === 0 &&
    (ledger.left ?? new Map()).size === 0 // whether that lives no list says
  );
}

/**
 * What nothing needs to be proved for again, since there is nothing to do: then this run claims nothing new, and leaves no
 * record (ADR 814). That there is no such proof is told as soon as it can be known.
 */
async function earlierProof(
  request: PromoteRequest,
  reading: Promise<Ledger | undefined>,
  look: Promise<Look>,
): Promise<EarlierProof | undefined> {
  const ledger = await reading;
  if (ledger?.release === undefined || !isSettled(request, ledger)) return undefined;
  const [proof, seen] = await together([request.provedEarlier(ledger.release), look]);
  return isDone(seen, request.candidate, request.tier) ? proof : undefined;
}

function lookAgain(request: PromoteRequest, place: Place, before: Look): Promise<Look> {
  return lookAgainAt(viewOf(request, place), before, () => ledgerOf(request, place), request.deep ? "all" : "used");
}

async function ledgerOf(request: PromoteRequest, place: Place): Promise<Ledger | undefined> {
  return notLost(request, place, await readLedgerAt(request, place));
}

function readLedgerAt({ workspace, tier }: PromoteRequest, { folder }: Place): Promise<Ledger | undefined> {
  return readLedger(workspace, folder, { project: tier.project, tier: tier.name });
}

/** Throws FourTierError where the ledger was lost: a tier that has a release is not taken for one that has none. */
async function notLost(
  { tier, recorded }: PromoteRequest,
  place: Place,
  ledger: Ledger | undefined,
): Promise<Ledger | undefined> {
  const lost = await lostLedger(tier.name, place.folder, ledger, recorded);
  if (lost !== undefined) throw new FourTierError(lost);
  return ledger;
}

function viewOf(request: PromoteRequest, place: Place): View {
  const { workspace, candidate, now } = request;
  return { workspace, place, candidate, contents: contentsAt(request, place), now };
}

/** With what is at work of what would change, if the default branch's contract asks. */
async function withActiveRuns(
  request: PromoteRequest,
  facts: GateFacts,
  seen: Look,
  waited = false,
): Promise<GateFacts> {
  if (!facts.policy.known) return facts;
  const policy = facts.policy.value.activeRuns;
  const { runs } = await settle(request, seen, { policy: policy === "allow" ? policy : "fail", timeoutMs: 0 });
  return { ...facts, activeRuns: known({ policy, waited, runs }) };
}

/** Waits for their end where the contract says so, and somebody did not take it on themselves not to. */
async function waitForRuns(request: PromoteRequest, facts: GateFacts, seen: Look): Promise<GateFacts> {
  const { policy, override } = facts;
  if (!policy.known || policy.value.activeRuns !== "wait" || override?.checks.includes("active-runs") === true) {
    return facts;
  }
  const timeoutMs = request.tier.activeRunsTimeoutMs;
  return { ...facts, activeRuns: known(await settle(request, seen, { policy: "wait", timeoutMs })) };
}

function settle(
  { workspace, ...rest }: PromoteRequest,
  { standing }: Look,
  how: Pick<Parameters<typeof settleActiveRuns>[2], "policy" | "timeoutMs">,
) {
  return settleActiveRuns(workspace, touched(standing.steps, standing.plan), { ...rest, ...how });
}

function contentsAt({ candidate, root, wheels }: PromoteRequest, place: Place): Content[] {
  return contentsOf(candidate, root, wheels, (name, digest) => componentFolder(place.folder, name, digest));
}

async function gatherFacts(
  request: PromoteRequest,
  look: Promise<Look>,
  earlier: Promise<EarlierProof | undefined>,
  place: Place,
): Promise<GateFacts> {
  const { tier } = request;
  const looked = together([look, readLock(request, place)]);
  const live = looked.then(([{ standing }, lock]) => ({ ...liveOf(standing, tier), lock: known(lock) }));
  const current = look.then(({ standing }) => known(currentOf(standing)));
  const [facts] = await together([request.gather(live, current, earlier), live, current]);
  return facts;
}

/** The lock as it is before it is taken. */
async function readLock({ workspace, runHasEnded }: PromoteRequest, { folder }: Place): Promise<LockFacts> {
  const holder = await lockHolder(workspace, folder);
  if (holder === undefined) return { held: false };
  const { run, attempt } = holder;
  return { held: true, runId: run, attempt, ended: (await runHasEnded(run, attempt)) === true, waits: true };
}

/**
 * The same facts with what the tier says now, under the lock, and with what people decided while this run waited for it;
 * the rest of what GitHub recorded stays.
 */
async function refresh(request: PromoteRequest, facts: GateFacts, seen: Look): Promise<GateFacts> {
  const { run, tier } = request;
  const { standing } = seen;
  const lock = { held: true, runId: run.runId, attempt: run.runAttempt, ended: false, waits: false } as const;
  const order = known(await orderOf(request, standing));
  return withActiveRuns(request, { ...facts, ...liveOf(standing, tier), lock: known(lock), order }, seen, true);
}

function liveOf(standing: Standing, tier: Tier): Omit<LiveOf, "lock"> {
  const { plan, drift, observation, ledger } = standing;
  return {
    plan: known(plan),
    drift: known(drift),
    adoption: known(observation.namesakes),
    losses: known(lossesOf(standing, tier)),
    kept: known(keptOf(ledger)),
  };
}

function currentOf(standing: Standing): OrderFacts["current"] {
  const release = standing.ledger?.release;
  return release === undefined ? undefined : { commit: release.commit, release: release.digest, at: release.at };
}

/** How the candidate relates to what the tier has by now: the older of two runs must not win because it waited longer. */
async function orderOf({ git, candidate, tier }: PromoteRequest, standing: Standing): Promise<OrderFacts> {
  const current = currentOf(standing);
  // In a sandbox any branch follows any other, and a pull request's commit may be in no clone any more.
  if (current === undefined || tier.name === "sandbox") return { current, relation: undefined };
  if (current.commit === candidate.commit) return { current, relation: "identical" };
  if (await git.isAncestor(current.commit, candidate.commit)) return { current, relation: "ahead" };
  return {
    current,
    relation: (await git.isAncestor(candidate.commit, current.commit)) ? "behind" : "diverged",
  };
}

/**
 * A run that applied its plan and then failed (GitHub did not take the record, say) is started again: the tier has the
 * release, so what was approved is the plan that led there, and not the empty one from here.
 */
function approvedAlready(facts: GateFacts, seen: Look, candidate: Candidate): GateFacts {
  const applied = seen.standing.ledger?.release?.plan;
  if (!isApplied(seen, candidate) || applied === undefined || applied !== facts.approved.plan) return facts;
  return { ...facts, plan: known({ ...seen.standing.plan, digest: applied }) };
}

/** True if the tier has this commit, whole and untouched, and runs it: then nothing is locked and nothing written. */
function isDone(look: Look, candidate: Candidate, tier: Tier): boolean {
  const { ledger, observation } = look.standing;
  return isApplied(look, candidate) && owedNow(tier, ledger, candidate.desired, observation.live).length === 0;
}

/** True if the tier has this commit, whole and untouched. */
function isApplied({ standing, folders }: Look, candidate: Candidate): boolean {
  const { ledger, plan, steps } = standing;
  return (
    ledger !== undefined &&
    hasRelease(ledger, candidate) &&
    plan.empty &&
    steps.length === 0 && // what drifted is a step, too
    folders.every((folder) => folder.complete)
  );
}

function hasRelease({ release, pending }: Ledger, candidate: Candidate): boolean {
  return release?.digest === candidate.digest && release.commit === candidate.commit && pending === undefined;
}

async function nothingToDo(request: PromoteRequest, view: Seen): Promise<Promoted> {
  const { provedEarlier } = view.facts;
  if (provedEarlier !== undefined)
    return report(request, { ...view, provedEarlier, deployment: provedEarlier.deployment });
  const release = releaseOf(request, view.standing);
  const description = `${request.tier.name} has ${release.commit.slice(0, 12)} already`;
  const record = await request.record(release, description, overridesOf(view.gate));
  await record.finish("success", "nothing to do: no write to jobs, pipelines or files");
  return report(request, { ...view, deployment: record.id });
}

/** The label of the record: an override is the first thing that is read. */
function promoting({ commit }: Candidate, tier: Tier, gate: GateResult): string {
  const overridden = overridesOf(gate).map(({ check }) => check);
  const what = `Promoting ${commit.slice(0, 12)} to ${tier.name}`;
  return overridden.length === 0 ? what : `BREAK-GLASS (${overridden.join(", ")}): ${what}`;
}

function overridesOf({ checks }: GateResult): NonNullable<Evidence["overrides"]> {
  return checks.flatMap(({ check, overridden }) => (overridden === undefined ? [] : [{ check, ...overridden }]));
}

function takeLock(request: PromoteRequest, place: Place): Promise<Lock> {
  return acquireLock(request.workspace, place.folder, lockFor(request, request.lockWaitMs));
}

function releaseOf({ candidate, run, now }: PromoteRequest, { plan }: Standing): LedgerRelease {
  return {
    digest: candidate.digest,
    commit: candidate.commit,
    plan: plan.digest,
    at: now().toISOString(),
    run: { id: run.runId, attempt: run.runAttempt },
    components: Object.fromEntries(candidate.components.map(({ name, digest }) => [name, digest])),
    artifacts: candidate.artifacts.map(({ name, sha256 }) => ({ name, sha256 })),
  };
}

/** The one place where a promotion becomes outputs, summary and report. */
function report({ run, now }: PromoteRequest, view: Seen): Promoted {
  const { standing, candidate, gate, outcome } = view;
  const changed = typeof outcome === "object" && (outcome.done.length > 0 || outcome.uploaded > 0);
  return {
    findings: [
      ...gate.findings,
      ...unreadFindings(view.folders, view.tier.name),
      ...heldNotices(view.tier.name, standing.ledger?.holds ?? [], candidate.desired),
      ...leftFindings(view.tier.name, standing.left),
      ...(typeof outcome === "object" ? loopsLeft(view.tier.name, standing.steps, outcome.done) : []),
      ...(typeof outcome === "object" ? outcome.findings : []),
      ...(changed ? replacedNotices(view.tier, standing.ledger?.release, candidate.commit) : []),
    ],
    outputs: {
      "release-digest": candidate.digest,
      "plan-digest": standing.plan.digest,
      "drift-digest": standing.drift.digest,
      changed: String(changed),
      "deployment-id": view.deployment ?? "",
      held: String(typeof outcome === "object" && outcome.findings.some(({ id }) => id === "promote/held")),
    },
    summary: promotionSummary(view),
    report: promotionJson(view),
    evidence: promotionEvidence(view, view.facts, run, now()),
  };
}

/** Measures phases, and says in the log which one has begun. */
function timed({ log, now }: PromoteRequest, phases: Phase[]): RunPhase {
  return async (name, body) => {
    const started = now().getTime();
    log.info(`── ${name}`);
    try {
      return await body();
    } finally {
      phases.push({ name, milliseconds: now().getTime() - started });
    }
  };
}
