/** A clone carries our tags, and is not ours: the ledger, or who made it, says which one is. */
import { expect, test } from "vitest";
import { findDrift } from "../src/drift.ts";
import { liftHolds, takeHold } from "../src/holds.ts";
import { matchSchedules, type SchedulesOptions, type SchedulesResult } from "../src/schedules.ts";
import { type Account, APPLICATION, startAccount } from "./account.ts";
import { QUIET } from "./run.ts";
import { applied, cron, type Deployed, job, ledgerOf, now, optionsFor, tags, task } from "./schedules/tier.ts";

const running = { ...cron, pause_status: "UNPAUSED" };
const paused = { ...cron, pause_status: "PAUSED" };

const match = (account: Account, tier: Deployed, options: Partial<SchedulesOptions> = {}): Promise<SchedulesResult> =>
  matchSchedules(
    account.connect(tier),
    account.tier(tier),
    { mode: "enforce", ...optionsFor(account, tier), ...options },
    QUIET,
  );
const told = ({ findings }: Pick<SchedulesResult, "findings">): string[] =>
  findings.map(({ id, severity, where }) => `${severity} ${id} ${where?.kind === "resource" ? where.key : ""}`);
const stateOf = (account: Account, tier: Deployed, name: string): unknown =>
  (account.simulator.world.job(tier, name).settings["schedule"] as { pause_status: string }).pause_status;

/** Mona's clone of a job of ours, which the tier's principal may manage. */
const clone = (tier: Deployed, schedule: object, principal = `ml-pipelines-${tier}`) => ({
  owner: "mona@example.com",
  settings: { ...job(tier, "cron", { schedule }).settings, name: "copy of cron" },
  permissions: [{ principal, level: "CAN_MANAGE" as const }],
});

test("somebody's paused clone of a job of prod is not started, and said", async () => {
  const account = await startAccount({
    jobs: { prod: [job("prod", "cron", { schedule: paused }), clone("prod", paused)] },
  });
  expect(told(await match(account, "prod", { mode: "check" }))).toEqual([
    "warning schedules/duplicate jobs.cron",
    "error schedules/drift jobs.cron",
  ]);
  const result = await match(account, "prod");
  expect(told(result)).toEqual(["warning schedules/duplicate jobs.cron"]);
  expect([stateOf(account, "prod", "cron"), stateOf(account, "prod", "copy of cron")]).toEqual(["UNPAUSED", "PAUSED"]);
});

test("outside prod a clone is paused, and an exception for the job does not let it run", async () => {
  const account = await startAccount(
    { jobs: { staging: [job("staging", "cron", { schedule: running }), clone("staging", running)] } },
    "schedules: { exceptions: [{ tier: staging, job: cron, state: running, until: 2027-02-10, reason: load test }] }\n",
  );
  expect(told(await match(account, "staging"))).toEqual(["warning schedules/duplicate jobs.cron"]);
  expect(stateOf(account, "staging", "cron")).toBe("UNPAUSED");
  expect(stateOf(account, "staging", "copy of cron")).toBe("PAUSED");
});

test("the ledger's id wins over who made what: a copy that our principal made is no more ours than another's", async () => {
  const account = await startAccount({
    jobs: {
      prod: [
        {
          ...job("prod", "cron", { schedule: paused }),
          owner: "mona@example.com",
          permissions: clone("prod", {}).permissions,
        },
        {
          ...job("prod", "copy", { schedule: paused }),
          settings: { ...job("prod", "cron", { schedule: paused }).settings, name: "copy" },
        },
      ],
    },
  });
  await applied(account, "prod", [["jobs.cron", String(account.simulator.world.job("prod", "cron").id)]]);
  expect(told(await match(account, "prod"))).toEqual(["warning schedules/duplicate jobs.cron"]);
  expect([stateOf(account, "prod", "cron"), stateOf(account, "prod", "copy")]).toEqual(["UNPAUSED", "PAUSED"]);
});

test("of two that our principal made, and no ledger that knows one, neither is started", async () => {
  const copy = { ...job("prod", "cron", { schedule: paused }).settings, name: "copy" };
  const account = await startAccount({
    jobs: { prod: [job("prod", "cron", { schedule: paused }), { owner: "ml-pipelines-prod", settings: copy }] },
  });
  expect(told(await match(account, "prod"))).toEqual([
    "warning schedules/duplicate jobs.cron",
    "warning schedules/duplicate jobs.cron",
  ]);
  expect([stateOf(account, "prod", "cron"), stateOf(account, "prod", "copy")]).toEqual(["PAUSED", "PAUSED"]);
});

