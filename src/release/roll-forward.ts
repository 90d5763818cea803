/**
 * What runs all the time has to be stopped once, or the new release never runs: a continuous job's new settings are
 * taken by its next run only, and the service starts that one by itself (facts: databricks-api 3.3). A continuous
 * pipeline may restart with the edit or not (3.4 [?]): if its update is still the old one, it is restarted.
 *
 * What ran all the time and is not to any more is stopped, too: its loop would go on with the old code for ever, and
 * take the place of the runs that the new release is to have (ADR 773).
 */
import type { Tier } from "../contract/model.ts";
import { activeRunsOf, cancelRun, type Run } from "../databricks/jobs.ts";
import { getPipeline, startUpdate, stopPipeline } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, messageOf } from "../findings.ts";
import { canonicalJson, isObject, type JsonObject } from "../json.ts";
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

/** Ids of what is at work, by key; a key that is not there was not looked at. */
export type AtWork = ReadonlyMap<string, readonly string[]>;

/**
 * What is at work before anything is changed: a continuous pipeline's update, which was not restarted if it is the same
 * after it, and the loops that are to end, which nothing tells from later runs once their settings are written.
 */
export async function workBefore(workspace: Workspace, steps: readonly Step[]): Promise<AtWork> {
  const before = new Map<string, readonly string[]>();
  for (const { key, kind, live, desired } of steps) {
    if (live === undefined || !hasLoop(kind, live.settings)) continue;
    if (kind === "pipelines") {
      const update = await activeUpdate(workspace, live.id);
      before.set(key, update === undefined ? [] : [update]);
    } else if (!runsByItself(kind, desired?.settings ?? {})) {
      before.set(key, await activeIds(workspace, live.id));
    }
  }
  return before;
}

/**
 * What has to be stopped once the steps are done, to be restarted or for good: what ran all the time and is updated
 * now, or was by a promotion that could not stop it or did not come that far.
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
  return [...steps, ...left].filter((step) => {
    const { key, kind, action } = step;
    if (action !== "update" || step.live === undefined || !(step.settings || owed.has(key))) return false;
    if (owed.has(key) || runsByItself(kind, step.live.settings)) return true;
    const wanted = step.desired?.settings ?? {};
    if (runsByItself(kind, wanted) || hasLoop(kind, wanted)) return false;
    // Its loop is held, or the settings were written already and nothing after that.
    const applied = begun.includes(key) ? ledger?.resources.get(key)?.settings : undefined;
    return hasLoop(kind, step.live.settings) || hasLoop(kind, applied ?? {});
  });
}

/** True if a write changed who may do what and nothing that runs. */
function onlyAccess(before: AppliedResource | undefined, target: AppliedResource | undefined): boolean {
  if (before === undefined || target === undefined) return false;
  const told = (resource: AppliedResource): string => canonicalJson({ ...resource, id: "", permissions: null });
  const access = (resource: AppliedResource): string => canonicalJson(resource.permissions ?? null);
  return told(before) === told(target) && access(before) !== access(target);
}

/** What an earlier promotion or rollback owes, and no hold is in the way of: it may run the release before. */
export function owedNow(
  { schedules }: Pick<Tier, "schedules">,
  ledger: Ledger | undefined,
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): readonly Step[] {
  if (ledger === undefined || schedules !== "running") return [];
  return dueToRoll(ledger, [], desired, live).filter(({ key, kind, name, live: found, desired: wanted }) => {
    const settings = wanted?.settings ?? {};
    const held = underHolds(ledger.holds, { key, kind, name, id: found?.id }, settings);
    return !runsByItself(kind, settings) || runsByItself(kind, held);
  });
}

/** True for what the service keeps running by itself unless it is paused. */
function hasLoop(kind: string, settings: JsonObject): boolean {
  const { continuous } = settings;
  return kind === "jobs" ? isObject(continuous) : kind === "pipelines" && continuous === true;
}

/** True for what the service keeps running by itself. */
function runsByItself(kind: string, settings: JsonObject): boolean {
  return kind === "jobs" ? runsAllTheTime(settings) : kind === "pipelines" && settings["continuous"] === true;
}

/**
 * What ran all the time outside prod, where it must not, and is paused now: the run that is at work goes on with the old
 * code until it ends. Nothing is started or stopped there by a promotion, so it is said.
 */
export function loopsLeft(tier: string, steps: readonly Step[], done: readonly string[]): Finding[] {
  return steps
    .filter(({ key, kind, action, live, desired }) => {
      if (action !== "update" || live === undefined || !done.includes(key)) return false;
      return runsByItself(kind, live.settings) && !runsByItself(kind, desired?.settings ?? {});
    })
    .map((step) => goesOn(tier, step, "warning", "what is at work of it goes on with the release before"));
}

function goesOn(tier: string, step: Step, severity: "error" | "warning", how: string, rerun?: string): Finding {
  const { key, kind, name, live } = step;
  const stop = kind === "jobs" ? "Cancel its active run" : "Stop its update";
  return {
    id: "promote/loop-goes-on",
    severity,
    where: { kind: "resource", tier, key },
    message: `${key} (${kind} ${live?.id ?? ""}, "${name}") ran all the time and is not to any more; ${how}.`,
    why: "A run keeps the code and the settings that it began with, and a loop may never end by itself.",
    remedy: rerun === undefined ? `${stop} if the old code is to stop now.` : `${stop}, then ${rerun}.`,
  };
}

/** What came of it. */
interface RolledForward {
  readonly findings: readonly Finding[];
  /** Keys of what was not seen to run the new release; what a hold keeps paused is among them. */
  readonly unrolled: readonly string[];
}

