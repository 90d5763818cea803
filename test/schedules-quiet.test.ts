/** To quiet a tier: everything is paused first, and what still runs is said until it has ended. */
import { describe, expect, test } from "vitest";
import { UnexpectedAnswer } from "../src/databricks/errors.ts";
import { runNow } from "../src/databricks/jobs.ts";
import { takeHold } from "../src/holds.ts";
import { matchSchedules, type SchedulesOptions, type SchedulesResult } from "../src/schedules.ts";
import { type Account, startAccount } from "./account.ts";
import { QUIET } from "./run.ts";
import { cron, type Deployed, job, ledgerOf, now, optionsFor, pipeline, scheduleWrites } from "./schedules/tier.ts";

const running = { ...cron, pause_status: "UNPAUSED" };
const paused = { ...cron, pause_status: "PAUSED" };
const quick = { timeoutMs: 40, everyMs: 5 };
/** Runs that no read brings further. */
const NEVER_END = [{ job: "*", polls: "never" as const }];

const match = (account: Account, options: Partial<SchedulesOptions> = {}): Promise<SchedulesResult> =>
  matchSchedules(
    account.connect("staging"),
    account.tier("staging"),
    { mode: "enforce", ...optionsFor(account, "staging"), patience: quick, ...options },
    QUIET,
  );
const ids = ({ findings }: Pick<SchedulesResult, "findings">): string[] =>
  findings.map(({ id, severity }) => `${severity} ${id}`);
const outcomes = (result: SchedulesResult): Record<string, string> =>
  Object.fromEntries(result.rows.map((row) => [row.decision.resource.name, row.outcome]));
const activeRuns = (account: Account, tier: Deployed, name: string) =>
  account.simulator.world.picture(tier).find((one) => one.name === name)?.activeRuns;
const start = (account: Account, tier: Deployed, name: string, token = name) =>
  runNow(account.connect(tier), String(account.simulator.world.job(tier, name).id), { idempotencyToken: token });

test("a run that did not end in time is waited for, or cancelled, by the next run too", async () => {
  const account = await startAccount({
    runs: NEVER_END,
    jobs: { staging: [job("staging", "cron", { schedule: running })] },
  });
  await start(account, "staging", "cron");
  const first = await match(account, { activeRuns: "wait" });
  expect([ids(first), outcomes(first)]).toEqual([["error schedules/still-running"], { cron: "still-running" }]);
  const second = await match(account, { activeRuns: "wait" });
  expect([ids(second), outcomes(second)]).toEqual([["error schedules/still-running"], { cron: "still-running" }]);
  const third = await match(account, { activeRuns: "cancel", patience: { timeoutMs: 1_000, everyMs: 5 } });
  expect([ids(third), outcomes(third)]).toEqual([[], { cron: "right" }]);
  expect(activeRuns(account, "staging", "cron")).toBe(0);
});

test("of many paused jobs only those of which something runs are asked one by one", async () => {
  const many = Array.from({ length: 30 }, (_, index) => job("staging", `calm ${index}`, { schedule: paused }));
  const account = await startAccount({
    runs: NEVER_END,
    jobs: { staging: [...many, job("staging", "busy", { schedule: paused })] },
  });
  await start(account, "staging", "busy");
  expect(ids(await match(account, { activeRuns: "cancel", patience: { timeoutMs: 1_000, everyMs: 5 } }))).toEqual([]);
  expect(activeRuns(account, "staging", "busy")).toBe(0);
  const lists = account.simulator.requests.filter(({ path }) => path.endsWith("/runs/list")).length;
  expect(lists).toBeLessThan(8); // One of all that runs, and a few looks at the one job.
});

test("a second hold cancels what the first left running", async () => {
  const account = await startAccount({
    runs: NEVER_END,
    jobs: { prod: [job("prod", "cron", { schedule: running }), job("prod", "byHand", { schedule: paused })] },
  });
  await start(account, "prod", "cron");
  await start(account, "prod", "byHand");
  const hold = (run: string, activeRuns: "leave" | "cancel") =>
    takeHold({
      ...optionsFor(account, "prod"),
      workspace: account.connect("prod"),
      tier: account.tier("prod"),
      run: { id: run, attempt: 1 },
      selector: "all",
      reason: "incident",
      by: "octocat",
      until: undefined,
      activeRuns,
      now,
      log: QUIET,
    });
  await hold("1", "leave");
  expect([activeRuns(account, "prod", "cron"), activeRuns(account, "prod", "byHand")]).toEqual([1, 1]);
  expect(ids(await hold("2", "cancel"))).toEqual([]);
  expect([activeRuns(account, "prod", "cron"), activeRuns(account, "prod", "byHand")]).toEqual([0, 0]);
});

