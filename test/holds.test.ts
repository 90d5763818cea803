import { describe, expect, test } from "vitest";
import { type HoldRequest, type HoldResult, liftHolds, takeHold } from "../src/holds.ts";
import type { Hold } from "../src/ledger/holds.ts";
import { matchSchedules, type SchedulesOptions } from "../src/schedules.ts";
import { type Account, APPLICATION, startAccount } from "./account.ts";
import { QUIET } from "./run.ts";
import {
  applied,
  cron,
  type Deployed,
  job,
  ledgerOf,
  now,
  optionsFor,
  pipeline,
  scheduleWrites,
  tags,
  task,
} from "./schedules/tier.ts";

const running = { ...cron, pause_status: "UNPAUSED" };
const paused = { ...cron, pause_status: "PAUSED" };

/** Prod as a release left it, but for one job that somebody had paused by hand before. */
const PROD = {
  jobs: {
    prod: [
      job("prod", "cron", { schedule: running }),
      job("prod", "byHand", { schedule: paused }),
      job("prod", "always", { continuous: { pause_status: "UNPAUSED" } }),
      job("prod", "several", {
        triggers: [
          { schedule: cron, pause_status: "PAUSED" },
          { file_arrival: { url: "/Volumes/a/b/c/" }, pause_status: "UNPAUSED" },
        ],
      }),
      job("prod", "manual", {}),
    ],
  },
  pipelines: {
    prod: [pipeline("prod", "stream", { continuous: true }), pipeline("prod", "batch", { continuous: false })],
  },
};

function requestFor(account: Account, tier: Deployed, run = "100") {
  const recorded: Hold[] = [];
  const { locked } = ledgerOf(account, tier, run);
  return {
    recorded,
    workspace: account.connect(tier),
    tier: account.tier(tier),
    principal: APPLICATION[tier],
    contract: account.contract,
    patience: { timeoutMs: 1_000, everyMs: 5 },
    activeRuns: "leave" as const,
    locked,
    record: (hold: Hold) => {
      recorded.push(hold);
      return Promise.resolve("1");
    },
    run: { id: run, attempt: 1 },
    now,
    log: QUIET,
  };
}

async function hold(account: Account, options: Partial<HoldRequest> & { run?: HoldRequest["run"] } = {}) {
  const request = requestFor(account, "prod", options.run?.id);
  const result = await takeHold({
    ...request,
    scope: "project",
    selector: "all",
    reason: "incident 7",
    by: "octocat",
    until: undefined,
    ...options,
  });
  return { ...result, recorded: request.recorded };
}

const resume = (account: Account, which = "", giveUp = false): Promise<HoldResult> =>
  liftHolds({ ...requestFor(account, "prod", "200"), hold: which, giveUp });

/** A job of somebody else, which the tier's principal may manage. */
const hers = (name: string, schedule: Record<string, string>) => ({
  owner: "mona@example.com",
  settings: { name, tasks: [task], schedule },
  permissions: [{ principal: "ml-pipelines-prod", level: "CAN_MANAGE" as const }],
});
/** From now on the principal may do no more than this with a job. */
function limit(account: Account, name: string, level: "CAN_VIEW" | "CAN_MANAGE" | undefined): void {
  const { acls } = account.simulator.world.workspace("prod");
  acls.set("jobs", String(account.simulator.world.job("prod", name).id), [
    { principal: "mona@example.com", level: "IS_OWNER" },
    ...(level === undefined ? [] : [{ principal: APPLICATION.prod, level }]),
  ]);
}

const enforce = (account: Account, options: Partial<SchedulesOptions> = {}) =>
  matchSchedules(
    account.connect("prod"),
    account.tier("prod"),
    { mode: "enforce", ...optionsFor(account, "prod"), ...options },
    QUIET,
  );

/** What starts by itself and whether it does, by name. */
function states(account: Account): Record<string, unknown> {
  const { world } = account.simulator;
  const jobs = world.jobs("prod").map(({ settings }) => {
    const fields = ["schedule", "continuous", "trigger"].flatMap((field) => settings[field] ?? []);
    const all = [...fields, ...((settings["triggers"] ?? []) as object[])] as { pause_status: string }[];
    return [settings["name"] as string, all.map(({ pause_status }) => pause_status).join(" ")] as const;
  });
  const pipelines = world.pipelines("prod").map(({ spec }) => [spec["name"] as string, spec["continuous"]] as const);
  return Object.fromEntries([...jobs, ...pipelines]);
}

