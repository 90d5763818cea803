/**
 * The fields of every kind of resource with their types, as v1.12.1 of the Databricks CLI declares them.
 * Written by scripts/bundle-fields.ts; a test compares it when the CLI is on the PATH.
 * s text, b boolean, i integer, f number, [x] list, {x} map, * anything, a name: that type, =name: a text of VALUES;
 * `!` is sent even if empty.
 */
export const FIELDS: Readonly<Record<string, string>> = {
  AiRuntimeTask:
    "code_source_path:s deployments!:[DeploymentSpec] experiment!:s mlflow_experiment_directory:s mlflow_run:s",
  AlertTask: "alert_id:s subscribers:[AlertTaskSubscriber] warehouse_id:s workspace_path:s",
  AlertTaskSubscriber: "destination_id:s user_name:s",
  CleanRoomsNotebookTask: "clean_room_name!:s etag:s notebook_base_parameters:{s} notebook_name!:s",
  Compute: "hardware_accelerator:=HardwareAcceleratorType",
  ComputeConfig: "gpu_node_pool_id:s gpu_type:s num_gpus!:i",
  ComputeSpec: "accelerator_count!:i accelerator_type!:=ComputeSpecAcceleratorType",
  ConditionTask: "left!:s op!:=ConditionTaskOp right!:s",
  Continuous: "pause_status:=PauseStatus task_retry_mode:=TaskRetryMode",
  CronSchedule:
    "pause_status:=PauseStatus quartz_cron_expression!:s sql_condition:SqlConditionConfiguration timezone_id!:s",
  CronTrigger: "quartz_cron_schedule:s timezone_id:s",
  DashboardTask: "dashboard_id:s filters:{s} subscription:Subscription warehouse_id:s",
  DbtCloudTask: "connection_resource_name:s dbt_cloud_job_id:i",
  DbtPlatformTask: "connection_resource_name:s dbt_platform_job_id:s",
  DbtTask: "catalog:s commands!:[s] profiles_directory:s project_directory:s schema:s source:=Source warehouse_id:s",
  DeploymentSpec: "command_path!:s compute!:ComputeSpec name:s",
  Environment: "base_environment:s client:s dependencies:[s] environment_version:s java_dependencies:[s]",
  EventLogSpec: "catalog:s name:s schema:s",
  ExperimentTag: "key:s value:s",
  ExperimentTraceLocation: "uc_trace_location:UcTraceLocation",
  FileArrivalTriggerConfiguration: "min_time_between_triggers_seconds:i url!:s wait_after_last_change_seconds:i",
  FileLibrary: "path:s",
  Filters: "exclude:[s] include:[s]",
  ForEachTask: "concurrency:i inputs!:s task!:Task",
  GenAiComputeTask:
    "command:s compute:ComputeConfig dl_runtime_image!:s mlflow_experiment_name:s source:=Source training_script_path:s yaml_parameters:s yaml_parameters_file_path:s",
  GitSource: "git_branch:s git_commit:s git_provider!:=GitProvider git_tag:s git_url!:s sparse_checkout:SparseCheckout",
  Job: "budget_policy_id:s continuous:Continuous description:s email_notifications:JobEmailNotifications environments:[JobEnvironment] git_source:GitSource health:JobsHealthRules job_clusters:[JobCluster] lifecycle:Lifecycle max_concurrent_runs:i name:s notification_settings:JobNotificationSettings parameters:[JobParameterDefinition] parent_path:s performance_target:=PerformanceTarget permissions:[JobPermission] queue:QueueSettings run_as:JobRunAs schedule:CronSchedule tags:{s} tasks:[Task] timeout_seconds:i trigger:TriggerSettings usage_policy_id:s webhook_notifications:WebhookNotifications",
  JobCluster: "job_cluster_key!:s new_cluster!:* serverless_compute_id:s",
  JobEmailNotifications:
    "no_alert_for_skipped_runs:b on_duration_warning_threshold_exceeded:[s] on_failure:[s] on_start:[s] on_streaming_backlog_exceeded:[s] on_success:[s]",
  JobEnvironment: "environment_key!:s spec:Environment",
  JobNotificationSettings: "no_alert_for_canceled_runs:b no_alert_for_skipped_runs:b",
  JobParameterDefinition: "default!:s name!:s",
  JobPermission: "group_name:s level!:s service_principal_name:s user_name:s",
  JobRunAs: "group_name:s service_principal_name:s user_name:s",
  JobsHealthRule: "metric!:=JobsHealthMetric op!:=JobsHealthOperator value!:i",
  JobsHealthRules: "rules:[JobsHealthRule]",
  Library: "cran:RCranLibrary egg:s jar:s maven:MavenLibrary pypi:PythonPyPiLibrary requirements:s whl:s",
  Lifecycle: "prevent_destroy:b",
  MavenLibrary: "coordinates!:s exclusions:[s] repo:s",
  MlflowExperiment:
    "artifact_location:s lifecycle:Lifecycle name!:s permissions:[MlflowExperimentPermission] tags:[ExperimentTag] trace_location:ExperimentTraceLocation",
  MlflowExperimentPermission: "group_name:s level!:s service_principal_name:s user_name:s",
  ModelTriggerConfiguration:
    "aliases:[s] condition!:=ModelTriggerConfigurationCondition min_time_between_triggers_seconds:i securable_name:s wait_after_last_change_seconds:i",
  NotebookLibrary: "path:s",
  NotebookTask: "base_parameters:{s} notebook_path!:s source:=Source warehouse_id:s",
  Notifications: "alerts:[s] email_recipients:[s]",
  PathPattern: "include:s",
  PeriodicTriggerConfiguration: "interval!:i unit!:=PeriodicTriggerConfigurationTimeUnit",
  Pipeline:
    "allow_duplicate_names:b budget_policy_id:s cascade_on_destroy:b catalog:s channel:s clusters:[*] configuration:{s} continuous:b development:b edition:s environment:PipelinesEnvironment event_log:EventLogSpec filters:Filters gateway_definition:* id:s ingestion_definition:* libraries:[PipelineLibrary] lifecycle:Lifecycle name:s notifications:[Notifications] parameters:{s} permissions:[PipelinePermission] photon:b restart_window:RestartWindow root_path:s run_as:RunAs schema:s serverless:b serverless_compute_id:s storage:s tags:{s} target:s trigger:PipelineTrigger usage_policy_id:s",
  PipelineLibrary: "file:FileLibrary glob:PathPattern jar:s maven:MavenLibrary notebook:NotebookLibrary whl:s",
  PipelineParams:
    "full_refresh:b full_refresh_selection:[s] refresh_flow_selection:[s] refresh_selection:[s] reset_checkpoint_selection:[s]",
  PipelinePermission: "group_name:s level!:s service_principal_name:s user_name:s",
  PipelineTask:
    "full_refresh:b full_refresh_selection:[s] parameters:{s} pipeline_id!:s refresh_flow_selection:[s] refresh_selection:[s] reset_checkpoint_selection:[s]",
  PipelineTrigger: "cron:CronTrigger manual:*",
  PipelinesEnvironment: "dependencies:[s] environment_version:s",
  PowerBiModel:
    "authentication_method:=AuthenticationMethod model_name:s overwrite_existing:b storage_mode:=StorageMode workspace_name:s",
  PowerBiTable: "catalog:s name:s schema:s storage_mode:=StorageMode",
  PowerBiTask:
    "connection_resource_name:s power_bi_model:PowerBiModel refresh_after_update:b tables:[PowerBiTable] warehouse_id:s",
  PrivilegeAssignment: "principal:s privileges:[s]",
  PythonOperatorTask: "main:s parameters:[PythonOperatorTaskParameter]",
  PythonOperatorTaskParameter: "name:s value:s",
  PythonPyPiLibrary: "package!:s repo:s",
  PythonWheelTask: "entry_point!:s named_parameters:{s} package_name!:s parameters:[s]",
  QueueSettings: "enabled!:b",
  RCranLibrary: "package!:s repo:s",
  RegisteredModel:
    "aliases:[RegisteredModelAlias] catalog_name:s comment:s created_at:i created_by:s full_name:s grants:[PrivilegeAssignment] lifecycle:Lifecycle metastore_id:s name:s owner:s schema_name:s storage_location:s updated_at:i updated_by:s",
  RegisteredModelAlias: "alias_name:s catalog_name:s id:s model_name:s schema_name:s version_num:i",
  RestartWindow: "days_of_week:[=DayOfWeek] start_hour!:i time_zone_id:s",
  RunAs: "service_principal_name:s user_name:s",
  RunJobTask:
    "dbt_commands:[s] jar_params:[s] job_id!:i job_parameters:{s} notebook_params:{s} pipeline_params:PipelineParams python_named_params:{s} python_params:[s] spark_submit_params:[s] sql_params:{s}",
  Schema:
    "catalog_name!:s comment:s custom_max_retention_hours:i grants:[PrivilegeAssignment] lifecycle:Lifecycle name!:s properties:{s} storage_root:s",
  SparkJarTask: "jar_uri:s main_class_name:s parameters:[s] run_as_repl:b",
  SparkPythonTask: "parameters:[s] python_file!:s source:=Source",
  SparkSubmitTask: "parameters:[s]",
  SparseCheckout: "patterns:[s]",
  SqlConditionConfiguration: "sql_query_id!:s trigger_mode:=SqlConditionTriggerMode warehouse_id!:s",
  SqlTask:
    "alert:SqlTaskAlert dashboard:SqlTaskDashboard file:SqlTaskFile parameters:{s} query:SqlTaskQuery warehouse_id!:s",
  SqlTaskAlert: "alert_id!:s pause_subscriptions:b subscriptions:[SqlTaskSubscription]",
  SqlTaskDashboard: "custom_subject:s dashboard_id!:s pause_subscriptions:b subscriptions:[SqlTaskSubscription]",
  SqlTaskFile: "path!:s source:=Source",
  SqlTaskQuery: "query_id!:s",
  SqlTaskSubscription: "destination_id:s user_name:s",
  Subscription: "custom_subject:s paused:b subscribers:[SubscriptionSubscriber]",
  SubscriptionSubscriber: "destination_id:s user_name:s",
  TableUpdateTriggerConfiguration:
    "condition:=Condition min_time_between_triggers_seconds:i table_names!:[s] wait_after_last_change_seconds:i",
  Task: "ai_runtime_task:AiRuntimeTask alert_task:AlertTask clean_rooms_notebook_task:CleanRoomsNotebookTask compute:Compute condition_task:ConditionTask dashboard_task:DashboardTask dbt_cloud_task:DbtCloudTask dbt_platform_task:DbtPlatformTask dbt_task:DbtTask depends_on:[TaskDependency] description:s disable_auto_optimization:b disabled:b email_notifications:TaskEmailNotifications environment_key:s existing_cluster_id:s for_each_task:ForEachTask gen_ai_compute_task:GenAiComputeTask health:JobsHealthRules job_cluster_key:s libraries:[Library] max_retries:i min_retry_interval_millis:i new_cluster:* notebook_task:NotebookTask notification_settings:TaskNotificationSettings pipeline_task:PipelineTask power_bi_task:PowerBiTask python_operator_task:PythonOperatorTask python_wheel_task:PythonWheelTask retry_on_timeout:b run_if:=RunIf run_job_task:RunJobTask spark_jar_task:SparkJarTask spark_python_task:SparkPythonTask spark_submit_task:SparkSubmitTask sql_task:SqlTask task_key!:s timeout_seconds:i webhook_notifications:WebhookNotifications",
  TaskDependency: "outcome:s task_key!:s",
  TaskEmailNotifications:
    "no_alert_for_skipped_runs:b on_duration_warning_threshold_exceeded:[s] on_failure:[s] on_start:[s] on_streaming_backlog_exceeded:[s] on_success:[s]",
  TaskNotificationSettings: "alert_on_last_attempt:b no_alert_for_canceled_runs:b no_alert_for_skipped_runs:b",
  TriggerSettings:
    "file_arrival:FileArrivalTriggerConfiguration model:ModelTriggerConfiguration pause_status:=PauseStatus periodic:PeriodicTriggerConfiguration sql_condition:SqlConditionConfiguration table_update:TableUpdateTriggerConfiguration",
  UcTraceLocation: "catalog!:s schema!:s table_prefix:s",
  Volume:
    "catalog_name!:s comment:s grants:[PrivilegeAssignment] lifecycle:Lifecycle name!:s schema_name!:s storage_location:s volume_type:=VolumeType",
  Webhook: "id!:s",
  WebhookNotifications:
    "on_duration_warning_threshold_exceeded:[Webhook] on_failure:[Webhook] on_start:[Webhook] on_streaming_backlog_exceeded:[Webhook] on_success:[Webhook]",
};

