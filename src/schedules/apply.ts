/** Makes one resource as wanted, and reads it again to prove it. Writes only what drifted (facts: databricks-api 2.6, 3.3, 3.4). */
import { ApiError, LostAnswer } from "../databricks/errors.ts";
import { cancelRun, getJob, listRuns, updateJob } from "../databricks/jobs.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { setPipeline } from "./pipeline.ts";
import type { Resource } from "./policy.ts";
import { jobFields, type Starter, startersOfJob, type State } from "./starters.ts";
import { type Patience, until } from "./wait.ts";

export type { Patience } from "./wait.ts";

/** What to do about runs of a job that is paused: pausing stops none (facts: databricks-api 3.3). */
export type ActiveRuns = "leave" | "wait" | "cancel";

/** The states that a resource's starters shall have, asked anew of what is read before writing. */
export type Target = (starters: readonly Starter[]) => readonly State[];

/** What became of one resource. */
export interface Applied {
  /** `changed`: it is as wanted now. `gone`: deleted meanwhile. `failed`: see the finding. */
  readonly outcome: "changed" | "gone" | "failed";
  readonly finding: Finding | undefined;
}

export type Failure = Omit<Finding, "where" | "severity">;

export interface ApplyOptions {
  readonly patience: Patience;
  readonly activeRuns: ActiveRuns;
}

/** Applies a target to one resource. Never throws for what the service answers: the finding says it. */
export async function apply(
  workspace: Workspace,
  tier: string,
  resource: Resource,
  target: Target,
  options: ApplyOptions,
): Promise<Applied> {
  const failed = (finding: Failure): Applied => ({
    outcome: "failed",
    finding: { ...finding, severity: "error", where: { kind: "resource", tier, key: resource.key ?? resource.name } },
  });
  try {
    const result = await applyTo(workspace, resource, target, options);
    return typeof result === "string" ? { outcome: result, finding: undefined } : failed(result);
  } catch (error) {
    if (!(error instanceof ApiError) && !(error instanceof LostAnswer)) throw error;
    return failed({
      id: "schedules/not-applied",
      message: `${resource.name} could not be changed: ${error.findings.map((finding) => finding.message).join(" ")}`,
      remedy: "Give the tier's principal CAN_MANAGE on it, or run this again if the service was at fault.",
    });
  }
}

function applyTo(
  workspace: Workspace,
  resource: Resource,
  target: Target,
  options: ApplyOptions,
): Promise<"changed" | "gone" | Failure> {
  if (resource.kind === "jobs") return applyJob(workspace, resource, target, options);
  const [state = "paused"] = target([{ field: "pipeline", what: "continuous", state: "running" }]);
  return setPipeline(workspace, resource.id, state === "running", options.patience);
}

async function applyJob(
  workspace: Workspace,
  { id, kicked }: Resource,
  target: Target,
  options: ApplyOptions,
): Promise<"changed" | "gone" | Failure> {
  const job = await getJob(workspace, id);
  if (job === undefined) return "gone";
  const wanted = target(startersOfJob(job.settings));
  // A paused loop that was started by hand ends with an update, even one that says nothing new.
  const fields = jobFields(job.settings, wanted, kicked ? ["continuous"] : []);
  if (Object.keys(fields).length > 0) {
    try {
      await updateJob(workspace, id, fields);
    } catch (error) {
      if (!isRacingStart(error)) throw error;
    }
  }
  const kept = await until(options.patience, `${job.name} to be read as it was set`, async () => {
    const now = await getJob(workspace, id);
    if (now === undefined) return "gone";
    const starters = startersOfJob(now.settings);
    const due = target(starters);
    return starters.every(({ state }, index) => state === due[index]) ? "changed" : undefined;
  });
  if (kept === undefined) {
    return {
      id: "schedules/not-kept",
      message: `${job.name} was set to ${[...new Set(wanted)].join(" and ")}, and when read again it is not.`,
      why: "Somebody or something else sets it too.",
      remedy: "Find out who changes it (its last modifier in the workspace), then run this again.",
    };
  }
  const quiet = kept === "changed" && wanted.every((state) => state === "paused");
  return quiet ? ((await endRuns(workspace, id, job.name, options)) ?? kept) : kept;
}

/** Unpausing a continuous job starts a run, and another start may race with it: that is what was wanted (facts: databricks-api 3.3). */
function isRacingStart(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && /concurrent request to run/i.test(error.detail);
}

/** Waits for the job's active runs, or cancels them and waits; undefined once there are none, or if they are left. */
async function endRuns(
  workspace: Workspace,
  id: string,
  name: string,
  { activeRuns, patience }: ApplyOptions,
): Promise<Failure | undefined> {
  if (activeRuns === "leave") return undefined;
  const told = new Set<string>();
  let active: string[] = [];
  const ended = await until(patience, `the active runs of ${name}`, async () => {
    active = [];
    for await (const run of listRuns(workspace, { jobId: id, activeOnly: true })) active.push(run.id);
    for (const run of activeRuns === "cancel" ? active.filter((each) => !told.has(each)) : []) {
      await cancelRun(workspace, run);
      told.add(run);
    }
    return active.length === 0 ? true : undefined;
  });
  if (ended) return undefined;
  const seconds = Math.round(patience.timeoutMs / 1000);
  return {
    id: "schedules/still-running",
    message: `${name} is paused, and after ${seconds} s ${active.length === 1 ? `its run ${active[0] ?? ""} is` : `${active.length} of its runs are`} still active${activeRuns === "cancel" ? ", though cancelled" : ""}.`,
    remedy:
      activeRuns === "cancel"
        ? "Look at the run in the workspace, or run this again with a longer timeout-seconds."
        : "Wait and run this again, or use active-runs: cancel.",
  };
}