const BEFORE = {
  cron: "UNPAUSED",
  byHand: "PAUSED",
  always: "UNPAUSED",
  several: "PAUSED UNPAUSED",
  manual: "",
  stream: true,
  batch: false,
};
const ALL_PAUSED = {
  ...BEFORE,
  cron: "PAUSED",
  always: "PAUSED",
  several: "PAUSED PAUSED",
  stream: false,
};
const ids = ({ findings }: Pick<HoldResult, "findings">): string[] =>
  findings.map(({ id, severity }) => `${severity} ${id}`);

describe("a hold on everything", () => {
  test("pauses what runs, remembers what was, and is recorded", async () => {
    const account = await startAccount(PROD);
    const result = await hold(account, { until: new Date("2027-01-16T00:00:00Z") });
    expect(result.findings).toEqual([]);
    expect(states(account)).toEqual(ALL_PAUSED);
    expect(account.simulator.world.picture("prod").find(({ name }) => name === "stream")?.activeRuns).toBe(0);
    const [kept] = await ledgerOf(account, "prod").holds();
    expect(kept).toMatchObject({
      selector: "all",
      reason: "incident 7",
      by: "octocat",
      until: "2027-01-16T00:00:00.000Z",
    });
    expect(kept?.prior.map(({ key }) => key).sort()).toEqual([
      "jobs.always",
      "jobs.byHand",
      "jobs.cron",
      "jobs.several",
      "pipelines.batch",
      "pipelines.stream",
    ]);
    expect(result.recorded).toEqual([kept]);
  });

  test("wins over the tier: a check says nothing, an enforcement starts nothing", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    const before = scheduleWrites(account).length;
    const result = await enforce(account);
    expect(result.findings).toEqual([]);
    expect(result.rows[0]?.decision.why).toBe("held by octocat since 2027-01-15 12:00 UTC: incident 7");
    expect(scheduleWrites(account)).toHaveLength(before);
  });

  test("is enforced when somebody starts a held job by hand", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    account.simulator.world.changeJob("prod", "cron", (settings) => void (settings["schedule"] = running));
    await enforce(account);
    expect(states(account)).toEqual(ALL_PAUSED);
  });

  test("is lifted to exactly what was: what was paused by hand stays paused", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    const result = await resume(account);
    expect(result.findings).toEqual([]);
    expect(states(account)).toEqual(BEFORE);
    expect(account.simulator.world.picture("prod").find(({ name }) => name === "stream")?.activeRuns).toBe(1);
    expect(await ledgerOf(account, "prod").holds()).toEqual([]);
  });

  test("made again by the same run is the same hold, and its memory is the first one's", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    await hold(account);
    const [only, ...others] = await ledgerOf(account, "prod").holds();
    expect(others).toEqual([]);
    expect(only?.prior.find(({ key }) => key === "jobs.cron")?.starters[0]?.state).toBe("running");
  });
});

describe("two holds on one job", () => {
  test.each([
    ["the older first", [0, 1]],
    ["the younger first", [1, 0]],
  ])("lifted %s: paused until the last is gone, then as it was before both", async (_name, order) => {
    const account = await startAccount(PROD);
    const made = [
      await hold(account, { run: { id: "1", attempt: 1 } }),
      await hold(account, { run: { id: "2", attempt: 1 }, selector: "name:cron", reason: "another" }),
    ].map(({ touched }) => touched[0]?.id ?? "");
    const first = await resume(account, made[order[0] ?? 0]);
    expect(first.rows.find(({ decision }) => decision.resource.name === "cron")?.outcome).toBe("held");
    expect(states(account)["cron"]).toBe("PAUSED");
    await resume(account, made[order[1] ?? 0]);
    expect(states(account)).toEqual(BEFORE);
  });

  test("have to be told apart, or be lifted together", async () => {
    const account = await startAccount(PROD);
    await hold(account, { run: { id: "1", attempt: 1 } });
    await hold(account, { run: { id: "2", attempt: 1 }, selector: "name:cron" });
    await expect(resume(account)).rejects.toThrow(/More than one hold stands in prod/);
    await expect(resume(account, "ffffff")).rejects.toThrow(/No hold of prod begins with ffffff/);
    await resume(account, "all");
    expect(states(account)).toEqual(BEFORE);
  });
});

