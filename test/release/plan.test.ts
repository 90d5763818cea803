import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, isArray, isObject, type JsonArray, type JsonObject, type JsonValue } from "../../src/json.ts";
import type { Applied, Desired } from "../../src/release/change.ts";
import { makePlan } from "../../src/release/plan.ts";

const JOB: JsonObject = {
  name: "score",
  max_concurrent_runs: 1,
  schedule: { quartz_cron_expression: "0 0 4 * * ?", timezone_id: "UTC", pause_status: "PAUSED" },
  tasks: [
    { task_key: "prepare", notebook_task: { notebook_path: "${release}/src/prepare" } },
    {
      task_key: "train",
      depends_on: [{ task_key: "prepare" }],
      notebook_task: { notebook_path: "${release}/src/train" },
      max_retries: 1,
    },
  ],
  parameters: [
    { name: "catalog", default: "prod" },
    { name: "limit", default: "10" },
  ],
};

interface Options {
  readonly component?: string;
  readonly digest?: string;
  readonly name?: string;
  readonly permissions?: JsonArray;
}

const desired = (key: string, settings: JsonObject, options: Options = {}): Desired => ({
  key,
  kind: key.slice(0, key.indexOf(".")),
  name: options.name ?? (typeof settings["name"] === "string" ? settings["name"] : key),
  settings,
  permissions: options.permissions,
  component: options.component ?? "default",
  componentDigest: options.digest ?? "a".repeat(64),
});

const applied = (...resources: readonly Desired[]): Applied =>
  new Map(resources.map(({ key, ...rest }, index) => [key, { id: String(index + 1), ...rest }]));

/** The one change of an update. */
function update(old: Desired, now: Desired) {
  const plan = makePlan(applied(old), [now]);
  const [change] = plan.changes;
  if (change === undefined || plan.changes.length !== 1) throw new Error("one resource, one change");
  return change;
}

const change = (before: JsonObject, after: JsonObject, kind = "jobs") =>
  update(desired(`${kind}.x`, before), desired(`${kind}.x`, after));

