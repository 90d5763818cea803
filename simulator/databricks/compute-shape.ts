/**
 * Compute and libraries inside jobs and pipelines; field names as the CLI's bundle schema has them. The suite's tiers
 * are serverless, so only what is not nested further is modelled: a field that is missing here is refused by name.
 */
import * as v from "valibot";

const opt = v.optional;
const text = v.string();
const texts = v.array(text);
const textMap = v.record(text, text);
const flag = v.boolean();
const whole = v.pipe(v.number(), v.integer());

const sizes = {
  num_workers: opt(whole),
  autoscale: opt(v.strictObject({ min_workers: opt(whole), max_workers: opt(whole), mode: opt(text) })),
  node_type_id: opt(text),
  driver_node_type_id: opt(text),
  instance_pool_id: opt(text),
  driver_instance_pool_id: opt(text),
  policy_id: opt(text),
  apply_policy_default_values: opt(flag),
  spark_conf: opt(textMap),
  spark_env_vars: opt(textMap),
  custom_tags: opt(textMap),
  enable_local_disk_encryption: opt(flag),
};

/** `new_cluster` of a task or a job cluster. */
export const Cluster = v.strictObject({
  ...sizes,
  spark_version: opt(text),
  data_security_mode: opt(text),
  single_user_name: opt(text),
  runtime_engine: opt(text),
  kind: opt(text),
  is_single_node: opt(flag),
  use_ml_runtime: opt(flag),
});

/** An entry of a pipeline's `clusters`. */
export const PipelineCluster = v.strictObject({ ...sizes, label: opt(text) });

/** A library by its Maven coordinates. */
export const Maven = v.strictObject({ coordinates: text, exclusions: opt(texts), repo: opt(text) });

/** An entry of a task's `libraries`. */
export const Library = v.strictObject({
  jar: opt(text),
  whl: opt(text),
  egg: opt(text),
  requirements: opt(text),
  maven: opt(Maven),
  pypi: opt(v.strictObject({ package: text, repo: opt(text) })),
  cran: opt(v.strictObject({ package: text, repo: opt(text) })),
});