describe("while a hold stands", () => {
  test("a deleted job is said when it is lifted, and everything else comes back", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    account.simulator.world.deleteJob("prod", "cron");
    const result = await resume(account);
    expect(ids(result)).toEqual(["notice schedules/held-and-gone"]);
    const { cron: _gone, ...others } = BEFORE;
    expect(states(account)).toEqual(others);
  });

  test("a job that was renamed out of the selector stays held, and comes back", async () => {
    const account = await startAccount(PROD);
    await hold(account, { selector: "name:cron" });
    account.simulator.world.changeJob("prod", "cron", (settings) => void (settings["name"] = "renamed"));
    expect((await enforce(account)).rows.find(({ decision }) => decision.resource.name === "renamed")?.outcome).toBe(
      "right",
    );
    expect(states(account)["renamed"]).toBe("PAUSED");
    await resume(account);
    expect(states(account)["renamed"]).toBe("UNPAUSED");
  });

  test("a job that was deleted and recreated under its key comes back too", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    account.simulator.world.deleteJob("prod", "cron");
    account.simulator.world.createJob("prod", "ml-pipelines-prod", job("prod", "cron", { schedule: paused }).settings);
    expect(ids(await resume(account))).toEqual([]);
    expect(states(account)).toEqual(BEFORE);
  });

  test("a job that came meanwhile is held, and then as the tier wants", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    account.simulator.world.createJob(
      "prod",
      "ml-pipelines-prod",
      job("prod", "young", { schedule: running }).settings,
    );
    await enforce(account);
    expect(states(account)["young"]).toBe("PAUSED");
    await resume(account);
    expect(states(account)["young"]).toBe("UNPAUSED");
  });

  test("a pipeline that a release no longer declares continuous does not come back", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    const { locked } = ledgerOf(account, "prod");
    const stream = account.simulator.world.pipeline("prod", "stream");
    await locked((ledger) =>
      ledger.save({
        ...ledger.current(),
        resources: new Map([
          [
            "pipelines.stream",
            {
              id: stream.id,
              kind: "pipelines",
              name: "stream",
              settings: { continuous: false },
              permissions: undefined,
              component: "default",
              componentDigest: "a".repeat(64),
            },
          ],
        ]),
      }),
    );
    await resume(account);
    expect(states(account)).toEqual({ ...BEFORE, stream: false });
  });

  test("what cannot be given back keeps the hold, and a second try gives it back", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    account.simulator.fault({
      path: "/api/2.2/jobs/update",
      effect: "error",
      status: 403,
      code: "PERMISSION_DENIED",
      message: "not now",
    });
    expect(ids(await resume(account))).toEqual(["error schedules/not-applied", "error schedules/hold-stands"]);
    expect(await ledgerOf(account, "prod").holds()).toHaveLength(1);
    expect(ids(await resume(account))).toEqual([]);
    expect(states(account)).toEqual(BEFORE);
  });

  test("a record that GitHub does not take fails the run, and the hold stands", async () => {
    const account = await startAccount(PROD);
    const result = await hold(account, { record: () => Promise.reject(new Error("no rights")) });
    expect(ids(result)).toEqual(["error schedules/not-recorded"]);
    expect(states(account)).toEqual(ALL_PAUSED);
    expect(await ledgerOf(account, "prod").holds()).toHaveLength(1);
  });
});

