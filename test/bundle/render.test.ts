import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HEAD, render } from "./bundles.ts";

const JOB = `${HEAD}
resources:
  jobs:
    score:
      name: score
      schedule: { quartz_cron_expression: 0 0 6 * * ?, timezone_id: UTC }
      tasks:
        - task_key: score
          notebook_task: { notebook_path: ./src/score.py }
`;
const NOTEBOOK = "# Databricks notebook source\nprint(1)\n";
const FILES = { "databricks.yml": JOB, "src/score.py": NOTEBOOK };

function settings(files: Readonly<Record<string, string>>, key: string, tier: Parameters<typeof render>[1] = "dev") {
  const { rendered, lines } = render(files, tier);
  expect(lines.filter((line) => line.startsWith("error"))).toEqual([]);
  return rendered?.resources.get(key)?.settings;
}

describe("a rendered job", () => {
  test("has the API's fields, the tier's pause status, defaults and the suite's tags", () => {
    const { rendered, lines } = render(FILES, "staging");
    expect(lines).toEqual([]);
    expect(rendered?.resources.get("jobs.score")?.settings).toEqual({
      name: "score",
      schedule: { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC", pause_status: "PAUSED" },
      tasks: [{ task_key: "score", notebook_task: { notebook_path: "${release}/src/score" } }],
      max_concurrent_runs: 1,
      queue: { enabled: true },
      tags: { four_tier_project: "demo", four_tier_tier: "staging", four_tier_key: "jobs.score" },
    });
    expect(rendered?.includes).toEqual(["databricks.yml"]);
    expect(rendered?.files).toEqual(["databricks.yml", "src/score.py"]);
  });

  test("runs by its schedule in prod alone", () => {
    expect(settings(FILES, "jobs.score", "prod")?.["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
    for (const tier of ["sandbox", "dev", "staging"] as const) {
      expect(settings(FILES, "jobs.score", tier)?.["schedule"]).toMatchObject({ pause_status: "PAUSED" });
    }
  });

  test("every kind of schedule gets the tier's state", () => {
    const of = (schedule: string) => ({
      "databricks.yml": `${HEAD}resources: { jobs: { a: { name: a, ${schedule} } } }\n`,
    });
    for (const name of ["continuous", "trigger"]) {
      expect(settings(of(`${name}: {}`), "jobs.a")?.[name]).toEqual({ pause_status: "PAUSED" });
    }
    const triggers = settings(
      of("triggers: [{ periodic: { interval: 1, unit: DAYS } }, { pause_status: PAUSED }]"),
      "jobs.a",
    );
    expect(triggers?.["triggers"]).toEqual([
      { periodic: { interval: 1, unit: "DAYS" }, pause_status: "PAUSED" },
      { pause_status: "PAUSED" },
    ]);
  });

  test("is prefixed with the developer's name in a sandbox, references to its name included", () => {
    const files = {
      "databricks.yml": `${HEAD}
resources:
  jobs:
    a: { name: a }
    b: { name: b, description: "after \${resources.jobs.a.name}" }
`,
    };
    const { rendered } = render(files, "sandbox");
    expect(rendered?.resources.get("jobs.a")?.name).toBe("[sandbox octocat] a");
    expect(rendered?.resources.get("jobs.b")?.settings).toMatchObject({
      name: "[sandbox octocat] b",
      description: "after [sandbox octocat] a",
      tags: { four_tier_tier: "sandbox" },
    });
  });

  test("shares its sandbox with objects of Unity Catalog that keep their names: the catalog is the developer's own", () => {
    const files = {
      "databricks.yml": `${HEAD}
resources:
  jobs: { a: { name: a } }
  volumes: { files: { name: files, catalog_name: "\${var.catalog}", schema_name: gold } }
  registered_models: { churn: { name: churn, catalog_name: "\${var.catalog}", schema_name: gold } }
`,
    };
    const names = (tier: "sandbox" | "dev") =>
      Object.fromEntries([...(render(files, tier).rendered?.resources ?? [])].map(([key, { name }]) => [key, name]));
    expect(names("sandbox")).toEqual({
      "jobs.a": "[sandbox octocat] a",
      "volumes.files": "octocat_sandbox.gold.files",
      "registered_models.churn": "octocat_sandbox.gold.churn",
    });
    expect(names("dev")).toEqual({
      "jobs.a": "a",
      "volumes.files": "dev.gold.files",
      "registered_models.churn": "dev.gold.churn",
    });
  });

  test("knows where each field is written, after overrides too", () => {
    const files = {
      "databricks.yml": `bundle: { name: x }
include: [a.yml]
targets:
  dev:
    resources: { jobs: { a: { tags: { k: dev }, timeout_seconds: 5 } } }
`,
      "a.yml": "resources:\n  jobs:\n    a:\n      name: a\n      tags: { k: base }\n",
    };
    const job = render(files).rendered?.resources.get("jobs.a");
    expect(job?.where).toMatchObject({ file: "a.yml", line: 3, column: 5 });
    expect(job?.at(["name"])).toMatchObject({ file: "a.yml", line: 4, column: 13 });
    expect(job?.at(["tags", "k"])).toMatchObject({ file: "databricks.yml", line: 5, column: 42 });
    expect(job?.at(["timeout_seconds"])).toMatchObject({ file: "databricks.yml", line: 5, column: 66 });
    expect(job?.at(["queue", "enabled"])).toMatchObject({ file: "a.yml", line: 4 });
  });

  test("paths start where they are written, also through a variable", () => {
    const files = {
      "ml/databricks.yml": `bundle: { name: x }
include: [res/*.yml]
variables:
  nb: { default: ../src/n.py }
  lib: { type: complex, default: { notebook_path: src/n.py } }
targets: { dev: { resources: { jobs: { a: { tasks: [{ task_key: c, notebook_task: { notebook_path: src/n.py } }] } } } } }
`,
      "ml/res/a.yml": `resources:
  jobs:
    a:
      name: a
      tasks:
        - { task_key: a, notebook_task: { notebook_path: "\${var.nb}" } }
        - { task_key: b, notebook_task: "\${var.lib}" }
`,
      "ml/src/n.py": NOTEBOOK,
    };
    const { rendered, lines } = render(files, "dev", { root: "ml" });
    expect(lines).toEqual([]);
    const path = { notebook_path: "${release}/src/n" };
    expect(rendered?.resources.get("jobs.a")?.settings["tasks"]).toEqual(
      ["a", "b", "c"].map((task_key) => ({ task_key, notebook_task: path })),
    );
  });

  test("says which resources it needs", () => {
    const files = {
      "databricks.yml": `${HEAD}
variables: { catalog: { default: x } }
resources:
  pipelines: { p: { name: p, serverless: true, catalog: "\${var.catalog}" } }
  jobs:
    a:
      name: a
      tasks:
        - { task_key: p, pipeline_task: { pipeline_id: "\${resources.pipelines.p.id}" } }
        - { task_key: b, run_job_task: { job_id: "\${resources.jobs.b.id}" } }
    b: { name: b }
`,
    };
    const { rendered, lines } = render(files);
    expect(lines).toEqual([]);
    expect(rendered?.resources.get("jobs.a")?.references).toEqual(["jobs.b", "pipelines.p"]);
    expect(rendered?.resources.get("pipelines.p")?.settings).toEqual({
      name: "p",
      serverless: true,
      catalog: "dev",
      continuous: false,
      development: false,
      edition: "ADVANCED",
      channel: "CURRENT",
      tags: { four_tier_project: "demo", four_tier_tier: "dev", four_tier_key: "pipelines.p" },
    });
  });

  test("a pipeline runs continuously where schedules run, and only if it says so", () => {
    const of = (continuous: boolean) => ({
      "databricks.yml": `${HEAD}
resources: { pipelines: { p: { name: p, serverless: true, catalog: "\${bundle.target}", continuous: ${continuous} } } }
`,
    });
    expect(settings(of(true), "pipelines.p", "prod")?.["continuous"]).toBe(true);
    expect(settings(of(true), "pipelines.p", "staging")?.["continuous"]).toBe(false);
    expect(settings(of(false), "pipelines.p", "prod")?.["continuous"]).toBe(false);
  });
});

describe("access control", () => {
  const of = (permissions: string, ofBundle = "") => ({
    "databricks.yml": `${HEAD}${ofBundle}
resources: { jobs: { a: { name: a, ${permissions} } } }
`,
  });

  test("is left alone unless it is declared", () => {
    expect(render(of("description: x")).rendered?.resources.get("jobs.a")?.permissions).toBeUndefined();
  });

  test("names the tier's principal as owner, and gives each principal its strongest level", () => {
    const declared = of(
      "permissions: [{ group_name: g, level: CAN_VIEW }, { group_name: g, level: CAN_MANAGE_RUN }]",
      'permissions: [{ group_name: h, level: CAN_RUN }, { service_principal_name: "${workspace.current_user.userName}", level: CAN_MANAGE }]',
    );
    expect(render(declared).rendered?.resources.get("jobs.a")?.permissions).toEqual([
      { group_name: "g", permission_level: "CAN_MANAGE_RUN" },
      { group_name: "h", permission_level: "CAN_MANAGE_RUN" },
      { service_principal_name: "${principal}", permission_level: "IS_OWNER" },
    ]);
  });
});

describe("what is deployed", () => {
  test("is the bundle's folder less what sync.exclude takes out", () => {
    const files = {
      "ml/databricks.yml": `${HEAD}sync: { exclude: ["*.md", tools/, /top.py] }\n`,
      "ml/README.md": "",
      "ml/docs/x.md": "",
      "ml/tools/a.py": "",
      "ml/src/tools/a.py": "",
      "ml/top.py": "",
      "ml/src/top.py": "",
      "other/x.py": "",
    };
    const { rendered, lines } = render(files, "dev", { root: "ml" });
    expect(lines).toEqual([]);
    expect(rendered?.files).toEqual(["ml/databricks.yml", "ml/src/top.py"]);
  });
});

test("no text makes rendering throw", () => {
  const fragment = fc.constantFrom(
    ..."{}[]:,-#&*!|>'\"%@` \n\t".split(""),
    "${var.a}",
    "${",
    "}",
    "a",
    "jobs:",
    "resources:",
    "variables:",
    "targets:",
    "dev:",
    "&x ",
    "*x",
    "<<: ",
    "? ",
    "  ",
    "tasks:",
    "- ",
    "task_key: t",
    "null",
    "name: x",
    "bundle:",
    "notebook_task:",
    "include:",
    "..",
    "/",
    "default:",
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 40 }), (parts) => {
      const bundles = [
        parts.join(""),
        `${HEAD}resources:\n  jobs:\n    a: {name: a}\n${parts.join("")}`,
        `${HEAD}resources: { jobs: { a: { name: a, description: ${JSON.stringify(parts.join(""))} } } }`,
      ];
      for (const text of bundles) expect(render({ "databricks.yml": text }).findings).toBeInstanceOf(Array);
    }),
    { numRuns: 150 },
  );
});

