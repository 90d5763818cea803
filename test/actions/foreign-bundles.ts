/**
 * Bundles as teams write them who never heard of us: an ETL project in Python, SQL files on a warehouse with dbt, a
 * pipeline of many sources, and machine learning from training to monitoring.
 */
export interface ForeignBundle {
  readonly files: Readonly<Record<string, string>>;
  /** Folder of databricks.yml. */
  readonly root: string;
  /** Names of wheels to carry: where they are built, from the repository's root. */
  readonly wheel?: string;
  /** What four-tier.yml says after the tiers. */
  readonly contract: string;
  /** Variables that the Databricks CLI is to be given as the contract gives them to us. */
  readonly variables: Readonly<Record<string, string>>;
}

const NOTEBOOK = "# Databricks notebook source\nprint('a notebook')\n";

/** A wheel, a notebook and a pipeline with an editable environment, in one job with a periodic trigger. */
export const PYTHON: ForeignBundle = {
  root: "",
  wheel: "dist/orders-0.1.0-py3-none-any.whl",
  contract: "",
  variables: { catalog: "dev" },
  files: {
    ".gitignore": ".databricks/\ndist/\n",
    "pyproject.toml": '[project]\nname = "orders"\nversion = "0.1.0"\n',
    "databricks.yml": `
bundle:
  name: orders
  uuid: 5f1a9f0e-7c0b-4a9e-8a55-0d4c4f2a7a11
include: [resources/*.yml]
sync:
  exclude: ["*.md"]
artifacts:
  wheel: { type: whl, build: "true" }
variables:
  catalog: { description: Where it writes }
  schema: { description: The schema, default: orders }
targets:
  sandbox: {}
  dev: { default: true, mode: development, variables: { schema: "orders_\${workspace.current_user.short_name}" } }
  staging: {}
  prod:
    mode: production
    workspace:
      root_path: /Workspace/Users/\${workspace.current_user.userName}/.bundle/\${bundle.name}/\${bundle.target}
    permissions: [{ service_principal_name: "\${workspace.current_user.userName}", level: CAN_MANAGE }]
`,
    "resources/etl.pipeline.yml": `
resources:
  pipelines:
    orders_etl:
      name: orders_etl
      catalog: \${var.catalog}
      schema: \${var.schema}
      serverless: true
      root_path: ../src/orders_etl
      libraries:
        - glob: { include: ../src/orders_etl/transformations/** }
      environment:
        dependencies: ["--editable \${workspace.file_path}"]
      configuration: { orders.horizon: 30 }
      parameters: { region: eu }
      notifications:
        - alerts: [on-update-failure]
          email_recipients: [data@example.com]
`,
    "resources/daily.job.yml": `
resources:
  jobs:
    daily:
      name: orders daily
      trigger: { periodic: { interval: 1, unit: DAYS } }
      parameters:
        - { name: catalog, default: "\${var.catalog}" }
        - { name: schema, default: "\${var.schema}" }
      tasks:
        - task_key: look
          notebook_task: { notebook_path: ../src/look.ipynb }
        - task_key: run
          depends_on: [{ task_key: look }]
          environment_key: default
          max_retries: 2
          python_wheel_task:
            package_name: orders
            entry_point: main
            parameters: ["--catalog", "\${var.catalog}"]
        - task_key: refresh
          depends_on: [{ task_key: run }]
          pipeline_task: { pipeline_id: "\${resources.pipelines.orders_etl.id}" }
      environments:
        - environment_key: default
          spec: { environment_version: "4", dependencies: ["../dist/*.whl", "pandas==2.2.3"] }
`,
    "src/look.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}\n',
    "src/orders_etl/transformations/orders.py": "import dlt\n",
    "src/orders_etl/utilities/helpers.py": "X = 1\n",
  },
};