describe("what cannot be given back", () => {
  const two = { jobs: { prod: [hers("hers", running), job("prod", "cron", { schedule: running })] } };

  test("stays held alone: the rest is lifted, and no enforcement pauses it again", async () => {
    const account = await startAccount(two);
    await hold(account, { scope: "workspace" });
    limit(account, "hers", "CAN_VIEW");
    const result = await resume(account);
    expect(ids(result)).toEqual(["error schedules/not-applied", "error schedules/hold-stands"]);
    expect(result.findings[1]?.message).toContain("1 of what was held in prod could not be given back");
    expect(states(account)).toEqual({ hers: "PAUSED", cron: "UNPAUSED" });
    const [left] = await ledgerOf(account, "prod").holds();
    expect(left).toMatchObject({ remainder: true, prior: [{ name: "hers" }] });
    await enforce(account, { scope: "workspace" });
    expect(states(account)).toEqual({ hers: "PAUSED", cron: "UNPAUSED" });
    limit(account, "hers", "CAN_MANAGE");
    expect(ids(await resume(account))).toEqual([]);
    expect(states(account)).toEqual({ hers: "UNPAUSED", cron: "UNPAUSED" });
    expect(await ledgerOf(account, "prod").holds()).toEqual([]);
  });

  test("is given up by who says so: it stays as it is, and nothing is held", async () => {
    const account = await startAccount(two);
    await hold(account, { scope: "workspace" });
    limit(account, "hers", "CAN_VIEW");
    expect(ids(await resume(account, "", true))).toEqual(["warning schedules/not-applied"]);
    expect(await ledgerOf(account, "prod").holds()).toEqual([]);
    expect(states(account)).toEqual({ hers: "PAUSED", cron: "UNPAUSED" });
  });

  test("because it is not to be seen any more is not gone", async () => {
    const account = await startAccount(PROD);
    await hold(account);
    limit(account, "cron", undefined);
    expect(ids(await resume(account))).toEqual(["error schedules/not-applied", "error schedules/hold-stands"]);
    expect(states(account)).toEqual({ ...BEFORE, cron: "PAUSED" });
    limit(account, "cron", "CAN_MANAGE");
    expect(ids(await resume(account))).toEqual([]);
    expect(states(account)).toEqual(BEFORE);
  });
});

test("a held job whose tags somebody took away is given back all the same", async () => {
  const account = await startAccount(PROD);
  await hold(account);
  account.simulator.world.changeJob("prod", "cron", (settings) => void (settings["tags"] = {}));
  expect(ids(await resume(account))).toEqual([]);
  expect(states(account)).toEqual(BEFORE);
});

test("a pipeline that was off before the hold stays off, though the release declares it continuous", async () => {
  const account = await startAccount(PROD);
  const batch = account.simulator.world.pipeline("prod", "batch");
  await applied(account, "prod", [["pipelines.batch", batch.id, { continuous: true }]]);
  await hold(account);
  await resume(account);
  expect(states(account)).toEqual(BEFORE);
});

test("two file arrivals that a deploy puts in another order each go back to their own state", async () => {
  const entry = (url: string, pause_status: string) => ({ file_arrival: { url }, pause_status });
  const triggers = [entry("/Volumes/a/", "UNPAUSED"), entry("/Volumes/b/", "PAUSED")];
  const account = await startAccount({ jobs: { prod: [job("prod", "several", { triggers })] } });
  await hold(account);
  account.simulator.world.changeJob("prod", "several", (settings) => {
    settings["triggers"] = [entry("/Volumes/b/", "PAUSED"), entry("/Volumes/a/", "PAUSED")];
  });
  await resume(account);
  expect(account.simulator.world.job("prod", "several").settings["triggers"]).toEqual([
    entry("/Volumes/b/", "PAUSED"),
    entry("/Volumes/a/", "UNPAUSED"),
  ]);
});

test("somebody else's job that came under a hold and was paused by an enforcement runs again after it", async () => {
  const account = await startAccount({ jobs: { prod: [hers("hers", running)] } });
  await hold(account, { scope: "workspace" });
  const { settings, permissions } = hers("young", running);
  account.simulator.world.createJob("prod", "mona@example.com", settings);
  account.simulator.world.createJob("prod", "mona@example.com", { ...settings, name: "calm", schedule: paused });
  for (const name of ["young", "calm"]) limit(account, name, permissions[0]?.level);
  await enforce(account, { scope: "workspace" });
  expect(states(account)).toEqual({ hers: "PAUSED", young: "PAUSED", calm: "PAUSED" });
  await resume(account);
  expect(states(account)).toEqual({ hers: "UNPAUSED", young: "UNPAUSED", calm: "PAUSED" });
});

