import { describe, expect, test } from "vitest";
import { runNow } from "../src/databricks/jobs.ts";
import { matchSchedules, type SchedulesOptions, type SchedulesResult } from "../src/schedules.ts";
import { type Account, startAccount } from "./account.ts";
import { QUIET } from "./run.ts";
import { cron, type Deployed, job, optionsFor, pipeline, scheduleWrites, tags, task } from "./schedules/tier.ts";

async function match(
  account: Account,
  tier: Deployed,
  options: Partial<SchedulesOptions> = {},
): Promise<SchedulesResult> {
  return matchSchedules(
    account.connect(tier),
    account.tier(tier),
    { mode: "enforce", ...optionsFor(account, tier), ...options },
    QUIET,
  );
}

const outcomes = (result: SchedulesResult): Record<string, string> =>
  Object.fromEntries(result.rows.map((row) => [row.decision.resource.name, row.outcome]));
const ids = (result: SchedulesResult): string[] =>
  result.findings.map((finding) => `${finding.severity} ${finding.id}`);

describe("outside prod", () => {
  const everything = {
    jobs: {
      staging: [
        job("staging", "cron", { schedule: { ...cron, pause_status: "UNPAUSED" } }),
        job("staging", "implicit", { schedule: cron }),
        job("staging", "files", { trigger: { file_arrival: { url: "/Volumes/a/b/c/" }, pause_status: "UNPAUSED" } }),
        job("staging", "always", { continuous: { pause_status: "UNPAUSED", task_retry_mode: "ON_FAILURE" } }),
        job("staging", "several", {
          triggers: [
            { schedule: cron, pause_status: "PAUSED" },
            { periodic: { interval: 1, unit: "HOURS" }, pause_status: "UNPAUSED" },
          ],
        }),
        job("staging", "quiet", { schedule: { ...cron, pause_status: "PAUSED" } }),
        job("staging", "manual", {}),
      ],
    },
    pipelines: { staging: [pipeline("staging", "stream", { continuous: true }), pipeline("staging", "batch", {})] },
  };

  test("check tells each that starts by itself and writes nothing", async () => {
    const account = await startAccount(everything);
    const result = await match(account, "staging", { mode: "check" });
    expect(outcomes(result)).toEqual({
      always: "drift",
      cron: "drift",
      files: "drift",
      implicit: "drift",
      quiet: "right",
      several: "drift",
      stream: "drift",
    });
    expect(ids(result)).toEqual(Array.from({ length: 6 }, () => "error schedules/drift"));
    expect(result.seen).toBe(9);
    expect(scheduleWrites(account)).toEqual([]);
    expect(account.simulator.unmodelled).toEqual([]);
  });

  test("check that is not strict warns", async () => {
    const account = await startAccount(everything);
    const result = await match(account, "staging", { mode: "check", strict: false });
    expect(new Set(ids(result))).toEqual(new Set(["warning schedules/drift"]));
  });

  test("enforce pauses all of it, changes nothing else, and has nothing left to do", async () => {
    const account = await startAccount(everything);
    const { world } = account.simulator;
    const before = new Map(world.jobs("staging").map((one) => [one.settings["name"], structuredClone(one.settings)]));
    const specBefore = structuredClone(world.pipeline("staging", "stream").spec);

    const result = await match(account, "staging");
    expect(result.findings).toEqual([]);
    expect(Object.values(outcomes(result)).sort()).toEqual([...Array.from({ length: 6 }, () => "changed"), "right"]);
    const settings = (name: string): Record<string, unknown> => world.job("staging", name).settings;
    expect(settings("cron")).toEqual({ ...before.get("cron"), schedule: { ...cron, pause_status: "PAUSED" } });
    expect(settings("implicit")["schedule"]).toEqual({ ...cron, pause_status: "PAUSED" });
    expect(settings("files")["trigger"]).toEqual({ file_arrival: { url: "/Volumes/a/b/c/" }, pause_status: "PAUSED" });
    expect(settings("always")["continuous"]).toEqual({ pause_status: "PAUSED", task_retry_mode: "ON_FAILURE" });
    expect(settings("several")["triggers"]).toEqual([
      { schedule: cron, pause_status: "PAUSED" },
      { periodic: { interval: 1, unit: "HOURS" }, pause_status: "PAUSED" },
    ]);
    for (const name of ["quiet", "manual"]) expect(settings(name)).toEqual(before.get(name));
    expect(world.pipeline("staging", "stream").spec).toEqual({ ...specBefore, continuous: false });
    expect(world.picture("staging").find(({ name }) => name === "stream")?.activeRuns).toBe(0);

    const written = scheduleWrites(account).length;
    expect(written).toBe(7); // Five jobs; the pipeline's spec and its stop.
    expect(ids(await match(account, "staging"))).toEqual([]);
    expect(scheduleWrites(account)).toHaveLength(written);
  });

  test("a pipeline that somebody changes between reading and writing is read again, and keeps the change", async () => {
    const account = await startAccount(everything);
    account.simulator.when({
      method: "PUT",
      path: "/api/2.0/pipelines/*",
      run: () =>
        account.simulator.world.changePipeline("staging", "stream", (spec) => (spec["configuration"] = { by: "hand" })),
    });
    const result = await match(account, "staging");
    expect(result.findings).toEqual([]);
    expect(account.simulator.world.pipeline("staging", "stream").spec).toMatchObject({
      continuous: false,
      configuration: { by: "hand" },
    });
  });

  test("an answer that is lost after the pipeline was changed is found by reading", async () => {
    const account = await startAccount(everything);
    account.simulator.fault({ method: "PUT", path: "/api/2.0/pipelines/*", effect: "lost-answer" });
    const result = await match(account, "staging");
    expect(result.findings).toEqual([]);
    expect(outcomes(result)["stream"]).toBe("changed");
    expect(scheduleWrites(account).filter((write) => write.startsWith("PUT"))).toHaveLength(1);
  });

  test("a pipeline that does not stop in time is said, and the jobs are paused all the same", async () => {
    const account = await startAccount(everything);
    // It is told to stop, and each time it is looked at it has not heard.
    for (let look = 1; look < 400; look += 1) {
      account.simulator.when({
        method: "GET",
        path: "/api/2.0/pipelines/*",
        nth: look,
        run: () => {
          const { pipelines } = account.simulator.world.workspace("staging");
          const update = pipelines.active(account.simulator.world.pipeline("staging", "stream"));
          if (update !== undefined) update.state = "RUNNING";
        },
      });
    }
    const result = await match(account, "staging", { patience: { timeoutMs: 100, everyMs: 5 } });
    expect(ids(result)).toEqual(["error schedules/still-running"]);
    expect(outcomes(result)).toMatchObject({ stream: "still-running", cron: "changed" });
  });

  test("an exception lets one run, one that ended does not, and both are said", async () => {
    const account = await startAccount(
      { jobs: { staging: everything.jobs.staging.slice(0, 2) } },
      `schedules:
  exceptions:
    - { tier: staging, job: cron, state: running, until: 2027-01-15, reason: load test }
    - { tier: staging, job: implicit, state: running, until: 2027-01-14, reason: was needed }
`,
    );
    const result = await match(account, "staging", { mode: "check" });
    expect(outcomes(result)).toEqual({ cron: "right", implicit: "drift" });
    expect(ids(result)).toEqual(["warning schedules/exception-expired", "error schedules/drift"]);
    expect(result.rows[0]?.decision.why).toBe("exception until 2027-01-15: load test");
  });

  test("a job we may not change is one finding; the others are changed", async () => {
    const account = await startAccount({
      jobs: {
        dev: [
          job("dev", "ours", { schedule: cron }),
          {
            owner: "mona@example.com",
            settings: { name: "hers", tasks: [task], schedule: cron },
            permissions: [{ principal: "ml-pipelines-dev", level: "CAN_VIEW" }],
          },
        ],
      },
    });
    expect(outcomes(await match(account, "dev"))).toEqual({ ours: "changed" });
    const result = await match(account, "dev", { scope: "workspace" });
    expect(outcomes(result)).toEqual({ hers: "failed", ours: "right" });
    expect(ids(result)).toEqual(["error schedules/not-applied"]);
  });

  test("a job that is deleted meanwhile is gone, not wrong", async () => {
    const account = await startAccount({ jobs: { dev: [job("dev", "ours", { schedule: cron })] } });
    account.simulator.when({ path: "/api/2.2/jobs/get", run: () => account.simulator.world.deleteJob("dev", "ours") });
    const result = await match(account, "dev");
    expect(outcomes(result)).toEqual({ ours: "gone" });
    expect(result.findings).toEqual([]);
  });

  test("a job that somebody starts again each time is said", async () => {
    const account = await startAccount({ jobs: { dev: [job("dev", "ours", { schedule: cron })] } });
    account.simulator.when({
      path: "/api/2.2/jobs/update",
      after: true,
      run: () =>
        account.simulator.world.changeJob("dev", "ours", (settings) => {
          settings["schedule"] = { ...cron, pause_status: "UNPAUSED" };
        }),
    });
    const result = await match(account, "dev", { patience: { timeoutMs: 50, everyMs: 5 } });
    expect(ids(result)).toEqual(["error schedules/not-kept"]);
  });

  test("a continuous pipeline that stands still is only told not to be continuous", async () => {
    const account = await startAccount({ pipelines: { dev: [pipeline("dev", "stream", { continuous: true })] } });
    const { pipelines } = account.simulator.world.workspace("dev");
    const stream = account.simulator.world.pipeline("dev", "stream");
    pipelines.stop(stream);
    pipelines.step(stream);
    expect(outcomes(await match(account, "dev"))).toEqual({ stream: "changed" });
    expect(scheduleWrites(account)).toEqual([`PUT /api/2.0/pipelines/${stream.id}`]);
  });

  test("a pipeline keeps its parameters", async () => {
    const parameters = { day: "2027-01-15" };
    const account = await startAccount({
      pipelines: { dev: [pipeline("dev", "stream", { continuous: true, parameters })] },
    });
    await match(account, "dev");
    expect(account.simulator.world.pipeline("dev", "stream").parameters).toEqual(parameters);
  });

  test("another project's job, and another tier's in the same workspace, are not this tier's", async () => {
    const sandbox = job("dev", "mine", { schedule: cron, tags: tags("sandbox", "jobs.mine") });
    const other = job("dev", "theirs", {
      schedule: cron,
      tags: { ...tags("dev", "jobs.theirs"), four_tier_project: "other" },
    });
    const account = await startAccount({ jobs: { dev: [other, sandbox] } });
    expect((await match(account, "dev")).rows).toEqual([]);
  });
});