test("a job that the contract adopts is ours before the first promotion, whoever made it", async () => {
  const scenario = {
    owner: "mona@example.com",
    settings: { ...job("prod", "cron", { schedule: paused }).settings },
    permissions: clone("prod", {}).permissions,
  };
  const account = await startAccount({ jobs: { prod: [scenario] } });
  const { id } = account.simulator.world.job("prod", "cron");
  const tier = { ...account.tier("prod"), adopt: new Map([["jobs.cron" as const, String(id)]]) };
  await matchSchedules(account.connect("prod"), tier, { mode: "enforce", ...optionsFor(account, "prod") }, QUIET);
  expect(stateOf(account, "prod", "cron")).toBe("UNPAUSED");
});

test("a clone that is made while a hold stands is not started when the hold is lifted", async () => {
  const account = await startAccount({ jobs: { prod: [job("prod", "cron", { schedule: running })] } });
  const request = {
    ...optionsFor(account, "prod"),
    workspace: account.connect("prod"),
    tier: account.tier("prod"),
    locked: ledgerOf(account, "prod").locked,
    record: () => Promise.resolve("1"),
    run: { id: "100", attempt: 1 },
    now,
    log: QUIET,
  };
  await takeHold({ ...request, selector: "all", reason: "incident", by: "octocat", until: undefined });
  const { settings, permissions } = clone("prod", paused, APPLICATION.prod);
  const made = account.simulator.world.createJob("prod", "mona@example.com", settings);
  const { acls } = account.simulator.world.workspace("prod");
  acls.set("jobs", String(made.id), [...acls.of("jobs", String(made.id)), ...permissions]);
  await liftHolds({ ...request, hold: "" });
  expect([stateOf(account, "prod", "cron"), stateOf(account, "prod", "copy of cron")]).toEqual(["UNPAUSED", "PAUSED"]);
});

test("another tier's and another project's jobs in the same workspace are left alone, whatever the scope", async () => {
  const theirs = (name: string, marks: object) => ({
    owner: "mona@example.com",
    settings: { name, tags: { ...tags("dev", "jobs.x"), ...marks }, tasks: [task], schedule: running },
    permissions: [{ principal: "ml-pipelines-dev", level: "CAN_MANAGE" as const }],
  });
  const account = await startAccount({
    jobs: {
      dev: [
        theirs("other project", { four_tier_project: "other" }),
        theirs("sandbox", { four_tier_tier: "sandbox", four_tier_developer: "mona" }),
        { ...theirs("nobody's", {}), settings: { name: "nobody's", tasks: [task], schedule: running } },
      ],
    },
  });
  const result = await match(account, "dev", { scope: "workspace" });
  expect(result.rows.map(({ decision: { resource, why }, outcome }) => [resource.name, outcome, why])).toEqual([
    ["nobody's", "changed", "dev is paused"],
    ["other project", "foreign", "of dev of other: left as it is"],
    ["sandbox", "foreign", "of sandbox of mona of ml-pipelines: left as it is"],
  ]);
  expect(told(result)).toEqual(["notice schedules/others-left "]);
});

test("drift tells copies that were deployed by hand, whoever made them", async () => {
  const account = await startAccount({
    jobs: { prod: [job("prod", "cron", { schedule: running }), clone("prod", paused)] },
  });
  const id = String(account.simulator.world.job("prod", "cron").id);
  await applied(account, "prod", [["jobs.cron", id]]);
  account.simulator.world.createJob("prod", "ml-pipelines-prod", {
    ...job("prod", "young", { schedule: running }).settings,
    deployment: { kind: "BUNDLE", metadata_file_path: "/x" },
  });
  const { findings } = await findDrift({
    tier: account.tier("prod"),
    workspace: account.connect("prod"),
    principal: APPLICATION.prod,
    current: () => Promise.resolve({ known: true, value: undefined }),
    log: QUIET,
  });
  const strays = findings.filter((finding) => finding.id === "drift/stray");
  expect(strays.map(({ message }) => message.slice(0, message.indexOf(" (")))).toEqual(["young", "copy of cron"]);
  expect(strays[0]?.message).toContain("deployed by a bundle");
});
