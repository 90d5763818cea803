/** Bundles for the Databricks CLI, whose test deploys them into the simulator. */

/** A job with a task of every kind, and one that runs for each of a list. */
const EVERY_KIND = `
bundle: { name: kinds }
variables: { warehouse: { default: "0123456789abcdef" } }
targets: { dev: { default: true } }
resources:
  pipelines:
    flow: { name: flow, catalog: dev, schema: bronze, serverless: true, libraries: [{ file: { path: src/flow.sql } }] }
  jobs:
    other:
      name: other
      tasks: [{ task_key: a, notebook_task: { notebook_path: src/notebook.py } }]
    kinds:
      name: kinds
      parameters: [{ name: day, default: today }]
      environments:
        - environment_key: python
          spec: { environment_version: "4", dependencies: [numpy] }
        - environment_key: java
          spec: { environment_version: "4", java_dependencies: [/Volumes/dev/bronze/jars/a.jar] }
      tasks:
        - { task_key: notebook, notebook_task: { notebook_path: src/notebook.py, base_parameters: { n: 1 } } }
        - { task_key: python, environment_key: python, spark_python_task: { python_file: src/main.py, parameters: [a] } }
        - task_key: wheel
          environment_key: python
          python_wheel_task: { package_name: p, entry_point: main, named_parameters: { n: 1 } }
        - { task_key: jar, environment_key: java, spark_jar_task: { main_class_name: a.B, parameters: [a] } }
        - { task_key: flow, pipeline_task: { pipeline_id: "\${resources.pipelines.flow.id}" } }
        - task_key: other
          run_job_task: { job_id: "\${resources.jobs.other.id}", job_parameters: { day: "{{job.parameters.day}}" } }
        - { task_key: file, sql_task: { warehouse_id: "\${var.warehouse}", file: { path: src/file.sql } } }
        - { task_key: query, sql_task: { warehouse_id: "\${var.warehouse}", query: { query_id: q } } }
        - task_key: alert
          sql_task: { warehouse_id: "\${var.warehouse}", alert: { alert_id: a, subscriptions: [{ user_name: m@example.com }] } }
        - { task_key: dashboard, dashboard_task: { dashboard_id: d, warehouse_id: "\${var.warehouse}" } }
        - task_key: dbt
          environment_key: python
          dbt_task: { project_directory: src, commands: [dbt run], warehouse_id: "\${var.warehouse}" }
        - { task_key: enough, condition_task: { op: GREATER_THAN, left: "{{tasks.notebook.values.n}}", right: "0" } }
        - task_key: each
          depends_on: [{ task_key: enough, outcome: "true" }]
          run_if: ALL_DONE
          for_each_task:
            inputs: "[1, 2]"
            concurrency: 2
            task: { task_key: one, notebook_task: { notebook_path: src/notebook.py, base_parameters: { n: "{{input}}" } } }
`;

export const EVERY_KIND_FILES = {
  "databricks.yml": EVERY_KIND,
  "src/notebook.py": "# Databricks notebook source\nprint(1)\n",
  "src/main.py": "print(2)\n",
  "src/flow.sql": "SELECT 1\n",
  "src/file.sql": "SELECT 2\n",
  "src/dbt_project.yml": "name: d\n",
};

/** Everything that is kept in a catalog, and an experiment, as the pipeline and the job of a team need them. */
export const CATALOG_KINDS = `
bundle: { name: catalog }
targets: { dev: { default: true } }
resources:
  schemas:
    gold:
      name: served
      catalog_name: dev
      comment: What is served
      properties: { team: churn }
      grants: [{ principal: four-tier-readers, privileges: [USE_SCHEMA, SELECT] }]
  volumes:
    files:
      name: files
      catalog_name: "\${resources.schemas.gold.catalog_name}"
      schema_name: "\${resources.schemas.gold.name}"
      volume_type: MANAGED
      grants: [{ principal: four-tier-readers, privileges: [READ_VOLUME] }]
  registered_models:
    churn:
      name: churn
      catalog_name: dev
      schema_name: "\${resources.schemas.gold.name}"
      comment: Who leaves
      grants: [{ principal: four-tier-readers, privileges: [EXECUTE] }]
  experiments:
    training:
      name: /Users/\${workspace.current_user.userName}/trained
      tags: [{ key: team, value: churn }]
      permissions: [{ level: CAN_READ, group_name: four-tier-readers }]
  jobs:
    train:
      name: train
      tasks:
        - task_key: a
          notebook_task:
            notebook_path: src/notebook.py
            base_parameters:
              experiment: "\${resources.experiments.training.id}"
              model: "\${resources.registered_models.churn.id}"
`;
