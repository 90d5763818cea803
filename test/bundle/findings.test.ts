/** What is wrong with a bundle is said at file:line:column, with a remedy. The positions are counted by hand. */
import { describe, expect, test } from "vitest";
import type { TierName } from "../../src/contract/model.ts";
import { CLIENT_IDS, contract, type Files, HEAD, render } from "./bundles.ts";

const NOTEBOOK = "# Databricks notebook source\n";

interface Case {
  readonly says: string;
  readonly files: Files | string;
  readonly tier?: TierName;
  readonly expected: readonly string[];
}

/** A job `a` after HEAD (2 lines): line 3 `resources:`, 4 `jobs:`, 5 `a:`, 6 `name: a`, then `lines` from line 7 on. */
function job(...lines: string[]): string {
  return [
    HEAD.trimEnd(),
    "resources:",
    "  jobs:",
    "    a:",
    "      name: a",
    ...lines.map((line) => `      ${line}`),
  ].join("\n");
}

/** A pipeline `p` likewise: its fields start on line 7, column 7. */
function pipeline(...lines: string[]): string {
  return job(...lines)
    .replace("  jobs:", "  pipelines:")
    .replace("    a:", "    p:")
    .replace("name: a", "name: p");
}

const FINE = ["catalog: ${var.catalog}", "serverless: true"];
const DECLARED = "variables: { catalog: { default: x } }\n";

