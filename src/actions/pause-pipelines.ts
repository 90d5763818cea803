/** action-pause-pipelines: inputs → check or enforce → summary and report. */
import { type Finding, FourTierError } from "../findings.ts";
import type { ActionResult } from "../report/report.ts";
import { schedulesReport, schedulesSummary } from "../report/schedules.ts";
import { matchSchedules, type SchedulesOptions } from "../schedules.ts";
import type { ActionContext } from "./frame.ts";
import { accessTier } from "./tier-access.ts";

/** Brings the schedules of the run's tier to what the tier wants, or says where they differ. */
export async function pausePipelines(context: ActionContext): Promise<ActionResult> {
  const options = readOptions(context);
  const { tier, workspace, findings } = await accessTier(context);
  const result = await matchSchedules(workspace, tier, options, context.log);
  const drifted = result.rows.filter((row) => row.decision.drifted.length > 0).length;
  const changed = result.rows.filter((row) => row.outcome === "changed").length;
  return {
    findings: [...findings, ...result.findings],
    outputs: { drifted: String(drifted), changed: String(changed) },
    summary: schedulesSummary(result),
    report: schedulesReport(result),
  };
}

/** How often a pipeline that is stopping is looked at (facts: databricks-api 2.7), in milliseconds. */
const LOOK_EVERY = 2_000;

function readOptions(context: ActionContext): SchedulesOptions {
  const mode = context.input("mode") || "check";
  const scope = context.input("scope") || "project";
  const strict = context.input("strict") || "true";
  const seconds = Number(context.input("timeout-seconds") || "300");
  const wrong: Finding[] = [];
  if (mode === "hold" || mode === "resume") wrong.push(notInThisRelease(mode));
  else if (mode !== "check" && mode !== "enforce") wrong.push(bad("mode", mode, "check or enforce"));
  if (scope !== "project" && scope !== "workspace") wrong.push(bad("scope", scope, "project or workspace"));
  if (strict !== "true" && strict !== "false") wrong.push(bad("strict", strict, "true or false"));
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > 3600) {
    wrong.push(bad("timeout-seconds", context.input("timeout-seconds"), "a whole number from 1 to 3600"));
  }
  if (wrong.length > 0) throw new FourTierError(wrong);
  return {
    mode: mode === "enforce" ? "enforce" : "check",
    scope: scope === "workspace" ? "workspace" : "project",
    strict: strict === "true",
    now: new Date(),
    patience: { timeoutMs: seconds * 1000, everyMs: LOOK_EVERY, signal: context.cancelled },
  };
}

function bad(input: string, value: string, wanted: string): Finding {
  return {
    id: "run/input",
    severity: "error",
    message: `The input ${input} is ${value}, which it cannot be.`,
    remedy: `Give it ${wanted}.`,
  };
}

function notInThisRelease(mode: string): Finding {
  return {
    id: "run/not-in-this-release",
    severity: "error",
    message: `mode: ${mode} is not in this release.`,
    remedy: "To keep something paused for now, add an exception with a reason and a last day to the contract.",
  };
}
