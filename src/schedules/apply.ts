/**
 * Makes resources as wanted, in two phases: first everything is written, then everything is read again, stopped and
 * waited for, within one time. So nothing that takes long to end keeps another from being paused. Writes only what
 * drifted (facts: databricks-api 2.6, 3.3, 3.4).
 */
import { ApiError } from "../databricks/errors.ts";
import { activeRunsOf, cancelRun, getJob, listActiveRuns, triggerIsPaused, updateJob } from "../databricks/jobs.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import { alongside } from "../ledger/journal.ts";
import { stopped, tellToStop, writePipeline } from "./pipeline.ts";
import type { Resource } from "./policy.ts";
import { jobFields, type Starter, type State, startersOfJob } from "./starters.ts";
import { type Patience, settle, type Waiting } from "./wait.ts";

/** What to do about runs of a job that is paused: pausing stops none (facts: databricks-api 3.3). */
export type ActiveRuns = "leave" | "wait" | "cancel";

/** The states that a resource's starters shall have, asked again of what is read before writing. */
type Target = (starters: readonly Starter[]) => readonly State[];

/** One resource and what is to be done about it. */
export interface Order {
  readonly resource: Resource;
  readonly target: Target;
  /** False: it is as wanted, and only its active runs are looked at, as `activeRuns` says. */
  readonly write: boolean;
}

/** What became of one resource. */
export interface Applied {
  /**
   * `changed`: it is as wanted now. `right`: it was. `gone`: deleted meanwhile. `still-running`: it is paused, and what
   * runs has not ended. `failed`: it is not as wanted. Of the last two the finding says more.
   */
  readonly outcome: "changed" | "right" | "gone" | "still-running" | "failed";
  readonly finding: Finding | undefined;
}

/** Why something could not be written; where and how grave, its caller says. */
export type Failure = Omit<Finding, "where" | "severity">;

/** How long to wait, and what for. */
export interface ApplyOptions {
  readonly patience: Patience;
  readonly activeRuns: ActiveRuns;
}

interface Applying extends ApplyOptions {
  /** Throws FourTierError if the tier's lock is no longer ours. */
  readonly check: () => Promise<void>;
}

interface Writing extends Applying {
  /** The same, asked by each of many writes, which it does not make wait for an answer of their own. */
  readonly beside: () => Promise<void>;
}

/** Writes in flight: a change of many schedules is not urgent enough to be throttled for. */
const WRITES = 8;
/** Up to here each job is asked for its active runs; beyond, one list of all that runs is cheaper. */
const ASKED_ONE_BY_ONE = 24;

type Said = "changed" | "right" | "gone" | Failure;
type Begun = Said | Waiting<Said>;

/**
 * Carries out orders; what became of each. Never throws for what the service answers, or for no answer: the finding says
 * it, and the others go on. Once the lock is lost, nothing more is begun (ADR 402).
 */
export async function applyAll(
  workspace: Workspace,
  tier: string,
  orders: readonly Order[],
  applying: Applying,
): Promise<ReadonlyMap<Order, Applied>> {
  const options: Writing = { ...applying, beside: alongside(applying.check) };
  const begun = new Map<Order, Begun>();
  const written = orders.filter(({ write }) => write);
  await mapBounded(written, WRITES, async (order) => {
    begun.set(order, await guarded(order.resource.name, () => begin(workspace, order, options)));
  });
  for (const order of await stillActive(workspace, orders, options)) {
    begun.set(order, endRuns(workspace, order.resource, options, "right"));
  }
  const waiting = [...begun].flatMap(([order, one]) => (isWaiting(one) ? [{ order, one }] : []));
  const settled = await settle(
    waiting.map(({ order, one }) => ({ ...one, look: () => guarded(order.resource.name, one.look) })),
    options.patience,
  );
  waiting.forEach(({ order }, index) => begun.set(order, settled[index] ?? "right"));
  return new Map(
    orders.map((order) => {
      const said = begun.get(order) ?? "right";
      return [order, appliedOf(tier, order.resource, isWaiting(said) ? "right" : said)];
    }),
  );
}

function isWaiting(begun: Begun): begun is Waiting<Said> {
  return typeof begun === "object" && "look" in begun;
}

function appliedOf(tier: string, resource: Resource, said: Said): Applied {
  if (typeof said === "string") return { outcome: said, finding: undefined };
  return {
    outcome: said.id === STILL_RUNNING ? "still-running" : "failed",
    finding: { ...said, severity: "error", where: { kind: "resource", tier, key: resource.key ?? resource.name } },
  };
}

const LOCK_LOST = "ledger/lock-lost";
const STILL_RUNNING = "schedules/still-running";

/** What the service answers wrong, or does not answer, is about one resource and stops none of the others. */
async function guarded<Result>(name: string, work: () => Promise<Result>): Promise<Result | Failure> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    if (error.findings.some(({ id }) => id === LOCK_LOST)) {
      return {
        id: LOCK_LOST,
        message: `${name} was left as it is: another run has taken the tier's lock.`,
        remedy: "Look at the newer run; start this one again only if it is still wanted.",
      };
    }
    const refused = error instanceof ApiError && error.status === 403;
    return {
      id: "schedules/not-applied",
      message: `${name} could not be changed: ${error.findings.map((finding) => finding.message).join(" ")}`,
      remedy: refused
        ? "Give the tier's principal CAN_MANAGE on it, and run this again."
        : (error.findings[0]?.remedy ?? "Run this again."),
    };
  }
}