test("a hold is recorded once the ledger has it, though not everything could be paused", async () => {
  const account = await startAccount({ jobs: { prod: [hers("hers", running)] } });
  limit(account, "hers", "CAN_VIEW");
  const result = await hold(account, { scope: "workspace" });
  expect(ids(result)).toEqual(["error schedules/not-applied"]);
  expect(result.recorded).toHaveLength(1);
});

describe("a hold that names something", () => {
  test.each([
    ["by name", "name:cron", ["cron"]],
    ["by key", "name:jobs.cron", ["cron"]],
    ["by pattern", "name:*a*", ["always", "several", "stream"]],
    ["by tag", "tag:four_tier_key=jobs.cron", ["cron"]],
  ])("%s: pauses that alone", async (_name, selector, expected) => {
    const account = await startAccount(PROD);
    await hold(account, { selector });
    const now = states(account);
    const changed = Object.entries(BEFORE).filter(([name, state]) => now[name] !== state);
    expect(changed.map(([name]) => name).sort()).toEqual(expected);
  });

  test("that is not there is refused, and nothing is written", async () => {
    const account = await startAccount(PROD);
    await expect(hold(account, { selector: "name:crn" })).rejects.toThrow(/matches none of the 7 jobs and pipelines/);
    expect(scheduleWrites(account)).toEqual([]);
    expect(await ledgerOf(account, "prod").holds()).toEqual([]);
  });

  test("of the whole workspace pauses what is not ours, and gives it back", async () => {
    const hers = {
      owner: "mona@example.com",
      settings: { ...job("prod", "hers", { schedule: running }).settings, tags: tags("prod", "") },
      permissions: [{ principal: "ml-pipelines-prod", level: "CAN_MANAGE" as const }],
    };
    const account = await startAccount({ jobs: { prod: [hers] } });
    await hold(account, { scope: "workspace" });
    expect(states(account)).toEqual({ hers: "PAUSED" });
    await enforce(account, { scope: "workspace" });
    expect(states(account)).toEqual({ hers: "PAUSED" });
    await resume(account);
    expect(states(account)).toEqual({ hers: "UNPAUSED" });
  });
});

describe("a hold that has expired", () => {
  const later = new Date("2027-01-17T00:00:00Z");
  const until = new Date("2027-01-16T00:00:00Z");

  test("of the whole workspace is lifted whole by an enforcement of the project alone, and that is recorded", async () => {
    const account = await startAccount(
      { jobs: { prod: [hers("hers", running), job("prod", "cron", { schedule: running })] } },
      "holds: { on_expiry: resume }\n",
    );
    await hold(account, { scope: "workspace", until });
    const recorded: Hold[] = [];
    const record = (one: Hold) => Promise.resolve(String(recorded.push(one)));
    expect(ids(await enforce(account, { now: later, record }))).toEqual([]);
    expect(states(account)).toEqual({ hers: "UNPAUSED", cron: "UNPAUSED" });
    expect(recorded.map(({ reason }) => reason)).toEqual(["incident 7"]);
    expect(await ledgerOf(account, "prod").holds()).toEqual([]);
  });

  test("still holds, and is reported", async () => {
    const account = await startAccount(PROD);
    await hold(account, { until });
    expect(ids(await enforce(account, { now: later }))).toEqual(["warning schedules/hold-expired"]);
    expect(states(account)).toEqual(ALL_PAUSED);
  });

  test("is lifted by an enforcement if the contract says so: to what was before", async () => {
    const account = await startAccount(PROD, "holds: { on_expiry: resume }\n");
    await hold(account, { until });
    expect(ids(await enforce(account, { now: later, mode: "check" }))).toEqual(["warning schedules/hold-expired"]);
    expect(states(account)).toEqual(ALL_PAUSED);
    expect(ids(await enforce(account, { now: later }))).toEqual([]);
    expect(states(account)).toEqual(BEFORE);
    expect(await ledgerOf(account, "prod").holds()).toEqual([]);
  });
});