describe("a plan", () => {
  it("of what stands already is empty, whatever the order of keys and of keyed lists", () => {
    const turned: JsonObject = Object.fromEntries(
      Object.entries({
        ...JOB,
        tasks: [...(JOB["tasks"] as JsonArray)].reverse(),
        parameters: [...(JOB["parameters"] as JsonArray)].reverse(),
        description: null,
        email_notifications: { on_failure: [] },
      }).reverse(),
    );
    const plan = makePlan(applied(desired("jobs.x", JOB)), [desired("jobs.x", turned)]);
    expect(plan.empty).toBe(true);
    expect(plan.changes).toEqual([
      { key: "jobs.x", kind: "jobs", name: "score", action: "none", class: "no-op", fields: [] },
    ]);
    expect(plan.digest).toBe(makePlan(new Map(), []).digest);
  });

  it("lists every resource once, by key, with what happens to it", () => {
    const plan = makePlan(
      applied(desired("jobs.stays", JOB), desired("jobs.goes", JOB), desired("pipelines.goes", {})),
      [
        desired("jobs.comes", JOB),
        desired("jobs.stays", JOB),
        desired("pipelines.comes", { catalog: "prod", continuous: true }),
      ],
    );
    expect(plan.changes.map(({ key, action, class: meaning }) => [key, action, meaning])).toEqual([
      ["jobs.comes", "create", "next-run"],
      ["jobs.goes", "delete", "deletes"],
      ["jobs.stays", "none", "no-op"],
      ["pipelines.comes", "create", "restarts"],
      ["pipelines.goes", "delete", "data-losing"],
    ]);
    expect(plan.empty).toBe(false);
  });

  it("shows the fields of a create one by one", () => {
    const [create] = makePlan(new Map(), [desired("jobs.x", { name: "x", tags: { a: "1" }, queue: {} })]).changes;
    expect(create?.fields).toEqual([
      { path: "name", old: undefined, new: "x" },
      { path: "tags", old: undefined, new: { a: "1" } },
    ]);
  });

  it("shows each field old and new, items of keyed lists by their key", () => {
    const after: JsonObject = {
      ...JOB,
      tasks: [
        {
          task_key: "train",
          depends_on: [],
          notebook_task: { notebook_path: "${release}/src/train_v2" },
          max_retries: 1,
        },
        { task_key: "report", notebook_task: { notebook_path: "${release}/src/report" } },
        { task_key: "prepare", notebook_task: { notebook_path: "${release}/src/prepare" } },
      ],
      parameters: [
        { name: "limit", default: "20" },
        { name: "catalog", default: "prod" },
      ],
      tags: { "cost.center": "ml" },
    };
    expect(change(JOB, after).fields).toEqual([
      { path: "parameters[limit].default", old: "10", new: "20" },
      { path: "tags", old: undefined, new: { "cost.center": "ml" } },
      {
        path: "tasks[report]",
        old: undefined,
        new: { task_key: "report", notebook_task: { notebook_path: "${release}/src/report" } },
      },
      { path: "tasks[train].depends_on", old: [{ task_key: "prepare" }], new: undefined },
      { path: "tasks[train].notebook_task.notebook_path", old: "${release}/src/train", new: "${release}/src/train_v2" },
    ]);
    expect(change({ tags: { "cost.center": "a", b: "c" } }, { tags: { "cost.center": "b", b: "c" } }).fields).toEqual([
      { path: 'tags["cost.center"]', old: "a", new: "b" },
    ]);
  });

  it("compares lists without keys item by item, or as a whole if their lengths differ", () => {
    const libraries = (...paths: string[]): JsonObject => ({ libraries: paths.map((path) => ({ file: { path } })) });
    expect(change(libraries("a", "b"), libraries("a", "c"), "pipelines").fields).toEqual([
      { path: "libraries[1].file.path", old: "b", new: "c" },
    ]);
    expect(change(libraries("a"), libraries("a", "b"), "pipelines").fields.map(({ path }) => path)).toEqual([
      "libraries",
    ]);
    // two tasks of one key cannot be told apart
    const twice = { tasks: [{ task_key: "a" }, { task_key: "a", max_retries: 1 }] };
    expect(change(twice, { tasks: [{ task_key: "a" }, { task_key: "a", max_retries: 2 }] }).fields).toEqual([
      { path: "tasks[1].max_retries", old: 1, new: 2 },
    ]);
  });

  it("moves a resource when its component's content does, if it points into it", () => {
    const moved = update(desired("jobs.x", JOB), desired("jobs.x", JOB, { digest: "b".repeat(64) }));
    expect(moved).toMatchObject({
      action: "update",
      class: "re-point",
      fields: [{ path: "release", old: `default-${"a".repeat(64)}`, new: `default-${"b".repeat(64)}` }],
    });
    const sql = { name: "x", tasks: [{ task_key: "a", run_job_task: { job_id: "${resources.jobs.y.id}" } }] };
    expect(update(desired("jobs.x", sql), desired("jobs.x", sql, { digest: "b".repeat(64) })).action).toBe("none");
  });

  it("counts a name, and access that is declared", () => {
    expect(update(desired("jobs.x", {}, { name: "a" }), desired("jobs.x", {}, { name: "b" }))).toMatchObject({
      class: "metadata",
      fields: [{ path: "name", old: "a", new: "b" }],
    });
    const view = [{ group_name: "users", permission_level: "CAN_VIEW" }];
    const manage = [{ group_name: "users", permission_level: "CAN_MANAGE" }];
    const x = (permissions?: JsonArray) => desired("jobs.x", JOB, permissions === undefined ? {} : { permissions });
    expect(update(x(view), x(manage))).toMatchObject({
      class: "metadata",
      fields: [{ path: "permissions[group users].permission_level", old: "CAN_VIEW", new: "CAN_MANAGE" }],
    });
    expect(update(x(), x(view)).action).toBe("update");
    // no longer declared: left as it is
    expect(update(x(view), x()).action).toBe("none");
    // the last entry for a principal counts
    expect(update(x([...view, ...manage]), x(manage)).action).toBe("none");
  });
});

