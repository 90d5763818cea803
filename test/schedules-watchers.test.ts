import { expect, test } from "vitest";
import { matchSchedules, type SchedulesOptions } from "../src/schedules.ts";
import { type Account, startAccount } from "./account.ts";
import { QUIET } from "./run.ts";
import { type Deployed, optionsFor } from "./schedules/tier.ts";

const clock = (pause_status?: "PAUSED" | "UNPAUSED") => ({
  timezone_id: "UTC",
  ...(pause_status === undefined ? {} : { pause_status }),
});
const alert = (display_name: string, pause_status?: "PAUSED" | "UNPAUSED") => ({
  display_name,
  schedule: { quartz_cron_schedule: "0 0 * * * ?", ...clock(pause_status) },
});
const monitor = (pause_status?: "PAUSED" | "UNPAUSED") => ({
  schedule: { quartz_cron_expression: "0 0 6 * * ?", ...clock(pause_status) },
});
const estate = {
  catalogs: {
    dev: {
      owner: "ml-pipelines-dev",
      schemas: { gold: { tables: { scores: {}, calm: {}, plain: {}, slow: {} } } },
    },
  },
  alerts: {
    dev: [alert("churn fell"), alert("churn paused", "PAUSED"), alert("other")],
    prod: [alert("churn fell")],
  },
  monitors: { "dev.gold.scores": monitor(), "dev.gold.calm": monitor("PAUSED"), "dev.gold.plain": {} },
};
const contract = 'schedules: { names: ["churn *"] }\n';

async function check(account: Account, tier: Deployed, options: Partial<SchedulesOptions> = {}): Promise<string[]> {
  const result = await matchSchedules(
    account.connect(tier),
    account.tier(tier),
    { mode: "check", ...optionsFor(account, tier), ...options },
    QUIET,
  );
  expect(account.simulator.unmodelled).toEqual([]);
  return result.findings.map(
    ({ id, severity, where }) => `${severity} ${id} ${where?.kind === "resource" ? where.key : ""}`,
  );
}

test("an alert of the project that runs is reported, one that is paused is not, nor one of somebody else", async () => {
  const account = await startAccount(estate, contract);
  expect(await check(account, "dev")).toEqual(["error schedules/watcher-runs SQL alert churn fell"]);
  expect(await check(account, "dev", { strict: false })).toEqual([
    "warning schedules/watcher-runs SQL alert churn fell",
  ]);
});

test("with the whole workspace in scope everybody's are; enforcing writes none", async () => {
  const account = await startAccount(estate, contract);
  const found = ["error schedules/watcher-runs SQL alert churn fell", "error schedules/watcher-runs SQL alert other"];
  expect(await check(account, "dev", { scope: "workspace" })).toEqual(found);
  expect(await check(account, "dev", { scope: "workspace", mode: "enforce" })).toEqual(found);
  expect(account.writes()).toEqual([]);
});

test("in prod alerts may run", async () => {
  expect(await check(await startAccount(estate, contract), "prod")).toEqual([]);
});

test("monitors are looked at when they are asked for, table by table", async () => {
  const account = await startAccount(estate, contract);
  expect(await check(account, "dev", { also: ["monitors"] })).toEqual([
    "error schedules/watcher-runs SQL alert churn fell",
    "error schedules/watcher-runs quality monitor dev.gold.scores",
  ]);
});

test.each([
  [[], "notice schedules/unseen "],
  [["alerts" as const], "unknown schedules/unseen "],
])("alerts that cannot be read, asked for: %j", async (also, expected) => {
  const account = await startAccount({});
  account.simulator.fault({
    path: "/api/2.0/alerts",
    effect: "error",
    status: 403,
    code: "PERMISSION_DENIED",
    message: "no",
  });
  expect(await check(account, "dev", { also })).toEqual([expected]);
});

test.each([
  [400, "FEATURE_DISABLED"],
  [501, "NOT_IMPLEMENTED"],
])("alerts that a workspace does not have (%d %s), and nobody asked for, stop nothing", async (status, code) => {
  const account = await startAccount({});
  account.simulator.fault({ path: "/api/2.0/alerts", effect: "error", status, code, message: "off", times: 20 });
  expect(await check(account, "dev", { mode: "enforce" })).toEqual(["notice schedules/unseen "]);
});

test("one table that cannot be read hides no other's monitor", async () => {
  const account = await startAccount(estate, contract);
  account.simulator.fault({
    path: "/api/2.1/unity-catalog/tables/dev.gold.calm/monitor",
    effect: "error",
    status: 403,
    code: "PERMISSION_DENIED",
    message: "no",
  });
  const found = await check(account, "dev", { also: ["monitors"] });
  expect(found).toContain("error schedules/watcher-runs quality monitor dev.gold.scores");
  expect(found).toContain("unknown schedules/unseen ");
});

test("with the whole workspace in scope it is said that a principal may not see everything, unless it is an administrator", async () => {
  const account = await startAccount({});
  expect(await check(account, "dev", { scope: "workspace", seesAll: false })).toEqual([
    "notice schedules/partly-seen ",
  ]);
  expect(await check(account, "dev", { scope: "workspace", seesAll: true })).toEqual([]);
});

test("more alerts than a page are all seen", async () => {
  const many = Array.from({ length: 130 }, (_, index) => alert(`churn ${index}`));
  const account = await startAccount({ alerts: { dev: many } }, contract);
  expect(await check(account, "dev")).toHaveLength(130);
});
