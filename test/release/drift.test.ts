import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonArray, JsonObject } from "../../src/json.ts";
import type { Applied, LiveResource } from "../../src/release/change.ts";
import { driftOf } from "../../src/release/drift.ts";

const PRINCIPAL = "11111111-0000-4000-8000-000000000001";

/** As the release declares it. */
const DECLARED: JsonObject = {
  max_concurrent_runs: 1,
  email_notifications: {},
  schedule: { quartz_cron_expression: "0 0 4 * * ?", timezone_id: "UTC", pause_status: "PAUSED" },
  tasks: [
    { task_key: "prepare", notebook_task: { notebook_path: "${release}/src/prepare" } },
    {
      task_key: "train",
      depends_on: [{ task_key: "prepare" }],
      environment_key: "ml",
      spark_python_task: { python_file: "${release}/src/train.py" },
    },
  ],
  environments: [{ environment_key: "ml", spec: { environment_version: "4" } }],
  tags: { team: "ml" },
};

/** As the service shows it: symbols resolved, defaults added, keyed lists in another order. */
const LIVE: JsonObject = {
  name: "score",
  format: "MULTI_TASK",
  max_concurrent_runs: 1,
  timeout_seconds: 0,
  queue: { enabled: true },
  email_notifications: { no_alert_for_skipped_runs: false },
  webhook_notifications: {},
  schedule: { quartz_cron_expression: "0 0 4 * * ?", timezone_id: "UTC", pause_status: "PAUSED" },
  tasks: [
    {
      task_key: "train",
      depends_on: [{ task_key: "prepare" }],
      environment_key: "ml",
      spark_python_task: { python_file: "/folder/src/train.py" },
      run_if: "ALL_SUCCESS",
      timeout_seconds: 0,
    },
    {
      task_key: "prepare",
      notebook_task: { notebook_path: "/folder/src/prepare", source: "WORKSPACE" },
      email_notifications: {},
    },
  ],
  environments: [{ environment_key: "ml", spec: { environment_version: "4" } }],
  tags: { team: "ml" },
  job_clusters: [],
};

const appliedJob = (settings: JsonObject = DECLARED, permissions?: JsonArray, kind = "jobs"): Applied =>
  new Map([
    [
      `${kind}.x`,
      { id: "1", kind, name: "score", settings, permissions, component: "default", componentDigest: "a".repeat(64) },
    ],
  ]);

const context = {
  principal: PRINCIPAL,
  resolve: (_key: string, settings: JsonObject): JsonObject =>
    JSON.parse(JSON.stringify(settings).replaceAll("${release}", "/folder")) as JsonObject,
};

interface Hand {
  readonly name?: string;
  readonly runAs?: string;
  readonly permissions?: JsonArray;
}

const drift = (applied: Applied, settings: JsonObject, hand: Hand = {}) => {
  const [key = ""] = applied.keys();
  const live: LiveResource = {
    name: hand.name ?? "score",
    settings,
    runAs: "runAs" in hand ? hand.runAs : PRINCIPAL,
    permissions: hand.permissions,
  };
  return driftOf(applied, new Map([[key, live]]), context);
};

const paths = (...args: Parameters<typeof drift>): string[] =>
  drift(...args).entries.flatMap((entry) => entry.fields.map((field) => field.path));

/** LIVE with another task list. */
const withTask = (key: string, change: JsonObject): JsonObject => ({
  ...LIVE,
  tasks: (LIVE["tasks"] as readonly JsonObject[]).map((task) =>
    task["task_key"] === key ? { ...task, ...change } : task,
  ),
});

