/**
 * By which routes our code meets what is not known of Databricks. both-ways-met.test.ts plays it in every position and
 * holds this against what was really asked; docs/simulator.md shows it.
 */
export const MET_BY: Readonly<Record<string, readonly string[]>> = {
  duplicate_pipeline_name: ["POST /api/2.0/pipelines"],
  stale_last_modified: ["PUT /api/2.0/pipelines/{id}"],
  update_while_active: ["POST /api/2.0/pipelines/{id}/updates"],
  edit_restarts_continuous: ["PUT /api/2.0/pipelines/{id}"],
  run_now_on_paused_continuous: ["POST /api/2.2/jobs/run-now"],
  run_as_itself: ["POST /api/2.2/jobs/reset"],
  reset_without_run_as: ["POST /api/2.2/jobs/reset"],
  parameters_left_out: ["PUT /api/2.0/pipelines/{id}"],
  principals_listed: ["GET /api/2.0/preview/scim/v2/ServicePrincipals"],
  oauth_errors: ["POST /oidc/v1/token"],
  expires_in: ["POST /oidc/v1/token"],
  unknown_acl_principal: ["PUT /api/2.0/permissions/{type}/{id}"],
  unassigned_principal: ["POST /oidc/v1/token"],
  expired_token: ["POST /api/2.2/jobs/create"],
  grants_of_others: ["GET /api/2.1/unity-catalog/permissions/{type}/{name}"],
  empty_pages: [
    "GET /api/2.1/unity-catalog/catalogs",
    "GET /api/2.1/unity-catalog/functions",
    "GET /api/2.1/unity-catalog/models",
    "GET /api/2.1/unity-catalog/permissions/{type}/{name}",
    "GET /api/2.1/unity-catalog/schemas",
    "GET /api/2.1/unity-catalog/tables",
    "GET /api/2.1/unity-catalog/volumes",
  ],
  host_metadata: ["GET /.well-known/databricks-config"],
  workspace_paths: ["GET /api/2.0/workspace/get-status", "GET /api/2.0/workspace/list"],
  pipeline_ansi_default: ["POST /api/2.0/pipelines"],
  file_over_notebook: ["POST /api/2.0/workspace-files/import-file/{path...}"],
  file_exists: ["POST /api/2.0/workspace-files/import-file/{path...}"],
  direct_grant_mark: ["POST /api/2.0/sql/statements"],
  policy_view: ["POST /api/2.0/sql/statements"],
  group_members_listed: ["GET /api/2.0/preview/scim/v2/Groups"],
};
