/**
 * Kinds of task beyond the usual ones: their shapes only, for the simulator runs no task (field names as the CLI's
 * bundle schema has them; facts: databricks-api 5).
 */
import * as v from "valibot";

const text = v.string();
const texts = v.array(text);
const textMap = v.record(text, text);
const flag = v.boolean();
const whole = v.pipe(v.number(), v.integer());
const long = v.union([whole, v.bigint()]);
const opt = v.optional;

const subscribers = opt(v.array(v.strictObject({ user_name: opt(text), destination_id: opt(text) })));
const powerBiTable = v.strictObject({
  catalog: opt(text),
  name: opt(text),
  schema: opt(text),
  storage_mode: opt(text),
});

/** What `run_job_task` may hand on, beside `job_parameters`. */
export const runJobParameters = {
  dbt_commands: opt(texts),
  jar_params: opt(texts),
  notebook_params: opt(textMap),
  pipeline_params: opt(
    v.strictObject({
      full_refresh: opt(flag),
      full_refresh_selection: opt(texts),
      refresh_flow_selection: opt(texts),
      refresh_selection: opt(texts),
      reset_checkpoint_selection: opt(texts),
    }),
  ),
  python_named_params: opt(textMap),
  python_params: opt(texts),
  spark_submit_params: opt(texts),
  sql_params: opt(textMap),
};

/** What `sql_task` may run, beside a file and a query. */
export const sqlObjects = {
  alert: opt(v.strictObject({ alert_id: text, pause_subscriptions: opt(flag), subscriptions: subscribers })),
  dashboard: opt(
    v.strictObject({
      dashboard_id: text,
      custom_subject: opt(text),
      pause_subscriptions: opt(flag),
      subscriptions: subscribers,
    }),
  ),
};

/** By the key of the task. */
export const rareTasks = {
  ai_runtime_task: opt(
    v.strictObject({
      experiment: text,
      deployments: v.array(
        v.strictObject({
          command_path: text,
          compute: v.strictObject({ accelerator_count: whole, accelerator_type: text }),
          name: opt(text),
        }),
      ),
      code_source_path: opt(text),
      mlflow_experiment_directory: opt(text),
      mlflow_run: opt(text),
    }),
  ),
  alert_task: opt(
    v.strictObject({ alert_id: opt(text), workspace_path: opt(text), warehouse_id: opt(text), subscribers }),
  ),
  clean_rooms_notebook_task: opt(
    v.strictObject({
      clean_room_name: text,
      notebook_name: text,
      etag: opt(text),
      notebook_base_parameters: opt(textMap),
    }),
  ),
  dashboard_task: opt(
    v.strictObject({
      dashboard_id: opt(text),
      warehouse_id: opt(text),
      filters: opt(textMap),
      subscription: opt(v.strictObject({ custom_subject: opt(text), paused: opt(flag), subscribers })),
    }),
  ),
  dbt_cloud_task: opt(v.strictObject({ connection_resource_name: opt(text), dbt_cloud_job_id: opt(long) })),
  dbt_platform_task: opt(v.strictObject({ connection_resource_name: opt(text), dbt_platform_job_id: opt(text) })),
  gen_ai_compute_task: opt(
    v.strictObject({
      dl_runtime_image: text,
      command: opt(text),
      compute: opt(v.strictObject({ num_gpus: whole, gpu_node_pool_id: opt(text), gpu_type: opt(text) })),
      mlflow_experiment_name: opt(text),
      source: opt(v.picklist(["WORKSPACE", "GIT"])),
      training_script_path: opt(text),
      yaml_parameters: opt(text),
      yaml_parameters_file_path: opt(text),
    }),
  ),
  power_bi_task: opt(
    v.strictObject({
      connection_resource_name: opt(text),
      warehouse_id: opt(text),
      refresh_after_update: opt(flag),
      power_bi_model: opt(
        v.strictObject({
          model_name: opt(text),
          workspace_name: opt(text),
          authentication_method: opt(text),
          storage_mode: opt(text),
          overwrite_existing: opt(flag),
        }),
      ),
      tables: opt(v.array(powerBiTable)),
    }),
  ),
  python_operator_task: opt(
    v.strictObject({
      main: opt(text),
      parameters: opt(v.array(v.strictObject({ name: opt(text), value: opt(text) }))),
    }),
  ),
  spark_jar_task: opt(
    v.strictObject({
      main_class_name: opt(text),
      jar_uri: opt(text),
      parameters: opt(texts),
      run_as_repl: opt(flag),
    }),
  ),
  spark_submit_task: opt(v.strictObject({ parameters: opt(texts) })),
};