describe("no drift", () => {
  it("is what the service adds, orders and leaves out by itself", () => {
    const found = drift(appliedJob(), LIVE);
    expect(found).toMatchObject({ entries: [], empty: true });
    expect(found.digest).toBe(driftOf(new Map(), new Map(), context).digest);
  });

  it("is a zero or a false that the service does not show", () => {
    expect(
      paths(appliedJob({ continuous: false, development: false, max_retries: 0 }, undefined, "pipelines"), {}),
    ).toEqual([]);
  });

  it("is an added tag, or a field that is declared as null", () => {
    expect(paths(appliedJob(), { ...LIVE, tags: { team: "ml", mine: "x" } })).toEqual([]);
    expect(
      paths(appliedJob({ ...DECLARED, queue: null, description: null }), { ...LIVE, description: "by the service" }),
    ).toEqual([]);
  });

  it("is a pipeline's input that is never shown", () => {
    expect(
      paths(appliedJob({ allow_duplicate_names: true }, undefined, "pipelines"), { continuous: false, clusters: [] }),
    ).toEqual([]);
  });
});

describe("drift", () => {
  it.each<[string, JsonObject, string[]]>([
    ["a declared number", { ...LIVE, max_concurrent_runs: 5 }, ["max_concurrent_runs"]],
    ["a declared tag", { ...LIVE, tags: { team: "me" } }, ["tags.team"]],
    [
      "a schedule that runs",
      { ...LIVE, schedule: { ...(LIVE["schedule"] as JsonObject), pause_status: "UNPAUSED" } },
      ["schedule.pause_status"],
    ],
    ["a schedule removed", { ...LIVE, schedule: null }, ["schedule"]],
    [
      "a trigger added",
      { ...LIVE, trigger: { pause_status: "UNPAUSED", periodic: { interval: 1, unit: "HOURS" } } },
      ["trigger"],
    ],
    ["several triggers added", { ...LIVE, triggers: [{ pause_status: "PAUSED" }] }, ["triggers"]],
    ["a job made continuous", { ...LIVE, continuous: { pause_status: "UNPAUSED" } }, ["continuous"]],
    [
      "a notebook elsewhere",
      withTask("prepare", { notebook_task: { notebook_path: "/Users/mona/mine" } }),
      ["tasks[prepare].notebook_task.notebook_path"],
    ],
    [
      "a cluster for a task",
      withTask("prepare", { existing_cluster_id: "0101-x" }),
      ["tasks[prepare].existing_cluster_id"],
    ],
    ["an environment for a task", withTask("prepare", { environment_key: "ml" }), ["tasks[prepare].environment_key"]],
    ["a job cluster", { ...LIVE, job_clusters: [{ job_cluster_key: "big" }] }, ["job_clusters"]],
    [
      "a dependency added",
      {
        ...LIVE,
        environments: [{ environment_key: "ml", spec: { environment_version: "4", dependencies: ["evil"] } }],
      },
      ["environments[ml].spec.dependencies"],
    ],
    ["a task added", { ...LIVE, tasks: [...(LIVE["tasks"] as JsonArray), { task_key: "mine" }] }, ["tasks[mine]"]],
    ["a task removed", { ...LIVE, tasks: (LIVE["tasks"] as JsonArray).slice(1) }, ["tasks[train]"]],
    ["code from a git source", { ...LIVE, git_source: { git_url: "https://example.com/x" } }, ["git_source"]],
  ])("is %s", (_name, live, expected) => {
    expect(paths(appliedJob(), live)).toEqual(expected);
  });

  it("is another name, and whom it runs as", () => {
    expect(paths(appliedJob(), LIVE, { name: "mine" })).toEqual(["name"]);
    expect(drift(appliedJob(), LIVE, { runAs: "mona@example.com" }).entries).toEqual([
      { key: "jobs.x", what: "changed", fields: [{ path: "run_as", old: PRINCIPAL, new: "mona@example.com" }] },
    ]);
    const declared = { ...DECLARED, run_as: { service_principal_name: "${principal}" } };
    expect(paths(appliedJob(declared), LIVE)).toEqual([]);
    expect(
      paths(
        appliedJob(declared),
        { ...LIVE, run_as: { user_name: "mona@example.com" } },
        { runAs: undefined as never },
      ),
    ).toEqual(["run_as"]);
  });

  it("is a pipeline set going, given clusters or taken off serverless", () => {
    const pipeline = appliedJob({ serverless: true, catalog: "prod" }, undefined, "pipelines");
    const live = { serverless: true, catalog: "prod", channel: "CURRENT", continuous: false };
    expect(paths(pipeline, live)).toEqual([]);
    expect(paths(pipeline, { ...live, continuous: true })).toEqual(["continuous"]);
    expect(paths(pipeline, { ...live, clusters: [{ label: "default", num_workers: 9 }] })).toEqual(["clusters"]);
    expect(paths(pipeline, { ...live, serverless: false })).toEqual(["serverless"]);
  });

  it("is access, where it was declared", () => {
    const declared = [
      { group_name: "users", permission_level: "CAN_VIEW" },
      { service_principal_name: "${principal}", permission_level: "CAN_MANAGE" },
    ];
    const owner = { service_principal_name: PRINCIPAL, permission_level: "IS_OWNER" };
    const users = { group_name: "users", permission_level: "CAN_VIEW" };
    expect(paths(appliedJob(DECLARED, declared), LIVE, { permissions: [owner, users] })).toEqual([]);
    expect(
      paths(appliedJob(DECLARED, declared), LIVE, {
        permissions: [owner, { ...users, permission_level: "CAN_MANAGE" }],
      }),
    ).toEqual(["permissions[group users].permission_level"]);
    const mona = { user_name: "mona@example.com", permission_level: "CAN_MANAGE" };
    expect(paths(appliedJob(DECLARED, declared), LIVE, { permissions: [owner, users, mona] })).toEqual([
      "permissions[user mona@example.com]",
    ]);
    expect(paths(appliedJob(), LIVE, { permissions: [owner, mona] })).toEqual([]);
  });

  it("is a resource that is gone", () => {
    const gone = driftOf(appliedJob(), new Map([["jobs.x", undefined]]), context);
    expect(gone.entries).toEqual([{ key: "jobs.x", what: "missing", fields: [] }]);
    expect(gone.empty).toBe(false);
    expect(driftOf(appliedJob(), new Map(), context)).toEqual(gone);
  });

  it("masks what looks like a secret, and counts it", () => {
    const of = (value: string) =>
      drift(appliedJob({ parameters: [{ name: "api_token", default: "old" }] }), {
        parameters: [{ name: "api_token", default: value }],
      });
    expect(JSON.stringify(of("hunter2"))).not.toContain("hunter2");
    expect(of("hunter2").entries[0]?.fields).toEqual([
      { path: "parameters[api_token].default", old: "***", new: "***" },
    ]);
    expect(of("hunter2").digest).not.toBe(of("hunter3").digest);
  });
});

describe("the drift's digest", () => {
  it("is the same for the same drift, whatever the order of resources", () => {
    const names = fc.uniqueArray(fc.constantFrom("jobs.a", "jobs.b", "jobs.c", "pipelines.a"), { minLength: 1 });
    fc.assert(
      fc.property(names, fc.integer({ min: 0, max: 3 }), (keys, runs) => {
        const entries = keys.map((key): [string, JsonObject] => [key, { max_concurrent_runs: 1 }]);
        const of = (order: typeof entries) =>
          driftOf(
            new Map(
              order.map(([key, settings]) => [
                key,
                {
                  id: key,
                  kind: "jobs",
                  name: key,
                  settings,
                  permissions: undefined,
                  component: "default",
                  componentDigest: "",
                },
              ]),
            ),
            new Map(
              order.map(([key]) => [
                key,
                { name: key, settings: { max_concurrent_runs: runs }, runAs: undefined, permissions: undefined },
              ]),
            ),
            context,
          );
        expect(of([...entries].reverse())).toEqual(of(entries));
        expect(of(entries).empty).toBe(runs === 1);
      }),
    );
  });
});
