/**
 * Schedules match the tier: observe → decide → (enforce) → say. `check` writes nothing. `enforce` writes what drifted,
 * each whole, and reads it again; one resource's failure stops none of the others (design 9). What a hold keeps paused
 * is right when it is paused, whatever the tier wants.
 */
import type { Contract, Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { Finding } from "./findings.ts";
import { together } from "./http/pool.ts";
import type { Hold } from "./ledger/holds.ts";
import type { LockedLedger } from "./ledger/locked.ts";
import type { Ledger } from "./ledger/model.ts";
import type { Applied, ApplyOptions } from "./schedules/apply.ts";
import { carryOut, ordersFor, remember } from "./schedules/carry-out.ts";
import { historyOf, notLookedAt, type Ran } from "./schedules/history.ts";
import { type Observation, observe, type Scope } from "./schedules/observe.ts";
import { duplicateFindings, othersNotice } from "./schedules/ownership.ts";
import {
  type Decision,
  decide,
  exceptionFindings,
  hasExpired,
  holdFindings,
  type SchedulePolicy,
  standingStill,
} from "./schedules/policy.ts";
import { liftAndSave, recorded } from "./schedules/restore.ts";
import type { Starter } from "./schedules/starters.ts";
import { type Also, watcherFindings } from "./schedules/watchers.ts";

/** How schedules are matched to their tier. */
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
  /** Who looks is an administrator of the workspace, whom nothing in it is hidden from. */
  readonly seesAll: boolean;
  /** The tier's ledger, undefined if there is none; a finding if it may not be read. */
  readonly ledger: () => Promise<Ledger | undefined | Finding>;
  /** Records that a hold was lifted because its time was over. */
  readonly record: (hold: Hold) => Promise<string>;
  /** Runs work on the tier's ledger under its lock. */
  readonly locked: <T>(work: (ledger: LockedLedger) => Promise<T>) => Promise<T>;
}

/** One job or pipeline that can start by itself, and what was done about it. */
export interface ScheduleRow {
  readonly decision: Decision;
  /** `right`: nothing to do. `drift`: seen, left. `foreign`: not ours, left. The rest: what writing came to. */
  readonly outcome: "right" | "foreign" | "drift" | "held" | Applied["outcome"];
}

/** What of a tier starts by itself, and what became of it. */
export interface SchedulesResult {
  readonly tier: string;
  readonly scope: Scope;
  readonly rows: readonly ScheduleRow[];
  /** What stands. */
  readonly holds: readonly Hold[];
  /** How many jobs and pipelines were looked at, those that start nothing by themselves included. */
  readonly seen: number;
  readonly findings: readonly Finding[];
  /** What ran by itself in a tier that is paused, by exception too, by id. */
  readonly history: ReadonlyMap<string, Ran>;
  /** How many jobs that run by themselves there are beyond those of the history. */
  readonly notLookedAt: number;
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
  const [watchers, observation] = await together([
    watcherFindings(workspace, { ...options, tier, names }),
    observe(workspace, { tier, principal, ledger, names }, scope),
  ]);
  const { resources } = observation;
  const policy = policyOf(tier, ledger?.holds ?? []);
  const decisions = decide(resources, policy, now);
  const drifted = decisions.filter((decision) => decision.drifted.length > 0);
  log.info(
    `${resources.length} jobs and pipelines seen, ${decisions.length} start by themselves, ${drifted.length} not as ${tier.name} wants`,
  );
  // What an exception lets run costs too; what another tier's tags say is theirs does not count here.
  const noisy = decisions
    .filter(({ resource, wanted }) => wanted !== undefined && (resource.goesOn || resource.starters.some(isRunning)))
    .map(({ resource }) => resource);
  const counted = tier.schedules === "paused" ? noisy : [];
  const history = await historyOf(workspace, counted, now);
  const result = {
    tier: tier.name,
    scope,
    seen: resources.length,
    holds: policy.holds,
    history,
    notLookedAt: notLookedAt(counted),
    now,
  };
  if (options.mode === "enforce" && unseen === undefined && isDue(decisions, policy, options)) {
    return options.locked(async (locked) => {
      const enforced = await enforce(workspace, tier, locked, options, log);
      return { ...result, ...enforced, findings: [...watchers, ...enforced.findings] };
    });
  }
  return {
    ...result,
    findings: [
      ...(unseen === undefined ? [] : [unseen]),
      ...watchers,
      ...common(observation, decisions, policy, options),
      ...drifted.map((decision) => driftFinding(tier, decision, options.strict)),
    ],
    rows: decisions.map((decision) => rowOf(decision, undefined)),
  };
}

function isRunning({ state }: Starter): boolean {
  return state === "running";
}

/** True if `enforce` has anything to write, to end or to lift. */
function isDue(decisions: readonly Decision[], { holds }: SchedulePolicy, options: SchedulesOptions): boolean {
  if (holds.some((hold) => isLifted(hold, options))) return true;
  return ordersFor(decisions, options).length > 0;
}

/** What a tier wants, with what its ledger holds. */
export function policyOf(tier: Tier, holds: readonly Hold[]): SchedulePolicy {
  return { tier: tier.name, rule: tier.schedules, exceptions: tier.exceptions, holds };
}

