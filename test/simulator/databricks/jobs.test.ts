import { afterEach, describe, expect, it } from "vitest";
import type { DatabricksSimulator } from "../../../simulator/databricks/server.ts";
import type { JsonObject } from "../../../simulator/json.ts";
import { type As, as, closeAll, DEV_ID, scenario, start } from "./harness.ts";

afterEach(closeAll);

const notebook = (key: string): JsonObject => ({ task_key: key, notebook_task: { notebook_path: "/nowhere" } });
const nightly = { quartz_cron_expression: "0 0 3 * * ?", timezone_id: "UTC" };

async function devOf(more: Parameters<typeof scenario>[0] = {}): Promise<{ simulator: DatabricksSimulator; call: As }> {
  const simulator = await start(scenario(more));
  return { simulator, call: as(simulator, "ml-pipelines-dev", "dev") };
}

async function create(call: As, settings: JsonObject): Promise<bigint> {
  const answer = await call("POST", "/api/2.2/jobs/create", { body: settings });
  expect(answer.text).toMatch(/^\{"job_id":\d+\}$/);
  return answer.body["job_id"] as bigint;
}

async function settingsOf(call: As, id: bigint): Promise<JsonObject> {
  return (await call("GET", `/api/2.2/jobs/get?job_id=${id}`)).body["settings"] as JsonObject;
}