/** What a text of few values may be. */
export const VALUES: Readonly<Record<string, string>> = {
  AuthenticationMethod: "OAUTH PAT",
  ComputeSpecAcceleratorType: "GPU_1xA10 GPU_1xH100 GPU_8xH100",
  Condition: "ANY_UPDATED ALL_UPDATED",
  ConditionTaskOp: "EQUAL_TO GREATER_THAN GREATER_THAN_OR_EQUAL LESS_THAN LESS_THAN_OR_EQUAL NOT_EQUAL",
  DayOfWeek: "MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY",
  GitProvider:
    "gitHub bitbucketCloud azureDevOpsServices gitHubEnterprise bitbucketServer gitLab gitLabEnterpriseEdition awsCodeCommit",
  HardwareAcceleratorType: "GPU_1xA10 GPU_8xH100",
  JobsHealthMetric:
    "RUN_DURATION_SECONDS STREAMING_BACKLOG_BYTES STREAMING_BACKLOG_RECORDS STREAMING_BACKLOG_SECONDS STREAMING_BACKLOG_FILES",
  JobsHealthOperator: "GREATER_THAN",
  ModelTriggerConfigurationCondition: "MODEL_CREATED MODEL_VERSION_READY MODEL_ALIAS_SET",
  PauseStatus: "UNPAUSED PAUSED",
  PerformanceTarget: "PERFORMANCE_OPTIMIZED STANDARD",
  PeriodicTriggerConfigurationTimeUnit: "HOURS DAYS WEEKS MINUTES",
  RunIf: "ALL_SUCCESS ALL_DONE NONE_FAILED AT_LEAST_ONE_SUCCESS ALL_FAILED AT_LEAST_ONE_FAILED",
  Source: "WORKSPACE GIT",
  SqlConditionTriggerMode: "QUERY_RETURNS_ROWS RESULT_VALUE_CHANGES",
  StorageMode: "DIRECT_QUERY IMPORT DUAL",
  TaskRetryMode: "NEVER ON_FAILURE",
  VolumeType: "MANAGED EXTERNAL",
};
