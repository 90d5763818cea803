/**
 * Runs that are active of what is about to change (promotion pains 10, 11). A run keeps the code it began with, since
 * releases are write-once; a team that wants none to be active says so in the contract. A run that never ends by itself
 * (continuous) is not waited for: in prod it is rolled forward after the change (roll-forward.ts).
 */
import { listRuns, type Run } from "../databricks/jobs.ts";
import { getPipeline, listUpdates } from "../databricks/pipelines.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { type GateFacts, known } from "../gate/facts.ts";
import type { ActiveRun } from "../gate/live-facts.ts";
import { mapBounded } from "../http/pool.ts";
import type { Waiting } from "../waiting.ts";
import type { Plan } from "./change.ts";
import { runsAllTheTime } from "./loops.ts";
import type { Standing } from "./standing.ts";
import type { Step } from "./step.ts";

/** Requests in flight. */
const PARALLEL = 8;
/** Active runs that are told of one job, a page of them: queues can be long. */
const MOST_RUNS = 24;
const LOOK_MS = 15_000;
/** So often whoever watches is told that it still waits. */
const TELL_MS = 300_000;

/** What lives of the steps that change more than a name or a tag. */
function touched(steps: readonly Step[], plan: Plan): readonly Step[] {
  const mild = new Set(plan.changes.filter((change) => change.class === "metadata").map(({ key }) => key));
  return steps.filter(({ key, live }) => live !== undefined && !mild.has(key));
}

/** Active runs and updates of these steps' resources, by key. Throws ApiError. */
async function activeRuns(workspace: Workspace, steps: readonly Step[]): Promise<readonly ActiveRun[]> {
  const found = await mapBounded(steps, PARALLEL, async (step): Promise<ActiveRun[]> => {
    if (step.live === undefined) return [];
    if (step.kind === "jobs") return jobRuns(workspace, step, step.live.id);
    return step.kind === "pipelines" ? pipelineUpdate(workspace, step, step.live.id) : [];
  });
  return found.flat();
}

/** With what active runs are looked at, and waited for. */
interface Watch extends Waiting {
  readonly workspace: Workspace;
}

/** The facts with what is at work now of what would change, if the default branch's contract asks. Throws ApiError. */
export async function withRunsNow(
  watch: Watch,
  facts: GateFacts,
  { steps, plan }: Standing,
  waited = false,
): Promise<GateFacts> {
  if (!facts.policy.known) return facts;
  const policy = facts.policy.value.activeRuns;
  const runs = policy === "allow" ? [] : await activeRuns(watch.workspace, touched(steps, plan));
  return { ...facts, activeRuns: known({ policy, waited, runs }) };
}

/**
 * The facts once no run is active, or the time is up: where the contract says so, and nobody took it on themselves not to
 * wait. Throws ApiError; FourTierError if the run is cancelled while it waits.
 */
export async function withRunsAwaited(
  watch: Watch,
  facts: GateFacts,
  { steps, plan }: Standing,
  timeoutMs: number,
): Promise<GateFacts> {
  const { policy, override } = facts;
  if (!policy.known || policy.value.activeRuns !== "wait" || override?.checks.includes("active-runs") === true) {
    return facts;
  }
  const runs = await awaitRuns(touched(steps, plan), { ...watch, timeoutMs });
  return { ...facts, activeRuns: known({ policy: "wait", waited: true, runs }) };
}

/** Looks again until nothing is active that ends by itself, or the time is up; what is active then. */
async function awaitRuns(
  steps: readonly Step[],
  options: Watch & { readonly timeoutMs: number },
): Promise<readonly ActiveRun[]> {
  const { workspace, log, now, pause, signal } = options;
  const began = now().getTime();
  const until = began + options.timeoutMs;
  for (let [said, told] = ["", began]; ; ) {
    const runs = await activeRuns(workspace, steps);
    const ending = runs.filter(({ continuous }) => !continuous);
    if (ending.length === 0 || now().getTime() >= until) return runs;
    const text = ending.map(({ key, id }) => `${key} (${id})`).join(", ");
    if (signal?.aborted === true) throw new FourTierError(cancelled(text));
    const time = now().getTime();
    if (text !== said || time - told >= TELL_MS) {
      const minutes = (milliseconds: number): string => `${Math.floor(milliseconds / 60_000)} min`;
      const since = time === began ? "" : ` (for ${minutes(time - began)} of ${minutes(options.timeoutMs)})`;
      log.info(`Waiting for active runs to end${since}: ${text}`);
      [said, told] = [text, time];
    }
    await pause(Math.min(LOOK_MS, until - now().getTime()), signal);
  }
}

function cancelled(runs: string): Finding {
  return {
    id: "promote/cancelled",
    severity: "error",
    message: `The run was cancelled while it waited for active runs to end: ${runs}. Nothing was applied.`,
    remedy: "Start it again: it looks at what is at work by then.",
  };
}

async function jobRuns(workspace: Workspace, step: Step, jobId: string): Promise<ActiveRun[]> {
  const runs: Run[] = [];
  for await (const run of listRuns(workspace, { jobId, activeOnly: true })) if (runs.push(run) === MOST_RUNS) break;
  const continuous = step.live !== undefined && runsAllTheTime(step.live.settings);
  return runs.map(({ id, url, startTime }) => ({
    key: step.key,
    name: step.name,
    id,
    url,
    since: startTime === undefined ? undefined : new Date(startTime).toISOString(),
    continuous,
  }));
}

const AT_REST = ["IDLE", "FAILED", "DELETED"];

/** Active as the Databricks CLI sees it: in any state but at rest (facts: databricks-api 3.4). */
async function pipelineUpdate(workspace: Workspace, step: Step, pipelineId: string): Promise<ActiveRun[]> {
  let pipeline = await getPipeline(workspace, pipelineId);
  if (pipeline === undefined || AT_REST.includes(pipeline.state)) return [];
  let id = await activeUpdate(workspace, pipelineId);
  if (id === undefined) {
    // Its update ended between the two answers, or it is at work without one.
    pipeline = await getPipeline(workspace, pipelineId);
    if (pipeline === undefined || AT_REST.includes(pipeline.state)) return [];
    id = (await activeUpdate(workspace, pipelineId)) ?? pipeline.state;
  }
  const url = `${workspace.host}/pipelines/${pipelineId}/updates/${id}`;
  return [
    { key: step.key, name: step.name, id, url, since: undefined, continuous: pipeline.spec["continuous"] === true },
  ];
}

/** The id of a pipeline's update that has not ended, if there is one: it is the newest. */
export async function activeUpdate(workspace: Workspace, pipelineId: string): Promise<string | undefined> {
  for await (const update of listUpdates(workspace, pipelineId)) return update.done ? undefined : update.id;
  return undefined;
}