describe("a job", () => {
  it("has an id beyond 2^53 that travels as a bare number", async () => {
    const { call } = await devOf();
    const id = await create(call, { name: "score" });
    expect(id > 8n * 10n ** 18n && id < 2n ** 63n).toBe(true);
    const answer = await call("GET", `/api/2.2/jobs/get?job_id=${id}`);
    expect(answer.text).toContain(`"job_id":${id},`);
    expect(answer.body).toMatchObject({ creator_user_name: DEV_ID, run_as_user_name: DEV_ID });
  });

  it.each(["kept", "gone"] as const)(
    "that is deleted has its permissions %s [?], and is changed by nobody",
    async (deleted) => {
      const { call } = await devOf({ behaviours: { deleted_permissions: deleted } });
      const id = await create(call, { name: "score" });
      const path = `/api/2.0/permissions/jobs/${id}`;
      const before = (await call("GET", path)).body;
      await call("POST", "/api/2.2/jobs/delete", { body: { job_id: id } });
      const after = await call("GET", path);
      expect([after.status, after.body["access_control_list"]]).toEqual(
        deleted === "kept" ? [200, before["access_control_list"]] : [400, undefined],
      );
      const list = { access_control_list: [{ user_name: "mona@example.com", permission_level: "CAN_VIEW" }] };
      expect((await call("PATCH", path, { body: list })).status).toBe(400);
      expect((await call("GET", "/api/2.0/permissions/jobs/7")).status).toBe(400);
    },
  );

  it("gets the service's defaults", async () => {
    const { call } = await devOf();
    const id = await create(call, { name: "score", schedule: nightly, tasks: [notebook("a")] });
    expect(await settingsOf(call, id)).toMatchObject({
      queue: { enabled: true },
      max_concurrent_runs: 1,
      format: "MULTI_TASK",
      schedule: { ...nightly, pause_status: "UNPAUSED" },
      tasks: [{ run_if: "ALL_SUCCESS", notebook_task: { source: "WORKSPACE" } }],
    });
  });

  it("with several triggers has a pause status for each", async () => {
    const { call } = await devOf();
    const triggers = [{ periodic: { interval: 1, unit: "HOURS" } }, { schedule: nightly, pause_status: "PAUSED" }];
    const settings = await settingsOf(call, await create(call, { name: "a", triggers }));
    expect(settings["triggers"]).toMatchObject([{ pause_status: "UNPAUSED" }, { pause_status: "PAUSED" }]);
  });

  it("may share its name; a create is never idempotent", async () => {
    const { call } = await devOf();
    await create(call, { name: "score" });
    await create(call, { name: "score" });
    const answer = await call("GET", "/api/2.2/jobs/list?name=SCORE");
    expect(answer.body["jobs"]).toHaveLength(2);
  });

  it("that is not there is a 400", async () => {
    const { call } = await devOf();
    const answer = await call("GET", "/api/2.2/jobs/get?job_id=42");
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error_code: "INVALID_PARAMETER_VALUE", message: "Job 42 does not exist." });
  });

  it.each([
    ["two starters", { schedule: nightly, continuous: {} }],
    ["a schedule without cron", { schedule: { timezone_id: "UTC" } }],
    ["half a cron", { schedule: { ...nightly, quartz_cron_expression: "0 3 * * *" } }],
    ["no time zone", { schedule: { ...nightly, timezone_id: "Mars/Base" } }],
    ["a task twice", { tasks: [notebook("a"), notebook("a")] }],
    ["a task after nothing", { tasks: [{ ...notebook("a"), depends_on: [{ task_key: "b" }] }] }],
    ["an environment that is not there", { tasks: [{ ...notebook("a"), environment_key: "e" }] }],
    ["a task without work", { tasks: [{ task_key: "a" }] }],
    ["a git source without provider", { git_source: { git_url: "https://example.com/x" } }],
  ])("is refused with %s", async (_why, settings) => {
    const { call, simulator } = await devOf();
    const answer = await call("POST", "/api/2.2/jobs/create", { body: settings });
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "INVALID_PARAMETER_VALUE"]);
    expect(simulator.unmodelled).toEqual([]);
    expect(simulator.world.jobs("dev")).toEqual([]);
  });

  it("with a field nobody knows is refused by name", async () => {
    const { call, simulator } = await devOf();
    const tasks = [{ ...notebook("a"), colour: "red" }];
    expect((await call("POST", "/api/2.2/jobs/create", { body: { tasks } })).status).toBe(400);
    expect(simulator.unmodelled).toEqual([expect.stringContaining("tasks.0.colour")]);
  });

  it("is replaced whole by reset, but keeps its run_as", async () => {
    const service_principals = {
      "ml-pipelines-dev": { application_id: DEV_ID, workspaces: ["dev"], users: ["ml-pipelines-dev"] },
    };
    const { call } = await devOf({ service_principals });
    const id = await create(call, { name: "a", description: "gone", run_as: { service_principal_name: DEV_ID } });
    await call("POST", "/api/2.2/jobs/reset", { body: { job_id: id, new_settings: { name: "b" } } });
    const settings = await settingsOf(call, id);
    expect(settings).toMatchObject({ name: "b", run_as: { service_principal_name: DEV_ID } });
    expect(settings).not.toHaveProperty("description");
  });

  it("is changed by update field by field: objects whole, tasks by key", async () => {
    const { call } = await devOf();
    const id = await create(call, {
      name: "a",
      schedule: nightly,
      tags: { a: "1" },
      tasks: [notebook("x"), notebook("y")],
    });
    const half = { job_id: id, new_settings: { schedule: { pause_status: "PAUSED" } } };
    expect((await call("POST", "/api/2.2/jobs/update", { body: half })).status).toBe(400);
    const whole = {
      job_id: id,
      new_settings: {
        schedule: { ...nightly, pause_status: "PAUSED" },
        tasks: [{ task_key: "y", notebook_task: { notebook_path: "/new" } }],
      },
      fields_to_remove: ["tags"],
    };
    expect((await call("POST", "/api/2.2/jobs/update", { body: whole })).status).toBe(200);
    const settings = await settingsOf(call, id);
    expect(settings).toMatchObject({
      schedule: { ...nightly, pause_status: "PAUSED" },
      tasks: [{ task_key: "x" }, { task_key: "y", notebook_task: { notebook_path: "/new" } }],
    });
    expect(settings).not.toHaveProperty("tags");
  });

  it("naming itself in run_as needs the role, or not [?]", async () => {
    const settings = { name: "a", run_as: { service_principal_name: DEV_ID } };
    const strict = await devOf();
    expect((await strict.call("POST", "/api/2.2/jobs/create", { body: settings })).status).toBe(403);
    const lax = await devOf({ behaviours: { run_as_itself: "allowed" } });
    expect((await lax.call("POST", "/api/2.2/jobs/create", { body: settings })).status).toBe(200);
  });

  it("with more than 100 tasks is read in pages", async () => {
    const { call } = await devOf();
    const tasks = Array.from({ length: 230 }, (_, index) => notebook(`t${index}`));
    const id = await create(call, { tasks, parameters: [{ name: "p", default: "1" }] });
    const sizes: unknown[] = [];
    let token = "";
    do {
      const { body } = await call("GET", `/api/2.2/jobs/get?job_id=${id}${token}`);
      const settings = body["settings"] as JsonObject;
      sizes.push([(settings["tasks"] as unknown[]).length, "parameters" in settings]);
      const next = body["next_page_token"] as string | undefined;
      token = next === undefined ? "" : `&page_token=${next}`;
    } while (token !== "");
    expect(sizes).toEqual([
      [100, true],
      [100, false],
      [30, false],
    ]);
  });

  it("is listed in pages of at most 100, without arrays unless asked", async () => {
    const { call } = await devOf();
    for (let index = 0; index < 21; index++) await create(call, { name: `job ${index}`, tasks: [notebook("a")] });
    const first = await call("GET", "/api/2.2/jobs/list");
    expect(first.body["jobs"]).toHaveLength(20);
    expect((first.body["jobs"] as JsonObject[])[0]?.["settings"]).not.toHaveProperty("tasks");
    const rest = await call(
      "GET",
      `/api/2.2/jobs/list?expand_tasks=true&page_token=${first.body["next_page_token"] as string}`,
    );
    expect(rest.body).toMatchObject({
      jobs: [{ settings: { name: "job 0", tasks: [{ task_key: "a" }] } }],
      has_more: false,
    });
    expect((await call("GET", "/api/2.2/jobs/list?limit=101")).status).toBe(400);
  });

  it("belongs to its creator; others need a permission, and see nothing without", async () => {
    const { call, simulator } = await devOf();
    const id = await create(call, { name: "a" });
    const mona = as(simulator, "mona@example.com", "dev");
    expect((await mona("GET", "/api/2.2/jobs/list")).body).toEqual({ has_more: false });
    expect((await mona("GET", `/api/2.2/jobs/get?job_id=${id}`)).body).toMatchObject({
      error_code: "PERMISSION_DENIED",
    });
    const acl = { access_control_list: [{ user_name: "mona@example.com", permission_level: "CAN_MANAGE_RUN" }] };
    expect((await call("PATCH", `/api/2.0/permissions/jobs/${id}`, { body: acl })).status).toBe(200);
    expect((await mona("GET", `/api/2.2/jobs/get?job_id=${id}`)).status).toBe(200);
    expect((await mona("POST", "/api/2.2/jobs/run-now", { body: { job_id: id } })).status).toBe(200);
    const reset = { job_id: id, new_settings: { name: "mine" } };
    expect((await mona("POST", "/api/2.2/jobs/reset", { body: reset })).status).toBe(403);
  });

  it("has exactly one owner, which is said in every PUT", async () => {
    const { call } = await devOf();
    const id = await create(call, { name: "a" });
    const put = (...list: JsonObject[]) =>
      call("PUT", `/api/2.0/permissions/jobs/${id}`, { body: { access_control_list: list } });
    const viewer = { user_name: "mona@example.com", permission_level: "CAN_VIEW" };
    const ownerless = await put(viewer);
    expect([ownerless.status, ownerless.body["message"]]).toEqual([400, "The job must have exactly one owner."]);
    const owned = await put(viewer, { service_principal_name: DEV_ID, permission_level: "IS_OWNER" });
    expect(owned.body).toMatchObject({
      object_id: `/jobs/${id}`,
      object_type: "job",
      access_control_list: [
        { user_name: "mona@example.com", all_permissions: [{ permission_level: "CAN_VIEW", inherited: false }] },
        { service_principal_name: DEV_ID, all_permissions: [{ permission_level: "IS_OWNER" }] },
        { group_name: "admins", all_permissions: [{ inherited: true, inherited_from_object: ["/jobs/"] }] },
      ],
    });
  });

  it.each([
    [{ unknown_acl_principal: 404, owner_change: "admin" }, 404, 403],
    [{ unknown_acl_principal: 400, owner_change: "owner" }, 400, 200],
  ] as const)("is given to nobody unknown, and away only by who may: %o [?]", async (behaviours, unknown, away) => {
    const { call } = await devOf({ behaviours });
    const id = await create(call, { name: "a" });
    const put = (list: JsonObject[]) =>
      call("PUT", `/api/2.0/permissions/jobs/${id}`, { body: { access_control_list: list } });
    expect((await put([{ user_name: "nobody@example.com", permission_level: "IS_OWNER" }])).status).toBe(unknown);
    expect((await put([{ user_name: "mona@example.com", permission_level: "IS_OWNER" }])).status).toBe(away);
  });
});