/**
 * Under the lock, where no hold can come or go and no promotion writes, everything is looked at again: what was seen
 * before may have waited for another run. Expired holds are lifted if the contract says so, the rest is enforced.
 */
async function enforce(
  workspace: Workspace,
  tier: Tier,
  ledger: LockedLedger,
  options: SchedulesOptions,
  log: Log,
): Promise<Pick<SchedulesResult, "rows" | "findings" | "holds">> {
  const { now, scope, principal, contract } = options;
  const ended = ledger.current().holds.filter((hold) => isLifted(hold, options));
  // One wide list instead of a look at each thing that a hold of the whole workspace paused.
  const widest = ended.some((hold) => hold.scope === "workspace") ? "workspace" : scope;
  const owner = { tier, principal, ledger: ledger.current(), names: contract.schedules.names };
  const observation = await observe(workspace, owner, widest);
  const lifted = await liftExpired(workspace, tier, ended, observation, ledger, options, log);
  const policy = policyOf(tier, lifted.standing);
  const given = new Set(lifted.rows.map(({ decision }) => decision.resource.id));
  const inScope = observation.resources.filter(({ project }) => scope === "workspace" || project);
  const decisions = decide(inScope, policy, now).filter(({ resource }) => !given.has(resource.id));
  await remember(ledger, decisions);
  const applied = await carryOut(workspace, tier, decisions, ledger, options, log);
  return {
    holds: ledger.current().holds,
    rows: [...lifted.rows, ...decisions.map((decision) => rowOf(decision, applied.get(decision)))],
    findings: [
      ...common({ ...observation, resources: inScope }, decisions, policy, options),
      ...lifted.findings,
      ...[...applied.values()].flatMap(({ finding }) => (finding === undefined ? [] : [finding])),
    ],
  };
}

async function liftExpired(
  workspace: Workspace,
  tier: Tier,
  ended: readonly Hold[],
  { resources }: Observation,
  ledger: LockedLedger,
  options: SchedulesOptions,
  log: Log,
) {
  const { now } = options;
  const remaining = ledger.current().holds.filter((hold) => !ended.includes(hold));
  if (ended.length === 0) return { rows: [], findings: [], standing: remaining };
  const policy = policyOf(tier, remaining);
  const result = await liftAndSave(workspace, ended, { resources, ledger, policy, now, options, giveUp: false });
  const findings = [...result.findings];
  for (const hold of result.lifted) {
    log.info(`Lifted the hold of ${hold.by} (${hold.reason}): it has expired`);
    findings.push(...(await recorded(tier.name, () => options.record(hold))));
  }
  return { ...result, findings };
}

/** True if `enforce` lifts the hold by itself. */
function isLifted(hold: Hold, { contract, now }: SchedulesOptions): boolean {
  return contract.holds.onExpiry === "resume" && hold.kind === "schedules" && hasExpired(hold, now);
}

function common(
  { resources, findings }: Observation,
  decisions: readonly Decision[],
  policy: SchedulePolicy,
  { now, contract, scope, seesAll }: SchedulesOptions,
): Finding[] {
  return [
    ...findings,
    ...(scope === "workspace" && !seesAll ? [partlySeen(policy)] : []),
    ...duplicateFindings({ name: policy.tier }, policy.rule, resources),
    ...othersNotice(policy.tier, resources),
    ...exceptionFindings(resources, policy, now),
    ...holdFindings(policy, now, contract.holds.onExpiry),
    ...standingStill(decisions, policy),
  ];
}

/** A row of the report: what was decided, and what came of it. */
export function rowOf(decision: Decision, applied: Applied | undefined): ScheduleRow {
  if (decision.wanted === undefined) return { decision, outcome: "foreign" };
  return { decision, outcome: applied?.outcome ?? (decision.drifted.length === 0 ? "right" : "drift") };
}

function partlySeen({ tier }: SchedulePolicy): Finding {
  return {
    id: "schedules/partly-seen",
    severity: "notice",
    message: `What the principal may not see in the workspace of ${tier} is not in this result, and it may start by itself.`,
    remedy:
      "To see everything, look with a principal in the workspace's group admins; or give this one CAN_VIEW on what it shall see.",
  };
}

function driftFinding(tier: Tier, { resource, drifted, wanted, why }: Decision, strict: boolean): Finding {
  const runs = wanted === "paused";
  const byHand = !resource.goesOn
    ? ""
    : resource.kind === "jobs"
      ? " It is set to paused, and goes on since somebody started it by hand."
      : " It is not continuous any more, and its continuous update was not stopped.";
  return {
    id: "schedules/drift",
    severity: strict ? "error" : "warning",
    where: { kind: "resource", tier: tier.name, key: resource.key ?? `${resource.kind} ${resource.name}` },
    message: `${resource.name} ${runs ? "starts by itself" : "is paused"} (${drifted.map((starter) => starter.what).join(", ")}) and should ${runs ? "be paused" : "run"}: ${why}.${byHand}`,
    ...(runs ? { why: "It costs money and changes data in a tier that should be quiet." } : {}),
    remedy: `Run operate.yml with the operation enforce (action-pause-pipelines, mode: enforce), or add an exception with a reason and a last day to schedules.exceptions of the contract.`,
  };
}
