/** action-validate-grants `mode: repair`: inputs → plan, or the approved plan carried out → summary and report. */
import type { Contract, Tier } from "../contract/model.ts";
import { FourTierError } from "../findings.ts";
import { getRepository } from "../github/repository.ts";
import { approvalsOfRun } from "../github/runs.ts";
import { tierFolder } from "../ledger/paths.ts";
import { isAmong } from "../login.ts";
import { type RepairRequest, type RepairResult, repairGrants } from "../repair.ts";
import { findingsOutput } from "../report/carried-findings.ts";
import { repairReport, repairSummary } from "../report/repair.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf } from "./github.ts";
import { inputsOf } from "./inputs.ts";
import { readingProgress } from "./progress.ts";
import { accessTier, resolveTierOfRun } from "./tier-access.ts";
import { viewTier } from "./tier-view.ts";
import { withTier } from "./under-lock.ts";

/** Waits as long for the lock as a promotion does that is not told otherwise. */
const LOCK_WAIT_MS = 30 * 60_000;

/** A dry run unless `apply: true`; then the plan must be the one of `plan-digest`. */
export async function repair(context: ActionContext): Promise<ActionResult> {
  const { apply, digest } = readInputs(context);
  const { contract, tier } = await resolveTierOfRun(context);
  return apply ? carryOut(context, digest) : look(context, contract, tier);
}

/** Whoever may read all grants can plan; the brief before an approval is not written with the power to change. */
async function look(context: ActionContext, contract: Contract, tier: Tier): Promise<ActionResult> {
  const view = await viewTier(context);
  const result = await repairGrants({ ...view, ...shared(context), contract, tier, seen: seenBy(context, view) });
  return resultOf(result, view.findings);
}

async function carryOut(context: ActionContext, digest: string): Promise<ActionResult> {
  const { cancelled } = context;
  const access = await accessTier({ ...context, cancelled: afterGrace(cancelled) });
  const { tier, clientId } = access;
  await refuseUnapproved(context, tier);
  const folder = tierFolder(clientId, tier);
  const result = await repairGrants({
    ...access,
    ...shared(context),
    seen: seenBy(context, access),
    apply: {
      digest,
      cancelled,
      locked: (work) => withTier(context, { ...access, folder }, LOCK_WAIT_MS, work),
    },
  });
  return resultOf(result, access.findings);
}

function shared({ log }: ActionContext): Pick<RepairRequest, "now" | "log"> {
  return { now: new Date(), log };
}

function seenBy(context: ActionContext, { identity }: Pick<NonNullable<RepairRequest["seen"]>, "identity">) {
  return { identity, progress: readingProgress(context.log) };
}

function resultOf(result: RepairResult, before: ActionResult["findings"]): ActionResult {
  const findings = [...before, ...result.findings];
  return {
    findings,
    outputs: {
      findings: findingsOutput(findings),
      "plan-digest": result.digest,
      changed: String(result.plan.changes.length > 0),
    },
    summary: repairSummary(result),
    report: repairReport(result),
  };
}

/**
 * In prod a repair waits for the same people as a promotion: on the default branch, in the first attempt of a run that
 * somebody else approved for the environment.
 */
async function refuseUnapproved(context: ActionContext, { name }: Tier): Promise<void> {
  const { run } = context;
  if (name !== "prod") return;
  const github = githubOf(context);
  const { defaultBranch } = await getRepository(github);
  if (run.ref !== `refs/heads/${defaultBranch}`) {
    throw refusal(`This run is of ${run.ref}.`, `Start it on ${defaultBranch}.`);
  }
  if (run.runAttempt > 1) {
    throw refusal("This is a re-run, and approvals do not say which attempt they are of.", "Start a new run.");
  }
  const starters = [run.actor, run.triggeringActor];
  const approved = (await approvalsOfRun(github, run.runId)).some(
    ({ state, environments, user }) =>
      state === "approved" && environments.includes(name) && user !== undefined && !isAmong(starters, user),
  );
  if (!approved) {
    throw refusal(
      `Nobody but who started it approved this run for ${name}.`,
      `Give the environment ${name} required reviewers, and have one of them read the plan and approve.`,
    );
  }
}

function refusal(message: string, remedy: string): FourTierError {
  return new FourTierError({
    id: "grants/repair-not-approved",
    severity: "error",
    message: `${message} Nothing was changed.`,
    why: "A repair of prod needs the same approval as a promotion.",
    remedy,
  });
}

function readInputs(context: ActionContext): { readonly apply: boolean; readonly digest: string } {
  const inputs = inputsOf(context);
  if (inputs.text("proof") === "estate" || inputs.flag("record")) {
    inputs.wrong("mode", "mode: repair repairs a tier's catalog and records nothing.", "Leave proof and record out.");
  }
  const apply = inputs.flag("apply");
  const digest = inputs.digest("plan-digest", "Take it from a dry run's summary.");
  if (apply && digest === "") {
    inputs.wrong("plan-digest", "apply: true needs the digest of the plan that was read.", "Take it from a dry run.");
  }
  inputs.done();
  return { apply, digest };
}
