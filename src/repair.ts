/**
 * Repair of a tier's grants: read → plan → (on the word of whoever read the plan) change → read until it has arrived. Without
 * that word nothing is written. The plan is named by its digest, so that what is carried out is what was shown.
 */
import type { Contract, Tier } from "./contract/model.ts";
import { getGrants } from "./databricks/unity-grants.ts";
import { changeGrants } from "./databricks/unity-write.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { type Finding, FourTierError } from "./findings.ts";
import { normaliseGrants } from "./grants/model.ts";
import { afterRepair, hasArrived, planRepair, type RepairChange, type RepairPlan } from "./grants/repair-plan.ts";
import { nameIt } from "./grants/rights.ts";
import { judge } from "./grants/rules.ts";
import { type TierProof, tierProof } from "./grants.ts";
import { type Clock, realClock } from "./http/clock.ts";
import { stringifyJson } from "./json.ts";
import { count } from "./report/markdown.ts";
import { sha256 } from "./sha256.ts";

/** How long the service may take to show a change (facts: unity-catalog 1.2: up to a minute), and how often we look. */
const SETTLES_MS = 60_000;
const LOOK_AGAIN_MS = 2_000;

/** What is to be repaired, and whether only to say what would be. */
export interface RepairRequest {
  readonly workspace: Workspace;
  readonly contract: Contract;
  readonly tier: Tier;
  readonly now: Date;
  /** What this run knows already, as of a tier proof. */
  readonly seen: Parameters<typeof tierProof>[4];
  /** Undefined: a dry run. */
  readonly apply?: {
    /** Of the plan that was read and approved. */
    readonly digest: string;
    /** Runs work under the tier's lock, so that no promotion writes at the same time. */
    readonly locked: <T>(work: () => Promise<T>) => Promise<T>;
    readonly cancelled: AbortSignal;
    readonly clock?: Clock;
  };
  readonly log: { info(message: string): void };
}

/** What was planned and done. */
export interface RepairResult {
  readonly proof: TierProof;
  readonly plan: RepairPlan;
  /** 64 hex digits. */
  readonly digest: string;
  /** The changes that were made, in order; undefined in a dry run. */
  readonly applied: readonly RepairChange[] | undefined;
  readonly findings: readonly Finding[];
}

/** Plans, and carries out what was approved. Throws FourTierError, with nothing changed, where it must not begin. */
export async function repairGrants(request: RepairRequest): Promise<RepairResult> {
  const { apply } = request;
  if (apply === undefined) return { ...(await planned(request)), applied: undefined };
  return apply.locked(async () => {
    const result = await planned(request);
    if (result.digest !== apply.digest) throw notApproved(result.digest, apply.digest);
    const done = await carryOut(request, apply, result.plan.changes);
    return { ...result, ...done, findings: [...done.findings, ...result.findings] };
  });
}

async function planned(request: RepairRequest): Promise<Omit<RepairResult, "applied">> {
  const { workspace, contract, tier, now, seen } = request;
  const proof = await tierProof(workspace, contract, tier, now, seen);
  const stops = proof.findings.filter(
    ({ id, severity }) => STOPS.has(id) || (MISTAKES.has(id) && severity === "error"),
  );
  if (stops.length > 0) throw new FourTierError(stops);
  const plan = planRepair(proof.estate, proof.expected, contract.grants.authority);
  const digest = sha256(stringifyJson({ tier: tier.name, catalog: tier.catalog, changes: changesJson(plan) }));
  return { proof, plan, digest, findings: staying(proof, plan) };
}

/** What makes a plan untrustworthy: a policy that does not hold together, names that mean nobody, things not seen. */
const STOPS: ReadonlySet<string> = new Set([
  "grants/contradiction",
  "grants/privilege-misfit",
  "grants/principal-unknown",
  "grants/principal-ambiguous",
  "grants/principal-local",
  "grants/catalog-missing",
  "grants/catalog-unseen",
  "grants/authority",
  "grants/unseen",
]);

/** What does so where it is an error; as a warning it may only be a name that is new. */
const MISTAKES: ReadonlySet<string> = new Set(["grants/privilege-unknown"]);

/**
 * What will still be wrong: ownership, bindings, members of groups, and what there is no authority for. What was not wrong
 * before would be the repair's own doing, and is an error.
 */
