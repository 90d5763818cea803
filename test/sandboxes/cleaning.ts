/** Clean-ups of a simulated account: one run as dev's principal, and what a person would read of it. */
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import type { DatabricksSimulator } from "../../simulator/databricks/server.ts";
import { type CleanRequest, type CleanResult, clean } from "../../src/clean.ts";
import { mkdirs } from "../../src/databricks/files.ts";
import { connect } from "../../src/databricks/workspace.ts";
import { shareFolder } from "../../src/ledger/share.ts";
import { type Account, APPLICATION } from "../account.ts";
import { QUIET } from "../run.ts";
import { estate, SANDBOX_APPLICATION } from "./estate.ts";

export const DAY = 86_400;
/** A run that is still at work. */
export const DEPLOYING = "7";
let runs = 900;

/** Cleans, not as a dry run, as a run of its own. */
export async function cleanUp(
  { simulator, contract }: Pick<Account, "simulator" | "contract">,
  more: Partial<CleanRequest> = {},
): Promise<CleanResult> {
  return clean({
    workspace: connect({
      host: simulator.workspaces["dev"]?.url ?? "",
      credentials: { kind: "secret", ...simulator.credentials("ml-pipelines-dev") },
      log: QUIET,
    }),
    contract,
    principal: APPLICATION.dev,
    dryRun: false,
    most: 3,
    lock: {
      owner: { run: String((runs += 1)), attempt: 1, job: "clean" },
      runHasEnded: (id) => Promise.resolve(id !== DEPLOYING),
      log: QUIET,
      now: () => simulator.now(),
    },
    now: simulator.now(),
    pause: () => Promise.resolve(),
    log: QUIET,
    ...more,
  });
}

export const said = (result: CleanResult): string[] => result.findings.map(({ severity, id }) => `${severity} ${id}`);
export const outcomes = (result: CleanResult): string[] =>
  result.rows.map(({ catalog, decision, outcome }) => `${catalog}: ${decision.do}, ${outcome}`).sort();

/** Whether a catalog or what is in one is there. */
export function isThere({ world }: DatabricksSimulator, name: string): boolean {
  try {
    return world.securable(name) !== undefined;
  } catch {
    return false;
  }
}

/** Sets properties of octocat's sandbox by hand. */
export function setProperties({ world }: DatabricksSimulator, properties: Record<string, string>): void {
  const catalog = world.securable("octocat_sandbox");
  catalog.properties = { ...catalog.properties, ...properties };
}

/** Of what is deployed to octocat's sandbox. */
export const FOLDER = `/Workspace/Users/${SANDBOX_APPLICATION}/.four-tier/ml-pipelines/sandbox/octocat`;

/** octocat's sandbox with a table, a job and a pipeline, unused for 40 days; `warned` some days ago, or not. */
export async function unusedSandbox(
  warned: number | undefined,
  more: Pick<DatabricksScenario, "behaviours"> = {},
): Promise<Account> {
  const account = await estate({
    ...more,
    catalogs: {
      octocat_sandbox: {
        owner: "ml-pipelines-dev",
        properties: { four_tier_project: "ml-pipelines", four_tier_developer: "octocat" },
        schemas: { gold: { tables: { scores: {} } } },
      },
    },
  });
  const { simulator } = account;
  const { world } = simulator;
  const tags = (key: string) => ({
    four_tier_project: "ml-pipelines",
    four_tier_tier: "sandbox",
    four_tier_key: key,
    four_tier_developer: "octocat",
  });
  const { acls } = world.workspace("dev");
  const shared = (kind: "jobs" | "pipelines", id: string): void =>
    acls.set(kind, id, [...acls.of(kind, id), { principal: APPLICATION.dev, level: "CAN_MANAGE" }]);
  const job = world.createJob("dev", SANDBOX_APPLICATION, {
    name: "[sandbox octocat] score",
    tags: tags("jobs.score"),
    tasks: [{ task_key: "t", notebook_task: { notebook_path: "/Workspace/x" } }],
  });
  shared("jobs", String(job.id));
  const pipeline = world.createPipeline("dev", SANDBOX_APPLICATION, {
    name: "[sandbox octocat] ingest",
    catalog: "octocat_sandbox",
    schema: "gold",
    tags: tags("pipelines.ingest"),
    libraries: [{ file: { path: "/Workspace/x.sql" } }],
  });
  shared("pipelines", pipeline.id);
  await mkdirs(account.connect("dev", "ml-pipelines-sandbox"), FOLDER);
  await shareFolder(account.connect("dev", "ml-pipelines-sandbox"), FOLDER, {
    principal: SANDBOX_APPLICATION,
    readers: undefined,
    manager: APPLICATION.dev,
  });
  setProperties(simulator, { four_tier_created: simulator.now().toISOString() });
  simulator.advance(40 * DAY);
  if (warned !== undefined) {
    setProperties(simulator, {
      four_tier_warned: new Date(simulator.now().getTime() - warned * DAY * 1000).toISOString(),
    });
  }
  return account;
}
