/** What a pipeline may not say: compute that is not serverless, development mode, another tier's catalog. */
import type { Contract, Tier } from "../contract/model.ts";
import { catalogOwner } from "./catalog-rules.ts";
import { WHY_SERVERLESS } from "./job-rules.ts";
import type { Problems } from "./problems.ts";
import { get, getString, type Mapping } from "./tree.ts";

/** Checks a pipeline: serverless, the tier's catalog, nothing that belongs to the old engine. */
export function checkPipeline(
  pipeline: Mapping,
  key: string,
  tier: Tier,
  contract: Contract,
  problems: Problems,
): void {
  const serverless = pipeline.entries.get("serverless");
  const value = get(pipeline, ["serverless"]);
  if (value?.kind !== "scalar" || value.value !== true) {
    const where = serverless?.value.where ?? pipeline.where;
    problems.error("not-serverless", where, `${key} is not serverless.`, "Write `serverless: true`.", WHY_SERVERLESS);
  }
  for (const name of ["clusters", "gateway_definition"]) {
    const entry = pipeline.entries.get(name);
    if (entry === undefined) continue;
    const remedy = `Remove \`${name}\`.`;
    problems.error("not-serverless", entry.key, `${key}: \`${name}\` asks for clusters.`, remedy, WHY_SERVERLESS);
  }
  const trigger = pipeline.entries.get("trigger");
  if (trigger !== undefined) {
    const remedy = "Schedule a job with a `pipeline_task`.";
    problems.error("unsupported", trigger.key, `${key}: \`trigger\` of a pipeline is not supported.`, remedy);
  }
  checkDevelopment(pipeline, key, tier, problems);
  checkPipelineCatalog(pipeline, key, tier, contract, problems);
}

function checkDevelopment(pipeline: Mapping, key: string, tier: Tier, problems: Problems): void {
  const development = get(pipeline, ["development"]);
  if (development?.kind !== "scalar" || development.value !== true) return;
  if (tier.name !== "staging" && tier.name !== "prod") return;
  const message = `${key} is in development mode in ${tier.name}.`;
  const why = "In development mode a pipeline does not retry.";
  problems.error("development-mode", development.where, message, "Write `development: false`, or remove it.", why);
}

function checkPipelineCatalog(
  pipeline: Mapping,
  key: string,
  tier: Tier,
  contract: Contract,
  problems: Problems,
): void {
  const remedy = "Write `catalog: ${var.catalog}`.";
  const catalog = get(pipeline, ["catalog"]);
  const name = getString(catalog, []);
  if (catalog === undefined || name === undefined) {
    const message = `${key} names no catalog, and would write to the workspace's default.`;
    problems.error("catalog-missing", pipeline.entries.get("storage")?.key ?? pipeline.where, message, remedy);
    return;
  }
  if (name === tier.catalog) return;
  const other = catalogOwner(name, tier, contract);
  if (other !== undefined) {
    const message = `In ${tier.name}, ${key} would write to ${name}, the catalog of ${other}.`;
    problems.error("catalog-contradicts", catalog.where, message, remedy);
  } else {
    const message = `In ${tier.name}, ${key} writes to ${name}, which is not the tier's catalog (${tier.catalog}).`;
    problems.warning("catalog-foreign", catalog.where, message, remedy);
  }
}