describe("in prod", () => {
  test("what declares a schedule runs; what is not continuous stays so; what is not ours stays as it is", async () => {
    const account = await startAccount({
      jobs: {
        prod: [
          job("prod", "cron", { schedule: { ...cron, pause_status: "PAUSED" } }),
          job("prod", "always", { continuous: { pause_status: "PAUSED" } }),
          {
            owner: "mona@example.com",
            settings: { name: "hers", tasks: [task], schedule: { ...cron, pause_status: "PAUSED" } },
            permissions: [{ principal: "ml-pipelines-prod", level: "CAN_MANAGE" }],
          },
        ],
      },
      pipelines: {
        prod: [pipeline("prod", "stream", { continuous: true }), pipeline("prod", "batch", { continuous: false })],
      },
    });
    const result = await match(account, "prod", { scope: "workspace" });
    expect(result.findings).toEqual([]);
    expect(outcomes(result)).toEqual({ always: "changed", cron: "changed", hers: "foreign", stream: "right" });
    expect(account.simulator.world.pipeline("prod", "batch").spec["continuous"]).toBe(false);
    expect(account.simulator.world.job("prod", "hers").settings["schedule"]).toMatchObject({ pause_status: "PAUSED" });
    expect(scheduleWrites(account)).toEqual(["POST /api/2.2/jobs/update", "POST /api/2.2/jobs/update"]);
  });

  test("a start that races with ours is no error", async () => {
    const account = await startAccount({
      jobs: { prod: [job("prod", "always", { continuous: { pause_status: "PAUSED" } })] },
    });
    account.simulator.when({
      path: "/api/2.2/jobs/get",
      nth: 3, // The one before the write: before it, two looks ask whether the loop goes on.
      after: true,
      run: () =>
        account.simulator.world.changeJob("prod", "always", (settings) => {
          settings["continuous"] = { pause_status: "UNPAUSED" };
        }),
    });
    const refusal = account.simulator.fault({
      path: "/api/2.2/jobs/update",
      effect: "error",
      status: 409,
      code: "RESOURCE_CONFLICT",
      message: "A concurrent request to run the continuous job is already in progress.",
    });
    const result = await match(account, "prod");
    expect(result.findings).toEqual([]);
    expect(outcomes(result)).toEqual({ always: "changed" });
    expect(refusal.hits).toBe(1);
  });

  test("a continuous pipeline that stands still is said", async () => {
    const account = await startAccount({ pipelines: { prod: [pipeline("prod", "stream", { continuous: true })] } });
    const { pipelines } = account.simulator.world.workspace("prod");
    const stream = account.simulator.world.pipeline("prod", "stream");
    pipelines.stop(stream);
    pipelines.step(stream);
    expect(ids(await match(account, "prod"))).toEqual(["warning schedules/pipeline-stopped"]);
  });
});