function begin(workspace: Workspace, order: Order, options: Writing): Promise<Begun> {
  const { resource } = order;
  if (options.patience.signal?.aborted === true) {
    return Promise.resolve({
      id: "schedules/interrupted",
      message: `${resource.name} was not changed: the run was cancelled.`,
      remedy: "Run this again.",
    });
  }
  return resource.kind === "jobs" ? beginJob(workspace, order, options) : beginPipeline(workspace, order, options);
}

async function beginPipeline(workspace: Workspace, { resource, target }: Order, options: Writing): Promise<Begun> {
  const [state] = target([{ field: "pipeline", what: "continuous", state: "running" }]);
  await options.beside();
  const pipeline = await writePipeline(workspace, resource.id, state === "running");
  if (pipeline === "gone" || "message" in pipeline) return pipeline;
  if (state === "running") return "changed";
  const told = await tellToStop(workspace, pipeline);
  if (told === "rests") return "changed";
  if (told !== "told") return told;
  return {
    what: `${pipeline.name} to stop`,
    look: () => stopped(workspace, resource.id),
    late: (why) => ({
      id: STILL_RUNNING,
      message: `${pipeline.name} was told to stop and still runs${whenOver(why, options)}.`,
      remedy: "Stop it in the workspace, or run this again with a longer timeout-seconds.",
    }),
  };
}

async function beginJob(workspace: Workspace, { resource, target }: Order, options: Writing): Promise<Begun> {
  const { id, goesOn } = resource;
  const job = await getJob(workspace, id);
  if (job === undefined) return "gone";
  const wanted = target(startersOfJob(job.settings));
  const quiet = wanted.length > 0 && wanted.every((state) => state === "paused");
  // A paused loop that was started by hand ends with an update, even one that says nothing new.
  const fields = jobFields(job.settings, wanted, goesOn ? ["continuous"] : []);
  if (Object.keys(fields).length > 0) {
    await options.beside();
    try {
      await updateJob(workspace, id, fields);
    } catch (error) {
      if (!isRacingStart(error)) throw error;
    }
  }
  const runs = quiet && options.activeRuns !== "leave" ? endRuns(workspace, resource, options, "changed") : undefined;
  let kept = false;
  return {
    what: `${job.name} to be read as it was set`,
    look: async () => {
      if (!kept) {
        const now = await getJob(workspace, id);
        if (now === undefined) return "gone";
        const starters = startersOfJob(now.settings);
        const due = target(starters);
        kept = starters.every(({ state }, index) => state === due[index]);
        // Settings do not show whether a loop goes on.
        if (kept && goesOn && quiet) kept = (await triggerIsPaused(workspace, id)) !== false;
        if (!kept) return undefined;
      }
      return runs === undefined ? "changed" : runs.look();
    },
    late: (why) => {
      if (kept && runs !== undefined) return runs.late(why);
      if (why === "cancelled") {
        return {
          id: "schedules/interrupted",
          message: `${job.name} was written, and the run was cancelled before it was read again.`,
          remedy: "Run this again.",
        };
      }
      return {
        id: "schedules/not-kept",
        message: `${job.name} was set to ${[...new Set(wanted)].join(" and ")}, and when read again it is not.`,
        why: "Somebody or something else sets it too.",
        remedy: "Find out who changes it (its last modifier in the workspace), then run this again.",
      };
    },
  };
}

/**
 * Unpausing a continuous job starts a run, and another start may race with it: that is what was wanted (facts:
 * databricks-api 3.3).
 */
function isRacingStart(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && /concurrent request to run/i.test(error.detail);
}

/** Of the jobs that are not written, those of which something runs that is to end. */
async function stillActive(
  workspace: Workspace,
  orders: readonly Order[],
  { activeRuns }: ApplyOptions,
): Promise<readonly Order[]> {
  const looked = orders.filter(({ write, resource }) => !write && resource.kind === "jobs");
  if (activeRuns === "leave" || looked.length <= ASKED_ONE_BY_ONE) return activeRuns === "leave" ? [] : looked;
  const active = new Set<string>();
  for await (const { jobId } of listActiveRuns(workspace)) if (jobId !== undefined) active.add(jobId);
  return looked.filter(({ resource }) => active.has(resource.id));
}

/** Waits for a job's active runs, or cancels them and waits. */
function endRuns(
  workspace: Workspace,
  { id, name }: Pick<Resource, "id" | "name">,
  options: Applying,
  ended: "changed" | "right",
): Waiting<Said> {
  const cancels = options.activeRuns === "cancel";
  const told = new Set<string>();
  let active: string[] = [];
  return {
    what: `the active runs of ${name}`,
    look: async () => {
      active = (await activeRunsOf(workspace, id)).map((run) => run.id);
      const due = cancels ? active.filter((each) => !told.has(each)) : [];
      if (due.length > 0) await options.check();
      for (const run of due) {
        await cancelRun(workspace, run);
        told.add(run);
      }
      return active.length === 0 ? ended : undefined;
    },
    late: (why) => ({
      id: STILL_RUNNING,
      message: `${name} is paused, and ${active.length === 1 ? `its run ${active[0] ?? ""} is` : `${active.length} of its runs are`} still active${whenOver(why, options)}${told.size > 0 ? ", though cancelled" : ""}.`,
      remedy: cancels
        ? "Look at the run in the workspace, or run this again with a longer timeout-seconds."
        : "Wait and run this again, or use active-runs: cancel.",
    }),
  };
}

function whenOver(why: "time" | "cancelled", { patience }: ApplyOptions): string {
  if (why === "cancelled") return " as this run is cancelled";
  return ` after ${Math.round(patience.timeoutMs / 1000)} s`;
}
