/** action-pause-pipelines once its inputs are read: check, enforce, hold or resume → summary and report. */
import { type Finding, FourTierError } from "../findings.ts";
import { statementOf } from "../gate/record-runs.ts";
import { getRepository } from "../github/repository.ts";
import { type HoldResult, liftHolds, takeHold } from "../holds.ts";
import type { Hold } from "../ledger/holds.ts";
import type { LockedLedger } from "../ledger/locked.ts";
import { ledgerOwner, tierFolder } from "../ledger/paths.ts";
import { readLedgerIfAllowed } from "../ledger/store.ts";
import { notDispatched } from "../operate.ts";
import { findingsOutput } from "../report/carried-findings.ts";
import { type OperationView, operationEvidence } from "../report/evidence.ts";
import type { ActionResult } from "../report/report.ts";
import { holdsSummary, schedulesReport, schedulesSummary } from "../report/schedules.ts";
import { matchSchedules } from "../schedules.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf } from "./github.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { mayOperate } from "./may-operate.ts";
import type { PauseInputs } from "./pause-inputs.ts";
import { type Holding, payloadOf, recordExpiry, recordHolding } from "./pause-records.ts";
import { accessTier, resolveTierOfRun, type TierAccess } from "./tier-access.ts";
import type { TierView } from "./tier-view.ts";
import { withTier } from "./under-lock.ts";

type Matching = Exclude<PauseInputs, Holding>;

/** Schedules are as the tier wants them, or said to differ; `signing` may be that of a principal that only looks. */
export async function match(
  context: ActionContext,
  own: Matching,
  signing: Promise<TierAccess | TierView>,
): Promise<ActionResult> {
  const { tier, contract } = await resolveTierOfRun(context);
  const access = await signing;
  const { workspace, findings } = access;
  const principal = ledgerOwner(tier, access.clientId);
  const folder = tierFolder(principal, tier);
  const result = await matchSchedules(
    workspace,
    tier,
    {
      ...own,
      contract,
      principal,
      seesAll: access.identity.groups.includes("admins"),
      ledger: async () => {
        const ledger = await readLedgerIfAllowed(workspace, folder, { project: tier.project, tier: tier.name });
        return ledger === "refused" ? unseenHolds(tier.name) : ledger;
      },
      record: (hold) => recordExpiry(context, tier, hold),
      locked: (work) => withTier(context, { ...access, tier, folder }, own.lockWaitMs, work),
    },
    context.log,
  );
  const drifted = result.rows.filter((row) => row.decision.drifted.length > 0).length;
  const all = [...findings, ...result.findings];
  const kept =
    own.mode === "enforce"
      ? await keep(
          context,
          { tier, operation: "enforce", reason: "", schedules: changedIn(result), deployment: "" },
          all,
        )
      : {};
  return {
    findings: all,
    outputs: {
      findings: findingsOutput(all),
      drifted: String(drifted),
      changed: changedOf(result),
      ...standing(result.holds),
      ...kept,
    },
    summary: schedulesSummary(result),
    report: schedulesReport(result),
  };
}

/** Takes a hold or lifts holds. */
export async function hold(context: ActionContext, own: Holding): Promise<ActionResult> {
  await refuseUndispatched(context);
  const access = await accessTier({ ...context, cancelled: afterGrace(context.cancelled) });
  const { tier, contract, workspace, clientId } = access;
  const { run, log } = context;
  // To pause shuts, and is for anybody; to give back lets things run.
  const refusals = own.mode === "resume" ? await mayOperate(githubOf(context), run, access) : [];
  if (refusals.length > 0) throw new FourTierError(refusals);
  const folder = tierFolder(clientId, tier);
  const deployments: string[] = [];
  const shared = {
    ...own,
    workspace,
    tier,
    principal: clientId,
    contract,
    log,
    run: { id: run.runId, attempt: run.runAttempt },
    locked: <T>(work: (ledger: LockedLedger) => Promise<T>) =>
      withTier(context, { ...access, folder }, own.lockWaitMs, work),
    record: async (hold: Hold) => {
      const id = await recordHolding(context, access, own, hold);
      deployments.push(id);
      return id;
    },
  };
  const result: HoldResult =
    own.mode === "hold"
      ? await takeHold({
          ...shared,
          selector: own.selector,
          reason: own.reason,
          until: own.until,
          by: run.triggeringActor,
        })
      : await liftHolds({ ...shared, hold: own.hold, giveUp: own.giveUp });
  const statement = result.touched.map((hold) =>
    statementOf({ suite: "four-tier", version: 1, ...payloadOf(context, access, own, hold) }),
  );
  const findings = [...access.findings, ...result.findings];
  const kept = await keep(
    context,
    {
      tier,
      operation: own.mode === "hold" ? "pause" : "unpause",
      reason: own.reason,
      ...(own.mode === "hold" ? { selector: own.selector, until: own.until?.toISOString() ?? null } : {}),
      schedules: changedIn(result),
      deployment: deployments.join(", "),
    },
    findings,
  );
  return {
    findings,
    outputs: {
      drifted: "0",
      changed: changedOf(result),
      "hold-id": result.touched.map(({ id }) => id).join(","),
      // What a step of the calling workflow has to be named for this run to be believed.
      statement: statement[0] ?? "",
      ...standing(result.holds),
      ...kept,
    },
    summary: holdsSummary(result, own.mode),
    report: { mode: own.mode, ...schedulesReport(result) },
  };
}

/** As for what people decide elsewhere (src/operate.ts); a hold of a sandbox is nobody's evidence. */
async function refuseUndispatched(context: ActionContext): Promise<void> {
  const { tier } = await resolveTierOfRun(context);
  if (tier.name === "sandbox") return;
  const { defaultBranch } = await getRepository(githubOf(context));
  const refused = notDispatched(context.run, defaultBranch);
  if (refused !== undefined) throw new FourTierError(refused);
}

function changedOf(result: Pick<HoldResult, "rows">): string {
  return String(changedIn(result).length);
}

function changedIn({ rows }: Pick<HoldResult, "rows">): string[] {
  return rows
    .filter(({ outcome }) => outcome === "changed")
    .map(({ decision: { resource } }) => resource.key ?? resource.name);
}

/** Writes what was done as a document, for the workflow to keep. */
function keep(context: ActionContext, view: OperationView, findings: readonly Finding[]) {
  const evidence = operationEvidence(view, { run: context.run, findings, now: new Date() });
  return keepEvidence(context, `${view.tier.name}-${view.operation}`, evidence);
}

function standing(holds: readonly Hold[]): { readonly holds: string } {
  return { holds: String(holds.filter(({ kind }) => kind === "schedules").length) };
}

function unseenHolds(tier: string): Finding {
  return {
    id: "schedules/holds-unseen",
    severity: "unknown",
    message: `The ledger of ${tier} cannot be read, so nobody can say what is held.`,
    why: "What a hold keeps paused would look like a change by hand.",
    remedy: `Put the principal into the group of tiers.${tier}.readers of the contract; the next promotion lets it in.`,
  };
}