describe("a paused continuous job that somebody started by hand", () => {
  const loop = { jobs: { staging: [job("staging", "always", { continuous: { pause_status: "PAUSED" } })] } };
  const startByHand = async (account: Account): Promise<void> => {
    const { id } = account.simulator.world.job("staging", "always");
    await runNow(account.connect("staging"), String(id), { idempotencyToken: "by hand" });
  };

  test("and that goes on by itself is drift, and is paused again; its run ends if that is asked for", async () => {
    const account = await startAccount({ ...loop, behaviours: { run_now_on_paused_continuous: "kick-start" } });
    await startByHand(account);
    const checked = await match(account, "staging", { mode: "check" });
    expect(ids(checked)).toEqual(["error schedules/drift"]);
    expect(checked.findings[0]?.message).toContain("goes on since somebody started it by hand");
    const result = await match(account, "staging", { activeRuns: "cancel" });
    expect(ids(result)).toEqual([]);
    expect(outcomes(result)).toEqual({ always: "changed" });
    expect(account.simulator.world.picture("staging")[0]?.activeRuns).toBe(0);
    expect(ids(await match(account, "staging", { mode: "check" }))).toEqual([]);
  });

  test("and that rests between two runs, or backs off, is drift all the same", async () => {
    const account = await startAccount({ ...loop, behaviours: { run_now_on_paused_continuous: "kick-start" } });
    await startByHand(account);
    const { jobs } = account.simulator.world.workspace("staging");
    for (const run of jobs.active(account.simulator.world.job("staging", "always"))) run.end("FAILED", Date.now());
    expect(account.simulator.world.picture("staging")[0]?.activeRuns).toBe(0);
    expect(ids(await match(account, "staging", { mode: "check" }))).toEqual(["error schedules/drift"]);
  });

  test("and that no update ends is said, not told as changed", async () => {
    const account = await startAccount({ ...loop, behaviours: { run_now_on_paused_continuous: "kick-start" } });
    await startByHand(account);
    account.simulator.when({
      path: "/api/2.2/jobs/update",
      after: true,
      run: () => void (account.simulator.world.job("staging", "always").kicked = true),
    });
    const result = await match(account, "staging", { patience: { timeoutMs: 50, everyMs: 5 } });
    expect(ids(result)).toEqual(["error schedules/not-kept"]);
    expect(outcomes(result)).toEqual({ always: "failed" });
  });

  test("and that runs once is none", async () => {
    const account = await startAccount({ ...loop, behaviours: { run_now_on_paused_continuous: "one-off" } });
    await startByHand(account);
    expect(ids(await match(account, "staging", { mode: "check" }))).toEqual([]);
  });

  test("costs one look at the job, however much else runs", async () => {
    const account = await startAccount(loop);
    await match(account, "staging", { mode: "check" });
    const asked = () => account.simulator.requests.map(({ path }) => path).filter((path) => path.includes("/jobs/"));
    expect(asked().sort()).toEqual(["/api/2.2/jobs/get", "/api/2.2/jobs/list"]);
  });
});

