/**
 * Lifts holds: what they kept paused goes back to what it was before any hold, one by one, and not to "all on". What
 * another hold names stays paused. What could not be given back stays held, and nothing else does.
 */
import { getJob } from "../databricks/jobs.ts";
import { getPipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure, messageOf } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import type { Hold, PriorState } from "../ledger/holds.ts";
import type { LockedLedger } from "../ledger/locked.ts";
import type { Ledger } from "../ledger/model.ts";
import { type Applied, type ApplyOptions, applyAll, type Order } from "./apply.ts";
import { describeHold, holdsOn, priorOf, rememberedState, restoredStates } from "./holds.ts";
import { foundJob, foundPipeline } from "./observe.ts";
import { type Decision, type Resource, type SchedulePolicy, wantedOf } from "./policy.ts";
import type { State } from "./starters.ts";

/** One resource that a lifted hold named. */
interface Restored {
  readonly decision: Decision;
  /** `right`: it is already what it was. `held`: another hold keeps it. `foreign`: nobody knows what it was. */
  readonly outcome: "held" | "foreign" | Applied["outcome"];
}

interface Lifting {
  /** Everything that the holds can name: of the widest of their scopes. */
  readonly resources: readonly Resource[];
  readonly ledger: LockedLedger;
  /** What the tier wants of what no hold has met; its holds are those that remain. */
  readonly policy: SchedulePolicy;
  readonly now: Date;
  readonly options: Pick<ApplyOptions, "patience">;
  /** What cannot be given back is left as it is, and no longer held. */
  readonly giveUp: boolean;
}

interface Lifted {
  readonly rows: readonly Restored[];
  readonly findings: readonly Finding[];
  /** Lifted whole: nothing of them is held any more. */
  readonly lifted: readonly Hold[];
  /** All holds of the tier that stand now. */
  readonly standing: readonly Hold[];
}

const READS = 8;

/** Restores everything that `holds` keep paused and no other does, and writes the ledger. */
export async function liftAndSave(workspace: Workspace, holds: readonly Hold[], lifting: Lifting): Promise<Lifted> {
  const { ledger, policy, giveUp } = lifting;
  const missing = await readMissing(workspace, holds, lifting);
  const restored = await restore(workspace, [...lifting.resources, ...missing.resources], holds, lifting);
  const left = giveUp ? [] : [...missing.unread, ...restored.failed];
  const kept = holds.flatMap((hold) => remainderOf(hold, left));
  const { holds: before } = ledger.current();
  const standing = before.flatMap((hold) => {
    if (!holds.includes(hold)) return [hold];
    return kept.filter(({ id }) => id === hold.id);
  });
  await ledger.save({ ...ledger.current(), holds: standing });
  const failures = [...missing.findings, ...restored.findings];
  return {
    rows: restored.rows,
    findings: [
      ...(giveUp
        ? failures.map((finding) => (isFailure(finding) ? ({ ...finding, severity: "warning" } as const) : finding))
        : failures),
      ...(left.length === 0 ? [] : [stillHeld(policy, left, restored.rows.length)]),
    ],
    lifted: holds.filter((hold) => !kept.some(({ id }) => id === hold.id)),
    standing,
  };
}

/** What of a hold stays: only what it names and could not be given back. */
function remainderOf(
  hold: Hold,
  left: readonly { readonly holds: readonly Hold[]; readonly prior: PriorState }[],
): Hold[] {
  const prior = left.flatMap((one) => (one.holds.includes(hold) ? [one.prior] : []));
  return prior.length === 0 ? [] : [{ ...hold, prior, remainder: true }];
}

/** A resource that could not be given back, what it was, and which of the lifted holds keep it. */
interface Left {
  readonly holds: readonly Hold[];
  readonly prior: PriorState;
}

/**
 * What the holds met and the list does not show: it may be gone, or out of scope by now, or not ours to see any more.
 * Each is asked for by its id; only what the service says does not exist is gone.
 */
async function readMissing(workspace: Workspace, holds: readonly Hold[], { resources, policy }: Lifting) {
  const here = (prior: PriorState): boolean =>
    resources.some(
      ({ kind, id, key }) => kind === prior.kind && (id === prior.id || (prior.key !== undefined && key === prior.key)),
    );
  const met = new Map(holds.flatMap(({ prior }) => prior.map((each) => [`${each.kind} ${each.id}`, each] as const)));
  const missing = [...met.values()].filter((prior) => !here(prior));
  const found: Resource[] = [];
  const findings: Finding[] = [];
  const unread: Left[] = [];
  await mapBounded(missing, READS, async (prior) => {
    const { kind, id, name } = prior;
    const where = { kind: "resource", tier: policy.tier, key: prior.key ?? name } as const;
    try {
      const resource = await readOne(workspace, kind, id);
      if (resource !== undefined) return void found.push(resource);
      findings.push({
        id: "schedules/held-and-gone",
        severity: "notice",
        where,
        message: `${name} (${id}) was held and is not there any more: nothing is to be given back.`,
        remedy: "Nothing, if it was meant to go.",
      });
    } catch (error) {
      if (!(error instanceof FourTierError)) throw error;
      unread.push({ holds: holds.filter((hold) => priorOf(hold, prior) !== undefined), prior });
      findings.push({
        id: "schedules/not-applied",
        severity: "error",
        where,
        message: `${name} (${id}) was held and cannot be read now: ${error.findings.map(({ message }) => message).join(" ")}`,
        remedy: "Give the tier's principal CAN_MANAGE on it, and resume again.",
      });
    }
  });
  return { resources: found, findings, unread };
}

