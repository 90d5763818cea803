/** A small project with two components: a pipeline with the job that refreshes it, and a scoring job with one that starts it. */
export const IDS = {
  dev: "11111111-1111-4111-8111-111111111111",
  staging: "22222222-2222-4222-8222-222222222222",
  prod: "33333333-3333-4333-8333-333333333333",
} as const;
export const CONTRACT = `project: ml-pipelines
tiers:
  sandbox: { service_principal: ml-pipelines-sandbox }
  dev: { workspace: https://dev.cloud.databricks.com, client_id: ${IDS.dev} }
  staging: { workspace: https://stg.cloud.databricks.com, client_id: ${IDS.staging} }
  prod: { workspace: https://prd.cloud.databricks.com, client_id: ${IDS.prod} }
components:
  data: { files: ["src/data/**"], resources: [pipelines.ingest, jobs.refresh] }
  scoring: { files: ["src/scoring/**"], resources: [jobs.score, jobs.watch] }
`;

export const BUNDLE = `bundle: { name: ml-pipelines }
variables:
  catalog: { default: dev }
targets: { sandbox: {}, dev: { default: true }, staging: {}, prod: {} }
resources:
  pipelines:
    ingest:
      name: ingest
      catalog: \${var.catalog}
      schema: bronze
      serverless: true
      continuous: false
      development: false
      libraries: [{ file: { path: src/data/ingest.sql } }]
  jobs:
    refresh:
      name: refresh
      schedule: { quartz_cron_expression: 0 5 * * * ?, timezone_id: UTC }
      tasks: [{ task_key: ingest, pipeline_task: { pipeline_id: "\${resources.pipelines.ingest.id}" } }]
    score:
      name: score
      max_concurrent_runs: 1
      tasks: [{ task_key: score, notebook_task: { notebook_path: src/scoring/score.py } }]
    watch:
      name: watch
      tasks: [{ task_key: start, run_job_task: { job_id: "\${resources.jobs.score.id}" } }]
`;

export const FILES: Readonly<Record<string, string>> = {
  "four-tier.yml": CONTRACT,
  "databricks.yml": BUNDLE,
  "src/data/ingest.sql": "select 1\n",
  "src/scoring/score.py": "# Databricks notebook source\nprint('scores')\n",
  "lib/shared.py": "SHARED = 1\n",
};
