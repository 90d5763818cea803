/** Which kinds of resources are deployed. */
import { RESOURCE_KINDS } from "../contract/model.ts";
import type { Problems } from "./problems.ts";
import { isNull, type Mapping } from "./tree.ts";

const KINDS_NEVER = [
  "alerts",
  "apps",
  "catalogs",
  "clusters",
  "dashboards",
  "database_catalogs",
  "database_instances",
  "external_locations",
  "genie_spaces",
  "instance_pools",
  "job_runs",
  "model_serving_endpoints",
  "models",
  "postgres_branches",
  "postgres_catalogs",
  "postgres_databases",
  "postgres_endpoints",
  "postgres_projects",
  "postgres_roles",
  "postgres_synced_tables",
  "quality_monitors",
  "secret_scopes",
  "secrets",
  "sql_warehouses",
  "synced_database_tables",
  "vector_search_endpoints",
  "vector_search_indexes",
];

/** A finding for every kind of resource that is not deployed. */
export function checkKinds(resources: Mapping | undefined, problems: Problems): void {
  for (const [kind, entry] of resources?.entries ?? []) {
    if (RESOURCE_KINDS.some((known) => known === kind) || isNull(entry.value)) continue;
    if (entry.value.kind === "map" && entry.value.entries.size === 0) continue;
    if (KINDS_NEVER.includes(kind)) {
      const remedy = "Move it to a bundle of its own, which `databricks bundle deploy` keeps.";
      problems.error("kind-unsupported", entry.key, `Four-Tier does not deploy \`${kind}\`.`, remedy);
    } else if (!entry.value.anchored) {
      const remedy = `A bundle here has ${RESOURCE_KINDS.map((known) => `\`${known}\``).join(", ")}.`;
      problems.error("kind-unknown", entry.key, `There is no kind of resource \`${kind}\`.`, remedy);
    }
  }
}
