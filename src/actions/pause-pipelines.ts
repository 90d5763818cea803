/** action-pause-pipelines: inputs → check, enforce, hold or resume → summary and report. */
import type { Tier } from "../contract/model.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { statementOf } from "../gate/record-runs.ts";
import { inUtc } from "../gate/wall-clock.ts";
import { getRepository } from "../github/repository.ts";
import { type HoldResult, liftHolds, takeHold } from "../holds.ts";
import { type Hold, recordSelector } from "../ledger/holds.ts";
import type { LockedLedger } from "../ledger/locked.ts";
import { ledgerOwner, tierFolder } from "../ledger/paths.ts";
import { readLedgerIfAllowed } from "../ledger/store.ts";
import { notDispatched } from "../operate.ts";
import { LONGEST_REASON, madeBy, type RecordInput, recordOperation } from "../release/evidence.ts";
import { findingsOutput } from "../report/carried-findings.ts";
import { type OperationView, operationEvidence } from "../report/evidence.ts";
import type { ActionResult } from "../report/report.ts";
import { holdsSummary, schedulesReport, schedulesSummary } from "../report/schedules.ts";
import { matchSchedules } from "../schedules.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf } from "./github.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { mayOperate } from "./may-operate.ts";
import { type PauseInputs, readPauseInputs } from "./pause-inputs.ts";
import { accessTier, resolveTierOfRun, type TierAccess } from "./tier-access.ts";
import { viewTier } from "./tier-view.ts";
import { withTier } from "./under-lock.ts";

type Holding = Extract<PauseInputs, { readonly mode: "hold" | "resume" }>;
type Matching = Exclude<PauseInputs, Holding>;

/** Brings the schedules of the run's tier to what the tier wants, says where they differ, holds them, or lifts holds. */
export async function pausePipelines(context: ActionContext): Promise<ActionResult> {
  const own = readPauseInputs(context, new Date());
  return own.mode === "hold" || own.mode === "resume" ? held(context, own) : matched(context, own);
}

async function matched(context: ActionContext, own: Matching): Promise<ActionResult> {
  const { tier, contract } = await resolveTierOfRun(context);
  // To look, a principal that only may is good enough; what writes is the tier's own.
  const access =
    own.mode === "check"
      ? await viewTier(context)
      : await accessTier({ ...context, cancelled: afterGrace(context.cancelled) });
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

async function held(context: ActionContext, own: Holding): Promise<ActionResult> {
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
      const id = await record(context, access, own, hold);
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

/** A Deployment on GitHub; a sandbox is nobody's evidence, so there is none. */
async function record(context: ActionContext, access: TierAccess, own: Holding, hold: Hold): Promise<string> {
  if (access.tier.name === "sandbox") return "";
  const payload = payloadOf(context, access, own, hold);
  const description = `${own.mode === "hold" ? "Hold" : "Resume"} schedules of ${hold.selector}: ${own.reason}`;
  return recordOperation(githubOf(context), {
    commit: context.run.sha,
    payload,
    description: description.slice(0, 140),
  });
}

/** That `enforce` lifted a hold whose time was over: whoever reads the records sees that it no longer stands. */
async function recordExpiry(context: ActionContext, tier: Tier, hold: Hold): Promise<string> {
  if (tier.name === "sandbox") return "";
  const reason = `Expired on ${inUtc(hold.until ?? "")}: ${hold.reason}`.slice(0, LONGEST_REASON);
  return recordOperation(githubOf(context), {
    commit: context.run.sha,
    payload: {
      ...commonPayload(context, tier),
      kind: "resume",
      hold: "schedules",
      selector: recordSelector(hold),
      reason,
      by: context.run.triggeringActor,
    },
    description: `Resume schedules of ${hold.selector}: ${reason}`.slice(0, 140),
  });
}

function commonPayload({ run }: ActionContext, tier: Pick<Tier, "name" | "project">) {
  return {
    tier: tier.name === "sandbox" ? ("dev" as const) : tier.name,
    project: tier.project,
    run: madeBy(run),
  };
}

function payloadOf(
  context: ActionContext,
  { tier }: TierAccess,
  own: Holding,
  hold: Hold,
): RecordInput<"hold" | "resume"> {
  const common = {
    ...commonPayload(context, tier),
    hold: "schedules" as const,
    reason: own.reason,
    by: context.run.triggeringActor,
  };
  if (own.mode === "hold")
    return { ...common, kind: "hold", selector: recordSelector(hold), until: hold.until ?? null };
  // Everything at once is one record: "" is about every hold.
  return { ...common, kind: "resume", selector: own.hold === "all" ? "" : recordSelector(hold) };
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
