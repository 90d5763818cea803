/**
 * Says what a promotion would do, for the person who decides (design 7): the plan, the gate, and the brief. It needs no
 * credential for the tier: what the tier runs is taken from evidence and rendered from its commit. With a look at the
 * tier it also shows what somebody changed by hand.
 */
import type { Contract, Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { RunContext } from "./environment.ts";
import { type Finding, FourTierError, isFailure } from "./findings.ts";
import { evaluateGate } from "./gate/evaluate.ts";
import { type Fact, type GateFacts, known, type LiveFacts, type OrderFacts, notKnown } from "./gate/facts.ts";
import type { Git } from "./git.ts";
import { ledgerOwner, ledgerPath, tierFolder } from "./ledger/paths.ts";
import { keptOf } from "./ledger/kept.ts";
import { readLedgerIfAllowed } from "./ledger/store.ts";
import { together } from "./http/pool.ts";
import type { Ledger, LedgerRelease } from "./ledger/model.ts";
import { type BriefDetails, renderBrief } from "./release/brief.ts";
import { carriersOf } from "./release/components.ts";
import { BARE, changedFiles, contractChanges, failedRuns, parityFindings, wayBack } from "./release/brief-facts.ts";
import { factOf } from "./release/fact-of.ts";
import type { TargetQuestion } from "./release/rollback-target.ts";
import type { Found } from "./report/whereabouts.ts";
import { asApplied, type Candidate, candidateOf, contractAt } from "./release/candidate.ts";
import type { CurrentRelease } from "./release/gather.ts";
import type { History } from "./release/history.ts";
import { type Observation, observe } from "./release/observe.ts";
import { type Applied, type Drift, driftOf, makePlan, type Plan } from "./release/plan.ts";
import { lostLedger } from "./release/lost-ledger.ts";
import { driftContext, type Place, standingOf } from "./release/standing.ts";
import { resolveTier } from "./contract/tiers.ts";
import { heldNotices } from "./schedules/holds.ts";
import { gateJson } from "./report/gate.ts";
import type { JsonObject } from "./json.ts";
import { changeJson, driftJson, fieldJson } from "./report/promotion.ts";
import type { ActionResult } from "./report/report.ts";

export interface PlanRequest {
  readonly run: RunContext;
  readonly tier: Tier;
  readonly candidate: Candidate;
  readonly root: string;
  readonly contract: Contract;
  readonly allowedHosts: readonly string[];
  readonly git: Git;
  /** A connection that may look at the tier; undefined for none. */
  readonly live: Workspace | undefined;
  /** What the tier has, as far as evidence proves it. */
  readonly current: () => Promise<Fact<CurrentRelease | undefined>>;
  readonly gather: (
    stage: "plan" | "plan-live",
    live: Partial<LiveFacts>,
    current: Fact<OrderFacts["current"]>,
  ) => Promise<GateFacts>;
  readonly history: (from: string | undefined, to: string) => Promise<Fact<History>>;
  /** What GitHub's record says of a release that the tier is said to have had. */
  readonly judge: TargetQuestion["judge"];
  /** What every tier has, for the picture; undefined where nobody asks GitHub. */
  readonly whereabouts: () => Promise<readonly Found[] | undefined>;
  readonly log: { info(message: string): void };
  readonly now: Date;
}

/** What the tier has, and what the candidate would make of it. */
interface Comparison {
  readonly current: Fact<OrderFacts["current"]>;
  readonly plan: Plan;
  readonly drift: Fact<Drift>;
  readonly live: Partial<LiveFacts>;
  readonly findings: readonly Finding[];
  /** What the tier had before, newest first, as far as it is known. */
  readonly had: readonly LedgerRelease[];
  /** What its ledger remembers of rejects. */
  readonly rejects: NonNullable<Ledger["rejects"]>;
  /** Components that have resources, and so a folder; undefined where the ledger was not read. */
  readonly pointed: ReadonlySet<string> | undefined;
  /** Undefined where nobody looked. */
  readonly seen: Observation["live"] | undefined;
}

/** Plans, asks the gate and writes the brief; writes nothing. Throws FourTierError where no plan can be made. */
export async function plan(request: PlanRequest): Promise<ActionResult> {
  const { tier, candidate, run, log } = request;
  const compared =
    request.live === undefined ? await compareCommits(request) : await compareLive(request, request.live);
  log.info(`${candidate.commit.slice(0, 12)} to ${tier.name}: ${count(compared.plan)}`);
  const stage = request.live === undefined ? "plan" : "plan-live";
  const facts = await request.gather(stage, { ...compared.live, plan: known(compared.plan) }, compared.current);
  const gate = evaluateGate(facts);
  const current = compared.current.known ? compared.current.value : undefined;
  const [history, details] = await together([
    request.history(current?.commit, candidate.commit),
    detailsOf(request, compared, current),
  ]);
  const summary = renderBrief({
    project: tier.project,
    tier: tier.name,
    servicePrincipal: tier.servicePrincipal,
    catalog: tier.catalog,
    repository: `${run.owner}/${run.repository}`,
    serverUrl: run.serverUrl,
    candidate: { commit: candidate.commit, release: candidate.digest },
    current,
    history,
    plan: compared.plan,
    drift: compared.drift,
    facts,
    gate,
    findings: compared.findings,
    details,
  });
  return {
    findings: [...compared.findings, ...gate.findings],
    outputs: {
      "release-digest": candidate.digest,
      "plan-digest": compared.plan.digest,
      "drift-digest": compared.drift.known ? compared.drift.value.digest : "",
      changed: String(!compared.plan.empty),
      "deployment-id": "",
    },
    summary,
    report: {
      mode: "plan",
      tier: tier.name,
      project: tier.project,
      commit: candidate.commit,
      release: candidate.digest,
      current: current === undefined ? null : { commit: current.commit, release: current.release },
      plan: { digest: compared.plan.digest, changes: compared.plan.changes.map(changeJson) },
      drift: compared.drift.known ? driftJson(compared.drift.value) : null,
      gate: gateJson(gate),
      brief: detailsJson(details),
    },
  };
}

/** What the brief says beyond plan and gate, for machines; null for what is not known. */
function detailsJson({ files, contract, parity, failedRuns: failed, wayBack: back }: BriefDetails): JsonObject {
  return {
    files: files.known ? files.value.map((file) => ({ ...file })) : null,
    contract: contract.known ? contract.value.map(fieldJson) : null,
    parity: parity === undefined ? null : { differ: parity.findings.length, allowed: [...parity.allowed] },
    failed_runs: failed.known ? failed.value.map(({ key, runId, code }) => ({ key, run: runId, code })) : null,
    way_back:
      back.known && back.value !== undefined ? { commit: back.value.to.commit, release: back.value.to.digest } : null,
  };
}

/** What the brief says beyond plan and gate; what cannot be read is said in its place. */
async function detailsOf(
  request: PlanRequest,
  { plan: planned, had, rejects, seen, pointed }: Comparison,
  current: { readonly commit: string; readonly release: string } | undefined,
): Promise<BriefDetails> {
  const { git, candidate, tier, live, contract, root, now } = request;
  const to = candidate.commit;
  const from = current?.commit ?? to;
  const carriers = carriersOf(
    contract,
    candidate.rendered.includes,
    candidate.components.map(({ name }) => name),
  );
  const folder = tier.clientId === undefined ? undefined : tierFolder(tier.clientId, tier);
  const [files, changes, parity, runs, back, tiers] = await together([
    factOf(() => changedFiles(git, from, to, carriers)),
    factOf(() => contractChanges(git, contract.file, from, to)),
    tier.name !== "prod"
      ? undefined
      : parityFindings(git, to, { root, contract, artifacts: candidate.artifacts.map(({ name }) => name), now }),
    live === undefined || seen === undefined
      ? notKnown(`Nobody looked at ${tier.name}.`, `Give the brief a principal that may read ${tier.name}.`)
      : factOf(() => failedRuns(live, planned.changes, seen)),
    factOf(() =>
      wayBack({
        tier: tier.name,
        project: tier.project,
        candidate: { commit: to, digest: candidate.digest },
        history: had,
        rejects,
        isAncestor: (ancestor, descendant) => git.isAncestor(ancestor, descendant),
        judge: request.judge,
        place:
          live === undefined || folder === undefined || pointed === undefined
            ? undefined
            : { workspace: live, folder, components: pointed },
      }),
    ),
    request.whereabouts(),
  ]);
  return {
    files,
    contract: changes,
    parity: parity === undefined ? undefined : { findings: parity, allowed: tier.mayDifferFromStaging },
    failedRuns: runs,
    wayBack: back,
    tiers,
    verifies: tier.previous === undefined ? [] : contract.tiers[tier.previous].gate.verify.map(({ key }) => key),
  };
}

/** From commits alone: the release that the tier provably runs, rendered anew, against the candidate. */
async function compareCommits(request: PlanRequest): Promise<Comparison & { readonly from: Applied }> {
  const { candidate, tier } = request;
  const current = await request.current();
  if (!current.known) {
    throw new FourTierError({
      id: "plan/unknown-current",
      severity: "unknown",
      message: `What ${tier.name} runs could not be read from GitHub: ${current.why}`,
      why: "A plan says what would change, and without what is there now it cannot.",
      remedy: current.remedy,
    });
  }
  const from = current.value === undefined ? new Map() : await appliedAt(request, current.value);
  return {
    from,
    current,
    plan: makePlan(from, candidate.desired),
    drift: notKnown(`Nobody looked at ${tier.name}.`, `Give the brief a principal that may read ${tier.name}.`),
    live: {},
    findings: [],
    had: current.value === undefined ? [] : [{ ...BARE, commit: current.value.commit, digest: current.value.release }],
    rejects: [],
    seen: undefined,
    pointed: undefined,
  };
}

/** What a commit made of the tier: rendered with the contract of its own time. */
async function appliedAt(request: PlanRequest, current: CurrentRelease): Promise<Applied> {
  const { git, root, tier, allowedHosts } = request;
  const contract = await contractAt(git, current.commit, request.contract.file, allowedHosts);
  const { candidate, findings } = await candidateOf({
    git,
    commit: current.commit,
    root,
    contract,
    tier: resolveTier(contract, tier.name, tier.developer === undefined ? {} : { developer: tier.developer }),
    artifacts: current.artifacts,
    now: request.now,
  });
  if (candidate === undefined) throw new FourTierError(findings.filter(isFailure));
  if (candidate.digest !== current.release) {
    throw new FourTierError({
      id: "plan/other-current",
      severity: "error",
      message: `The record of ${tier.name} says release ${current.release.slice(0, 12)} for commit ${current.commit.slice(0, 12)}, and that commit makes ${candidate.digest.slice(0, 12)}.`,
      why: "What the tier runs cannot be told from its record.",
      remedy: `Give the brief a principal that may read ${tier.name}: its ledger says what was applied.`,
    });
  }
  return asApplied(candidate);
}

/** With a look at the tier: its ledger says what was applied, its resources what lives. */
async function compareLive(request: PlanRequest, workspace: Workspace): Promise<Comparison> {
  const { tier, candidate } = request;
  const principal = ledgerOwner(tier);
  const folder = tierFolder(principal, tier);
  const place = { tier, principal, folder };
  const ledger = await readLedgerIfAllowed(workspace, folder, { project: tier.project, tier: tier.name });
  if (ledger === "refused") return compareSeen(request, workspace, place);
  const lost = await lostLedger(tier.name, folder, ledger, request.current);
  if (lost !== undefined) throw new FourTierError(lost);
  const observation = await observe(workspace, { ...place, ledger, desired: candidate.desired });
  const standing = standingOf(ledger, observation, candidate.desired, place);
  const release = ledger?.release;
  if (release === undefined) request.log.info(`There is no applied release in ${ledgerPath(folder)}.`);
  return {
    current: known(
      release === undefined ? undefined : { commit: release.commit, release: release.digest, at: release.at },
    ),
    plan: standing.plan,
    drift: known(standing.drift),
    live: { drift: known(standing.drift), adoption: known(observation.namesakes), kept: known(keptOf(ledger)) },
    findings: [...observation.findings, ...heldNotices(tier.name, ledger?.holds ?? [], candidate.desired)],
    had: ledger?.history ?? [],
    rejects: ledger?.rejects ?? [],
    pointed: new Set([...(ledger?.resources.values() ?? [])].map(({ component }) => component)),
    seen: observation.live,
  };
}

/** What was applied comes from evidence, as without a look; what lives is found by our tags. */
async function compareSeen(request: PlanRequest, workspace: Workspace, place: Place): Promise<Comparison> {
  const { candidate, tier } = request;
  const { from, ...compared } = await compareCommits(request);
  const wanted = new Set(candidate.desired.map(({ key }) => key));
  const gone = [...from].filter(([key]) => !wanted.has(key)).map(([key, resource]) => ({ key, ...resource }));
  const observation = await observe(workspace, {
    ...place,
    ledger: undefined,
    desired: [...candidate.desired, ...gone],
  });
  const drift = driftOf(from, observation.live, driftContext(from, observation, place));
  const namesakes = observation.namesakes.filter(({ key }) => wanted.has(key));
  const blind = from.size > 0 && ![...from.keys()].some((key) => observation.live.get(key) !== undefined);
  const seen: Fact<Drift> = blind
    ? notKnown(
        `None of the ${from.size} resources of ${tier.name} can be seen: all are gone, or the principal may not view them.`,
        "Grant the principal that writes the brief CAN_VIEW on the project's jobs and pipelines.",
      )
    : known(drift);
  return {
    ...compared,
    drift: seen,
    live: { drift: seen, adoption: known(namesakes) },
    findings: observation.findings,
    seen: observation.live,
  };
}

function count(plan: Plan): string {
  const moving = plan.changes.filter((change) => change.action !== "none").length;
  return `${moving} of ${plan.changes.length} resources change`;
}