/** SQL files and dbt on a warehouse: complex variables, group permissions, health rules, notifications. */
export const SQL: ForeignBundle = {
  root: "warehouse",
  contract: "",
  variables: { catalog: "dev", tier: "dev" },
  files: {
    "README.md": "Two projects in one repository.\n",
    "warehouse/databricks.yml": `
bundle: { name: sales }
include: ["resources/*.yml"]
permissions:
  - { group_name: data-scientists, level: CAN_RUN }
variables:
  catalog: { default: dev }
  tier: { default: dev }
  warehouse_id: { default: "0123456789abcdef" }
  alerts:
    type: complex
    default: { on_failure: [sales@example.com], no_alert_for_skipped_runs: true }
targets: { sandbox: {}, dev: { default: true }, staging: {}, prod: {} }
`,
    "warehouse/resources/sql.yml": `
resources:
  jobs:
    sql:
      name: sales sql
      description: |
        Raw orders, then a day's orders.
      schedule: { quartz_cron_expression: "0 0 4 * * ?", timezone_id: Europe/Berlin }
      email_notifications: \${var.alerts}
      health: { rules: [{ metric: RUN_DURATION_SECONDS, op: GREATER_THAN, value: 3600 }] }
      timeout_seconds: 7200
      parameters: [{ name: tier, default: "\${var.tier}" }]
      tasks:
        - task_key: raw
          sql_task: { warehouse_id: "\${var.warehouse_id}", file: { path: ../src/raw.sql } }
        - task_key: daily
          depends_on: [{ task_key: raw }]
          run_if: AT_LEAST_ONE_SUCCESS
          sql_task:
            warehouse_id: \${var.warehouse_id}
            parameters: { catalog: "\${var.catalog}" }
            file: { path: ../src/daily.sql }
    dbt:
      name: sales dbt
      trigger:
        file_arrival: { url: "/Volumes/\${var.catalog}/landing/files/", min_time_between_triggers_seconds: 60 }
      tasks:
        - task_key: dbt
          environment_key: default
          dbt_task:
            project_directory: ../dbt
            profiles_directory: profiles/
            warehouse_id: \${var.warehouse_id}
            commands: ["dbt deps --target=\${bundle.target}", "dbt run --target=\${bundle.target}"]
      environments:
        - { environment_key: default, spec: { environment_version: "4", dependencies: ["dbt-databricks>=1.8.0,<2.0.0"] } }
      permissions:
        - { user_name: mona@example.com, level: CAN_MANAGE_RUN }
    all:
      name: sales all
      continuous: { task_retry_mode: ON_FAILURE }
      tasks:
        - task_key: sql
          run_job_task: { job_id: "\${resources.jobs.sql.id}", job_parameters: { tier: "\${var.tier}" } }
        - task_key: enough
          depends_on: [{ task_key: sql }]
          condition_task: { op: GREATER_THAN, left: "{{tasks.sql.values.rows}}", right: "0" }
        - task_key: dbt
          depends_on: [{ task_key: enough, outcome: "true" }]
          run_job_task: { job_id: "\${resources.jobs.dbt.id}" }
`,
    "warehouse/src/raw.sql": "select 1\n",
    "warehouse/src/daily.sql": "select 2\n",
    "warehouse/dbt/dbt_project.yml": "name: sales\n",
    "warehouse/dbt/profiles/profiles.yml": "sales: {}\n",
    "warehouse/dbt/models/a.sql": "select 1\n",
  },
};

/** Pipelines of many sources: notebooks, files by pattern, folders; several pipelines behind one job. */
export const LAKEFLOW: ForeignBundle = {
  root: "",
  contract: "components:\n  bronze: { files: [pipelines/bronze/**], resources: [pipelines.bronze] }\n",
  variables: { catalog: "dev", source_catalog: "dev" },
  files: {
    "databricks.yml": `
bundle: { name: lake }
variables:
  catalog: { default: dev }
  source_catalog: { default: dev }
x-pipeline: &pipeline
  catalog: \${var.catalog}
  serverless: true
  channel: PREVIEW
  photon: true
  continuous: false
resources:
  pipelines:
    bronze:
      <<: *pipeline
      name: lake bronze
      schema: bronze
      root_path: pipelines/bronze
      libraries:
        - notebook: { path: pipelines/bronze/read.py }
        - file: { path: pipelines/bronze/more/*.sql }
      event_log: { name: bronze_log, schema: ops, catalog: "\${var.catalog}" }
      tags: { layer: bronze }
    silver:
      <<: *pipeline
      name: lake silver
      schema: silver
      libraries:
        - glob: { include: pipelines/silver/** }
      configuration: { source: "\${var.source_catalog}.bronze", "spark.sql.shuffle.partitions": "auto" }
      filters: { exclude: ["**/drafts/**"] }
      restart_window: { start_hour: 3, days_of_week: [SATURDAY, SUNDAY], time_zone_id: UTC }
  jobs:
    lake:
      name: lake
      max_concurrent_runs: 2
      queue: { enabled: false }
      performance_target: STANDARD
      schedule: { quartz_cron_expression: "0 0 * * * ?", timezone_id: UTC }
      tasks:
        - { task_key: bronze, pipeline_task: { pipeline_id: "\${resources.pipelines.bronze.id}", full_refresh: false } }
        - task_key: silver
          depends_on: [{ task_key: bronze }]
          pipeline_task: { pipeline_id: "\${resources.pipelines.silver.id}", refresh_selection: [a, b] }
targets:
  sandbox: {}
  dev: { default: true, presets: { tags: { team: lake } } }
  staging: { presets: { tags: { team: lake } } }
  prod: { presets: { tags: { team: lake } } }
`,
    "pipelines/bronze/read.py": NOTEBOOK,
    "pipelines/bronze/more/a.sql": "select 1\n",
    "pipelines/bronze/more/b.sql": "select 2\n",
    "pipelines/silver/clean.py": "import dlt\n",
  },
};