async function readOne(workspace: Workspace, kind: string, id: string): Promise<Resource | undefined> {
  if (kind === "jobs") {
    const job = await getJob(workspace, id);
    return job === undefined ? undefined : { ...foundJob(job), key: undefined, project: false };
  }
  const pipeline = await getPipeline(workspace, id);
  return pipeline === undefined ? undefined : { ...foundPipeline(pipeline), key: undefined, project: false };
}

async function restore(
  workspace: Workspace,
  resources: readonly Resource[],
  lifted: readonly Hold[],
  { policy, ledger, now, options }: Lifting,
): Promise<{
  readonly rows: readonly Restored[];
  readonly findings: readonly Finding[];
  readonly failed: readonly Left[];
}> {
  const covered = resources.filter((resource) => holdsOn(lifted, resource).length > 0);
  const planned = covered.flatMap((resource) => {
    const back = goesBack(resource, lifted, policy, ledger.current(), now);
    return back === undefined ? [] : [{ resource, ...back }];
  });
  const orders = planned.flatMap(({ order }) => (order === undefined ? [] : [order]));
  // Nothing is to end here: whatever runs of what stays paused was there before.
  const applied = await applyAll(workspace, policy.tier, orders, {
    ...options,
    activeRuns: "leave",
    check: () => ledger.check(),
  });
  const done = planned.map(({ resource, decision, outcome, order }) => {
    const result = order === undefined ? undefined : applied.get(order);
    return { resource, decision, order, outcome: result?.outcome ?? outcome, finding: result?.finding };
  });
  return {
    rows: done.map(({ decision, outcome }) => ({ decision, outcome })),
    findings: done.flatMap(({ finding }) => (finding === undefined ? [] : [finding])),
    failed: done.flatMap(({ resource, order, finding }): Left[] => {
      if (order === undefined || finding === undefined) return [];
      const holds = holdsOn(lifted, resource);
      const known = holds.map((hold) => priorOf(hold, resource)).find((each) => each !== undefined);
      return [{ holds, prior: known ?? rememberedState(resource, order.target(resource.starters)) }];
    }),
  };
}

/** What is to become of one resource; undefined if there is nothing to say of it. */
function goesBack(
  resource: Resource,
  lifted: readonly Hold[],
  policy: SchedulePolicy,
  ledger: Ledger,
  now: Date,
): { readonly decision: Decision; readonly outcome: Restored["outcome"]; readonly order?: Order } | undefined {
  const others = holdsOn(policy.holds, resource);
  if (others.length > 0 && (resource.starters.length > 0 || resource.kind === "pipelines")) {
    const why = others.map(describeHold).join("; ");
    return { decision: { resource, wanted: "paused", drifted: [], why }, outcome: "held" };
  }
  const prior = lifted.map((hold) => priorOf(hold, resource)).find((each) => each !== undefined);
  const ruled = wantedOf(resource, { ...policy, holds: [] }, now);
  const why = prior === undefined ? `it came under the hold: ${ruled.why}` : "as it was before the hold";
  if (resource.kind === "pipelines") {
    const before = prior === undefined ? (ruled.wanted ?? "paused") : (prior.starters[0]?.state ?? "paused");
    if (!runsAgain(resource, before, prior !== undefined, ledger)) return undefined;
    const decision = { resource, wanted: "running", drifted: [], why } as const;
    return { decision, outcome: "right", order: { resource, target: () => ["running"], write: true } };
  }
  if (resource.starters.length === 0) return undefined;
  // What somebody else's job was before is not known, so it is left as it is.
  if (prior === undefined && ruled.wanted === undefined) {
    return { decision: { resource, wanted: undefined, drifted: [], why }, outcome: "foreign" };
  }
  const target: Order["target"] = (starters) => restoredStates(prior, starters, ruled.wanted ?? "paused");
  const states = target(resource.starters);
  const drifted = resource.starters.filter(({ state }, index) => state !== states[index]);
  const [common, ...more] = new Set(states);
  const decision = { resource, wanted: more.length === 0 ? common : undefined, drifted, why };
  return drifted.length === 0
    ? { decision, outcome: "right" }
    : { decision, outcome: "right", order: { resource, target, write: true } };
}

/**
 * Whether a pipeline that a hold stopped is made continuous again: only what ran before, and if a release of ours
 * declares it, only if that declares it continuous still.
 */
function runsAgain({ key, starters }: Resource, before: State, met: boolean, ledger: Ledger): boolean {
  if (starters.some(({ state }) => state === "running") || before === "paused") return false;
  const declared = key === undefined ? undefined : ledger.resources.get(key);
  return declared === undefined ? met : declared.settings["continuous"] === true;
}

function stillHeld({ tier }: SchedulePolicy, left: readonly Left[], restored: number): Finding {
  const names = [...new Set(left.map(({ prior }) => prior.key ?? prior.name))];
  const shown = `${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`;
  return {
    id: "schedules/hold-stands",
    severity: "error",
    message: `${names.length} of what was held in ${tier} could not be given back and stays held: ${shown}. ${restored === 0 ? "Nothing else was held." : "Everything else is lifted."}`,
    remedy:
      "Fix the cause and lift the hold again (operate.yml, operation unpause); or with give-up: true, which leaves these as they are and lifts the hold.",
  };
}

/** Records that a hold was made or lifted. A record that GitHub did not take makes nothing undone: that is said. */
export async function recorded(tier: string, record: () => Promise<unknown>): Promise<Finding[]> {
  try {
    await record();
    return [];
  } catch (error) {
    return [
      {
        id: "schedules/not-recorded",
        severity: "error",
        message: `What was done is in the ledger of ${tier}, and GitHub did not take its record: ${messageOf(error)}`,
        why: "Nobody who reads the repository's records alone sees it.",
        remedy: "Give the job `deployments: write` and run this again.",
      },
    ];
  }
}
