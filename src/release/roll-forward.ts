/**
 * What runs all the time has to be stopped once, or the new release never runs: a continuous job's new settings are
 * taken by its next run only, and the service starts that one by itself (facts: databricks-api 3.3). A continuous
 * pipeline may restart with the edit or not (3.4 [?]): if its update is still the old one, it is restarted.
 */
import type { Tier } from "../contract/model.ts";
import { cancelRun, listRuns } from "../databricks/jobs.ts";
import { getPipeline, startUpdate, stopPipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, messageOf } from "../findings.ts";
import { canonicalJson, type JsonObject } from "../json.ts";
import { begunIntents, type Ledger } from "../ledger/model.ts";
import { underHolds } from "../schedules/holds.ts";
import { activeUpdate, runsAllTheTime } from "./active-runs.ts";
import type { Step } from "./apply.ts";
import type { Observed } from "./observe.ts";
import type { AppliedResource, Desired } from "./plan.ts";
import { untilAtRest } from "./started.ts";

interface RollForwardOptions {
  readonly tier: string;
  readonly log: { info(message: string): void };
  readonly signal?: AbortSignal | undefined;
  readonly now: () => Date;
  readonly pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** The settings as they were written: holds may keep them paused. */
  readonly written: (step: Step) => JsonObject;
  /** What starts it when run again, as a clause; undefined: a promotion of the same commit. */
  readonly rerun?: string | undefined;
}

/** The service promises a restart in less than 60 s (facts: databricks-api 3.3); failing runs wait longer. */
const RESTART_MS = 180_000;
const LOOK_MS = 5_000;