test("a hold waits for the runs that are active, cancels them, or leaves them", async () => {
  const account = await startAccount(PROD);
  const { world } = account.simulator;
  const active = () => world.picture("prod").find(({ name }) => name === "always")?.activeRuns;
  await hold(account, { selector: "name:always" });
  expect(active()).toBe(1);
  await resume(account);
  const waited = await hold(account, {
    selector: "name:always",
    activeRuns: "wait",
    patience: { timeoutMs: 30, everyMs: 5 },
    run: { id: "3", attempt: 1 },
  });
  expect(ids(waited)).toEqual(["error schedules/still-running"]);
  expect(active()).toBe(1);
  await resume(account);
  const cancelled = await hold(account, {
    selector: "name:always",
    activeRuns: "cancel",
    run: { id: "4", attempt: 1 },
  });
  expect(ids(cancelled)).toEqual([]);
  expect(active()).toBe(0);
});

test("a promotion in between makes a hold wait, and then refuse with who has the lock", async () => {
  const account = await startAccount(PROD);
  await ledgerOf(account, "prod", "promoting").locked(async () => {
    await expect(hold(account)).rejects.toThrow(/locked by run promoting/);
  });
  expect(states(account)).toEqual(BEFORE);
});

describe("whose lock another run takes in the middle", () => {
  const MANY = Array.from({ length: 60 }, (_, index) => `cron-${index}`);
  async function many() {
    const account = await startAccount({
      jobs: { prod: MANY.map((name) => job("prod", name, { schedule: running })) },
    });
    const { folder } = ledgerOf(account, "prod");
    const takenAt = (path: string, generation: number): void =>
      account.simulator.when({
        method: "POST",
        path,
        run: () => account.simulator.world.writeFile("prod", `${folder}/lock.${generation}`, "{}"),
      });
    const writes = (): number => scheduleWrites(account).filter((write) => write.endsWith("/jobs/update")).length;
    return { account, takenAt, writes };
  }
  /** As many as may begin before an answer that says so has come (ADR 402). */
  const MOST = 24;

  test("a hold pauses no more than what it had begun, and says of each of the others that it was left", async () => {
    const { account, takenAt, writes } = await many();
    takenAt("/api/2.2/jobs/update", 2);
    const result = await hold(account);
    const left = result.findings.filter(({ id }) => id === "ledger/lock-lost");
    expect(writes()).toBeGreaterThan(0);
    expect(writes()).toBeLessThanOrEqual(MOST);
    expect(left).toHaveLength(MANY.length - writes());
    expect(left[0]).toMatchObject({
      severity: "error",
      message: expect.stringMatching(/^cron-\d+ was left as it is/) as string,
    });
    expect(Object.values(states(account)).filter((state) => state === "UNPAUSED")).toHaveLength(left.length);
  });

  test("what lifts a hold gives no more back than it had begun, and the hold stands in the ledger", async () => {
    const { account, takenAt, writes } = await many();
    await hold(account);
    const before = writes();
    takenAt("/api/2.2/jobs/update", 3);
    await expect(resume(account)).rejects.toMatchObject({ findings: [{ id: "ledger/lock-lost" }] });
    expect(writes() - before).toBeGreaterThan(0);
    expect(writes() - before).toBeLessThanOrEqual(MOST);
    expect(await ledgerOf(account, "prod").holds()).toHaveLength(1);
  });

  test("a hold writes no pipeline either", async () => {
    const account = await startAccount(PROD);
    const { folder } = ledgerOf(account, "prod");
    account.simulator.when({
      method: "POST",
      path: "*ledger*",
      run: () => account.simulator.world.writeFile("prod", `${folder}/lock.2`, "{}"),
    });
    const result = await hold(account, { selector: "name:stream" });
    expect(result.findings.map(({ id }) => id)).toEqual(["ledger/lock-lost"]);
    expect(scheduleWrites(account)).toEqual([]);
  });

  test("an enforcement that ends active runs asks again before it cancels one", async () => {
    const account = await startAccount(PROD);
    const { folder } = ledgerOf(account, "prod");
    account.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/update",
      run: () => account.simulator.world.writeFile("prod", `${folder}/lock.2`, "{}"),
    });
    const result = await hold(account, { selector: "name:always", activeRuns: "cancel" });
    expect(result.findings.map(({ id }) => id)).toEqual(["ledger/lock-lost"]);
    expect(account.simulator.world.runs("prod", "always").map(({ active }) => active)).toEqual([true]);
  });
});