const CASES: readonly Case[] = [
  {
    says: "a value that a field cannot have",
    files: job(
      "health: { rules: [{ metric: RUN_DURATION, op: GREATER_THAN, value: 1 }] }",
      "tasks:",
      "  - { task_key: t, run_if: ALL_DONEE, condition_task: { op: EQUALS, left: a, right: b } }",
    ),
    expected: [
      "error bundle/value databricks.yml:7:35",
      "error bundle/value databricks.yml:9:34",
      "error bundle/value databricks.yml:9:67",
    ],
  },
  {
    says: "a jar as clusters take it, and a task that does two things or none",
    files: job(
      "tasks:",
      "  - { task_key: a, spark_jar_task: { jar_uri: x.jar, main_class_name: A } }",
      "  - { task_key: b, notebook_task: { notebook_path: /n }, condition_task: { op: EQUAL_TO, left: a, right: b } }",
      "  - { task_key: c }",
    ),
    expected: [
      "error bundle/environment-missing databricks.yml:8:26",
      "error bundle/not-serverless databricks.yml:8:44",
      "warning bundle/path-outside-release databricks.yml:9:58",
      "error bundle/task-kind databricks.yml:9:64",
      "error bundle/task-kind databricks.yml:10:11",
    ],
  },
  {
    says: "a jar that is tracked, and one that was not built",
    files: {
      "databricks.yml": job(
        "environments: [{ environment_key: j, spec: { java_dependencies: [lib/a.jar, lib/b.txt, com.acme:c:1.0] } }]",
        "tasks: [{ task_key: a, environment_key: j, spark_jar_task: { main_class_name: A } }]",
      ),
      "lib/a.jar": "PK",
    },
    expected: ["error bundle/file-missing databricks.yml:7:83"],
  },
  {
    says: "values that the service is not known to take",
    files: `${DECLARED}${pipeline(...FINE, "channel: current", "edition: PREMIUM", "notifications: [{ alerts: [on-failure], email_recipients: [a] }]")}`,
    expected: ["warning bundle/value databricks.yml:11:16", "warning bundle/value databricks.yml:12:34"],
  },
  // Reading
  { says: "no bundle", files: {}, expected: ["error bundle/missing databricks.yml"] },
  {
    says: "two root files",
    files: { "databricks.yml": HEAD, "bundle.yaml": HEAD },
    expected: ["error bundle/two-roots bundle.yaml:1:1"],
  },
  { says: "bad YAML", files: "bundle: { name: x\ntargets: {}\n", expected: ["error bundle/yaml databricks.yml:2:1"] },
  {
    says: "a key twice",
    files: `${HEAD}include: []\ninclude: []\n`,
    expected: ["error bundle/yaml databricks.yml:4:1"],
  },
  {
    says: "an anchor in itself",
    files: `${HEAD}x: &a\n  b: *a\n`,
    expected: ["error bundle/yaml databricks.yml:4:3"],
  },
  {
    says: "an alias of nothing",
    files: `${HEAD}x: *nobody\n`,
    expected: ["error bundle/yaml databricks.yml:3:4"],
  },
  { says: "a tag", files: `${HEAD}x: !secret abc\n`, expected: ["error bundle/yaml databricks.yml:3:12"] },
  { says: "not a map", files: "- a\n", expected: ["error bundle/not-a-map databricks.yml:1:1"] },
  {
    says: "an include that is not there",
    files: `${HEAD}include:\n  - gone.yml\n  - none/*.yml\n`,
    expected: ["error bundle/include-missing databricks.yml:4:5", "warning bundle/include-empty databricks.yml:5:5"],
  },
  {
    says: "an include outside",
    files: { "b/databricks.yml": `${HEAD}include: [../shared.yml]\n`, "shared.yml": "x: 1" },
    expected: ["error bundle/include-outside b/databricks.yml:3:11"],
  },
  {
    says: "an include that includes",
    files: { "databricks.yml": `${HEAD}include: [a.yml]\n`, "a.yml": "include: [b.yml]\n" },
    expected: ["error bundle/include-nested a.yml:1:1"],
  },
  {
    says: "an include of another type",
    files: { "databricks.yml": `${HEAD}include: ["*"]\n`, "a.py": "" },
    expected: ["error bundle/include-type databricks.yml:3:11"],
  },
  {
    says: "one key in two files",
    files: {
      "databricks.yml": `${HEAD}include: [a.yml, b.yml]\n`,
      "a.yml": "resources: { jobs: { x: { name: x } } }\n",
      "b.yml": "resources: { pipelines: { x: { name: x, serverless: true, catalog: dev } } }\n",
    },
    expected: ["error bundle/duplicate-key b.yml:1:27"],
  },
  // Sections
  { says: "no name", files: "targets: { dev: {} }\n", expected: ["error bundle/name databricks.yml:1:1"] },
  {
    says: "a name from a variable",
    files: "bundle: { name: '${var.x}' }\ntargets: { dev: {} }\n",
    expected: ["error bundle/name databricks.yml:1:17"],
  },
  {
    says: "no target",
    files: "bundle: { name: x }\ntargets: { development: {} }\n",
    expected: ["error bundle/target-missing databricks.yml:2:1"],
  },
  {
    says: "unknown keys",
    files: `${HEAD}resource: {}\nbundle_: 1\n`,
    expected: ["error bundle/unknown-key databricks.yml:3:1", "error bundle/unknown-key databricks.yml:4:1"],
  },
  { says: "an anchor block", files: `${HEAD}x-common: &common { a: 1 }\n`, expected: [] },
  {
    says: "sections of the wrong shape",
    files: `bundle: { name: x }
targets: { dev: { resources: { jobs: [1] }, permissions: {}, mode: [] } }
include: a.yml
variables: [a]
resources: { pipelines: x, jobs: }
presets: y
sync: { exclude: "*.md" }
artifacts: { wheel: z }
`,
    expected: [
      "error bundle/section-kind databricks.yml:2:38",
      "error bundle/section-kind databricks.yml:2:58",
      "error bundle/mode databricks.yml:2:68",
      "error bundle/section-kind databricks.yml:3:10",
      "error bundle/section-kind databricks.yml:4:12",
      "error bundle/section-kind databricks.yml:5:25",
      "error bundle/section-kind databricks.yml:6:10",
      "error bundle/section-kind databricks.yml:7:18",
      "error bundle/section-kind databricks.yml:8:21",
    ],
  },
  {
    says: "references that double",
    files: job('description: "${var.v0}"').concat(
      "\nvariables:\n",
      ...Array.from(
        { length: 40 },
        (_, level) => `  v${level}: { default: "\${var.v${level + 1}}\${var.v${level + 1}}" }\n`,
      ),
      "  v40: { default: xx }\n",
    ),
    // v18 has 2^23 characters, more than allowed; v17 refers to it.
    expected: ["error bundle/reference-size databricks.yml:26:19"],
  },
  {
    says: "sections that are refused",
    files: `bundle: { name: x, cluster_id: c }
targets:
  dev:
    sync: { exclude: [x] }
    cluster_id: c
    foo: 1
python: { venv_path: .venv }
experimental: { scripts: { postinit: make } }
environments: {}
`,
    expected: [
      "error bundle/unsupported databricks.yml:1:20",
      "error bundle/unsupported databricks.yml:4:5",
      "error bundle/unsupported databricks.yml:5:5",
      "error bundle/unknown-key databricks.yml:6:5",
      "error bundle/unsupported databricks.yml:7:1",
      "error bundle/unsupported databricks.yml:8:17",
      "error bundle/unsupported databricks.yml:9:1",
    ],
  },
  {
    says: "sections without effect",
    files: `bundle: { name: x }
targets: { dev: { workspace: { root_path: /Workspace/Users/me, profile: me } } }
artifacts: { wheel: { type: whl, build: uv build } }
`,
    expected: [
      "notice bundle/no-effect databricks.yml:2:32",
      "notice bundle/no-effect databricks.yml:2:64",
      "notice bundle/no-effect databricks.yml:3:34",
    ],
  },
  {
    says: "another host",
    files: "bundle: { name: x }\ntargets: { dev: { workspace: { host: https://else.cloud.databricks.com } } }\n",
    expected: ["error bundle/host-contradicts databricks.yml:2:38"],
  },
  {
    says: "the same host, written otherwise",
    files: "bundle: { name: x }\ntargets: { dev: { workspace: { host: DEV.cloud.databricks.com/ } } }\n",
    expected: [],
  },
  {
    says: "development mode in prod",
    files: "bundle: { name: x }\ntargets: { prod: { mode: development } }\n",
    tier: "prod",
    expected: ["error bundle/mode databricks.yml:2:26"],
  },
  {
    says: "no such mode",
    files: "bundle: { name: x }\ntargets: { dev: { mode: fast } }\n",
    expected: ["error bundle/mode databricks.yml:2:25"],
  },
  {
    says: "a variables file",
    files: { "databricks.yml": HEAD, ".databricks/bundle/dev/variable-overrides.json": "{}" },
    expected: ["error bundle/variable-overrides .databricks/bundle/dev/variable-overrides.json:1:1"],
  },
  // Variables and references
  {
    says: "a variable without value",
    files: `${HEAD}variables:\n  a:\n  b: { description: b }\n`,
    expected: ["error bundle/variable-unset databricks.yml:4:3", "error bundle/variable-unset databricks.yml:5:3"],
  },
  {
    says: "a target's variable that is not declared",
    files:
      "bundle: { name: x }\ntargets: { dev: { variables: { regoin: eu } } }\nvariables: { region: { default: us } }\n",
    expected: ["error bundle/variable-undeclared databricks.yml:2:32"],
  },
  {
    says: "an undeclared variable, one of the contract's",
    files: job('description: "${var.nobody} ${var.catalog}"'),
    expected: [
      "error bundle/variable-undeclared databricks.yml:7:20",
      "warning bundle/variable-undeclared databricks.yml:7:20",
    ],
  },
  {
    says: "circular variables, used or not",
    files: `${HEAD}variables:\n  a: { default: "\${var.b}" }\n  b: { default: "x\${var.a}" }\n`,
    expected: ["error bundle/circular databricks.yml:4:17", "error bundle/circular databricks.yml:5:17"],
  },
  {
    says: "a lookup that is used",
    files: `${job('description: "${var.w}"')}\nvariables: { w: { lookup: { warehouse: main } } }\n`,
    expected: ["error bundle/variable-lookup databricks.yml:7:20"],
  },
  {
    says: "another value for a variable of the contract",
    files: "bundle: { name: x }\ntargets: { dev: { variables: { catalog: main } } }\nvariables: { catalog: {} }\n",
    expected: ["error bundle/variable-contradicts databricks.yml:2:41"],
  },
  {
    says: "the same value for a variable of the contract",
    files:
      'bundle: { name: x }\ntargets: { dev: { variables: { catalog: "${bundle.target}" } } }\nvariables: { catalog: {} }\n',
    expected: [],
  },
  {
    says: "references to nothing",
    files: job(
      'description: "${bundle.nam}"',
      'timeout_seconds: "${vars.x}"',
      "tags:",
      '  a: "${workspace.root_path}/x"',
      '  b: "${resources.jobs.b.id}"',
      '  c: "${resources.jobs.a.foo}"',
      '  d: "${workspace.nothing}"',
      '  e: "${var.x"',
      '  f: "${ var.x }"',
      '  g: "${HOME}"',
      '  h: "${release}"',
    ),
    expected: [
      "error bundle/reference databricks.yml:7:20",
      "error bundle/reference databricks.yml:8:24",
      "error bundle/reference databricks.yml:10:12",
      "error bundle/reference databricks.yml:11:12",
      "error bundle/reference databricks.yml:12:12",
      "error bundle/reference databricks.yml:13:12",
      "error bundle/reference databricks.yml:14:12",
      "error bundle/reference databricks.yml:15:12",
      "warning bundle/reference-kept databricks.yml:16:12",
      "error bundle/reserved databricks.yml:17:12",
    ],
  },
  {
    says: "a map inside a text",
    files: `${job('description: "x ${var.m}"')}\nvariables: { m: { type: complex, default: { a: 1 } } }\n`,
    expected: ["error bundle/reference-kind databricks.yml:7:20"],
  },
  {
    says: "jobs that start each other",
    files: `${HEAD}resources:
  jobs:
    a: { name: a, tasks: [{ task_key: t, run_job_task: { job_id: "\${resources.jobs.b.id}" } }] }
    b: { name: b, tasks: [{ task_key: t, run_job_task: { job_id: "\${resources.jobs.a.id}" } }] }
`,
    expected: ["error bundle/circular databricks.yml:5:5"],
  },
  // Merging
  {
    says: "a map over a list",
    files: `bundle: { name: x }
targets: { dev: { resources: { jobs: { a: { tasks: { t: 1 } } } } } }
resources: { jobs: { a: { name: a, tasks: [] } } }
`,
    expected: ["error bundle/merge-kind databricks.yml:2:52"],
  },
  // Kinds and fields
  {
    says: "kinds of resources",
    files: `${HEAD}resources:
  dashboards: { d: { display_name: d } }
  job: { x: {} }
  volumes: {}
`,
    expected: ["error bundle/kind-unsupported databricks.yml:4:3", "error bundle/kind-unknown databricks.yml:5:3"],
  },
  {
    says: "objects of Unity Catalog that are not in the tier's own catalog, or have no name",
    files: `${DECLARED}${HEAD}resources:
  schemas:
    a: { name: a, catalog_name: prod }
    b: { name: b, catalog_name: elsewhere }
    c: { name: c }
    d: { name: "d.e", catalog_name: dev }
  volumes:
    e: { name: e, catalog_name: "\${var.catalog}" }
  registered_models:
    f: { catalog_name: "\${var.catalog}", schema_name: a }
`,
    expected: [
      "error bundle/catalog-contradicts databricks.yml:6:33",
      "error bundle/catalog-contradicts databricks.yml:7:33",
      "warning bundle/field-missing databricks.yml:8:8",
      "error bundle/catalog-missing databricks.yml:8:8",
      "error bundle/name databricks.yml:9:16",
      "warning bundle/field-missing databricks.yml:11:8",
      "error bundle/nameless databricks.yml:11:8",
      "error bundle/nameless databricks.yml:13:8",
    ],
  },
  {
    says: "what a sandbox has already, reads from dev, or has no place for",
    tier: "sandbox",
    files: `${DECLARED}${HEAD}resources:
  schemas:
    bronze: { name: bronze, catalog_name: "\${var.catalog}" }
    gold: { name: gold, catalog_name: "\${var.catalog}" }
    features: { name: features, catalog_name: "\${var.catalog}" }
  volumes:
    a: { name: a, catalog_name: "\${var.catalog}", schema_name: gold }
    b: { name: b, catalog_name: "\${var.catalog}", schema_name: bronze }
`,
    expected: [
      "notice bundle/sandbox-schema databricks.yml:6:21",
      "notice bundle/sandbox-schema databricks.yml:7:19",
      "error bundle/sandbox-schema databricks.yml:8:23",
      "error bundle/sandbox-schema databricks.yml:11:64",
    ],
  },
  {
    says: "what a schema, a volume or a model does not say",
    files: `${DECLARED}${HEAD}resources:
  schemas:
    a:
      name: a
      catalog_name: dev
      properties: { four_tier_key: x }
      custom_max_retention_hours: 5
      grants: [{ principal: readers }, { principal: ${CLIENT_IDS.prod}, privileges: [SELECT] }]
  volumes:
    b: { name: b, catalog_name: dev, schema_name: a, volume_type: EXTERNAL }
    c: { name: c, catalog_name: dev, schema_name: a, storage_location: "s3://x" }
  registered_models:
    d: { name: d, catalog_name: dev, schema_name: a, aliases: [{ alias_name: champion }] }
`,
    expected: [
      "error bundle/reserved databricks.yml:9:21",
      "error bundle/unsupported databricks.yml:10:7",
      "error bundle/grants databricks.yml:11:16",
      "error bundle/permission-other-tier databricks.yml:11:40",
      "error bundle/volume-place databricks.yml:13:8",
      "error bundle/volume-place databricks.yml:14:54",
      "error bundle/unsupported databricks.yml:16:54",
    ],
  },
  {
    says: "experiments in a release's folder, by no absolute path, with tags of ours",
    files: `${HEAD}resources:
  experiments:
    a: { name: "\${workspace.file_path}/a" }
    b: { name: b }
    c: { name: /c, tags: [{ key: four_tier_key, value: x }, { key: t, value: a }, { key: t, value: b }] }
    d: { name: /Users/me/.four-tier/x }
    e: { name: /e, permissions: [{ level: IS_OWNER, group_name: g }] }
`,
    expected: [
      "error bundle/experiment-in-release databricks.yml:5:16",
      "error bundle/experiment-path databricks.yml:6:16",
      "error bundle/reserved databricks.yml:7:27",
      "error bundle/tag databricks.yml:7:83",
      "error bundle/experiment-in-release databricks.yml:8:16",
      "error bundle/permissions databricks.yml:9:43",
    ],
  },
  {
    says: "a task that writes MLflow runs and names no experiment",
    files: {
      "databricks.yml":
        job(
          "tasks:",
          "  - { task_key: a, notebook_task: { notebook_path: src/train.py } }",
          "  - { task_key: b, notebook_task: { notebook_path: src/chooses.py } }",
          '  - { task_key: c, notebook_task: { notebook_path: src/train.py, base_parameters: { e: "${resources.experiments.x.id}" } } }',
          "  - { task_key: d, notebook_task: { notebook_path: src/scores.py } }",
        ) + "\n  experiments: { x: { name: /x } }\n",
      "src/train.py": `${NOTEBOOK}import mlflow\nwith mlflow.start_run():\n  pass\n`,
      "src/chooses.py": `${NOTEBOOK}mlflow.set_experiment(experiment_id=1)\nmlflow.sklearn.autolog()\n`,
      "src/scores.py": `${NOTEBOOK}model = mlflow.pyfunc.load_model("models:/a")\n`,
    },
    expected: ["warning bundle/no-experiment databricks.yml:8:58"],
  },
  {
    says: "MLflow runs in every form that code can write them, and an experiment only where code sets it",
    files: {
      "databricks.yml": job(
        "tasks:",
        ...["imported.py", "client.py", "commented.py", "notebook.ipynb", "created.py", "registry.py"].map(
          (name, at) => `  - { task_key: ${at}, notebook_task: { notebook_path: src/${name} } }`,
        ),
        "  - { task_key: w, environment_key: e, python_wheel_task: { package_name: churn-model, entry_point: main } }",
        "environments: [{ environment_key: e, spec: { environment_version: '4', dependencies: [churn] } }]",
      ),
      "src/imported.py": `${NOTEBOOK}from mlflow import (\n  log_figure,\n)\nlog_figure(1, "a.png")\n`,
      "src/client.py": `${NOTEBOOK}c = MlflowClient()\nc.set_tag("1", "a", "b")\n`,
      "src/commented.py": `${NOTEBOOK}# mlflow.set_experiment("/x") would be better\n"""set_experiment("/x")"""\nmlflow.log_artifact("a")\n`,
      "src/notebook.ipynb": JSON.stringify({
        cells: [
          { cell_type: "markdown", source: ["mlflow.set_experiment('/x')"] },
          { cell_type: "code", source: ["import mlflow\n", "mlflow.start_run()"] },
        ],
      }),
      "src/created.py": `${NOTEBOOK}c = MlflowClient()\nr = c.create_run(widget("experiment"))\nc.log_metric(r, "a", 1)\n`,
      "src/registry.py": `${NOTEBOOK}MlflowClient().set_registered_model_alias("a", "champion", 1)\n`,
      "lib/churn_model/__init__.py": "",
      "lib/churn_model/main.py": "import mlflow\nmlflow.autolog()\n",
    },
    expected: [
      ...[8, 9, 10, 11].map((at) => `warning bundle/no-experiment databricks.yml:${at}:58`),
      "warning bundle/no-experiment databricks.yml:14:81",
    ],
  },
  {
    says: "fields the API does not know, or of another type",
    files: job("max_concurrent_run: 1", "max_concurrent_runs: many", "tasks: { t: 1 }", "queue: { enabled: maybe }"),
    expected: [
      "error bundle/unknown-field databricks.yml:7:7",
      "error bundle/field-type databricks.yml:8:28",
      "error bundle/field-type databricks.yml:9:14",
      "error bundle/field-type databricks.yml:10:25",
    ],
  },
  {
    says: "a job of no name, and an empty one",
    files: `${HEAD}resources:\n  jobs:\n    a: { description: x }\n    b:\n`,
    expected: ["error bundle/nameless databricks.yml:5:8", "error bundle/empty-resource databricks.yml:6:5"],
  },
  {
    says: "two jobs of one name",
    files: `${HEAD}resources: { jobs: { a: { name: x }, b: { name: x } } }\n`,
    expected: ["error bundle/name-twice databricks.yml:3:49"],
  },
  {
    says: "tags of the suite",
    files: job("tags: { four_tier_key: x }"),
    expected: ["error bundle/reserved databricks.yml:7:15"],
  },
  // Compute
  {
    says: "clusters everywhere",
    files: {
      "databricks.yml": job(
        "job_clusters: [{ job_cluster_key: c, new_cluster: { num_workers: 1 } }]",
        "tasks:",
        "  - task_key: t",
        "    job_cluster_key: c",
        "    notebook_task: { notebook_path: n.py }",
        "  - task_key: u",
        "    existing_cluster_id: c",
        "    notebook_task: { notebook_path: n.py }",
        "  - task_key: v",
        "    new_cluster: { num_workers: 1 }",
        "    spark_submit_task: { parameters: [a] }",
        "  - task_key: w",
        "    libraries: [{ pypi: { package: numpy } }]",
        "    for_each_task:",
        "      inputs: '[]'",
        "      task: { task_key: i, existing_cluster_id: c, notebook_task: { notebook_path: n.py } }",
      ),
      "n.py": NOTEBOOK,
    },
    expected: [
      "error bundle/not-serverless databricks.yml:7:7",
      "error bundle/not-serverless databricks.yml:10:11",
      "error bundle/not-serverless databricks.yml:13:11",
      "error bundle/not-serverless databricks.yml:16:11",
      "error bundle/not-serverless databricks.yml:17:11",
      "error bundle/not-serverless databricks.yml:19:11",
      "error bundle/not-serverless databricks.yml:22:34",
    ],
  },
  {
    says: "environments that are missing, or there twice",
    files: job(
      "environments: [{ environment_key: e }, { environment_key: e }]",
      "tasks:",
      "  - task_key: a",
      "    environment_key: f",
      "    python_wheel_task: { package_name: p, entry_point: e }",
      "  - task_key: b",
      "    python_wheel_task: { package_name: p, entry_point: e }",
      "    depends_on: [{ task_key: c }]",
    ),
    expected: [
      "error bundle/environment-twice databricks.yml:7:46",
      "error bundle/environment-missing databricks.yml:10:28",
      "error bundle/environment-missing databricks.yml:13:11",
      "error bundle/task-missing databricks.yml:14:24",
    ],
  },
  {
    says: "pipelines that are not serverless",
    files: `${DECLARED}${pipeline("catalog: ${var.catalog}", "clusters: [{ label: default, num_workers: 1 }]")}`,
    expected: ["error bundle/not-serverless databricks.yml:7:7", "error bundle/not-serverless databricks.yml:9:7"],
  },
  {
    says: "serverless: false",
    files: `${DECLARED}${pipeline("catalog: ${var.catalog}", "serverless: false")}`,
    expected: ["error bundle/not-serverless databricks.yml:9:19"],
  },
  {
    says: "code from a git repository",
    files: job("git_source: { git_url: https://x, git_provider: gitHub, git_branch: main }"),
    expected: ["error bundle/git-source databricks.yml:7:7"],
  },
  // Catalogs
  {
    says: "another tier's catalog in a pipeline",
    files: pipeline("catalog: prod", "serverless: true"),
    tier: "staging",
    expected: ["error bundle/catalog-contradicts databricks.yml:7:16"],
  },
  {
    says: "no catalog",
    files: pipeline("serverless: true"),
    expected: ["error bundle/catalog-missing databricks.yml:6:7"],
  },
  {
    says: "a catalog of nobody's",
    files: pipeline("catalog: main", "serverless: true"),
    expected: ["warning bundle/catalog-foreign databricks.yml:7:16"],
  },
  {
    says: "another tier's catalog as a parameter, and in a table's name",
    files: job("parameters: [{ name: catalog, default: dev }, { name: table, default: dev.gold.scores }]"),
    tier: "prod",
    expected: [
      "error bundle/catalog-contradicts databricks.yml:7:46",
      "warning bundle/catalog-mentioned databricks.yml:7:77",
    ],
  },
  {
    says: "dev's catalog in a sandbox, which reads it",
    files: job("parameters: [{ name: source_catalog, default: dev }, { name: table, default: dev.silver.x }]"),
    tier: "sandbox",
    expected: [],
  },
  // Schedules
  {
    says: "UNPAUSED outside prod",
    files: job("schedule: { quartz_cron_expression: x, timezone_id: UTC, pause_status: UNPAUSED }"),
    tier: "staging",
    expected: ["error bundle/schedule-contradicts databricks.yml:7:78"],
  },
  {
    says: "PAUSED in prod",
    files: job("triggers: [{ periodic: { interval: 1, unit: DAYS }, pause_status: PAUSED }]"),
    tier: "prod",
    expected: ["error bundle/schedule-contradicts databricks.yml:7:73"],
  },
  {
    says: "two schedules",
    files: job("continuous: {}", "schedule: { quartz_cron_expression: x, timezone_id: UTC }"),
    expected: ["error bundle/schedules-many databricks.yml:7:7"],
  },
  {
    says: "presets against the tier",
    files: `${HEAD}presets: { trigger_pause_status: UNPAUSED, source_linked_deployment: true }\nresources: { jobs: { a: { name: a } } }\n`,
    tier: "staging",
    expected: ["error bundle/schedule-contradicts databricks.yml:3:34", "error bundle/unsupported databricks.yml:3:70"],
  },
  {
    says: "development mode of a pipeline in prod",
    files: `${DECLARED}${pipeline(...FINE, "development: true")}`,
    tier: "prod",
    expected: ["error bundle/development-mode databricks.yml:10:20"],
  },
  // Identity
  {
    says: "running as a person, as another tier, as nobody known",
    files: `${HEAD}run_as: { user_name: mona@example.com }
resources:
  jobs:
    a: { name: a, run_as: { service_principal_name: ${CLIENT_IDS.dev} } }
    b: { name: b, run_as: { service_principal_name: 99999999-9999-4999-8999-999999999999 } }
    c: { name: c, run_as: { service_principal_name: ${CLIENT_IDS.prod} } }
    d: { name: d, run_as: { service_principal_name: "\${workspace.current_user.userName}" } }
`,
    tier: "prod",
    expected: [
      "error bundle/run-as-person databricks.yml:3:22",
      "error bundle/run-as-other-tier databricks.yml:6:53",
      "error bundle/run-as-unknown databricks.yml:7:53",
    ],
  },
  {
    says: "permissions",
    files: job(
      "permissions:",
      `  - { service_principal_name: ${CLIENT_IDS.dev}, level: CAN_VIEW }`,
      "  - { user_name: mona@example.com, level: CAN_MANAGE }",
      "  - { user_name: moni@example.com, level: IS_OWNER }",
      "  - { group_name: a, level: CAN_RUN }",
      "  - { level: CAN_VIEW }",
      "  - { group_name: ops, level: CAN_MANAGE }",
    ),
    tier: "prod",
    expected: [
      "error bundle/permission-other-tier databricks.yml:8:11",
      "warning bundle/permission-person databricks.yml:9:11",
      "error bundle/permission-owner databricks.yml:10:11",
      "error bundle/permissions databricks.yml:11:35",
      "error bundle/permissions databricks.yml:12:11",
      "warning bundle/permission-group databricks.yml:13:11",
    ],
  },
  // Paths
  {
    says: "paths that lead nowhere",
    files: {
      "databricks.yml": job(
        "environments: [{ environment_key: e, spec: { dependencies: [../lib, ./none, -r none.txt, ./x.whl] } }]",
        "tasks:",
        "  - { task_key: a, notebook_task: { notebook_path: gone.py } }",
        "  - { task_key: b, notebook_task: { notebook_path: there } }",
        "  - { task_key: c, notebook_task: { notebook_path: file.py } }",
        "  - { task_key: d, environment_key: e, spark_python_task: { python_file: there.py } }",
        "  - { task_key: e, notebook_task: { notebook_path: ../x.py } }",
        "  - { task_key: f, notebook_task: { notebook_path: /Shared/x } }",
        "  - { task_key: g, sql_task: { warehouse_id: w, file: { path: q.sql } } }",
        '  - { task_key: h, notebook_task: { notebook_path: "${workspace.file_path}/none" } }',
      ),
      "there.py": NOTEBOOK,
      "file.py": "print(1)\n",
    },
    expected: [
      "error bundle/path-outside-bundle databricks.yml:7:67",
      "error bundle/file-missing databricks.yml:7:75",
      "error bundle/file-missing databricks.yml:7:83",
      "error bundle/file-missing databricks.yml:9:58",
      "error bundle/file-missing databricks.yml:10:58",
      "error bundle/not-a-notebook databricks.yml:11:58",
      "error bundle/not-a-file databricks.yml:12:80",
      "error bundle/path-outside-bundle databricks.yml:13:58",
      "warning bundle/path-outside-release databricks.yml:14:58",
      "error bundle/file-missing databricks.yml:15:69",
      "error bundle/file-missing databricks.yml:16:58",
    ],
  },
  {
    says: "a file that is not deployed, a glob of nothing",
    files: {
      "databricks.yml": `${pipeline("catalog: dev", "serverless: true", "libraries:", "  - file: { path: tools/x.py }", "  - glob: { include: none/** }")}
sync: { exclude: [tools/], paths: [../lib], include: [generated/**] }
`,
      "tools/x.py": "x = 1\n",
    },
    expected: [
      "error bundle/file-missing databricks.yml:10:25",
      "error bundle/glob-empty databricks.yml:11:28",
      "error bundle/sync-paths databricks.yml:12:36",
      "error bundle/sync-include databricks.yml:12:55",
    ],
  },
];