describe("what a change means", () => {
  const paused = { continuous: { pause_status: "PAUSED" } };
  const running = { continuous: { pause_status: "UNPAUSED" } };
  it.each<[string, string, JsonObject, JsonObject, string, string]>([
    ["a job's tag", "jobs", { tags: { a: "1" } }, { tags: { a: "2" } }, "update", "metadata"],
    [
      "a task's description",
      "jobs",
      { tasks: [{ task_key: "a", description: "x" }] },
      { tasks: [{ task_key: "a", description: "y" }] },
      "update",
      "metadata",
    ],
    [
      "a task's retries",
      "jobs",
      { tasks: [{ task_key: "a", max_retries: 1 }] },
      { tasks: [{ task_key: "a", max_retries: 2 }] },
      "update",
      "next-run",
    ],
    [
      "a tag and retries",
      "jobs",
      { tags: { a: "1" }, max_retries: 1 },
      { tags: { a: "2" }, max_retries: 2 },
      "update",
      "next-run",
    ],
    [
      "a schedule",
      "jobs",
      { schedule: { pause_status: "PAUSED" } },
      { schedule: { pause_status: "UNPAUSED" } },
      "update",
      "next-run",
    ],
    ["a continuous job set going", "jobs", paused, running, "update", "restarts"],
    ["a continuous job added", "jobs", {}, running, "update", "restarts"],
    ["a continuous job paused", "jobs", running, paused, "update", "next-run"],
    [
      "a running continuous job's retry mode",
      "jobs",
      { continuous: { pause_status: "UNPAUSED", task_retry_mode: "NEVER" } },
      { continuous: { pause_status: "UNPAUSED", task_retry_mode: "ON_FAILURE" } },
      "update",
      "restarts",
    ],
    [
      "a continuous job's other field",
      "jobs",
      { ...running, max_retries: 1 },
      { ...running, max_retries: 2 },
      "update",
      "restarts",
    ],
    ["a pipeline's tag", "pipelines", { tags: { a: "1" } }, { tags: { a: "2" } }, "update", "metadata"],
    [
      "a running pipeline's tag",
      "pipelines",
      { continuous: true, tags: { a: "1" } },
      { continuous: true, tags: { a: "2" } },
      "update",
      "restarts",
    ],
    [
      "a pipeline's configuration",
      "pipelines",
      { configuration: { a: "1" } },
      { configuration: { a: "2" } },
      "update",
      "next-run",
    ],
    ["a pipeline set going", "pipelines", { continuous: false }, { continuous: true }, "update", "restarts"],
    ["a pipeline's schema", "pipelines", { schema: "a" }, { schema: "b" }, "update", "data-losing"],
    ["a pipeline's catalog", "pipelines", { catalog: "a" }, { catalog: "b" }, "update", "data-losing"],
    ["a pipeline's storage", "pipelines", { storage: "a" }, { storage: "b" }, "replace", "data-losing"],
    ["a pipeline's way to Unity Catalog", "pipelines", { storage: "a" }, { catalog: "b" }, "replace", "data-losing"],
    [
      "an ingestion's connection",
      "pipelines",
      { ingestion_definition: { connection_name: "a" } },
      { ingestion_definition: { connection_name: "b" } },
      "replace",
      "data-losing",
    ],
    [
      "an ingestion that appears",
      "pipelines",
      {},
      { ingestion_definition: { connection_name: "b" } },
      "replace",
      "data-losing",
    ],
    [
      "an ingestion's objects",
      "pipelines",
      { ingestion_definition: { objects: ["a"] } },
      { ingestion_definition: { objects: ["b"] } },
      "update",
      "next-run",
    ],
    [
      "a gateway's connection",
      "pipelines",
      { gateway_definition: { connection_id: "a" } },
      { gateway_definition: { connection_id: "b" } },
      "replace",
      "replaces",
    ],
    ["a schema's comment", "schemas", { comment: "a" }, { comment: "b" }, "update", "metadata"],
    ["a schema's property", "schemas", { properties: { a: "1" } }, { properties: { a: "2" } }, "update", "metadata"],
    ["a schema's catalog", "schemas", { catalog_name: "a" }, { catalog_name: "b" }, "replace", "data-losing"],
    ["a schema's storage", "schemas", {}, { storage_root: "s3://a" }, "replace", "data-losing"],
    ["a volume's schema", "volumes", { schema_name: "a" }, { schema_name: "b" }, "replace", "data-losing"],
    ["a volume's type", "volumes", { volume_type: "MANAGED" }, { volume_type: "EXTERNAL" }, "replace", "data-losing"],
    ["a model's comment", "registered_models", { comment: "a" }, { comment: "b" }, "update", "metadata"],
    ["a model's schema", "registered_models", { schema_name: "a" }, { schema_name: "b" }, "replace", "data-losing"],
    ["an experiment's tag", "experiments", { tags: { a: "1" } }, { tags: { a: "2" } }, "update", "metadata"],
    ["an experiment's place", "experiments", {}, { artifact_location: "dbfs:/a" }, "replace", "data-losing"],
  ])("%s", (_name, kind, before, after, action, meaning) => {
    const { action: found, class: each } = change(before, after, kind);
    expect([found, each]).toEqual([action, meaning]);
  });

  it.each([
    ["pipelines", { continuous: true }],
    ["jobs", { continuous: {} }],
  ])("of who may see what runs all the time is nothing that a run notices: %s", (kind, settings) => {
    const acl = (level: string): JsonArray => [{ group_name: "readers", permission_level: level }];
    const of = (level: string): Desired => desired(`${kind}.x`, settings, { permissions: acl(level) });
    expect(update(of("CAN_VIEW"), of("CAN_MANAGE"))).toMatchObject({ action: "update", class: "metadata" });
  });
});