/** Train, check, score for each region, watch: what a machine-learning project has. */
export const ML: ForeignBundle = {
  root: "ml",
  contract: "components:\n  scoring: { files: [ml/scoring/**], resources: [jobs.score, jobs.watch] }\n",
  variables: { catalog: "dev", tier: "dev" },
  files: {
    "ml/databricks.yml": `
bundle: { name: forecast }
include: [resources/*.yml]
variables:
  catalog: { default: dev }
  tier: { default: dev }
  experiment: { default: "/Users/\${workspace.current_user.userName}/forecast-\${bundle.target}" }
  regions: { type: complex, default: [eu, us] }
targets: { sandbox: {}, dev: { default: true }, staging: {}, prod: {} }
`,
    "ml/requirements.txt": "mlflow>=2\n",
    "ml/resources/train.yml": `
x-permissions: &permissions
  permissions:
    - { level: CAN_VIEW, group_name: data-scientists }
resources:
  jobs:
    train:
      name: \${bundle.target}-forecast-train
      <<: *permissions
      schedule: { quartz_cron_expression: "0 0 9 * * ?", timezone_id: UTC }
      tasks:
        - task_key: Train
          notebook_task:
            notebook_path: ../training/train.py
            base_parameters: { env: "\${bundle.target}", experiment: "\${var.experiment}", depth: 6, catalog: "\${var.catalog}" }
        - task_key: Validate
          depends_on: [{ task_key: Train }]
          notebook_task:
            notebook_path: ../validation/validate.py
            base_parameters: { run_mode: dry_run, ready: false, rate: 0.5 }
        - task_key: Deploy
          depends_on: [{ task_key: Validate }]
          environment_key: ml
          spark_python_task:
            python_file: ../deployment/deploy.py
            parameters: ["--model", "\${var.catalog}.models.forecast"]
      environments:
        - environment_key: ml
          spec: { environment_version: "4", dependencies: ["-r ../requirements.txt"] }
`,
    "ml/resources/score.yml": `
resources:
  jobs:
    score:
      name: \${bundle.target}-forecast-score
      tags: { owner: mlops }
      notification_settings: { no_alert_for_skipped_runs: true }
      tasks:
        - task_key: each
          for_each_task:
            inputs: '["eu", "us"]'
            concurrency: 2
            task:
              task_key: score
              notebook_task: { notebook_path: ../scoring/score.py, base_parameters: { region: "{{input}}" } }
    watch:
      name: \${bundle.target}-forecast-watch
      trigger:
        table_update: { table_names: ["\${var.catalog}.gold.forecast"], condition: ALL_UPDATED, wait_after_last_change_seconds: 120 }
      tasks:
        - { task_key: watch, notebook_task: { notebook_path: ../scoring/watch.py }, timeout_seconds: 600 }
`,
    "ml/training/train.py": NOTEBOOK,
    "ml/validation/validate.py": NOTEBOOK,
    "ml/deployment/deploy.py": "print('deploy')\n",
    "ml/scoring/score.py": NOTEBOOK,
    "ml/scoring/watch.py": NOTEBOOK,
  },
};
