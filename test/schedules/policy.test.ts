import { describe, expect, test } from "vitest";
import type { ScheduleException } from "../../src/contract/model.ts";
import type { JsonObject } from "../../src/json.ts";
import {
  decide,
  exceptionFindings,
  holdFindings,
  holds,
  type Resource,
  type SchedulePolicy,
} from "../../src/schedules/policy.ts";
import { continuousSpec, jobFields, startersOfJob, startersOfPipeline } from "../../src/schedules/starters.ts";
import { hold } from "./hold.ts";

const cron = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "Europe/Berlin" };
const now = new Date("2027-01-31T12:00:00Z");

describe("what makes a job start by itself", () => {
  const cases: [name: string, settings: JsonObject, expected: string[]][] = [
    ["nothing", { name: "manual", tasks: [] }, []],
    [
      "a schedule that says nothing about pausing",
      { schedule: cron },
      ["schedule cron 0 0 6 * * ? (Europe/Berlin) running"],
    ],
    [
      "a paused schedule",
      { schedule: { ...cron, pause_status: "PAUSED" } },
      ["schedule cron 0 0 6 * * ? (Europe/Berlin) paused"],
    ],
    [
      "a schedule that is not",
      { schedule: { ...cron, pause_status: "UNPAUSED" } },
      ["schedule cron 0 0 6 * * ? (Europe/Berlin) running"],
    ],
    ["continuous", { continuous: {} }, ["continuous continuous running"]],
    ["files that arrive", { trigger: { file_arrival: { url: "/Volumes/a" } } }, ["trigger file arrival running"]],
    [
      "tables that change",
      { trigger: { table_update: { table_names: ["a"] }, pause_status: "PAUSED" } },
      ["trigger table update paused"],
    ],
    ["every four hours", { trigger: { periodic: { interval: 4, unit: "HOURS" } } }, ["trigger every 4 hours running"]],
    [
      "several triggers, each by itself",
      { triggers: [{ schedule: cron, pause_status: "PAUSED" }, { file_arrival: { url: "/" } }, { continuous: {} }] },
      [
        "triggers cron 0 0 6 * * ? (Europe/Berlin) paused",
        "triggers file arrival running",
        "triggers continuous running",
      ],
    ],
  ];
  test.each(cases)("%s", (_name, settings, expected) => {
    expect(startersOfJob(settings).map(({ field, what, state }) => `${field} ${what} ${state}`)).toEqual(expected);
  });

  test("a pipeline only if it is continuous", () => {
    expect(startersOfPipeline({ continuous: true })).toEqual([
      { field: "pipeline", what: "continuous", state: "running" },
    ]);
    expect(startersOfPipeline({ continuous: false })).toEqual([]);
    expect(startersOfPipeline({})).toEqual([]);
  });
});

function exception(fields: Partial<ScheduleException> = {}): ScheduleException {
  return {
    tier: "staging",
    resource: "jobs.nightly",
    state: "running",
    until: "2027-01-31",
    reason: "load test",
    where: { kind: "file", file: "four-tier.yml", line: 12 },
    ...fields,
  };
}

const held = hold({ until: "2027-01-31T12:00:00.000Z" });

test.each([
  ["2027-01-31T11:59:59Z", 0],
  ["2027-01-31T12:00:00Z", 1],
])("a hold until noon asked at %s: %i findings", (at, expected) => {
  const policy: SchedulePolicy = { tier: "prod", rule: "running", exceptions: [], holds: [held] };
  expect(holdFindings(policy, new Date(at), "report")).toHaveLength(expected);
});

test.each([
  ["2027-01-31T23:59:59.999Z", true],
  ["2027-02-01T00:00:00.000Z", false],
  ["2026-06-01T00:00:00.000Z", true],
])("an exception until 2027-01-31 asked at %s: %s", (at, expected) => {
  expect(holds(exception(), new Date(at))).toBe(expected);
});