describe("secrets in a plan", () => {
  const CANARY = "dapi0123456789abcdef0123456789abcdef";
  it.each<[string, JsonObject]>([
    ["by name", { parameters: [{ name: "api_token", default: "hunter2" }] }],
    ["by name, added whole", { configuration: { "my.db.password": "hunter2", other: "x" } }],
    [
      "by name in camel case",
      { tasks: [{ task_key: "a", notebook_task: { base_parameters: { clientSecret: "hunter2" } } }] },
    ],
    ["by look", { description: `see ${CANARY}` }],
    ["by look, in a list", { tasks: [{ task_key: "a", spark_python_task: { parameters: ["--key", CANARY] } }] }],
    ["in an address", { tags: { url: "https://mona:hunter2@example.com/x" } }],
  ])("are masked %s, and count all the same", (_name, settings) => {
    const text = (value: JsonValue): string => JSON.stringify(value);
    const other: JsonObject = JSON.parse(
      text(settings).replace("hunter2", "hunter3").replace("dapi01", "dapi02"),
    ) as JsonObject;
    for (const [before, after] of [
      [{}, settings],
      [settings, other],
      [settings, {}],
    ] as const) {
      const plan = makePlan(applied(desired("jobs.x", before)), [desired("jobs.x", after)]);
      expect(plan.empty).toBe(false);
      expect(JSON.stringify(plan)).not.toMatch(/hunter|dapi0/);
      expect(JSON.stringify(plan)).toContain("***");
    }
    const create = (now: JsonObject): string => makePlan(new Map(), [desired("jobs.x", now)]).digest;
    expect(create(settings)).not.toBe(create(other));
  });

  it("cannot be guessed from the digest at the speed of SHA-256", () => {
    const { digest } = makePlan(new Map(), [desired("jobs.x", { configuration: { "db.password": "hunter2" } })]);
    const fields = (password: string): JsonArray => [
      { path: "configuration", new: { "db.password": password } },
      { path: "name", new: "jobs.x" },
    ];
    const plan = (password: string): JsonObject => {
      const change = { key: "jobs.x", kind: "jobs", name: "jobs.x", action: "create", class: "next-run" };
      return { ...change, fields: fields(password) };
    };
    const hash = (meaning: JsonArray): string => createHash("sha256").update(canonicalJson(meaning)).digest("hex");
    expect(digest).not.toBe(hash([plan("hunter2")]));
    // without a secret, that is what the digest is
    const open = makePlan(new Map(), [desired("jobs.x", { configuration: { "db.colour": "hunter2" } })]);
    const text = canonicalJson([plan("hunter2")]).replace("db.password", "db.colour");
    expect(open.digest).toBe(createHash("sha256").update(text).digest("hex"));
  });

  it('are told apart in the digest by what they are, too: 1 is not "1"', () => {
    const digest = (pin: JsonValue): string =>
      makePlan(new Map(), [desired("jobs.x", { configuration: { password: pin } })]).digest;
    expect(new Set([digest(1), digest("1"), digest(2)]).size).toBe(3);
  });

  it("are not what stands in a task or belongs to a group that is named like one", () => {
    const task = { task_key: "rotate_token", notebook_task: { notebook_path: "${release}/src/rotate" } };
    const added = change({ tasks: [{ task_key: "a" }] }, { tasks: [{ task_key: "a" }, task] });
    expect(added.fields).toEqual([{ path: "tasks[rotate_token]", old: undefined, new: task }]);
    const readers = [{ group_name: "secret-readers", permission_level: "CAN_VIEW" }];
    const open = update(desired("jobs.x", {}, { permissions: [] }), desired("jobs.x", {}, { permissions: readers }));
    expect(JSON.stringify(open.fields)).toContain("CAN_VIEW");
    const retried = change({ tasks: [task] }, { tasks: [{ ...task, max_retries: 3 }] });
    expect(retried.fields).toEqual([{ path: "tasks[rotate_token].max_retries", old: undefined, new: 3 }]);
  });

  it("are not seen everywhere", () => {
    const settings = {
      configuration: {
        max_tokens: "256",
        "tokens.per.minute": "9",
        token_key: "{{secrets/scope/key}}",
        tokenizer: "bpe",
        secret_scope: "ml",
      },
      tasks: [{ task_key: "rotate_token", notebook_task: { notebook_path: "${release}/src/token" } }],
    };
    expect(JSON.stringify(makePlan(new Map(), [desired("jobs.x", settings)]))).not.toContain("***");
  });
});

