/**
 * Schedules match the tier: observe → decide → (enforce) → say. `check` writes nothing. `enforce` writes what drifted,
 * each whole, and reads it again; one resource's failure stops none of the others (design 9). What a hold keeps paused
 * is right when it is paused, whatever the tier wants.
 */
import type { Contract, Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { Finding } from "./findings.ts";
import { mapBounded, together } from "./http/pool.ts";
import type { Hold } from "./ledger/holds.ts";
import type { LockedLedger } from "./ledger/locked.ts";
import type { Ledger } from "./ledger/model.ts";
import { type Applied, apply, type ApplyOptions } from "./schedules/apply.ts";
import { historyOf, type Ran } from "./schedules/history.ts";
import { observe, type Scope } from "./schedules/observe.ts";
import { duplicateFindings, othersNotice } from "./schedules/ownership.ts";
import {
  type Decision,
  decide,
  exceptionFindings,
  hasExpired,
  holdFindings,
  type Resource,
  type SchedulePolicy,
  standingStill,
  WRITES,
} from "./schedules/policy.ts";
import { restore } from "./schedules/restore.ts";
import { type Also, watcherFindings } from "./schedules/watchers.ts";

export interface SchedulesOptions extends ApplyOptions {
  readonly mode: "check" | "enforce";
  readonly scope: Scope;
  /** Whether drift fails a check. */
  readonly strict: boolean;
  /** Decides which exceptions and holds have ended. */
  readonly now: Date;
  /** The contract's parts that are not the tier's own. */
  readonly contract: Pick<Contract, "holds" | "schedules">;
  /** Besides jobs and pipelines: alerts are looked at anyway, and must be seen if they are named here. */
  readonly also: readonly Also[];
  /** Application id of the tier's own principal, whoever looks. */
  readonly principal: string;
  /** The tier's ledger, undefined if there is none; a finding if it may not be read. */
  readonly ledger: () => Promise<Ledger | undefined | Finding>;
  /** Runs work on the tier's ledger under its lock. */
  readonly locked: <T>(work: (ledger: LockedLedger) => Promise<T>) => Promise<T>;
}

/** One job or pipeline that can start by itself, and what was done about it. */
export interface ScheduleRow {
  readonly decision: Decision;
  /** `right`: nothing to do. `drift`: seen, left. `foreign`: not ours, left. The rest: what writing came to. */
  readonly outcome: "right" | "foreign" | "drift" | "held" | Applied["outcome"];
}

export interface SchedulesResult {
  readonly tier: string;
  readonly scope: Scope;
  readonly rows: readonly ScheduleRow[];
  /** What stands. */
  readonly holds: readonly Hold[];
  /** How many jobs and pipelines were looked at, those that start nothing by themselves included. */
  readonly seen: number;
  readonly findings: readonly Finding[];
  /** What ran by itself where it should be quiet, by id. */
  readonly history: ReadonlyMap<string, Ran>;
  readonly now: Date;
}

type Log = { info(message: string): void };

/** Checks or enforces the schedules of one tier. Throws ApiError if the workspace cannot be listed. */
export async function matchSchedules(
  workspace: Workspace,
  tier: Tier,
  options: SchedulesOptions,
  log: Log,
): Promise<SchedulesResult> {
  const { scope, now, principal } = options;
  const { names } = options.contract.schedules;
  const read = await options.ledger();
  const unseen = read !== undefined && "id" in read ? read : undefined;
  const ledger = read === undefined || "id" in read ? undefined : read;
  const [watchers, resources] = await together([
    watcherFindings(workspace, { ...options, tier, names }),
    observe(workspace, { tier, principal, ledger, names }, scope),
  ]);
  const policy = policyOf(tier, ledger?.holds ?? []);
  const decisions = decide(resources, policy, now);
  const drifted = decisions.filter((decision) => decision.drifted.length > 0);
  log.info(
    `${resources.length} jobs and pipelines seen, ${decisions.length} start by themselves, ${drifted.length} not as ${tier.name} wants`,
  );
  const noisy = drifted.filter(({ wanted }) => wanted === "paused").map(({ resource }) => resource);
  const history = tier.schedules === "paused" ? await historyOf(workspace, noisy, now) : new Map<string, Ran>();
  const result = { tier: tier.name, scope, seen: resources.length, holds: policy.holds, history, now };
  if (options.mode === "check" || unseen !== undefined) {
    const findings = [
      ...(unseen === undefined ? [] : [unseen]),
      ...watchers,
      ...common(resources, decisions, policy, options),
      ...drifted.map((decision) => driftFinding(tier, decision, options.strict)),
    ];
    return { ...result, findings, rows: decisions.map((decision) => rowOf(decision, undefined)) };
  }
  const due = policy.holds.some((hold) => isLifted(hold, options));
  if (drifted.length === 0 && !due) {
    const findings = [...watchers, ...common(resources, decisions, policy, options)];
    return { ...result, findings, rows: decisions.map((decision) => rowOf(decision, undefined)) };
  }
  return options.locked(async (ledger) => {
    const enforced = await enforce(workspace, tier, resources, ledger, options, log);
    return { ...result, ...enforced, findings: [...watchers, ...enforced.findings] };
  });
}

/** What a tier wants, with what its ledger holds. */
export function policyOf(tier: Tier, holds: readonly Hold[]): SchedulePolicy {
  return { tier: tier.name, rule: tier.schedules, exceptions: tier.exceptions, holds };
}

/** Under the lock, where no hold can come or go: expired ones are lifted if the contract says so, the rest is enforced. */
async function enforce(
  workspace: Workspace,
  tier: Tier,
  resources: readonly Resource[],
  ledger: LockedLedger,
  options: SchedulesOptions,
  log: Log,
): Promise<Pick<SchedulesResult, "rows" | "findings" | "holds">> {
  const { now } = options;
  const all = ledger.current().holds;
  const ended = all.filter((hold) => isLifted(hold, options));
  const remaining = all.filter((hold) => !ended.includes(hold));
  const policy = policyOf(tier, remaining);
  const restored = await restore(workspace, resources, ended, {
    remaining,
    policy,
    ledger: ledger.current(),
    now,
    options,
  });
  const failed = restored.flatMap(({ finding }) => (finding === undefined ? [] : [finding]));
  if (ended.length > 0 && failed.length === 0) {
    await ledger.save({ ...ledger.current(), holds: remaining });
    for (const { reason, by } of ended) log.info(`Lifted the hold of ${by} (${reason}): it has expired`);
  }
  const lifted = new Set(restored.map(({ decision }) => decision.resource.id));
  const decisions = decide(resources, policy, now).filter(({ resource }) => !lifted.has(resource.id));
  const applied = await applyAll(workspace, tier, decisions, options, log);
  return {
    holds: remaining,
    rows: [...restored, ...decisions.map((decision) => rowOf(decision, applied.get(decision)))],
    findings: [
      ...common(resources, decisions, policy, options),
      ...failed,
      ...[...applied.values()].flatMap(({ finding }) => (finding === undefined ? [] : [finding])),
    ],
  };
}

/** True if `enforce` lifts the hold by itself. */
function isLifted(hold: Hold, { contract, now }: SchedulesOptions): boolean {
  return contract.holds.onExpiry === "resume" && hold.kind === "schedules" && hasExpired(hold, now);
}

/** Writes what drifted of the decisions, a few at a time. */
export async function applyAll(
  workspace: Workspace,
  tier: Pick<Tier, "name">,
  decisions: readonly Decision[],
  options: ApplyOptions,
  log: Log,
): Promise<ReadonlyMap<Decision, Applied>> {
  const applied = new Map<Decision, Applied>();
  const drifted = decisions.filter((decision) => decision.drifted.length > 0);
  await mapBounded(drifted, WRITES, async (decision) => {
    const { resource, wanted = "paused" } = decision;
    const result = await apply(workspace, tier.name, resource, (starters) => starters.map(() => wanted), options);
    applied.set(decision, result);
    log.info(`${resource.name}: ${result.outcome}`);
  });
  return applied;
}

function common(
  resources: readonly Resource[],
  decisions: readonly Decision[],
  policy: SchedulePolicy,
  { now, contract }: SchedulesOptions,
): Finding[] {
  return [
    ...duplicateFindings({ name: policy.tier }, policy.rule, resources),
    ...othersNotice(policy.tier, resources),
    ...exceptionFindings(resources, policy, now),
    ...holdFindings(policy, now, contract.holds.onExpiry),
    ...standingStill(decisions, policy),
  ];
}

export function rowOf(decision: Decision, applied: Applied | undefined): ScheduleRow {
  if (decision.wanted === undefined) return { decision, outcome: "foreign" };
  if (decision.drifted.length === 0) return { decision, outcome: "right" };
  return { decision, outcome: applied?.outcome ?? "drift" };
}

function driftFinding(tier: Tier, { resource, drifted, wanted, why }: Decision, strict: boolean): Finding {
  const runs = wanted === "paused";
  const byHand = resource.kicked ? " It is set to paused, and goes on since somebody started it by hand." : "";
  return {
    id: "schedules/drift",
    severity: strict ? "error" : "warning",
    where: { kind: "resource", tier: tier.name, key: resource.key ?? `${resource.kind} ${resource.name}` },
    message: `${resource.name} ${runs ? "starts by itself" : "is paused"} (${drifted.map((starter) => starter.what).join(", ")}) and should ${runs ? "be paused" : "run"}: ${why}.${byHand}`,
    ...(runs ? { why: "It costs money and changes data in a tier that should be quiet." } : {}),
    remedy: `Run action-pause-pipelines with mode: enforce, or add an exception with a reason and a last day to schedules.exceptions of the contract.`,
  };
}
