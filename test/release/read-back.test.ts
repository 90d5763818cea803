import { expect, it } from "vitest";
import type { AppliedResource } from "../../src/release/change.ts";
import { verifyApplied } from "../../src/release/read-back.ts";
import { DEV_ID, startTier } from "../ledger/tier.ts";

const SCHEDULE = { quartz_cron_expression: "0 0 1 * * ?", timezone_id: "UTC", pause_status: "UNPAUSED" };

it("what reads back right at the second look does not hide a schedule of another job that runs", async () => {
  const job = (settings: object) => ({ owner: "ml-pipelines-dev", settings: { max_concurrent_runs: 1, ...settings } });
  const { workspace, simulator } = await startTier({
    jobs: { dev: [job({ name: "late", max_concurrent_runs: 9 }), job({ name: "loud", schedule: SCHEDULE })] },
  });
  const applied = (name: string): [string, AppliedResource] => [
    `jobs.${name}`,
    {
      id: String(simulator.world.job("dev", name).id),
      kind: "jobs",
      name,
      settings: { name, max_concurrent_runs: 1 },
      permissions: undefined,
      component: "default",
      componentDigest: "a".repeat(64),
    },
  ];
  const findings = await verifyApplied(workspace, new Map(["late", "loud"].map(applied)), {
    tier: "dev",
    schedules: "paused",
    principal: DEV_ID,
    // Whatever a comparison of fields expects of it.
    resolve: (key, settings) => (key === "jobs.loud" ? { ...settings, schedule: SCHEDULE } : settings),
    // Reads lag behind writes: at the second look the first job is as it was written.
    pause: () => {
      simulator.world.changeJob("dev", "late", (settings) => void (settings["max_concurrent_runs"] = 1));
      return Promise.resolve();
    },
  });
  expect(findings.map(({ id, where }) => [id, where])).toEqual([
    ["release/schedule-runs", { kind: "resource", tier: "dev", key: "jobs.loud" }],
  ]);
});
