/**
 * action-clean-sandboxes: typed inputs → one clean-up, as dev's principal and on the default branch only → summary,
 * what is due.
 */
import { type CleanResult, clean } from "../clean.ts";
import { policyContract } from "../release/policy.ts";
import { dueOutput } from "../report/carried-due.ts";
import { cleanReport, cleanSummary } from "../report/clean.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { pause, runHasEnded } from "./github.ts";
import { inputsOf } from "./inputs.ts";
import { accessOwner } from "./sandbox-owner.ts";

/** The most that one run may remove, whatever is asked for. */
const MOST = 50;

/** Cleans up, or says what it would do. Throws FourTierError before anything is written. */
export async function cleanSandboxes(context: ActionContext): Promise<ActionResult> {
  const { dryRun, most } = readInputs(context);
  const { run, log } = context;
  const owner = await accessOwner(context, "sandboxes are cleaned up");
  const contract = await policyContract(owner.github, run, owner.contract);
  const now = new Date();
  const result = await clean({
    workspace: owner.workspace,
    contract,
    principal: owner.clientId,
    dryRun,
    most,
    lock: {
      owner: { run: run.runId, attempt: run.runAttempt, job: run.job },
      runHasEnded: (id, attempt) => runHasEnded(owner.github, id, attempt),
      log,
      now: () => new Date(),
    },
    now,
    pause,
    log,
  });
  return {
    findings: [...owner.findings, ...result.findings],
    outputs: {
      warned: JSON.stringify(namesOf(result, "warn")),
      removed: JSON.stringify(namesOf(result, "remove")),
      due: dueOutput(result, {
        users: new Set(contract.users.keys()),
        graceDays: contract.tiers.sandbox.graceDays,
        now,
      }),
    },
    summary: cleanSummary(result),
    report: cleanReport(result),
  };
}

function namesOf({ rows }: CleanResult, what: "warn" | "remove"): string[] {
  return rows
    .filter(({ decision, outcome }) => decision.do === what && (outcome === "done" || outcome === "dry-run"))
    .map(({ catalog }) => catalog);
}

function readInputs(context: ActionContext): { dryRun: boolean; most: number } {
  const inputs = inputsOf(context);
  const dryRun = inputs.flag("dry-run", true);
  const most = inputs.whole("max", 3, { least: 0, most: MOST });
  inputs.done();
  return { dryRun, most };
}