function staying(proof: TierProof, plan: RepairPlan): Finding[] {
  const before = new Set(proof.findings.map(({ id }) => id));
  const { findings } = judge(afterRepair(proof.estate, plan), proof.expected);
  return findings.map((finding) => {
    if (finding.severity === "notice") return finding;
    return before.has(finding.id)
      ? { ...finding, severity: "warning", message: `Stays after the repair: ${finding.message}` }
      : { ...finding, message: `Comes with the repair: ${finding.message}` };
  });
}

async function carryOut(
  { workspace, log }: RepairRequest,
  { cancelled, clock = realClock }: NonNullable<RepairRequest["apply"]>,
  changes: readonly RepairChange[],
): Promise<{ readonly applied: readonly RepairChange[]; readonly findings: readonly Finding[] }> {
  const applied: RepairChange[] = [];
  for (const change of changes) {
    if (cancelled.aborted) return { applied, findings: [stopped(changes, applied, "The run was cancelled.")] };
    try {
      await changeGrants(workspace, change.on.type, change.on.name, change.entries);
    } catch (error) {
      if (!(error instanceof FourTierError)) throw error;
      return { applied, findings: [...error.findings, stopped(changes, applied, "The service refused a change.")] };
    }
    applied.push(change);
    log.info(`Changed the grants on ${nameIt(change.on)} (${applied.length} of ${changes.length})`);
  }
  return { applied, findings: await settled(workspace, applied, clock, cancelled) };
}

/** Reads what was changed until it shows, a change at a time that has not. */
async function settled(
  workspace: Workspace,
  changes: readonly RepairChange[],
  clock: Clock,
  cancelled: AbortSignal,
): Promise<Finding[]> {
  const deadline = clock.now() + SETTLES_MS;
  const unread: Finding[] = [];
  let open = changes;
  for (;;) {
    const late: RepairChange[] = [];
    for (const change of open) {
      try {
        const grants = await getGrants(workspace, change.on.type, change.on.name);
        // What was dropped meanwhile has no grants that could be wrong.
        if (grants !== undefined && !hasArrived(change, normaliseGrants(grants))) late.push(change);
      } catch (error) {
        // The change was made: that it cannot be read back must not look like nothing happened.
        if (!(error instanceof FourTierError)) throw error;
        unread.push(unsettled(change, `it could not be read back: ${error.message}`));
      }
    }
    if (late.length === 0) return unread;
    if (clock.now() >= deadline || cancelled.aborted)
      return [...unread, ...late.map((change) => unsettled(change, "after a minute they do not read as changed"))];
    open = late;
    await clock.sleep(LOOK_AGAIN_MS, cancelled).catch(() => {});
  }
}

function unsettled({ on }: RepairChange, why: string): Finding {
  return {
    id: "grants/repair-unsettled",
    severity: "error",
    where: { kind: "securable", type: on.type, name: on.name },
    message: `The grants on ${nameIt(on)} were changed, and ${why}.`,
    remedy: "Run mode: check in a few minutes; if it still finds them, somebody else changes them back.",
  };
}

function stopped(changes: readonly RepairChange[], applied: readonly RepairChange[], why: string): Finding {
  const rest = changes.slice(applied.length).map(({ on }) => nameIt(on));
  return {
    id: "grants/repair-stopped",
    severity: "error",
    message: `${why} ${applied.length} of ${count(changes.length, "change")} ${changes.length === 1 ? "was" : "were"} made; not made: ${rest.slice(0, 5).join(", ")}${rest.length > 5 ? `, and ${rest.length - 5} more` : ""}.`,
    remedy: "Fix what stopped it and repair again: what was made is not made twice.",
  };
}

function notApproved(digest: string, approved: string): FourTierError {
  return new FourTierError({
    id: "grants/repair-changed",
    severity: "error",
    message:
      approved === ""
        ? `apply: true needs the digest of the plan that was read. Now it is ${digest}.`
        : `The plan is not the one that was approved: it is ${digest} now, and ${approved} was approved. Nothing was changed.`,
    why: "What is carried out is what somebody has read.",
    remedy: "Read the plan of a new dry run, and give its digest as plan-digest.",
  });
}

/** The changes as plain data: what the digest is of, and what the report shows. */
export function changesJson({ changes }: RepairPlan) {
  return changes.map(({ on, entries }) => ({
    on: { type: on.type, name: on.name },
    entries: entries.map(({ principal, add, remove }) => ({ principal, add: [...add], remove: [...remove] })),
  }));
}
