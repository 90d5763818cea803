/**
 * What a job's settings may hold (facts: databricks-api 3.1, 5); field names as the CLI's bundle schema has them.
 */
import * as v from "valibot";
import { Cluster, Library } from "./compute-shape.ts";
import { rareTasks, runJobParameters, sqlObjects } from "./task-shape.ts";

const text = v.string();
const texts = v.array(v.string());
const textMap = v.record(v.string(), v.string());
const flag = v.boolean();
const whole = v.pipe(v.number(), v.integer());
/** An int64 as a bare number. */
export const int64 = v.union([whole, v.bigint()]);

const opt = v.optional;
const pause = opt(v.picklist(["PAUSED", "UNPAUSED"]));

const sqlCondition = v.strictObject({ sql_query_id: text, warehouse_id: text, trigger_mode: opt(text) });
const fileArrival = v.strictObject({
  url: text,
  min_time_between_triggers_seconds: opt(whole),
  wait_after_last_change_seconds: opt(whole),
});
const tableUpdate = v.strictObject({
  table_names: texts,
  condition: opt(v.picklist(["ANY_UPDATED", "ALL_UPDATED"])),
  min_time_between_triggers_seconds: opt(whole),
  wait_after_last_change_seconds: opt(whole),
});
const periodic = v.strictObject({
  interval: v.pipe(whole, v.minValue(1)),
  unit: v.picklist(["MINUTES", "HOURS", "DAYS", "WEEKS"]),
});
const model = v.strictObject({
  condition: text,
  securable_name: opt(text),
  aliases: opt(texts),
  min_time_between_triggers_seconds: opt(whole),
  wait_after_last_change_seconds: opt(whole),
});
const triggerKinds = {
  file_arrival: opt(fileArrival),
  table_update: opt(tableUpdate),
  periodic: opt(periodic),
  model: opt(model),
  sql_condition: opt(sqlCondition),
};
const schedule = v.strictObject({
  quartz_cron_expression: text,
  timezone_id: text,
  pause_status: pause,
  sql_condition: opt(sqlCondition),
});
const continuous = v.strictObject({ pause_status: pause, task_retry_mode: opt(v.picklist(["NEVER", "ON_FAILURE"])) });
// facts: databricks-api 3.1: each entry of the preview's triggers[] has its own pause_status
const manyTriggers = v.strictObject({
  ...triggerKinds,
  pause_status: pause,
  schedule: opt(v.strictObject({ quartz_cron_expression: text, timezone_id: text })),
  continuous: opt(v.strictObject({ task_retry_mode: opt(v.picklist(["NEVER", "ON_FAILURE"])) })),
});

const mails = v.strictObject({
  on_start: opt(texts),
  on_success: opt(texts),
  on_failure: opt(texts),
  on_duration_warning_threshold_exceeded: opt(texts),
  on_streaming_backlog_exceeded: opt(texts),
  no_alert_for_skipped_runs: opt(flag),
});
const hook = v.array(v.strictObject({ id: text }));
const webhooks = v.strictObject({
  on_start: opt(hook),
  on_success: opt(hook),
  on_failure: opt(hook),
  on_duration_warning_threshold_exceeded: opt(hook),
  on_streaming_backlog_exceeded: opt(hook),
});
const health = v.strictObject({
  rules: v.array(v.strictObject({ metric: text, op: v.literal("GREATER_THAN"), value: int64 })),
});
const source = opt(v.picklist(["WORKSPACE", "GIT"]));

