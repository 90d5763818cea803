/** A simulated dev workspace with its principal connected, for tests of what the suite keeps in a tier. */
import { onTestFinished } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../../simulator/databricks/server.ts";
import { connect, type Workspace } from "../../src/databricks/workspace.ts";
import { QUIET } from "../run.ts";

export const DEV_ID = "11111111-1111-4111-8111-111111111111";
export const FOLDER = `/Workspace/Users/${DEV_ID}/.four-tier/ml-pipelines/dev`;

export interface TestTier {
  readonly simulator: DatabricksSimulator;
  readonly workspace: Workspace;
  /** Method and path of every write to jobs, pipelines, permissions and files so far. */
  readonly writes: () => string[];
}

/** Starts the simulator; it ends with the test, which fails if anything unmodelled was asked. */
export async function startTier(more: Partial<DatabricksScenario> = {}): Promise<TestTier> {
  const simulator = await startDatabricks({
    workspaces: { dev: { id: "1111111111111111" } },
    service_principals: {
      "ml-pipelines-dev": { application_id: DEV_ID, workspaces: ["dev"], secrets: ["dose-dev-secret"] },
    },
    users: { "mona@example.com": { display_name: "Mona" } },
    ...more,
  });
  onTestFinished(async () => {
    await simulator.close();
    if (simulator.unmodelled.length > 0) throw new Error(`not modelled: ${simulator.unmodelled.join(", ")}`);
  });
  return { simulator, workspace: connectTo(simulator), writes: () => writesOf(simulator) };
}

/** Another connection of the same principal: a second run. */
export function connectTo(simulator: DatabricksSimulator): Workspace {
  const { clientId, clientSecret } = simulator.credentials("ml-pipelines-dev");
  return connect({
    host: simulator.workspaces["dev"]?.url ?? "",
    credentials: { kind: "secret", clientId, clientSecret },
    log: QUIET,
  });
}

/** `POST /api/2.2/jobs/create`, in order, sign-in left out. */
function writesOf(simulator: DatabricksSimulator): string[] {
  return simulator.requests
    .filter(({ method, path }) => method !== "GET" && path.startsWith("/api/"))
    .map(({ method, path }) => `${method} ${decodeURIComponent(path)}`);
}
