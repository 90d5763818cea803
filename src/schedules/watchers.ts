/**
 * SQL alerts and quality monitors of a tier that should be quiet. They are reported and never written: they belong to
 * people, no release brings them, and a monitor's pause cannot be set through the API.
 */
import type { Tier } from "../contract/model.ts";
import { listSchemas, listTables } from "../databricks/unity.ts";
import { getMonitor, listAlerts, type Watcher } from "../databricks/watchers.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { mapBounded, together } from "../http/pool.ts";
import { matches } from "./holds.ts";
import type { Scope } from "./observe.ts";

/** What is looked at besides jobs and pipelines. */
export type Also = "alerts" | "monitors";

interface WatchersQuestion {
  readonly tier: Pick<Tier, "name" | "catalog" | "schedules">;
  readonly scope: Scope;
  readonly names: readonly string[];
  /** Asked for by name: what cannot be read is unknown then. */
  readonly also: readonly Also[];
  readonly strict: boolean;
}

const READS = 8;

/** Findings for what runs; in a tier whose schedules run there are none. Alerts are looked at anyway, monitors if asked for. */
export async function watcherFindings(workspace: Workspace, question: WatchersQuestion): Promise<Finding[]> {
  if (question.tier.schedules === "running") return [];
  const [alerts, monitors] = await together([
    seen("alerts", question, () => alertsOf(workspace, question)),
    question.also.includes("monitors") ? seen("monitors", question, () => monitorsOf(workspace, question)) : [],
  ]);
  return [...alerts, ...monitors];
}

/** What cannot be read is unseen: said, and unknown only if somebody asked for it. It never keeps jobs from being paused. */
async function seen(what: Also, question: WatchersQuestion, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    return [unseen(what, `The ${what === "alerts" ? "SQL alerts" : "quality monitors"}`, question, error)];
  }
}

function unseen(what: Also, who: string, { tier, also }: WatchersQuestion, error: FourTierError): Finding {
  const asked = also.includes(what);
  return {
    id: "schedules/unseen",
    severity: asked ? "unknown" : "notice",
    message: `${who} of ${tier.name} could not be looked at: ${error.findings.map(({ message }) => message).join(" ")}`,
    remedy: asked
      ? `Let the principal see what the message names, or leave ${what} out of the input also.`
      : "Nothing, if there are none; else let the principal see them.",
  };
}

async function alertsOf(workspace: Workspace, question: WatchersQuestion): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const alert of listAlerts(workspace)) {
    const ours = question.scope === "workspace" || question.names.some((pattern) => matches(pattern, alert.name));
    if (ours && runs(alert)) found.push(finding("SQL alert", alert, question));
  }
  return found;
}

/** Monitors of the tier's own catalog: whatever the scope, a catalog is the project's. */
async function monitorsOf(workspace: Workspace, question: WatchersQuestion): Promise<Finding[]> {
  const { catalog } = question.tier;
  const tables: string[] = [];
  for await (const schema of listSchemas(workspace, catalog)) {
    if (schema.name.toLowerCase() === "information_schema") continue;
    for await (const table of listTables(workspace, catalog, schema.name)) tables.push(table.fullName);
  }
  const found = await mapBounded(tables, READS, async (table): Promise<Finding | undefined> => {
    try {
      const monitor = await getMonitor(workspace, table);
      return monitor !== undefined && runs(monitor) ? finding("quality monitor", monitor, question) : undefined;
    } catch (error) {
      if (!(error instanceof FourTierError)) throw error;
      return unseen("monitors", `The quality monitor of ${table}`, question, error);
    }
  });
  return found.filter((each) => each !== undefined);
}

function runs({ cron, paused }: Watcher): boolean {
  return cron !== undefined && !paused;
}

function finding(what: string, { name, cron }: Watcher, { tier, strict }: WatchersQuestion): Finding {
  const clock = cron === undefined ? "" : ` (cron ${cron.expression}, ${cron.zone})`;
  return {
    id: "schedules/watcher-runs",
    severity: strict ? "error" : "warning",
    where: { kind: "resource", tier: tier.name, key: `${what} ${name}` },
    message: `The ${what} ${name} runs by itself${clock}, and ${tier.name} is paused.`,
    why: "It costs money each time. It is not written by this action.",
    remedy: "Pause it in the workspace (of a monitor, remove the schedule), or move it to prod.",
  };
}
