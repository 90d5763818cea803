/**
 * What the facts leave open about Databricks ([?]): the simulator can be run each way, and docs/assumptions.md says what
 * the suite makes of each answer.
 */
import * as v from "valibot";

/** Each can be run both ways. The first value is the default. */
export const Behaviours = v.strictObject({
  /** Status of a create with a used pipeline name (facts: databricks-api 4). */
  duplicate_pipeline_name: v.optional(v.picklist([400, 409]), 400),
  /** Status of a pipeline PUT with a stale expected_last_modified (facts: databricks-api 11.3). */
  stale_last_modified: v.optional(v.picklist([409, 400]), 409),
  /** Status of starting an update while one is active (facts: databricks-api 11.3). */
  update_while_active: v.optional(v.picklist([409, 400]), 409),
  /** PUT on a running continuous pipeline restarts its update (facts: databricks-api 3.4). */
  edit_restarts_continuous: v.optional(v.boolean(), true),
  /** run-now on a paused continuous job (facts: databricks-api 3.3). */
  run_now_on_paused_continuous: v.optional(v.picklist(["one-off", "kick-start"]), "one-off"),
  /** May a service principal without servicePrincipal.user name itself in run_as (facts: databricks-api 11.7)? */
  run_as_itself: v.optional(v.picklist(["denied", "allowed"]), "denied"),
  /** A job that had a run_as, after a reset without one (facts: databricks-api 2.6). */
  reset_without_run_as: v.optional(v.picklist(["keeps", "drops"]), "keeps"),
  /** A pipeline's parameters that a PUT leaves out (facts: databricks-api 4). */
  parameters_left_out: v.optional(v.picklist(["dropped", "kept"]), "dropped"),
  /** SCIM of a workspace lists the service principals that are assigned to it, or all (facts: databricks-api 7). */
  principals_listed: v.optional(v.picklist(["assigned", "all"]), "assigned"),
  /** An OAuth error's body (facts: databricks-api 1.1). */
  oauth_errors: v.optional(v.picklist(["rfc6749", "envelope"]), "rfc6749"),
  /** `expires_in` of a token answer is a number, or a string as Databricks' own fake gives it (facts: databricks-api 1.1). */
  expires_in: v.optional(v.picklist(["number", "string"]), "number"),
  /** Status of permissions for a principal that is not there (facts: databricks-api 8). */
  unknown_acl_principal: v.optional(v.picklist([404, 400]), 404),
  /** Permissions of a job or pipeline that is deleted are still shown (seen in the CLI's test server, August 2026). */
  deleted_permissions: v.optional(v.picklist(["kept", "gone"]), "kept"),
  /**
   * Does the filter of a pipeline's events take update_id? The documentation does not name it (facts: databricks-api 4);
   * the CLI's `bundle run` sends it (its bundle/run/progress/pipeline.go).
   */
  update_id_filter: v.optional(v.picklist(["taken", "refused"]), "taken"),
  /** Who may give a job or pipeline to another owner (facts: databricks-api 8). */
  owner_change: v.optional(v.picklist(["admin", "owner"]), "admin"),
  /** Where a principal that is not assigned to the workspace is refused. */
  unassigned_principal: v.optional(v.picklist(["token", "api"]), "token"),
  /** Status of a request with an expired token (facts: databricks-api 2.1 knows only the invalid one). */
  expired_token: v.optional(v.picklist([401, 403]), 401),
  /** Who may not read all grants of an object gets a 403, or his own only (facts: unity-catalog 1.6). */
  grants_of_others: v.optional(v.picklist(["forbidden", "own"]), "forbidden"),
  /** Lists begin with an empty page that carries a token (facts: unity-catalog 1.1, 1.4). */
  empty_pages: v.optional(v.boolean(), false),
  /** Host metadata is served, with these default audiences, or the route answers 404 (facts: databricks-api 1.1, 10). */
  host_metadata: v.optional(v.boolean(), true),
  /** Do answers show workspace paths with the prefix /Workspace? Clients must bear both. */
  workspace_paths: v.optional(v.picklist(["plain", "prefixed"]), "plain"),
  /** The service adds spark.sql.ansi.enabled to a pipeline's configuration (seen in the CLI's test server, August 2026). */
  pipeline_ansi_default: v.optional(v.boolean(), false),
  /** Writing a file where a notebook is, or the other way round (facts: databricks-api 6). */
  file_over_notebook: v.optional(v.picklist(["conflict", "replace"]), "conflict"),
  /**
   * How a write without `overwrite` is refused where a file is: 409; 400 and a code; or 400 and a text alone, as the
   * service is changing to (facts: databricks-api 6, the CLI's libs/filer).
   */
  file_exists: v.optional(v.picklist(["conflict", "code", "text"]), "conflict"),
  /** A catalog's or schema's properties in an update: all of them, or what is to be added (facts: unity-catalog 1.4). */
  catalog_properties: v.optional(v.picklist(["replace", "merge"]), "replace"),
  /** Status of creating a catalog or schema of a used name (facts: unity-catalog 1.10). */
  securable_exists: v.optional(v.picklist([400, 409]), 400),
  /** A new catalog gets a schema `default`, which stands in the way of deleting it (facts: unity-catalog 1.4). */
  default_schema: v.optional(v.boolean(), true),
  /** What a grant on the object itself has as inherited_from in information_schema (facts: unity-catalog 2). */
  direct_grant_mark: v.optional(v.picklist(["NONE", "null"]), "NONE"),
  /** information_schema.abac_policy_definitions, a preview, is there or not. */
  policy_view: v.optional(v.picklist(["there", "absent"]), "there"),
  /** SCIM lists groups with their members, or without them. */
  group_members_listed: v.optional(v.boolean(), true),
  /** What `Me` calls a service principal in `userName` (facts: databricks-api 1.6). */
  me_user_name: v.optional(v.picklist(["application-id", "display-name"]), "application-id"),
  /** Every authenticated answer says its workspace in X-Databricks-Org-Id (facts: databricks-api 1.6). */
  org_id_header: v.optional(v.boolean(), true),
  /** A notebook's source comes back as it was imported, or set in another way (facts: databricks-api 6). */
  exported_notebook: v.optional(v.picklist(["as-imported", "reset"]), "as-imported"),
  /** What the owner of a catalog may read: its bindings and all grants inside it, or the catalog's own grants alone (facts: unity-catalog 1.5, 1.6). */
  catalog_owner_reads: v.optional(v.picklist(["everything", "itself"]), "everything"),
  /** A list of jobs shows what starts each by itself (facts: databricks-api 2.4). */
  listed_starters: v.optional(v.boolean(), true),
  /** Python that runs from workspace files leaves compiled files beside them. */
  python_cache: v.optional(v.picklist(["nowhere", "beside"]), "nowhere"),
  /** `trigger.table_update.condition` comes back, or not (facts: databricks-api 3.1; sources disagree). */
  table_update_condition: v.optional(v.picklist(["kept", "dropped"]), "kept"),
  /** Searching experiments by a tag finds them. */
  experiment_tag_search: v.optional(v.picklist(["finds", "finds-none"]), "finds"),
  /** A deleted experiment's path is free again. */
  deleted_experiment_path: v.optional(v.picklist(["free", "taken"]), "free"),
  /** Who may only browse is shown comment and properties (facts: unity-catalog 1.4, 1.7). */
  browse_shows_marks: v.optional(v.boolean(), true),
  /** The service starts the next run of an unpaused continuous job once its run was cancelled (facts: databricks-api 3.3). */
  cancelled_loop_restarts: v.optional(v.boolean(), true),
  /** A continuous pipeline that was stopped can be started (facts: databricks-api 3.4). */
  stopped_pipeline_starts: v.optional(v.boolean(), true),
  /** What the service tries again is a new update, or the same once more (facts: databricks-api 4). */
  retried_update: v.optional(v.picklist(["new", "same"]), "new"),
  /** run-now on a job whose schedule is paused (facts: databricks-api 3.3). */
  run_now_on_paused_schedule: v.optional(v.picklist(["starts", "refused"]), "starts"),
  /** `include_trigger_state` shows whether a job's loop stands still (facts: databricks-api 3.1). */
  trigger_state_shown: v.optional(v.boolean(), true),
  /** An update of a paused job ends the loop that a start by hand has set going. */
  update_ends_loop: v.optional(v.boolean(), true),
  /** SQL alerts are listed, or the list is refused. */
  alerts_listed: v.optional(v.boolean(), true),
  /** Status of asking a table without a quality monitor for it. */
  no_monitor: v.optional(v.picklist([404, 400]), 404),
  /** A folder that the caller may not see, or that is not there below one. */
  hidden_folder: v.optional(v.picklist(["forbidden", "missing"]), "forbidden"),
  /** Dropping what is not empty, without force, is refused with these words, or by a code alone. */
  not_empty: v.optional(v.picklist(["said", "coded"]), "said"),
  /** Dropping a schema with force drops all that is in it, or not what is not plain data. */
  forced_drop: v.optional(v.picklist(["everything", "data-only"]), "everything"),
  /** SCIM lists a workspace's users to everybody, or to its administrators (facts: databricks-api 7). */
  users_listed: v.optional(v.picklist(["everybody", "admins"]), "everybody"),
  /** What goes with ALL PRIVILEGES when it is revoked: what it implies, nothing, or all there is (facts: unity-catalog 1.2). */
  revoked_with_all: v.optional(v.picklist(["implied", "nothing", "everything"]), "implied"),
  /** Which half of one change of a principal's grants comes first (facts: unity-catalog 1.2). */
  grants_changed: v.optional(v.picklist(["remove-first", "add-first"]), "remove-first"),
  /** An error says its request in the header x-request-id, beside the RequestInfo of its body (facts: databricks-api 2.1). */
  request_id_header: v.optional(v.boolean(), true),
});

