/**
 * Says what a promotion would do, for the person who decides (design 7): the plan, the gate, and the brief. It needs no
 * credential for the tier: what the tier runs is taken from evidence and rendered from its commit. With a look at the
 * tier it also shows what somebody changed by hand.
 */
import type { TierName } from "./contract/model.ts";
import { resolveTier } from "./contract/tiers.ts";
import type { RunContext } from "./environment.ts";
import type { OrderFacts } from "./gate/commit-facts.ts";
import { evaluateGate } from "./gate/evaluate.ts";
import { type Fact, type GateFacts, known, type LiveFacts, notKnown } from "./gate/facts.ts";
import { together } from "./http/pool.ts";
import type { JsonObject } from "./json.ts";
import { tierFolder } from "./ledger/paths.ts";
import { type BriefDetails, renderBrief } from "./release/brief.ts";
import { changedFiles, contractChanges, failedRuns, wayBack } from "./release/brief-facts.ts";
import { contractAt } from "./release/candidate.ts";
import { changed, type Plan } from "./release/change.ts";
import { type Comparison, type ComparisonRequest, compareWithTier } from "./release/comparison.ts";
import { carriersOf } from "./release/components.ts";
import { factOf } from "./release/fact-of.ts";
import type { History } from "./release/history.ts";
import { leftJson } from "./release/left.ts";
import { type Move, moveOf } from "./release/move.ts";
import type { TargetQuestion } from "./release/rollback-target.ts";
import { gateJson } from "./report/gate.ts";
import { changeJson, driftJson, fieldJson } from "./report/promotion.ts";
import type { ActionResult } from "./report/report.ts";
import type { Found } from "./report/whereabouts.ts";
import { shortSha } from "./short-sha.ts";

/** What is to be planned, and how the gate's facts are gathered. */
export interface PlanRequest extends ComparisonRequest {
  readonly run: RunContext;
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
}

/** Plans, asks the gate and writes the brief; writes nothing. Throws FourTierError where no plan can be made. */
export async function plan(request: PlanRequest): Promise<ActionResult> {
  const { tier, candidate, run, log } = request;
  const compared = await compareWithTier(request);
  log.info(`${shortSha(candidate.commit)} to ${tier.name}: ${count(compared.plan)}`);
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
    site: run,
    candidate: { commit: candidate.commit, release: candidate.digest },
    current,
    history,
    plan: compared.plan,
    desired: candidate.desired,
    drift: compared.drift,
    facts,
    gate,
    findings: compared.findings,
    left: compared.left,
    unseen: compared.unseen,
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
      left: leftJson(compared.left),
      gate: gateJson(gate),
      brief: { ...detailsJson(details), parity: parityJson(facts, tier.name), not_looked_at: [...compared.unseen] },
    },
  };
}

/** What the brief says beyond plan and gate, for machines; null for what is not known. */
function detailsJson({ files, contract, failedRuns: failed, wayBack: back }: BriefDetails): JsonObject {
  return {
    files: files.known ? files.value.map((file) => ({ ...file })) : null,
    contract: contract.known ? contract.value.map(fieldJson) : null,
    failed_runs: failed.known ? failed.value.map(({ key, runId, code }) => ({ key, run: runId, code })) : null,
    way_back:
      back.known && back.value !== undefined ? { commit: back.value.to.commit, release: back.value.to.digest } : null,
  };
}

function parityJson({ parity }: GateFacts, tier: TierName): JsonObject | null {
  if (tier !== "prod" || !parity.known) return null;
  return { differ: parity.value.findings.length, allowed: [...parity.value.allowed] };
}

/** What the brief says beyond plan and gate; what cannot be read is said in its place. */
async function detailsOf(
  request: PlanRequest,
  { plan: planned, had, rejects, seen, pointed }: Comparison,
  current: { readonly commit: string; readonly release: string } | undefined,
): Promise<BriefDetails> {
  const { git, candidate, tier, live, contract } = request;
  const to = candidate.commit;
  const from = current?.commit ?? to;
  const carriers = carriersOf(
    contract,
    candidate.rendered.includes,
    candidate.components.map(({ name }) => name),
  );
  const folder = tier.clientId === undefined ? undefined : tierFolder(tier.clientId, tier);
  const [files, changes, move, runs, back, tiers] = await together([
    factOf(() => changedFiles(git, from, to, carriers)),
    factOf(() => contractChanges(git, contract.file, from, to)),
    current === undefined ? known(undefined) : factOf(() => moved(request, current.commit)),
    live === undefined || seen === undefined
      ? notKnown(`Nobody looked at ${tier.name}.`, `Give the brief a principal that may read ${tier.name}.`)
      : factOf(() => failedRuns(live.workspace, planned.changes, seen)),
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
            : { workspace: live.workspace, folder, components: pointed },
      }),
    ),
    request.whereabouts(),
  ]);
  return {
    files,
    contract: changes,
    move,
    failedRuns: runs,
    wayBack: back,
    tiers,
    verifies: tier.previous === undefined ? [] : contract.tiers[tier.previous].gate.verify.map(({ key }) => key),
  };
}

/** Where the tier was, and under whom, when it got what it has. */
async function moved({ git, tier, contract, allowedHosts }: PlanRequest, commit: string): Promise<Move> {
  const then = await contractAt(git, commit, contract.file, allowedHosts);
  return moveOf(resolveTier(then, tier.name, tier.developer === undefined ? {} : { developer: tier.developer }), tier);
}

function count(plan: Plan): string {
  return `${changed(plan).length} of ${plan.changes.length} resources change`;
}
