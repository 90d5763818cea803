/**
 * Schedules match the tier: observe → decide → (enforce) → say. `check` writes nothing. `enforce` writes what drifted,
 * each whole, and reads it again; one resource's failure stops none of the others (design 9).
 */
import type { Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { Finding } from "./findings.ts";
import { mapBounded } from "./http/pool.ts";
import { type Applied, apply, type Patience } from "./schedules/apply.ts";
import { observe, type Scope } from "./schedules/observe.ts";
import { type Decision, decide, exceptionFindings, type SchedulePolicy, standingStill } from "./schedules/policy.ts";

export interface SchedulesOptions {
  readonly mode: "check" | "enforce";
  readonly scope: Scope;
  /** Whether drift fails a check. */
  readonly strict: boolean;
  /** Decides which exceptions hold. */
  readonly now: Date;
  readonly patience: Patience;
}

/** One job or pipeline that can start by itself, and what was done about it. */
export interface ScheduleRow {
  readonly decision: Decision;
  /** `right`: nothing to do. `drift`: seen, left. The rest: what enforcing came to. `foreign`: not ours, left. */
  readonly outcome: "right" | "foreign" | "drift" | Applied["outcome"];
}

export interface SchedulesResult {
  readonly tier: string;
  readonly scope: Scope;
  readonly rows: readonly ScheduleRow[];
  /** How many jobs and pipelines were looked at, those that start nothing by themselves included. */
  readonly seen: number;
  readonly findings: readonly Finding[];
}

/** Writes in flight: a change of many schedules is not urgent enough to be throttled for. */
const WRITES = 4;

/** Checks or enforces the schedules of one tier. Throws ApiError if the workspace cannot be listed. */
export async function matchSchedules(
  workspace: Workspace,
  tier: Tier,
  options: SchedulesOptions,
  log: { info(message: string): void },
): Promise<SchedulesResult> {
  const resources = await observe(workspace, tier, options.scope);
  const policy: SchedulePolicy = { tier: tier.name, rule: tier.schedules, exceptions: tier.exceptions };
  const decisions = decide(resources, policy, options.now);
  const drifted = decisions.filter((decision) => decision.drifted.length > 0);
  log.info(
    `${resources.length} jobs and pipelines seen, ${decisions.length} start by themselves, ${drifted.length} not as ${tier.name} wants`,
  );

  const findings = [...exceptionFindings(resources, policy, options.now), ...standingStill(decisions, policy)];
  const applied = new Map<Decision, Applied>();
  if (options.mode === "enforce") {
    await mapBounded(drifted, WRITES, async (decision) => {
      const result = await apply(workspace, tier.name, decision, options.patience);
      applied.set(decision, result);
      log.info(`${decision.resource.name}: ${result.outcome}`);
      if (result.finding !== undefined) findings.push(result.finding);
    });
  } else findings.push(...drifted.map((decision) => driftFinding(tier, decision, options.strict)));

  const rows = decisions.map((decision): ScheduleRow => {
    if (decision.wanted === undefined) return { decision, outcome: "foreign" };
    if (decision.drifted.length === 0) return { decision, outcome: "right" };
    return { decision, outcome: applied.get(decision)?.outcome ?? "drift" };
  });
  return { tier: tier.name, scope: options.scope, rows, seen: resources.length, findings };
}

function driftFinding(tier: Tier, { resource, drifted, wanted, why }: Decision, strict: boolean): Finding {
  const runs = wanted === "paused";
  return {
    id: "schedules/drift",
    severity: strict ? "error" : "warning",
    where: { kind: "resource", tier: tier.name, key: resource.key ?? `${resource.kind} ${resource.name}` },
    message: `${resource.name} ${runs ? "starts by itself" : "is paused"} (${drifted.map((starter) => starter.what).join(", ")}) and should ${runs ? "be paused" : "run"}: ${why}.`,
    ...(runs ? { why: "It costs money and changes data in a tier that should be quiet." } : {}),
    remedy: `Run action-pause-pipelines with mode: enforce, or add an exception with a reason and a last day to schedules.exceptions of the contract.`,
  };
}