test("a job whose name the contract counts to the project is paused outside prod, and in prod never started", async () => {
  const byName = (tier: Deployed, name: string, pause_status: string) => ({
    owner: `ml-pipelines-${tier}`,
    settings: { name, tasks: [task], schedule: { ...cron, pause_status } },
  });
  const account = await startAccount(
    {
      jobs: {
        dev: [byName("dev", "churn copy", "UNPAUSED"), byName("dev", "other", "UNPAUSED")],
        prod: [byName("prod", "churn copy", "PAUSED")],
      },
    },
    'schedules: { names: ["churn *"] }\n',
  );
  expect(outcomes(await match(account, "dev"))).toEqual({ "churn copy": "changed" });
  expect(outcomes(await match(account, "prod"))).toEqual({ "churn copy": "foreign" });
});

test("holds that cannot be read are unknown, and nothing is written then", async () => {
  const account = await startAccount({ jobs: { prod: [job("prod", "cron", { schedule: cron })] } });
  const unseen = { id: "schedules/holds-unseen", severity: "unknown" as const, message: "?", remedy: "?" };
  const result = await match(account, "prod", { ledger: () => Promise.resolve(unseen) });
  expect(ids(result)).toEqual(["unknown schedules/holds-unseen"]);
  expect(scheduleWrites(account)).toEqual([]);
});

