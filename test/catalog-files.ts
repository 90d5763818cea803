/** What a bundle declares in a catalog: one of each kind, and the estate that it needs. */
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";

/** Below `resources:`. */
export const KINDS = `
  schemas:
    gold:
      name: Gold
      catalog_name: \${var.catalog}
      comment: What is served
      properties: { team: churn }
      grants: [{ principal: readers, privileges: [USE_SCHEMA, SELECT] }]
  volumes:
    files:
      name: files
      catalog_name: \${var.catalog}
      schema_name: \${resources.schemas.gold.name}
      volume_type: MANAGED
      comment: Uploads
  registered_models:
    churn:
      name: churn
      catalog_name: \${var.catalog}
      schema_name: \${resources.schemas.gold.name}
      comment: Who leaves
      grants: [{ principal: readers, privileges: [EXECUTE] }]
  experiments:
    training:
      name: /Users/\${workspace.current_user.userName}/churn/training
      tags: [{ key: team, value: churn }]
      permissions: [{ level: CAN_READ, group_name: readers }]
`;

export const ESTATE: Partial<DatabricksScenario> = {
  users: { "mona@example.com": {} },
  groups: { readers: { members: ["mona@example.com"] }, analysts: { members: [] } },
  catalogs: { dev: { owner: "ml-pipelines-dev" } },
};
