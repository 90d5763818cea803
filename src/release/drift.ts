/**
 * Drift: what somebody changed by hand. Live settings are looked at through what was declared: a default that the
 * service adds is no drift. But what runs, as whom, on which compute and when always belongs to it, declared or not.
 */
import type { ResourceKey } from "../contract/model.ts";
import { isArray, isObject, type JsonObject, type JsonValue } from "../json.ts";
import { accessByPrincipal, declaredOf, hasGrants } from "./access.ts";
import type { Applied, AppliedResource, Drift, DriftEntry, LiveResource } from "./change.ts";
import { type Difference, differences, keyedItems, normal, type Segment } from "./fields.ts";
import { masked } from "./mask.ts";
import { differencesDigest } from "./meaning.ts";
import { nameIn } from "./resolve.ts";

interface DriftContext {
  /** Turns a symbolic setting of the ledger into what the API should show: ids, folders, the principal. */
  readonly resolve: (key: ResourceKey, settings: JsonObject) => JsonObject;
  /** The tier's application id, which everything runs as that names nobody else. */
  readonly principal: string;
}

/** What differs between what was applied and what lives; a resource that `live` lacks or has as undefined is missing. */
export function driftOf(
  applied: Applied,
  live: ReadonlyMap<ResourceKey, LiveResource | undefined>,
  context: DriftContext,
): Drift {
  const found = [...applied.keys()].sort().flatMap((key): { entry: DriftEntry; fields: readonly Difference[] }[] => {
    const resource = applied.get(key);
    if (resource === undefined) return [];
    const now = live.get(key);
    if (now === undefined) return [{ entry: { key, what: "missing", fields: [] }, fields: [] }];
    const fields = compare(key, resource, now, context);
    return fields.length === 0 ? [] : [{ entry: { key, what: "changed", fields: fields.map(masked) }, fields }];
  });
  return {
    entries: found.map(({ entry }) => entry),
    digest: differencesDigest(found.map(({ entry, fields }) => ({ of: { key: entry.key, what: entry.what }, fields }))),
    empty: found.length === 0,
  };
}

function compare(
  key: ResourceKey,
  resource: AppliedResource,
  live: LiveResource,
  { resolve, principal }: DriftContext,
): Difference[] {
  const { run_as: _compared, allow_duplicate_names: _neverShown, ...declared } = resolve(key, resource.settings);
  const { run_as: echoed, ...shown } = live.settings;
  // what is declared as null or empty is not declared
  const expected = normal({ ...declared, name: nameIn(resource.name, principal) });
  const actual = { ...shown, name: live.name };
  const runAs = live.runAs ?? principalOf(echoed);
  return [
    ...differences(expected, project(expected, actual, resource.kind, [])),
    ...(runAs === undefined
      ? []
      : differences(principalOf(resource.settings["run_as"], principal) ?? principal, runAs, ["run_as"])),
    ...accessDrift(resource, live, principal),
  ];
}

/** The live value, cut to what was declared and what always counts. */
function project(
  expected: JsonValue | undefined,
  live: JsonValue | undefined,
  kind: string,
  path: readonly Segment[],
): JsonValue | undefined {
  if (live === undefined || live === null) return isZero(expected) ? expected : undefined;
  if (isObject(expected) && isObject(live)) {
    const declared = Object.keys(expected);
    const added = Object.keys(live).filter(
      (key) => !declared.includes(key) && alwaysCounts(kind, path, key, live[key]),
    );
    return Object.fromEntries(
      [...declared, ...added].flatMap((key): [string, JsonValue][] => {
        const each = added.includes(key) ? live[key] : project(expected[key], live[key], kind, [...path, key]);
        return each === undefined ? [] : [[key, each]];
      }),
    );
  }
  if (isArray(expected) && isArray(live)) {
    const known = keyedItems(expected, path.at(-1));
    const items = keyedItems(live, path.at(-1));
    if (known !== undefined && items !== undefined) {
      return [...items].map(([key, item]) => project(known.get(key), item, kind, [...path, { key }]) ?? null);
    }
    if (expected.length === live.length) {
      return live.map((item, index) => project(expected[index], item, kind, [...path, index]) ?? null);
    }
  }
  return live;
}

/** The service may leave out what is declared as zero or false. */
function isZero(expected: JsonValue | undefined): boolean {
  return expected === 0 || expected === false || expected === "";
}

/** Schedules and compute of a job, of a task and of an environment in it, and of a pipeline. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = {
  jobs: ["schedule", "continuous", "trigger", "triggers", "job_clusters", "environments", "git_source"],
  task: ["new_cluster", "existing_cluster_id", "job_cluster_key", "environment_key"],
  spec: ["dependencies", "base_environment"],
  pipelines: ["continuous", "clusters", "environment", "serverless"],
};

function alwaysCounts(kind: string, path: readonly Segment[], key: string, value: JsonValue | undefined): boolean {
  if (normal(value) === undefined || value === false) return false;
  if (path.length === 0) return ALWAYS[kind]?.includes(key) === true;
  const parent = path.at(-1);
  if (kind !== "jobs") return false;
  if (path[0] === "environments" && parent === "spec") return ALWAYS["spec"]?.includes(key) === true;
  const isTask = path[0] === "tasks" && (path.length === 2 || parent === "task");
  return isTask && ALWAYS["task"]?.includes(key) === true;
}

/** Who a `run_as` names; `${principal}` is the tier's principal. */
function principalOf(runAs: JsonValue | undefined, principal?: string): string | undefined {
  if (!isObject(runAs)) return undefined;
  const name = runAs["service_principal_name"] ?? runAs["user_name"] ?? runAs["group_name"];
  if (typeof name !== "string") return undefined;
  return name === "${principal}" ? principal : name;
}

/**
 * Access counts where it was declared; of grants, what was declared and is gone: what others granted is not ours. The
 * tier's own principal is left out: it owns what it makes, however that is declared.
 */
function accessDrift(resource: AppliedResource, live: LiveResource, principal: string): Difference[] {
  if (resource.permissions === undefined || live.permissions === undefined) return [];
  if (hasGrants(resource.kind)) {
    const declared = accessByPrincipal(resource.permissions, principal);
    return differences(declared, declaredOf(resource.permissions, live.permissions, principal), ["grants"]);
  }
  const others = (entries: JsonObject[]): JsonObject[] =>
    entries.filter((entry) => entry["principal"] !== `service principal ${principal}`);
  return differences(
    others(accessByPrincipal(resource.permissions, principal)),
    others(accessByPrincipal(live.permissions, principal)),
    ["permissions"],
  );
}