describe("what ran by itself", () => {
  const account = () => startAccount({ jobs: { staging: [job("staging", "cron", { schedule: cron })] } });
  const ran = async (play: Account, contractNow = new Date()) => {
    const result = await match(play, "staging", { mode: "check", now: contractNow });
    return result.history.get(String(play.simulator.world.job("staging", "cron").id));
  };
  const play = (on: Account, trigger: "PERIODIC" | "ONE_TIME", count: number): void => {
    const { jobs } = on.simulator.world.workspace("staging");
    const one = on.simulator.world.job("staging", "cron");
    for (let run = 0; run < count; run += 1) jobs.start(one, { trigger, creator: "x" }).end("SUCCESS", Date.now());
  };

  test("does not count runs that somebody started by hand", async () => {
    const on = await account();
    play(on, "PERIODIC", 2);
    play(on, "ONE_TIME", 3);
    expect(await ran(on)).toMatchObject({ runs: 2, more: false });
  });

  test("costs one page a job, and says that there may be more", async () => {
    const on = await account();
    play(on, "PERIODIC", 40);
    expect(await ran(on)).toMatchObject({ runs: 24, more: true });
    expect(on.simulator.requests.filter(({ path }) => path.endsWith("/runs/list"))).toHaveLength(1);
  });

  test("has no beginning where nothing ran yet", async () => {
    expect(await ran(await account())).toEqual({ since: undefined, runs: 0, busyMs: 0, more: false });
  });

  test("is told of what an exception lets run, too, and not of a pipeline that stands still", async () => {
    const on = await startAccount(
      {
        jobs: { staging: [job("staging", "cron", { schedule: cron })] },
        pipelines: { staging: [pipeline("staging", "stream", { continuous: true })] },
      },
      "schedules: { exceptions: [{ tier: staging, job: cron, state: running, until: 2027-02-10, reason: load test }] }\n",
    );
    const { pipelines } = on.simulator.world.workspace("staging");
    const stream = on.simulator.world.pipeline("staging", "stream");
    pipelines.stop(stream);
    pipelines.step(stream);
    const result = await match(on, "staging", { mode: "check" });
    expect([...result.history.keys()]).toEqual([String(on.simulator.world.job("staging", "cron").id)]);
  });
});

test("what ran by itself outside prod is told with its runs; what was started by hand is not counted", async () => {
  const account = await startAccount({
    jobs: { staging: [job("staging", "always", { continuous: { pause_status: "UNPAUSED" } })] },
  });
  const { id } = account.simulator.world.job("staging", "always");
  const result = await match(account, "staging", { mode: "check", now: new Date(Date.now() + 7_200_000) });
  const ran = result.history.get(String(id));
  expect(ran).toMatchObject({ runs: 1, more: false });
  expect(Math.round((ran?.busyMs ?? 0) / 3_600_000)).toBe(2);
});
