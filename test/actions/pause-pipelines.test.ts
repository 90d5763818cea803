import { expect, test } from "vitest";
import { ownCatalog, policyAccount } from "./policy.ts";

const cron = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "Europe/Berlin" };
const scenario = (tier: "dev" | "prod", pause_status: "PAUSED" | "UNPAUSED") => ({
  catalogs: { [tier]: ownCatalog(tier) },
  jobs: {
    [tier]: [
      {
        owner: `ml-pipelines-${tier}`,
        settings: {
          name: "score",
          tags: { four_tier_project: "ml-pipelines", four_tier_tier: tier, four_tier_key: "jobs.score" },
          tasks: [{ task_key: "run", notebook_task: { notebook_path: "/a" } }],
          schedule: { ...cron, pause_status },
        },
      },
    ],
  },
});

test("check fails on a job that runs in dev, and writes nothing", async () => {
  const { account, run } = await policyAccount(scenario("dev", "UNPAUSED"));
  const result = await run("pause-pipelines", "dev");
  expect(result.exitCode).toBe(1);
  expect(result.outputs).toMatchObject({ conclusion: "failure", drifted: "1", changed: "0" });
  expect(result.annotations).toMatchObject([{ level: "error", title: "schedules/drift" }]);
  // a log shows the message alone, and whoever reads it looks the id up
  expect(result.annotations[0]?.message).toMatch(/ \[schedules\/drift\]$/);
  expect(account.writes()).toEqual([]);
});

test("check that is not strict says it and passes", async () => {
  const { run } = await policyAccount(scenario("dev", "UNPAUSED"));
  const result = await run("pause-pipelines", "dev", { strict: "false" });
  expect(result.exitCode).toBe(0);
  expect(result.annotations).toMatchObject([{ level: "warning", title: "schedules/drift" }]);
});

test("enforce pauses it once; the second run has nothing to do", async () => {
  const { account, run } = await policyAccount(scenario("dev", "UNPAUSED"));
  const first = await run("pause-pipelines", "dev", { mode: "enforce" });
  expect(first.annotations).toEqual([]);
  expect(first.exitCode).toBe(0);
  expect(first.outputs).toMatchObject({ conclusion: "success", drifted: "1", changed: "1" });
  expect(account.simulator.world.job("dev", "score").settings["schedule"]).toEqual({ ...cron, pause_status: "PAUSED" });
  expect(first.summary).toContain("running → paused");
  const second = await run("pause-pipelines", "dev", { mode: "enforce" });
  expect(second.outputs).toMatchObject({ conclusion: "success", drifted: "0", changed: "0" });
  const changes = account.writes().filter((write) => !write.includes("/api/2.0/workspace"));
  expect(changes).toEqual(["POST /api/2.2/jobs/update"]);
});

test("enforce starts it in prod", async () => {
  const { account, run } = await policyAccount(scenario("prod", "PAUSED"));
  const result = await run("pause-pipelines", "prod", { mode: "enforce" });
  expect(result.exitCode).toBe(0);
  expect(account.simulator.world.job("prod", "score").settings["schedule"]).toEqual({
    ...cron,
    pause_status: "UNPAUSED",
  });
  expect(result.report).toMatchObject({
    tier: "prod",
    schedules: [{ key: "jobs.score", wanted: "running", outcome: "changed" }],
  });
});

test.each([
  [{ mode: "hold" }, ["input/reason", "input/selector"]],
  [{ "lock-wait-minutes": "0.5", "give-up": "on" }, ["input/lock-wait-minutes", "input/give-up"]],
  [
    { mode: "hold", selector: "everything", reason: "two\nlines", until: "2020-01-01", "active-runs": "kill" },
    ["input/active-runs", "input/reason", "input/selector", "input/until"],
  ],
  [{ mode: "hold", selector: "tag:", reason: "x", until: "soon" }, ["input/selector", "input/until"]],
  [{ mode: "resume", hold: "the one" }, ["input/reason", "input/hold"]],
  [
    { mode: "stop", scope: "all", strict: "yes", "timeout-seconds": "soon" },
    ["input/mode", "input/scope", "input/timeout-seconds", "input/strict"],
  ],
])("%o is refused before anything is sent, all of it at once", async (inputs, ids) => {
  const { account, run } = await policyAccount(scenario("dev", "UNPAUSED"));
  const result = await run("pause-pipelines", "dev", inputs);
  expect(result.exitCode).toBe(1);
  expect(result.annotations.map(({ title }) => title)).toEqual(ids);
  expect(account.simulator.requests).toEqual([]);
});