describe("a run", () => {
  const settings = { name: "smoke", tasks: [notebook("only")] };

  it("goes on with each look at it, and ends as the scenario says", async () => {
    const { call } = await devOf({ runs: [{ job: "smoke*", result: "FAILED", polls: 2, error: "boom" }] });
    const id = await create(call, settings);
    const run = (await call("POST", "/api/2.2/jobs/run-now", { body: { job_id: id } })).body["run_id"] as bigint;
    const get = async () => (await call("GET", `/api/2.2/jobs/runs/get?run_id=${run}`)).body;
    expect(await get()).toMatchObject({ status: { state: "PENDING" } });
    expect(await get()).toMatchObject({ status: { state: "RUNNING" }, state: { life_cycle_state: "RUNNING" } });
    const ended = await get();
    expect(ended).toMatchObject({
      state: { life_cycle_state: "INTERNAL_ERROR", result_state: "FAILED" },
      status: { state: "TERMINATED", termination_details: { code: "RUN_EXECUTION_ERROR" } },
    });
    const task = (ended["tasks"] as JsonObject[])[0]?.["run_id"] as bigint;
    const output = await call("GET", `/api/2.2/jobs/runs/get-output?run_id=${task}`);
    expect(output.body).toMatchObject({ error: "boom" });
  });

  it("is started once by one token", async () => {
    const { call, simulator } = await devOf();
    const id = await create(call, settings);
    const start = () => call("POST", "/api/2.2/jobs/run-now", { body: { job_id: id, idempotency_token: "t" } });
    expect((await start()).text).toBe((await start()).text);
    const [run] = simulator.world.runs("dev", "smoke");
    if (run !== undefined) simulator.world.finishRun("dev", run);
    await call("POST", "/api/2.2/jobs/runs/delete", { body: { run_id: run?.id ?? 0n } });
    expect((await start()).status).toBe(400);
    const long = { job_id: id, idempotency_token: "x".repeat(65) };
    expect((await call("POST", "/api/2.2/jobs/run-now", { body: long })).status).toBe(400);
  });

  it("waits in the queue, or is skipped where there is none", async () => {
    const { call, simulator } = await devOf();
    const id = await create(call, settings);
    const first = simulator.world.startRun("dev", "smoke");
    const second = (await call("POST", "/api/2.2/jobs/run-now", { body: { job_id: id } })).body["run_id"] as bigint;
    const third = await call("POST", "/api/2.2/jobs/run-now", { body: { job_id: id, queue: { enabled: false } } });
    const get = async (run: unknown) => (await call("GET", `/api/2.2/jobs/runs/get?run_id=${String(run)}`)).body;
    expect(await get(second)).toMatchObject({ status: { state: "QUEUED" } });
    expect(await get(third.body["run_id"])).toMatchObject({
      state: { life_cycle_state: "SKIPPED" },
      status: { termination_details: { code: "MAX_CONCURRENT_RUNS_EXCEEDED" } },
    });
    simulator.world.finishRun("dev", first);
    expect(await get(second)).toMatchObject({ status: { state: "PENDING" } });
  });

  it("goes on while its job is paused or changed; cancelling takes a moment", async () => {
    const { call, simulator } = await devOf();
    const id = await create(call, { ...settings, schedule: nightly });
    const run = simulator.world.startRun("dev", "smoke");
    simulator.world.changeJob("dev", "smoke", (job) => (job["schedule"] = { ...nightly, pause_status: "PAUSED" }));
    const active = async () =>
      ((await call("GET", `/api/2.2/jobs/runs/list?job_id=${id}&active_only=true`)).body["runs"] ?? []) as JsonObject[];
    expect(await active()).toHaveLength(1);
    await call("POST", "/api/2.2/jobs/runs/cancel", { body: { run_id: run.id } });
    expect(simulator.world.picture("dev")).toMatchObject([{ paused: true, activeRuns: 1 }]);
    expect(await active()).toHaveLength(0);
    expect(run.result).toBe("CANCELED");
  });

  it.each([
    ["one-off", [false, false]],
    ["kick-start", [true, false]],
  ] as const)("of a paused continuous job is a %s [?]", async (run_now_on_paused_continuous, expected) => {
    const { call, simulator } = await devOf({ behaviours: { run_now_on_paused_continuous } });
    const id = await create(call, { ...settings, continuous: { pause_status: "PAUSED" } });
    await call("POST", "/api/2.2/jobs/run-now", { body: { job_id: id } });
    const [first] = simulator.world.runs("dev", "smoke");
    if (first !== undefined) simulator.world.finishRun("dev", first);
    const active = simulator.world.runs("dev", "smoke").map((run) => run.active);
    expect([...active, false].slice(0, 2)).toEqual(expected);
  });

  it("of many tasks is read in pages, and has an output a task", async () => {
    const { call } = await devOf({ runs: [{ job: "wide", polls: 0, output: "42" }] });
    const tasks = Array.from({ length: 101 }, (_, index) => notebook(`t${index}`));
    const id = await create(call, { name: "wide", tasks });
    const run = (await call("POST", "/api/2.2/jobs/run-now", { body: { job_id: id } })).body["run_id"] as bigint;
    const first = (await call("GET", `/api/2.2/jobs/runs/get?run_id=${run}`)).body;
    const token = first["next_page_token"] as string;
    const second = (await call("GET", `/api/2.2/jobs/runs/get?run_id=${run}&page_token=${token}`)).body;
    expect([(first["tasks"] as JsonObject[]).length, (second["tasks"] as JsonObject[]).length]).toEqual([100, 1]);
    expect((await call("GET", `/api/2.2/jobs/runs/get-output?run_id=${run}`)).status).toBe(400);
    const task = (second["tasks"] as JsonObject[])[0]?.["run_id"] as bigint;
    const output = await call("GET", `/api/2.2/jobs/runs/get-output?run_id=${task}`);
    expect(output.body).toMatchObject({ notebook_output: { result: "42" }, metadata: { task_key: "t100" } });
  });

  it("of a continuous job starts by itself, again and again, unless the job is paused", async () => {
    const { call, simulator } = await devOf();
    const paused = { ...settings, continuous: { pause_status: "PAUSED" } };
    const id = await create(call, paused);
    expect(simulator.world.runs("dev", "smoke")).toHaveLength(0);
    const reset = (continuous: JsonObject) =>
      call("POST", "/api/2.2/jobs/reset", { body: { job_id: id, new_settings: { ...settings, continuous } } });
    await reset({ pause_status: "UNPAUSED" });
    const [first] = simulator.world.runs("dev", "smoke");
    if (first !== undefined) simulator.world.finishRun("dev", first, "CANCELED");
    expect(simulator.world.runs("dev", "smoke").map(({ active }) => active)).toEqual([true, false]);
    await reset({ pause_status: "PAUSED" });
    expect(simulator.world.runs("dev", "smoke").filter(({ active }) => active)).toHaveLength(1);
    const [second] = simulator.world.runs("dev", "smoke");
    if (second !== undefined) simulator.world.finishRun("dev", second, "CANCELED");
    expect(simulator.world.runs("dev", "smoke").filter(({ active }) => active)).toHaveLength(0);
  });
});