describe("what is decided", () => {
  const job = (state: "running" | "paused", key: string | undefined = "jobs.nightly"): Resource => ({
    kind: "jobs",
    id: "1",
    name: "nightly",
    key,
    project: key !== undefined,
    tags: {},
    starters: [{ field: "schedule", what: "cron", state }],
    activity: undefined,
    created: undefined,
    goesOn: false,
  });
  const stream: Resource = {
    kind: "pipelines",
    id: "p",
    name: "stream",
    key: "pipelines.stream",
    project: true,
    tags: {},
    created: undefined,
    goesOn: false,
    starters: [{ field: "pipeline", what: "continuous", state: "running" }],
    activity: "RUNNING",
  };
  const loop: Resource = {
    ...job("paused"),
    starters: [{ field: "continuous", what: "continuous", state: "paused" }],
  };
  const still: Resource = { ...stream, starters: [] };
  const staging: SchedulePolicy = { tier: "staging", rule: "paused", exceptions: [], holds: [] };
  const prod: SchedulePolicy = { tier: "prod", rule: "running", exceptions: [], holds: [] };
  const foreign = job("running", "");
  const cases: [
    name: string,
    resource: Resource,
    policy: SchedulePolicy,
    wanted: string | undefined,
    drifted: number,
  ][] = [
    ["paused in staging is right", job("paused"), staging, "paused", 0],
    ["running in staging is drift", job("running"), staging, "paused", 1],
    ["a continuous pipeline in staging is drift", stream, staging, "paused", 1],
    ["running in prod is right", job("running"), prod, "running", 0],
    ["paused in prod is drift", job("paused"), prod, "running", 1],
    ["a continuous pipeline in prod is right", stream, prod, "running", 0],
    ["an exception lets it run", job("running"), { ...staging, exceptions: [exception()] }, "running", 0],
    ["an exception wants it to run", job("paused"), { ...staging, exceptions: [exception()] }, "running", 1],
    [
      "an exception pauses in prod",
      job("running"),
      { ...prod, exceptions: [exception({ state: "paused" })] },
      "paused",
      1,
    ],
    [
      "an exception that ended does not",
      job("running"),
      { ...staging, exceptions: [exception({ until: "2027-01-30" })] },
      "paused",
      1,
    ],
    [
      "an exception for another does not",
      job("running"),
      { ...staging, exceptions: [exception({ resource: "jobs.other" })] },
      "paused",
      1,
    ],
    ["a paused loop that goes on after a start by hand is drift", { ...loop, goesOn: true }, staging, "paused", 1],
    ["a paused loop is right", loop, staging, "paused", 0],
    ["a hold pauses in prod", job("running"), { ...prod, holds: [held] }, "paused", 1],
    [
      "a hold wins over an exception",
      job("running"),
      { ...staging, exceptions: [exception()], holds: [held] },
      "paused",
      1,
    ],
    ["a hold makes right what is paused in prod", job("paused"), { ...prod, holds: [held] }, "paused", 0],
    ["what is not ours is paused outside prod", { ...foreign, key: undefined }, staging, "paused", 1],
    ["what is not ours is never started in prod", { ...job("paused"), key: undefined }, prod, undefined, 0],
  ];
  test.each(cases)("%s", (_name, resource, policy, wanted, drifted) => {
    const [decision] = decide([resource], policy, now);
    expect(decision?.wanted).toBe(wanted);
    expect(decision?.drifted).toHaveLength(drifted);
  });

  test("what starts nothing by itself is nobody's concern, a pipeline that is not continuous least of all", () => {
    expect(decide([still, { ...job("paused"), starters: [] }], prod, now)).toEqual([]);
    const wanted = { ...prod, exceptions: [exception({ resource: "pipelines.stream" })] };
    expect(decide([still], wanted, now)).toEqual([]);
  });

  test("only the triggers that differ drifted", () => {
    const mixed = { ...job("paused"), starters: [...job("paused").starters, ...job("running").starters] };
    expect(decide([mixed], staging, now)[0]?.drifted).toEqual(job("running").starters);
  });

  test("exceptions that ended or match nothing are told, at their line", () => {
    const policy = {
      ...staging,
      exceptions: [exception({ until: "2026-12-31" }), exception({ resource: "jobs.gone" }), exception()],
    };
    expect(exceptionFindings([job("running")], policy, now)).toMatchObject([
      { id: "schedules/exception-expired", where: { line: 12 } },
      { id: "schedules/exception-unmatched", where: { line: 12 } },
    ]);
  });
});

describe("what is written", () => {
  test("the whole of each field that drifted, and nothing else", () => {
    const settings = { name: "a", tasks: [{}], schedule: { ...cron, sql_condition: "x", pause_status: "UNPAUSED" } };
    expect(jobFields(settings, "paused")).toEqual({
      schedule: { ...cron, sql_condition: "x", pause_status: "PAUSED" },
    });
    expect(jobFields(settings, "running")).toEqual({});
  });

  test("each starter as it was asked for, and again what goes on though it is paused", () => {
    const triggers = [{ schedule: cron }, { model: {}, pause_status: "PAUSED" }, { periodic: { interval: 1 } }];
    expect(jobFields({ triggers }, ["paused", "running", "running"])).toEqual({
      triggers: [
        { schedule: cron, pause_status: "PAUSED" },
        { model: {}, pause_status: "UNPAUSED" },
        { periodic: { interval: 1 }, pause_status: "UNPAUSED" },
      ],
    });
    expect(jobFields({ continuous: { pause_status: "PAUSED" } }, "paused", ["continuous"])).toEqual({
      continuous: { pause_status: "PAUSED" },
    });
  });

  test("an absent pause_status is made explicit", () => {
    expect(jobFields({ continuous: { task_retry_mode: "ON_FAILURE" } }, "paused")).toEqual({
      continuous: { task_retry_mode: "ON_FAILURE", pause_status: "PAUSED" },
    });
  });

  test("all entries of triggers, since the list is replaced whole", () => {
    const triggers = [{ schedule: cron, pause_status: "PAUSED" }, { file_arrival: { url: "/" } }];
    expect(jobFields({ triggers }, "paused")).toEqual({
      triggers: [
        { schedule: cron, pause_status: "PAUSED" },
        { file_arrival: { url: "/" }, pause_status: "PAUSED" },
      ],
    });
  });

  test("a pipeline's whole spec with its parameters, no longer continuous", () => {
    expect(continuousSpec({ id: "p", name: "stream", continuous: true, libraries: [] }, { day: "1" }, false)).toEqual({
      id: "p",
      name: "stream",
      continuous: false,
      libraries: [],
      parameters: { day: "1" },
    });
    expect(continuousSpec({ continuous: true }, undefined, false)).toEqual({ continuous: false });
    expect(continuousSpec({ continuous: false }, undefined, true)).toEqual({ continuous: true });
  });
});