/** The updates that run before anything is changed, by key: whoever is still the same after it was not restarted. */
export async function updatesBefore(
  workspace: Workspace,
  steps: readonly Step[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const before = new Map<string, string | undefined>();
  for (const { key, kind, live } of steps) {
    if (kind !== "pipelines" || live?.settings["continuous"] !== true) continue;
    before.set(key, await activeUpdate(workspace, live.id));
  }
  return before;
}

/**
 * What has to be started anew once the steps are done: what ran all the time, still shall, and is updated now, or was
 * by a promotion that could not start it anew or did not come that far.
 */
export function dueToRoll(
  ledger: Ledger | undefined,
  steps: readonly Step[],
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): readonly Step[] {
  // What is owed ran all the time once, whatever a hold has made of it since.
  const owed = new Set(ledger?.unrolled);
  const begun = begunIntents(ledger)
    .filter(({ key, action, target }) => action === "update" && !onlyAccess(ledger?.resources.get(key), target))
    .map(({ key }) => key);
  const stepped = new Set(steps.map(({ key }) => key));
  const left = desired.flatMap((resource): Step[] => {
    const { key, kind, name } = resource;
    if (stepped.has(key) || !(owed.has(key) || begun.includes(key))) return [];
    const none = { settings: true, permissions: false, accessBefore: undefined, references: [] };
    return [{ key, kind, name, action: "update", desired: resource, live: live.get(key), ...none }];
  });
  return [...steps, ...left].filter(
    (step) =>
      step.action === "update" &&
      (step.settings || owed.has(step.key)) &&
      step.live !== undefined &&
      runsByItself(step.kind, step.desired?.settings ?? {}) &&
      (owed.has(step.key) || runsByItself(step.kind, step.live.settings)),
  );
}

/** True if a write changed who may do what and nothing that runs. */
function onlyAccess(before: AppliedResource | undefined, target: AppliedResource | undefined): boolean {
  if (before === undefined || target === undefined) return false;
  const told = (resource: AppliedResource): string => canonicalJson({ ...resource, id: "", permissions: null });
  const access = (resource: AppliedResource): string => canonicalJson(resource.permissions ?? null);
  return told(before) === told(target) && access(before) !== access(target);
}

/** What an earlier promotion or rollback owes, and no hold keeps paused: it may run the release before. */
export function owedNow(
  { schedules }: Pick<Tier, "schedules">,
  ledger: Ledger | undefined,
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): readonly Step[] {
  if (ledger === undefined || schedules !== "running") return [];
  return dueToRoll(ledger, [], desired, live).filter(({ key, kind, name, live: found, desired: wanted }) => {
    const settings = underHolds(ledger.holds, { key, kind, name, id: found?.id }, wanted?.settings ?? {});
    return runsByItself(kind, settings);
  });
}

/** True for what the service keeps running by itself. */
function runsByItself(kind: string, settings: JsonObject): boolean {
  return kind === "jobs" ? runsAllTheTime(settings) : kind === "pipelines" && settings["continuous"] === true;
}

/**
 * What ran all the time and is not to any more: its next run never comes, and the one that is at work goes on with the
 * old code until it ends. Nobody decided to end it, so it is said.
 */
export function loopsLeft(tier: string, steps: readonly Step[], done: readonly string[]): Finding[] {
  return steps
    .filter(({ key, kind, action, live, desired }) => {
      if (action !== "update" || live === undefined || !done.includes(key)) return false;
      return runsByItself(kind, live.settings) && !runsByItself(kind, desired?.settings ?? {});
    })
    .map(({ key, kind, name, live }) => ({
      id: "promote/loop-goes-on",
      severity: "warning",
      where: { kind: "resource", tier, key },
      message: `${key} (${kind} ${live?.id ?? ""}, "${name}") ran all the time and does not any more; what is at work of it goes on with the release before.`,
      why: "A run keeps the code and the settings that it began with, and a loop may never end by itself.",
      remedy:
        kind === "jobs"
          ? "Cancel its active run if the old code is to stop now."
          : "Stop its update if the old code is to stop now.",
    }));
}

/** What came of it. */
export interface RolledForward {
  readonly findings: readonly Finding[];
  /** Keys of what was not seen to run the new release; what a hold keeps paused is among them. */
  readonly unrolled: readonly string[];
}

/** Rolls forward what is due, but for what holds keep paused. Findings for what does not run the new release then. */
export async function rollForward(
  workspace: Workspace,
  steps: readonly Step[],
  before: ReadonlyMap<string, string | undefined>,
  options: RollForwardOptions,
): Promise<RolledForward> {
  const findings: Finding[] = [];
  const unrolled: string[] = [];
  for (const step of steps) {
    const { key, kind, live } = step;
    if (live === undefined) continue;
    if (!runsByItself(kind, options.written(step)) || options.signal?.aborted === true) {
      unrolled.push(key);
      continue;
    }
    try {
      const rolled =
        kind === "jobs"
          ? await restartJob(workspace, live.id, options)
          : await restartPipeline(workspace, live.id, before.get(key), options);
      options.log.info(`${key}: ${rolled ?? "does not run"}`);
      if (rolled !== null) continue;
      findings.push(notRolled(options, key, "no new run of it has begun"));
    } catch (error) {
      findings.push(notRolled(options, key, messageOf(error)));
    }
    unrolled.push(key);
  }
  return { findings, unrolled };
}

/** Cancels every active run; a run of the new release that is among them only starts once more. */
async function restartJob(workspace: Workspace, jobId: string, options: RollForwardOptions): Promise<string | null> {
  const old = await activeIds(workspace, jobId);
  for (const id of old) await cancelRun(workspace, id);
  const until = options.now().getTime() + RESTART_MS;
  for (;;) {
    const now = await activeIds(workspace, jobId);
    const fresh = now.find((id) => !old.includes(id));
    if (fresh !== undefined) return `rolled forward: run ${fresh} has the new release`;
    if (options.now().getTime() >= until || options.signal?.aborted === true) return null;
    await options.pause(LOOK_MS, options.signal);
  }
}

async function activeIds(workspace: Workspace, jobId: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of listRuns(workspace, { jobId, activeOnly: true })) ids.push(id);
  return ids;
}

/** Stops the update that began before the change, starts a new one, and watches it until it runs. */
async function restartPipeline(
  workspace: Workspace,
  pipelineId: string,
  before: string | undefined,
  options: RollForwardOptions,
): Promise<string | null> {
  const until = options.now().getTime() + RESTART_MS;
  let current = await activeUpdate(workspace, pipelineId);
  if (current !== undefined && current === before) {
    await stopPipeline(workspace, pipelineId);
    const rest = { ...options, until, everyMs: LOOK_MS, say: () => {} };
    if ((await untilAtRest(workspace, pipelineId, rest)) !== "rests") return null;
    current = undefined;
  }
  current ??= (await activeUpdate(workspace, pipelineId)) ?? (await startUpdate(workspace, pipelineId));
  for (;;) {
    const pipeline = await getPipeline(workspace, pipelineId);
    if (pipeline?.state === "RUNNING") return `rolled forward: update ${current} has the new release`;
    if (pipeline === undefined || pipeline.state === "FAILED" || options.now().getTime() >= until) return null;
    if (options.signal?.aborted === true) return null;
    await options.pause(LOOK_MS, options.signal);
  }
}

function notRolled({ tier, rerun }: RollForwardOptions, key: string, why: string): Finding {
  return {
    id: "promote/not-rolled-forward",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} runs all the time and may still run the release before: ${why}.`,
    why: "Its new settings and code are taken by its next run only.",
    remedy: `Fix the cause and ${rerun ?? "promote the same commit again"}, which restarts it: the ledger remembers that it is due.`,
  };
}
