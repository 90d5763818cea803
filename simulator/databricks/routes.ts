/**
 * Every route the simulated account knows. What is not here is refused by name.
 */
import { type Route, rawRoute } from "./api.ts";
import { type Authority, authRoutes } from "./auth.ts";
import { experimentRoutes } from "./experiments.ts";
import { fileRoutes } from "./files.ts";
import { jobRoutes } from "./jobs.ts";
import { permissionRoutes } from "./permissions.ts";
import { pipelineRoutes } from "./pipelines.ts";
import { runRoutes } from "./runs.ts";
import { scimRoutes } from "./scim.ts";
import { sqlRoutes } from "./sql.ts";
import { unityRoutes } from "./unity-catalogs.ts";
import { grantRoutes } from "./unity-grants.ts";
import { unityObjectRoutes } from "./unity-objects.ts";
import { policyRoutes } from "./unity-policies.ts";
import { unityWriteRoutes } from "./unity-writes.ts";
import { watcherRoutes } from "./watchers.ts";

/** What the CLI reports about itself; nothing is kept. */
const telemetry = rawRoute("POST", "/telemetry-ext", {
  facts: "databricks-api 10",
  handle: () => ({ body: { errors: [], numProtoSuccess: 1 } }),
});

export function allRoutes(authority: Authority): Route[] {
  return [
    ...authRoutes(authority),
    ...scimRoutes(),
    ...jobRoutes(),
    ...runRoutes(),
    ...permissionRoutes(),
    ...pipelineRoutes(),
    ...fileRoutes(),
    ...unityRoutes(),
    ...unityWriteRoutes(),
    ...unityObjectRoutes(),
    ...grantRoutes(),
    ...experimentRoutes(),
    ...policyRoutes(),
    ...sqlRoutes(),
    ...watcherRoutes(),
    telemetry,
  ];
}