test("everything is paused before anything is waited for, and the waits share one time", async () => {
  const names = Array.from({ length: 24 }, (_, index) => `job ${index}`);
  const account = await startAccount({
    runs: NEVER_END,
    jobs: { prod: names.map((name) => job("prod", name, { schedule: running })) },
  });
  for (const name of names) await start(account, "prod", name);
  const result = await takeHold({
    ...optionsFor(account, "prod"),
    workspace: account.connect("prod"),
    tier: account.tier("prod"),
    run: { id: "1", attempt: 1 },
    selector: "all",
    reason: "incident",
    by: "octocat",
    until: undefined,
    activeRuns: "wait",
    patience: quick,
    now,
    log: QUIET,
  });
  expect(result.findings).toHaveLength(names.length);
  const paths = account.simulator.requests.map(({ path }) => path);
  expect(paths.lastIndexOf("/api/2.2/jobs/update")).toBeLessThan(paths.indexOf("/api/2.2/jobs/runs/list"));
});

describe("a continuous pipeline that was not stopped", () => {
  const stream = { pipelines: { staging: [pipeline("staging", "stream", { continuous: true })] } };
  const refuseStop = (account: Account) =>
    account.simulator.fault({
      method: "POST",
      path: "/api/2.0/pipelines/*/stop",
      effect: "error",
      status: 400,
      code: "INVALID_STATE",
      message: "busy",
    });

  test("is said, is drift for the next look, and is stopped by the next enforcement", async () => {
    const account = await startAccount(stream);
    refuseStop(account);
    const first = await match(account);
    expect([ids(first), outcomes(first)]).toEqual([["error schedules/still-running"], { stream: "still-running" }]);
    expect(account.simulator.world.pipeline("staging", "stream").spec["continuous"]).toBe(false);
    const checked = await match(account, { mode: "check" });
    expect(ids(checked)).toEqual(["error schedules/drift"]);
    expect(checked.findings[0]?.message).toContain("its continuous update was not stopped");
    const second = await match(account, { patience: { timeoutMs: 1_000, everyMs: 5 } });
    expect([ids(second), outcomes(second)]).toEqual([[], { stream: "changed" }]);
    expect(activeRuns(account, "staging", "stream")).toBe(0);
    expect(ids(await match(account, { mode: "check" }))).toEqual([]);
  });

  test("and one that somebody started by hand for once is left to end", async () => {
    const account = await startAccount({ pipelines: { staging: [pipeline("staging", "batch", {})] } });
    const { pipelines } = account.simulator.world.workspace("staging");
    pipelines.start(account.simulator.world.pipeline("staging", "batch"), {}, "USER_ACTION");
    expect(ids(await match(account))).toEqual([]);
    expect(scheduleWrites(account)).toEqual([]);
  });

  test("in prod, where it should run, is never made continuous", async () => {
    const account = await startAccount({ pipelines: { prod: [pipeline("prod", "stream", { continuous: true })] } });
    // Somebody takes the flag away and does not stop it.
    account.simulator.world.changePipeline("prod", "stream", (spec) => void (spec["continuous"] = false));
    await matchSchedules(
      account.connect("prod"),
      account.tier("prod"),
      { mode: "enforce", ...optionsFor(account, "prod") },
      QUIET,
    );
    expect(scheduleWrites(account)).toEqual([]);
  });
});

test("a pipeline that shares its name is paused; what else is refused is told in the service's words", async () => {
  const two = { allow_duplicate_names: true };
  const account = await startAccount({
    pipelines: {
      staging: [
        pipeline("staging", "stream", { continuous: true, ...two }),
        {
          ...pipeline("staging", "other", {}),
          spec: { ...pipeline("staging", "other", {}).spec, name: "stream", ...two },
        },
      ],
    },
  });
  const patience = { timeoutMs: 1_000, everyMs: 5 };
  expect(ids(await match(account, { patience }))).toEqual([]);
  expect(account.simulator.world.pipelines("staging").map(({ spec }) => spec["continuous"])).toEqual([false, false]);

  const refused = await startAccount({ pipelines: { staging: [pipeline("staging", "stream", { continuous: true })] } });
  refused.simulator.fault({
    method: "PUT",
    path: "/api/2.0/pipelines/*",
    effect: "error",
    status: 409,
    code: "RESOURCE_CONFLICT",
    message: "The pipeline is being modified by an upgrade.",
  });
  const result = await match(refused, { patience });
  expect(ids(result)).toEqual(["error schedules/not-applied"]);
  expect(result.findings[0]?.message).toContain("being modified by an upgrade");
});

test("a pipeline that is listed and cannot be read is unknown by itself, and everything else is paused", async () => {
  const account = await startAccount({
    jobs: { staging: [job("staging", "cron", { schedule: running })] },
    pipelines: {
      staging: [
        pipeline("staging", "ours", { continuous: false }),
        {
          ...pipeline("staging", "hers", {}),
          owner: "mona@example.com",
          permissions: [{ principal: "ml-pipelines-staging", level: "CAN_VIEW" as const }],
        },
      ],
    },
  });
  const deny = (name: string) =>
    account.simulator.fault({
      method: "GET",
      path: `/api/2.0/pipelines/${account.simulator.world.pipeline("staging", name).id}`,
      effect: "error",
      status: 403,
      code: "PERMISSION_DENIED",
      message: "no view",
      times: 9,
    });
  deny("hers");
  expect(ids(await match(account))).toEqual([]); // Not in scope: neither its maker nor its name says that it is ours.
  expect((account.simulator.world.job("staging", "cron").settings["schedule"] as typeof running).pause_status).toBe(
    "PAUSED",
  );
  deny("ours");
  const result = await match(account, { mode: "check", scope: "workspace" });
  expect(ids(result)).toEqual(["unknown schedules/unread", "unknown schedules/unread"]);
});

