/** Contracts that the tests share. */

/** The least a contract says. */
export const MINIMAL = `tiers:
  dev: { workspace: https://dev-123.cloud.databricks.com }
  staging: { workspace: https://stg-123.cloud.databricks.com }
  prod: { workspace: https://prd-123.cloud.databricks.com }
`;

/** Every key that the documentation shows. */
export const EXAMPLE = `project: ml-pipelines
tiers:
  sandbox: { service_principal: ml-pipelines-sandbox, storage_root: s3://acme-sandboxes, keep_days: 30 }
  dev:     { workspace: https://dev-123.cloud.databricks.com }          # sandbox shares it
  staging: { workspace: https://stg-123.cloud.databricks.com, gate: { verify: [smoke_test] } }
  prod:
    workspace: https://prd-123.cloud.databricks.com
    workspace_id: "1234567890123456"
    gate: { soak: 24h, verifications: 3, verify: [smoke_test], approvers: not_actor, windows: ["Mon-Thu 08:00-16:00 Europe/Berlin"] }
    destructive: []              # resource keys that may be replaced or deleted
    active_runs: allow           # allow | wait | fail
    may_differ_from_staging: []  # beyond catalog, names, hosts, principals, schedules
users: { octocat: mona@example.com }
grants:
  authority: project             # catalog: we own the catalog and may remove; project: we check, and only add
  rules: [{ on: catalog staging, principal: data-scientists, privileges: [USE_CATALOG, USE_SCHEMA, SELECT] }]
schedules:
  exceptions: [{ tier: staging, job: nightly_eval, state: running, until: 2027-01-31, reason: "load test" }]
holds: { on_expiry: report }              # or resume
adopt: { prod: { jobs.score: "830012345678901" } }      # resources that stood before us
components: { scoring: { files: ["src/scoring/**"], resources: [jobs.score] } }
`;