const taskFields = {
  task_key: v.pipe(text, v.regex(/^[\w-]{1,100}$/, "a task key is 1 to 100 letters, digits, - and _")),
  description: opt(text),
  depends_on: opt(v.array(v.strictObject({ task_key: text, outcome: opt(text) }))),
  run_if: opt(
    v.picklist(["ALL_SUCCESS", "ALL_DONE", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS", "ALL_FAILED", "AT_LEAST_ONE_FAILED"]),
  ),
  disabled: opt(flag),
  environment_key: opt(text),
  job_cluster_key: opt(text),
  existing_cluster_id: opt(text),
  new_cluster: opt(Cluster),
  libraries: opt(v.array(Library)),
  compute: opt(v.strictObject({ hardware_accelerator: opt(text) })),
  max_retries: opt(whole),
  min_retry_interval_millis: opt(whole),
  retry_on_timeout: opt(flag),
  disable_auto_optimization: opt(flag),
  timeout_seconds: opt(whole),
  email_notifications: opt(mails),
  webhook_notifications: opt(webhooks),
  notification_settings: opt(
    v.strictObject({
      alert_on_last_attempt: opt(flag),
      no_alert_for_canceled_runs: opt(flag),
      no_alert_for_skipped_runs: opt(flag),
    }),
  ),
  health: opt(health),
  notebook_task: opt(
    v.strictObject({ notebook_path: text, base_parameters: opt(textMap), source, warehouse_id: opt(text) }),
  ),
  spark_python_task: opt(v.strictObject({ python_file: text, parameters: opt(texts), source })),
  python_wheel_task: opt(
    v.strictObject({
      package_name: text,
      entry_point: text,
      parameters: opt(texts),
      named_parameters: opt(textMap),
    }),
  ),
  pipeline_task: opt(
    v.strictObject({
      pipeline_id: text,
      full_refresh: opt(flag),
      full_refresh_selection: opt(texts),
      refresh_selection: opt(texts),
      refresh_flow_selection: opt(texts),
      reset_checkpoint_selection: opt(texts),
      parameters: opt(textMap),
    }),
  ),
  run_job_task: opt(v.strictObject({ job_id: int64, job_parameters: opt(textMap), ...runJobParameters })),
  sql_task: opt(
    v.strictObject({
      warehouse_id: text,
      parameters: opt(textMap),
      file: opt(v.strictObject({ path: text, source })),
      query: opt(v.strictObject({ query_id: text })),
      ...sqlObjects,
    }),
  ),
  condition_task: opt(v.strictObject({ left: text, op: text, right: text })),
  dbt_task: opt(
    v.strictObject({
      commands: texts,
      catalog: opt(text),
      schema: opt(text),
      source,
      warehouse_id: opt(text),
      project_directory: opt(text),
      profiles_directory: opt(text),
    }),
  ),
  ...rareTasks,
};
const task = v.strictObject({
  ...taskFields,
  for_each_task: opt(v.strictObject({ inputs: text, concurrency: opt(whole), task: v.strictObject(taskFields) })),
});

const settingsFields = {
  name: opt(v.pipe(text, v.maxLength(4096))),
  description: opt(text),
  tags: opt(textMap),
  tasks: opt(v.pipe(v.array(task), v.maxLength(1000))),
  job_clusters: opt(v.array(v.strictObject({ job_cluster_key: text, new_cluster: Cluster }))),
  environments: opt(
    v.array(
      v.strictObject({
        environment_key: text,
        spec: opt(
          v.strictObject({
            environment_version: opt(text),
            client: opt(text),
            base_environment: opt(text),
            dependencies: opt(texts),
            java_dependencies: opt(texts),
          }),
        ),
      }),
    ),
  ),
  parameters: opt(v.array(v.strictObject({ name: text, default: text }))),
  schedule: opt(schedule),
  continuous: opt(continuous),
  trigger: opt(v.strictObject({ ...triggerKinds, pause_status: pause })),
  triggers: opt(v.array(manyTriggers)),
  max_concurrent_runs: opt(v.pipe(whole, v.minValue(0), v.maxValue(1000))),
  queue: opt(v.strictObject({ enabled: flag })),
  timeout_seconds: opt(whole),
  health: opt(health),
  email_notifications: opt(mails),
  webhook_notifications: opt(webhooks),
  notification_settings: opt(
    v.strictObject({ no_alert_for_canceled_runs: opt(flag), no_alert_for_skipped_runs: opt(flag) }),
  ),
  run_as: opt(v.strictObject({ user_name: opt(text), service_principal_name: opt(text), group_name: opt(text) })),
  git_source: opt(
    v.strictObject({
      git_url: text,
      git_provider: opt(text),
      git_branch: opt(text),
      git_tag: opt(text),
      git_commit: opt(text),
      sparse_checkout: opt(v.strictObject({ patterns: texts })),
    }),
  ),
  performance_target: opt(v.picklist(["STANDARD", "PERFORMANCE_OPTIMIZED"])),
  budget_policy_id: opt(text),
  usage_policy_id: opt(text),
  format: opt(v.picklist(["SINGLE_TASK", "MULTI_TASK"])),
  edit_mode: opt(v.picklist(["UI_LOCKED", "EDITABLE"])),
  deployment: opt(
    v.strictObject({
      kind: text,
      metadata_file_path: opt(text),
      deployment_id: opt(text),
      version_id: opt(text),
    }),
  ),
  parent_path: opt(text),
};

/** Every field there is. */
export const FIELDS: ReadonlySet<string> = new Set(Object.keys(settingsFields));

/** A job's settings, whole. */
export const JobSettings = v.strictObject(settingsFields);
/** facts: databricks-api 8: access_control_list exists on create only. */
export const CreateJob = v.strictObject({
  ...settingsFields,
  access_control_list: opt(
    v.array(
      v.strictObject({
        user_name: opt(text),
        group_name: opt(text),
        service_principal_name: opt(text),
        permission_level: text,
      }),
    ),
  ),
});