describe("a finding stands where the mistake is", () => {
  test.each(CASES)("$says", ({ files, tier, expected }) => {
    const { lines, findings, rendered } = render(
      typeof files === "string" ? { "databricks.yml": files } : files,
      tier,
      {
        root: typeof files === "object" && "b/databricks.yml" in files ? "b" : "",
      },
    );
    expect(lines).toEqual(expected);
    for (const finding of findings) expect(finding.remedy.length).toBeGreaterThan(10);
    expect(rendered === undefined).toBe(expected.some((line) => line.startsWith("error")));
  });
});

test("a misspelt name is answered with the right one", () => {
  const { findings } = render({
    "databricks.yml": job('description: "${var.regin}"') + "\nvariables: { region: { default: x } }",
  });
  expect(findings[0]?.remedy).toContain("Did you mean `region`?");
});

test("an artifact that is not carried is a finding, once the carried ones are known", () => {
  const files = {
    "databricks.yml": job(
      'environments: [{ environment_key: e, spec: { dependencies: ["./dist/*.whl"] } }]',
      "tasks: [{ task_key: a, environment_key: e, python_wheel_task: { package_name: p, entry_point: e } }]",
    ),
  };
  const before = render(files);
  expect(before.lines).toEqual([]);
  expect(before.rendered?.artifacts).toMatchObject([{ path: "dist/*.whl", resources: ["jobs.a"] }]);
  const carried = render(files, "dev", { artifacts: ["p-1.0-py3-none-any.whl"] });
  expect(carried.rendered?.resources.get("jobs.a")?.settings["environments"]).toEqual([
    { environment_key: "e", spec: { dependencies: ["${release}/.artifacts/p-1.0-py3-none-any.whl"] } },
  ]);
  expect(render(files, "dev", { artifacts: ["other.txt"] }).lines).toEqual([
    "error bundle/artifact-missing databricks.yml:7:67",
  ]);
});

test("an exception of the contract decides until its day is over", () => {
  const files = {
    "databricks.yml": job("schedule: { quartz_cron_expression: x, timezone_id: UTC, pause_status: UNPAUSED }"),
  };
  const withException = contract(
    "schedules: { exceptions: [{ tier: staging, job: a, state: running, until: 2026-11-20, reason: load test }] }\n",
  );
  expect(render(files, "staging", { contract: withException }).lines).toEqual([]);
  const later = render(files, "staging", { contract: withException, now: new Date("2026-11-21T00:00:00Z") });
  expect(later.lines).toEqual(["error bundle/schedule-contradicts databricks.yml:7:78"]);
});

test("a resource that holds the commit is told that it changes with each", () => {
  const files = { "databricks.yml": job('tags: { commit: "${bundle.git.commit}", of: "${bundle.name}" }') };
  expect(render(files, "dev", { git: { commit: "0".repeat(40) } }).lines).toEqual([
    "warning bundle/commit-in-resource databricks.yml:7:23",
  ]);
});
