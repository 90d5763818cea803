/** What is not known of identity, files, jobs, pipelines and what starts them, where our code meets it. */
import { expect } from "vitest";
import { ApiError } from "../../src/databricks/errors.ts";
import { runNow } from "../../src/databricks/jobs.ts";
import { stopPipeline } from "../../src/databricks/pipelines.ts";
import { FourTierError } from "../../src/findings.ts";
import { startRun } from "../../src/release/started.ts";
import { failures, type Scene, scene } from "../promotion.ts";
import { BUNDLE } from "../promotion-files.ts";
import { account, type Meetings, pipeline, thrown } from "./meeting.ts";
import { atRest, follow, proved, rolled, schedulesOf, starting } from "./meeting-scenes.ts";

/** What fails a promotion, wherever it is told. */
async function promoted(dev: Scene): Promise<string[]> {
  try {
    return failures((await dev.promote()).result);
  } catch (error) {
    if (error instanceof FourTierError) return error.findings.map(({ id }) => id);
    throw error;
  }
}

export const OF_TIERS: Meetings = {
  me_user_name: async (behaviours, value) => {
    const estate = await account({ behaviours });
    expect(await proved(estate)).toEqual(value === "application-id" ? [] : ["identity/principal"]);
    return estate.simulator;
  },
  org_id_header: async (behaviours, value) => {
    const estate = await account({ behaviours });
    expect(await proved(estate)).toEqual(value === true ? [] : ["identity/workspace-unknown"]);
    return estate.simulator;
  },
  exported_notebook: async (behaviours, value) => {
    const dev = await scene("dev", { behaviours });
    expect(await promoted(dev)).toEqual([]);
    // the job changes and its code does not, so that the folder that is there is looked at
    dev.change({ "databricks.yml": BUNDLE.replace("name: score\n", "name: score\n      description: x\n") });
    expect(await promoted(dev)).toEqual(value === "as-imported" ? [] : ["release/folder-tampered"]);
    return dev.simulator;
  },
  listed_starters: async (behaviours) => {
    const schedule = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC", pause_status: "UNPAUSED" as const };
    const estate = await account({ behaviours, jobs: { dev: [starting("nightly", { schedule })] } });
    expect(await schedulesOf(estate, "check")).toEqual(["error schedules/drift"]);
    expect(await schedulesOf(estate, "enforce")).toEqual([]);
    expect(estate.simulator.world.job("dev", "nightly").settings).toMatchObject({
      schedule: { pause_status: "PAUSED" },
    });
    return estate.simulator;
  },
  python_cache: async (behaviours, value) => {
    const tune = `    tune:
      name: tune
      tasks: [{ task_key: t, environment_key: default, spark_python_task: { python_file: lib/shared.py } }]
      environments: [{ environment_key: default, spec: { environment_version: "4" } }]
`;
    const files = { "databricks.yml": `${BUNDLE}${tune}` };
    const dev = await scene("dev", { behaviours }, files);
    expect(failures((await dev.promote()).result)).toEqual([]);
    const run = await startRun(dev.connect(), String(dev.world.job("dev", "tune").id), "one");
    while (!(await run.look()).done);
    dev.change({
      "databricks.yml": `${BUNDLE}${tune}`.replace("name: score\n", "name: score\n      description: x\n"),
    });
    expect(await promoted(dev)).toEqual(value === "nowhere" ? [] : ["release/folder-tampered"]);
    return dev.simulator;
  },
  table_update_condition: async (behaviours, value) => {
    const trigger = "trigger: { table_update: { table_names: [dev.bronze.events], condition: ALL_UPDATED } }";
    const dev = await scene(
      "dev",
      { behaviours },
      { "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", trigger) },
    );
    const { result } = await dev.promote();
    expect(failures(result)).toEqual(value === "kept" ? [] : ["release/not-as-applied"]);
    if (value !== "kept") expect(JSON.stringify(result.findings)).toContain("condition");
    return dev.simulator;
  },
  cancelled_loop_restarts: async (behaviours, value) => {
    const estate = await account({ behaviours, jobs: { dev: [starting("loop", { continuous: {} })] } });
    const found = await rolled(estate, "jobs", String(estate.simulator.world.job("dev", "loop").id));
    expect(found).toEqual(value === true ? [] : ["promote/not-rolled-forward"]);
    return estate.simulator;
  },
  stopped_pipeline_starts: async (behaviours, value) => {
    const continuous = { ...pipeline, spec: { ...pipeline.spec, continuous: true } };
    const estate = await account({ behaviours, pipelines: { dev: [continuous] } });
    const { id } = estate.simulator.world.pipeline("dev", "p");
    await stopPipeline(estate.connect("dev"), id);
    await atRest(estate, id);
    expect(await rolled(estate, "pipelines", id)).toEqual(value === true ? [] : ["promote/not-rolled-forward"]);
    return estate.simulator;
  },
  retried_update: async (behaviours, value) => {
    const updates = [{ pipeline: "p", retried: true, polls: 1 }];
    const estate = await account({ behaviours, pipelines: { dev: [pipeline] }, updates });
    const states = await follow(estate.connect("dev"), estate.simulator.world.pipeline("dev", "p").id);
    expect(states.at(-1)).toBe(value === "new" ? "COMPLETED" : "FAILED");
    return estate.simulator;
  },
  run_now_on_paused_schedule: async (behaviours, value) => {
    const schedule = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC", pause_status: "PAUSED" as const };
    const estate = await account({ behaviours, jobs: { dev: [starting("nightly", { schedule })] } });
    const { world } = estate.simulator;
    const started = runNow(estate.connect("dev"), String(world.job("dev", "nightly").id), { idempotencyToken: "one" });
    if (value === "refused") expect(await thrown(started)).toEqual(["databricks/failed"]);
    else await started;
    expect(world.runs("dev", "nightly")).toHaveLength(value === "refused" ? 0 : 1);
    expect(world.job("dev", "nightly").settings).toMatchObject({ schedule: { pause_status: "PAUSED" } });
    return estate.simulator;
  },
  trigger_state_shown: async (behaviours, value) => {
    const turned = { ...behaviours, run_now_on_paused_continuous: "kick-start" as const };
    const loop = starting("loop", { continuous: { pause_status: "PAUSED" as const } });
    const estate = await account({ behaviours: turned, jobs: { dev: [loop] } });
    const { world } = estate.simulator;
    await runNow(estate.connect("dev"), String(world.job("dev", "loop").id), { idempotencyToken: "one" });
    // the run by hand ends, and the loop starts one of its own
    for (const run of world.runs("dev", "loop")) world.finishRun("dev", run);
    expect(await schedulesOf(estate, "check")).toEqual([
      value === true ? "error schedules/drift" : "unknown schedules/unread",
    ]);
    return estate.simulator;
  },
  update_ends_loop: async (behaviours, value) => {
    const turned = { ...behaviours, run_now_on_paused_continuous: "kick-start" as const };
    const loop = starting("loop", { continuous: { pause_status: "PAUSED" as const } });
    const estate = await account({ behaviours: turned, jobs: { dev: [loop] } });
    await runNow(estate.connect("dev"), String(estate.simulator.world.job("dev", "loop").id), {
      idempotencyToken: "one",
    });
    const found = await schedulesOf(estate, "enforce", { patience: { timeoutMs: 20, everyMs: 5 } });
    expect(found).toEqual(value === true ? [] : ["error schedules/not-kept"]);
    return estate.simulator;
  },
  alerts_listed: async (behaviours, value) => {
    const alert = {
      display_name: "churn fell",
      schedule: { quartz_cron_schedule: "0 0 * * * ?", timezone_id: "UTC" },
    };
    const estate = await account({ behaviours, alerts: { dev: [alert] } });
    const found = await schedulesOf(estate, "check", { scope: "workspace", also: ["alerts"] });
    expect(found).toEqual([value === true ? "error schedules/watcher-runs" : "unknown schedules/unseen"]);
    return estate.simulator;
  },
  no_monitor: async (behaviours, value) => {
    const dev = { owner: "ml-pipelines-dev", schemas: { gold: { tables: { scores: {} } } } };
    const estate = await account({ behaviours, catalogs: { dev } });
    const found = await schedulesOf(estate, "check", { also: ["monitors"] });
    expect(found).toEqual(value === 404 ? [] : ["unknown schedules/unseen"]);
    return estate.simulator;
  },
  request_id_header: async (behaviours, value) => {
    const estate = await account({ behaviours });
    const path = "/api/2.0/preview/scim/v2/Groups/9";
    const error: unknown = await estate
      .connect("dev")
      .call({ method: "GET", path })
      .catch((reason: unknown) => reason);
    if (!(error instanceof ApiError)) throw new Error("it was answered");
    // the request is named as well as it can be: by its id, else by what was asked
    expect(error.requestId === undefined).toBe(value === false);
    expect(error.message).toContain(`GET ${path}`);
    return estate.simulator;
  },
};