/**
 * Rolls forward what is due, but for what holds keep paused, and ends what is not to run all the time any more. Findings
 * for what does not run the new release then, or still the one before.
 */
export async function rollForward(
  workspace: Workspace,
  steps: readonly Step[],
  before: AtWork,
  options: RollForwardOptions,
): Promise<RolledForward> {
  const findings: Finding[] = [];
  const unrolled: string[] = [];
  for (const step of steps) {
    const { key, kind, live } = step;
    if (live === undefined) continue;
    if (!runsByItself(kind, step.desired?.settings ?? {})) {
      const finding = await endLoop(workspace, step, before.get(key), options);
      if (finding === undefined) continue;
      findings.push(finding);
      unrolled.push(key);
      continue;
    }
    if (!runsByItself(kind, options.written(step)) || options.signal?.aborted === true) {
      unrolled.push(key);
      continue;
    }
    try {
      const rolled =
        kind === "jobs"
          ? await restartJob(workspace, live.id, options)
          : await restartPipeline(workspace, live.id, before.get(key)?.[0], options);
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
  return cancelUntil(workspace, jobId, old, options, (active) => {
    const fresh = active.find((id) => !old.includes(id));
    return fresh === undefined ? undefined : `rolled forward: run ${fresh} has the new release`;
  });
}

/** Cancels runs of a job and looks at what is active then, until that says what came of it; null when the time is up. */
async function cancelUntil(
  workspace: Workspace,
  jobId: string,
  old: readonly string[],
  options: Ending,
  came: (active: readonly string[]) => string | undefined,
): Promise<string | null> {
  for (const id of old) await cancelRun(workspace, id);
  const until = options.now().getTime() + RESTART_MS;
  for (;;) {
    const said = came(await activeIds(workspace, jobId));
    if (said !== undefined) return said;
    if (options.now().getTime() >= until || options.signal?.aborted === true) return null;
    await options.pause(LOOK_MS, options.signal);
  }
}

async function activeIds(workspace: Workspace, jobId: string): Promise<string[]> {
  return (await activeRunsOf(workspace, jobId)).map(({ id }) => id);
}

type Ending = Pick<RollForwardOptions, "tier" | "log" | "signal" | "now" | "pause" | "rerun">;

/**
 * Ends the loop of what does not run all the time any more, and sees it end: what was at work before its settings were
 * written, and what the service calls a loop's run. A run that began after that has the new release, and is left alone.
 * A finding if it still may be at work.
 */
async function endLoop(
  workspace: Workspace,
  step: Step,
  before: readonly string[] | undefined,
  options: Ending,
): Promise<Finding | undefined> {
  const { tier, rerun, log } = options;
  const { key, kind, live } = step;
  const still = (why: string) => {
    const again = rerun ?? "promote the same commit again";
    return goesOn(tier, step, "error", `what is at work of it may be of the release before: ${why}`, again);
  };
  try {
    const ended =
      kind === "jobs"
        ? await endJobLoop(workspace, live?.id ?? "", before ?? [], options)
        : await endPipelineLoop(workspace, live?.id ?? "", before, options);
    log.info(`${key}: ${ended ?? "still at work"}`);
    return ended === null ? still("it has not ended") : undefined;
  } catch (error) {
    return still(messageOf(error));
  }
}

async function endJobLoop(
  workspace: Workspace,
  jobId: string,
  before: readonly string[],
  options: Ending,
): Promise<string | null> {
  const isOld = ({ id, trigger }: Run): boolean => trigger === "CONTINUOUS" || before.includes(id);
  const old = (await activeRunsOf(workspace, jobId)).filter(isOld).map(({ id }) => id);
  if (old.length === 0) return "runs all the time no more, and nothing of it was at work";
  return cancelUntil(workspace, jobId, old, options, (active) =>
    active.some((id) => old.includes(id))
      ? undefined
      : `runs all the time no more: its loop was ended (run ${old.join(", ")})`,
  );
}

/** An update that was not there before the change has the new release; of which one it is that nobody saw, is not known. */
async function endPipelineLoop(
  workspace: Workspace,
  pipelineId: string,
  before: readonly string[] | undefined,
  options: Ending,
): Promise<string | null> {
  const current = await activeUpdate(workspace, pipelineId);
  if (current === undefined) return "runs all the time no more, and nothing of it was at work";
  if (before === undefined) return null;
  if (!before.includes(current)) return `runs all the time no more: update ${current} has the new release`;
  await stopPipeline(workspace, pipelineId);
  const until = options.now().getTime() + RESTART_MS;
  const found = await untilAtRest(workspace, pipelineId, { ...options, until, everyMs: LOOK_MS, say: () => {} });
  return found === "busy" ? null : `runs all the time no more: its update ${current} was stopped`;
}

/**
 * Ends the loops of what a rollback leaves behind, paused: whoever goes back wants the code that is left to stop. A
 * warning for each that may go on, since that keeps nobody from going back.
 */
export async function endLoopsOf(
  workspace: Workspace,
  left: readonly Step[],
  before: ReadonlyMap<string, Observed | undefined>,
  options: Ending,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const step of left) {
    const { key, kind, live } = step;
    const was = before.get(key)?.settings ?? live?.settings ?? {};
    if (kind !== "jobs" || live === undefined || !hasLoop(kind, was)) continue;
    const all = runsByItself(kind, was) ? await activeIds(workspace, live.id).catch(() => []) : [];
    const finding = await endLoop(workspace, step, all, options);
    if (finding !== undefined) findings.push({ ...finding, severity: "warning" });
  }
  return findings;
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