describe("the plan's digest", () => {
  const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<JsonValue[]>(null, true, false, 0, 1, "", "a", "${release}/a", 9007199254740993n),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "tasks", "name", "task_key", "continuous"), tie("value"), { maxKeys: 3 }),
    ),
  })).value;
  const settings = fc.dictionary(fc.constantFrom("tasks", "tags", "continuous", "parameters", "x"), json, {
    maxKeys: 4,
  });
  const release = fc
    .uniqueArray(fc.tuple(fc.constantFrom("jobs.a", "jobs.b", "pipelines.a", "schemas.a", "experiments.a"), settings), {
      selector: ([key]) => key,
    })
    .map((items) => items.map(([key, each]) => desired(key, each)));

  it("of a release that stands is that of nothing to do", () => {
    fc.assert(
      fc.property(release, (items) => {
        const plan = makePlan(applied(...items), items);
        expect(plan.empty).toBe(true);
        expect(plan.changes.every((each) => each.action === "none")).toBe(true);
      }),
    );
  });

  it("does not depend on the order of resources, nor on their ids", () => {
    fc.assert(
      fc.property(release, release, (from, to) => {
        const turned = new Map(
          [...applied(...from)].reverse().map(([key, each]) => [key, { ...each, id: `other-${each.id}` }]),
        );
        const plan = makePlan(applied(...from), to);
        expect(makePlan(turned, [...to].reverse())).toEqual(plan);
        expect(plan.digest).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });

  it("does not depend on any order that means nothing: keys, keyed lists, entries of access, grants", () => {
    const turned = (value: JsonValue, order: (list: readonly JsonValue[]) => readonly JsonValue[]): JsonValue => {
      if (isArray(value)) return order(value.map((item) => turned(item, order)));
      if (!isObject(value)) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, turned(inner, order)]),
      );
    };
    const job: JsonObject = {
      tasks: ["a", "b", "c"].map((task_key) => ({ task_key, max_retries: 1, depends_on: [{ task_key: "x" }] })),
      parameters: ["p", "q"].map((name) => ({ name, default: name })),
      tags: { one: "1", two: "2" },
    };
    const acl = ["readers", "runners"].map((group_name) => ({ group_name, permission_level: "CAN_VIEW" }));
    const schema: JsonObject = { catalog_name: "dev", properties: { one: "1", two: "2" } };
    const grants = ["readers", "writers"].map((principal) => ({ principal, privileges: ["SELECT"] }));
    const plan = (order: (list: readonly JsonValue[]) => readonly JsonValue[]) => {
      const each = (value: JsonValue): JsonValue => turned(value, order);
      return makePlan(new Map(), [
        desired("jobs.a", each(job) as JsonObject, { name: "a", permissions: each(acl) as JsonArray }),
        desired("schemas.a", each(schema) as JsonObject, { name: "dev.a", permissions: each(grants) as JsonArray }),
      ]);
    };
    const straight = plan((list) => list);
    expect(plan((list) => [...list].reverse()).digest).toBe(straight.digest);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const shuffled = plan((list) =>
          list
            .map((item) => [numbers.next().value ?? 0, item] as const)
            .sort(([a], [b]) => a - b)
            .map(([, item]) => item),
        );
        expect(shuffled.digest).toBe(straight.digest);
      }),
    );
  });

  it("is empty exactly if no change is due", () => {
    fc.assert(
      fc.property(release, release, (from, to) => {
        const plan = makePlan(applied(...from), to);
        expect(plan.empty).toBe(plan.changes.every((each) => each.action === "none"));
        expect(plan.empty).toBe(plan.digest === makePlan(new Map(), []).digest);
      }),
    );
  });

  it("differs for different changes", () => {
    const digest = (before: JsonObject, after: JsonObject, key = "jobs.x"): string =>
      makePlan(applied(desired(key, before, { name: "n" })), [desired(key, after, { name: "n" })]).digest;
    const digests = [
      digest({ a: 1 }, { a: 2 }),
      digest({ a: 1 }, { a: 3 }),
      digest({ a: 0 }, { a: 2 }),
      digest({ a: 1 }, { a: "2" }),
      digest({ b: 1 }, { b: 2 }),
      digest({ a: 1 }, {}),
      digest({}, { a: 1 }),
      digest({ a: 1 }, { a: 2 }, "jobs.y"),
      digest({ a: 9007199254740993n }, { a: 1 }),
      digest({ a: 9007199254740992n }, { a: 1 }),
      makePlan(new Map(), [desired("jobs.x", { a: 1 }, { name: "n" })]).digest,
      makePlan(applied(desired("jobs.x", { a: 1 }, { name: "n" })), []).digest,
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});
