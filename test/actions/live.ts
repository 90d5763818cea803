/** What lives in a workspace, written so that two deployments of one bundle can be compared, whoever made them. */
import type { DatabricksSimulator } from "../../simulator/databricks/server.ts";
import { isArray, isObject, type JsonValue } from "../../src/json.ts";

/** Marks of the one or the other, and what the tier decides for us: whether it is paused. */
const NOT_COMPARED = ["deployment", "edit_mode", "format", "pause_status", "id"];

/** By kind and name: settings without marks, ids as names, content folders as `⟨files⟩`, and who may do what. */
export function live(simulator: DatabricksSimulator, workspace: string): Record<string, JsonValue> {
  const { world } = simulator;
  const { acls } = world.workspace(workspace);
  const jobs = world.jobs(workspace);
  const pipelines = world.pipelines(workspace);
  const names = new Map<string, string>([
    ...jobs.map((job) => [String(job.id), `⟨${text(job.settings["name"])}⟩`] as const),
    ...pipelines.map((pipeline) => [pipeline.id, `⟨${text(pipeline.spec["name"])}⟩`] as const),
  ]);
  const access = (kind: "jobs" | "pipelines", id: string): JsonValue =>
    acls
      .of(kind, id)
      .map(({ principal, level }) => `${principal} ${level}`)
      .sort();
  const all = [
    ...jobs.map(({ id, settings }) => ({ kind: "jobs" as const, id: String(id), settings })),
    ...pipelines.map(({ id, spec, parameters }) => ({
      kind: "pipelines" as const,
      id,
      settings: parameters === undefined ? spec : { ...spec, parameters },
    })),
  ];
  return Object.fromEntries(
    all
      .map(({ kind, id, settings }): [string, JsonValue] => [
        `${kind} ${text(settings["name"])}`,
        { settings: plain(settings as JsonValue, names), access: access(kind, id) },
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function plain(value: JsonValue, names: ReadonlyMap<string, string>): JsonValue {
  if (typeof value === "string") return names.get(value) ?? withoutFolder(value);
  if (typeof value === "bigint" || typeof value === "number") return names.get(String(value)) ?? value;
  if (isArray(value)) return value.map((item) => plain(item, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !NOT_COMPARED.includes(key) && !key.startsWith("four_tier_"))
      .map(([key, inner]): [string, JsonValue] => [key, plain(inner, names)])
      // the service keeps `tags: {}` apart from none, and so may a deployment
      .filter(([key, inner]) => !(key === "tags" && isObject(inner) && Object.keys(inner).length === 0))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Content lies where each puts it; what lies there is the same. */
function withoutFolder(value: string): string {
  return value
    .replaceAll(/\/Workspace\/Users\/[^/]+\/\.four-tier\/[^/]+\/[^/]+\/releases\/[\w-]+-[0-9a-f]{64}/g, "⟨files⟩")
    .replaceAll(/\/Workspace\/Users\/[^/]+\/\.bundle\/[^/]+\/[^/]+\/files/g, "⟨files⟩")
    .replaceAll("⟨files⟩/.artifacts/", "⟨artifacts⟩/")
    .replaceAll(/\/Workspace\/Users\/[^/]+\/\.bundle\/[^/]+\/[^/]+\/artifacts\/\.internal\//g, "⟨artifacts⟩/");
}