/** Which lines of docs/assumptions.md each is about. */
const ASSUMPTIONS: Readonly<Record<keyof typeof Behaviours.entries, string>> = {
  duplicate_pipeline_name: "A11",
  stale_last_modified: "A11",
  update_while_active: "A11",
  edit_restarts_continuous: "A12",
  run_now_on_paused_continuous: "A33",
  run_as_itself: "A21",
  reset_without_run_as: "A13",
  parameters_left_out: "A19",
  principals_listed: "A17",
  oauth_errors: "A8",
  expires_in: "A22",
  unknown_acl_principal: "A23",
  deleted_permissions: "A104",
  update_id_filter: "A105",
  owner_change: "A24",
  unassigned_principal: "A25",
  expired_token: "A26",
  grants_of_others: "A27",
  empty_pages: "A28",
  host_metadata: "A29",
  workspace_paths: "A30",
  pipeline_ansi_default: "A31",
  file_over_notebook: "A32",
  file_exists: "A9",
  catalog_properties: "A47, A73",
  securable_exists: "A74",
  default_schema: "A75",
  direct_grant_mark: "A59",
  policy_view: "A60",
  group_members_listed: "A61",
  me_user_name: "A6",
  org_id_header: "A7",
  exported_notebook: "A10",
  catalog_owner_reads: "A14",
  listed_starters: "A18",
  python_cache: "A34",
  table_update_condition: "A36",
  experiment_tag_search: "A48",
  deleted_experiment_path: "A49",
  browse_shows_marks: "A50",
  cancelled_loop_restarts: "A53",
  stopped_pipeline_starts: "A54",
  retried_update: "A55",
  run_now_on_paused_schedule: "A56",
  trigger_state_shown: "A67",
  update_ends_loop: "A67",
  alerts_listed: "A70",
  no_monitor: "A71",
  hidden_folder: "A77",
  not_empty: "A78",
  forced_drop: "A79",
  users_listed: "A80",
  revoked_with_all: "A90",
  grants_changed: "A91",
  request_id_header: "A112",
};

interface Behaviour {
  readonly name: string;
  readonly assumption: string;
  /** Every position, the default first. */
  readonly values: readonly (string | number | boolean)[];
}

/** Every behaviour with its positions: for the tests that run each, and for the documentation. */
export const BEHAVIOURS: readonly Behaviour[] = Object.entries(Behaviours.entries).map(([name, schema]) => {
  const { wrapped, default: first } = schema;
  const values = wrapped.type === "boolean" ? [true, false] : [...wrapped.options];
  return {
    name,
    assumption: ASSUMPTIONS[name as keyof typeof ASSUMPTIONS],
    values: values.toSorted((a, b) => Number(b === first) - Number(a === first)),
  };
});