test("what one resource is answered, in whatever form, stops none of the others", async () => {
  const account = await startAccount({
    jobs: { staging: ["a", "b", "c"].map((name) => job("staging", name, { schedule: running })) },
  });
  const workspace = account.connect("staging");
  let first = true;
  const spy: typeof workspace = {
    ...workspace,
    call: (request) => {
      if (request.path !== "/api/2.2/jobs/get" || !first) return workspace.call(request);
      first = false;
      return Promise.reject(new UnexpectedAnswer(request, "a page of a proxy"));
    },
  };
  const options = { mode: "enforce", ...optionsFor(account, "staging") } as const;
  const result = await matchSchedules(spy, account.tier("staging"), options, QUIET);
  expect(Object.values(outcomes(result)).toSorted()).toEqual(["changed", "changed", "failed"]);
  expect(ids(result)).toEqual(["error schedules/not-applied"]);
});

test("a run that is cancelled says what it did not do, and waits for nothing more", async () => {
  const account = await startAccount({
    runs: NEVER_END,
    jobs: { staging: [job("staging", "cron", { schedule: running })] },
  });
  await start(account, "staging", "cron");
  const cancelled = new AbortController();
  account.simulator.when({ path: "/api/2.2/jobs/runs/list", nth: 2, run: () => cancelled.abort() });
  const patience = { timeoutMs: 60_000, everyMs: 5, signal: cancelled.signal };
  const result = await match(account, { activeRuns: "wait", patience });
  expect(ids(result)).toEqual(["error schedules/still-running"]);
  expect(result.findings[0]?.message).toContain("as this run is cancelled");
  const late = await startAccount({ jobs: { staging: [job("staging", "cron", { schedule: running })] } });
  expect(ids(await match(late, { patience }))).toEqual(["error schedules/interrupted"]);
  expect(scheduleWrites(late)).toEqual([]);
});

test("enforce looks again under the lock: a job that came meanwhile is paused, one that is no longer ours is not started", async () => {
  const account = await startAccount({ jobs: { staging: [job("staging", "cron", { schedule: running })] } });
  const { locked } = ledgerOf(account, "staging");
  const young = job("staging", "young", { schedule: running }).settings;
  await match(account, {
    locked: (work) => {
      account.simulator.world.createJob("staging", "ml-pipelines-staging", young);
      return locked(work);
    },
  });
  const stateOf = (tier: Deployed, name: string) =>
    (account.simulator.world.job(tier, name).settings["schedule"] as typeof running).pause_status;
  expect(stateOf("staging", "young")).toBe("PAUSED");

  const prod = await startAccount({ jobs: { prod: [job("prod", "cron", { schedule: paused })] } });
  const own = ledgerOf(prod, "prod").locked;
  await matchSchedules(
    prod.connect("prod"),
    prod.tier("prod"),
    {
      mode: "enforce",
      ...optionsFor(prod, "prod"),
      locked: (work) => {
        prod.simulator.world.changeJob("prod", "cron", (settings) => void (settings["tags"] = {}));
        return own(work);
      },
    },
    QUIET,
  );
  expect(scheduleWrites(prod)).toEqual([]);
});

test("a write changes what starts a job and nothing else: the bodies", async () => {
  const settings = {
    triggers: [
      { schedule: cron, pause_status: "PAUSED" },
      { file_arrival: { url: "/Volumes/x/", min_time_between_triggers_seconds: 60 } },
    ],
    max_concurrent_runs: 3,
  };
  const account = await startAccount({
    jobs: { staging: [job("staging", "several", settings), job("staging", "cron", { schedule: running })] },
  });
  const workspace = account.connect("staging");
  const sent: unknown[] = [];
  const spy: typeof workspace = {
    ...workspace,
    call: (request) => {
      if (request.path === "/api/2.2/jobs/update") sent.push(request.json);
      return workspace.call(request);
    },
  };
  await matchSchedules(spy, account.tier("staging"), { mode: "enforce", ...optionsFor(account, "staging") }, QUIET);
  const idOf = (name: string) => account.simulator.world.job("staging", name).id;
  expect(sent).toHaveLength(2);
  expect(sent).toContainEqual({ job_id: idOf("cron"), new_settings: { schedule: paused } });
  expect(sent).toContainEqual({
    job_id: idOf("several"),
    new_settings: {
      triggers: settings.triggers.map((entry) => ({ ...entry, pause_status: "PAUSED" })),
    },
  });
});