test("any shape in place of any section is a finding or nothing, never a crash", () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<unknown>(null, true, 1, "x", "${var.catalog}", "${resources.jobs.a.id}", [], {}),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          "jobs",
          "pipelines",
          "a",
          "name",
          "tasks",
          "task_key",
          "notebook_task",
          "notebook_path",
          "environments",
          "spec",
          "dependencies",
          "permissions",
          "level",
          "group_name",
          "schedule",
          "triggers",
          "libraries",
          "file",
          "path",
          "tags",
          "exclude",
          "default",
          "type",
          "host",
          "name_prefix",
          "catalog",
          "serverless",
          "run_as",
          "user_name",
          "continuous",
        ),
        tie("value"),
        { maxKeys: 4 },
      ),
    ),
  })).value;
  const sections = [
    "bundle",
    "resources",
    "variables",
    "workspace",
    "presets",
    "permissions",
    "run_as",
    "sync",
    "artifacts",
    "include",
    "experimental",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...sections), json, json, (section, value, over) => {
      const bundle = {
        bundle: { name: "x" },
        resources: { jobs: { a: { name: "a", tasks: [{ task_key: "t" }] } } },
        targets: { dev: { [section]: over } },
        [section]: value,
      };
      expect(render({ "databricks.yml": JSON.stringify(bundle) }).findings).toBeInstanceOf(Array);
    }),
    { numRuns: 250 },
  );
});
