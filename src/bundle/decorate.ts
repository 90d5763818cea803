/** What is added to a declared resource: the name's prefix, presets, defaults, tags. */
import type { JsonObject, JsonValue } from "../json.ts";
import type { Scope } from "./interpolate.ts";
import { markTags } from "./marks.ts";
import type { RenderOptions } from "./options.ts";
import type { Problems } from "./problems.ts";
import {
  fromJson,
  get,
  getMap,
  getString,
  isNull,
  type Mapping,
  mapping,
  scalar,
  scalarText,
  withKey,
} from "./tree.ts";

/** What decorating needs to know. */
export interface Decoration {
  readonly options: RenderOptions;
  readonly scope: Scope;
  /** The sections outside resources, resolved. */
  readonly settings: Mapping;
  readonly problems: Problems;
}

/** Presets, and what `mode: development` presets (facts: databricks-api 3.2). */
export function withPresets(resource: Mapping, kind: "jobs" | "pipelines", key: string, context: Decoration): Mapping {
  const { settings, scope, problems, options } = context;
  const name = resource.entries.get("name");
  if (name === undefined || isNull(name.value) || scalarText(name.value) === "") {
    problems.error(
      "nameless",
      resource.where,
      `${key} has no name.`,
      "Add `name`: by it people find it in the workspace.",
    );
    return resource;
  }
  let tree = withKey(resource, "name", scope.finalName(name.value));
  const presets = getMap(settings, ["presets"]);
  const development = getString(settings, ["bundle", "mode"]) === "development";
  const strict = options.tier.name === "staging" || options.tier.name === "prod";
  if (kind === "jobs") {
    const preset = get(presets, ["jobs_max_concurrent_runs"]);
    const most = preset?.kind === "scalar" ? Number(preset.value) : development ? 4 : 0;
    const written = get(tree, ["max_concurrent_runs"]);
    if (most > 0 && written === undefined) {
      tree = withKey(tree, "max_concurrent_runs", scalar(most, preset?.where ?? tree.where));
    }
  } else {
    const preset = get(presets, ["pipelines_development"]);
    const value = preset?.kind === "scalar" ? preset.value : development;
    if (value === true && strict && preset !== undefined) {
      const message = `The preset \`pipelines_development\` contradicts ${options.tier.name}.`;
      problems.error("development-mode", preset.where, message, "Remove it.");
    }
    if (value === true) tree = withKey(tree, "development", scalar(true, preset?.where ?? tree.where));
  }
  const linked = get(presets, ["source_linked_deployment"]);
  if (linked?.kind === "scalar" && linked.value === true) {
    const remedy = "Remove it: jobs run the release's own copy of the files.";
    problems.error("unsupported", linked.where, "`source_linked_deployment` is not supported.", remedy);
  }
  return tree;
}

/** What the CLI and the API add, made explicit, so that a comparison never meets an absent field (facts: 3.2). */
export function withDefaults(resource: Mapping, kind: "jobs" | "pipelines"): Mapping {
  const defaults: JsonObject =
    kind === "jobs"
      ? { max_concurrent_runs: 1, queue: { enabled: true } }
      : { development: false, edition: "ADVANCED", channel: "CURRENT" };
  return Object.entries(defaults).reduce(
    (tree: Mapping, [name, value]: [string, JsonValue]) =>
      tree.entries.has(name) ? tree : withKey(tree, name, fromJson(value, tree.where), tree.where),
    resource,
  );
}

/** Preset tags, the development tag, and ours, by which the suite knows its own. */
export function withTags(resource: Mapping, key: string, context: Decoration): Mapping {
  const { settings, options, problems, scope } = context;
  const { tier } = options;
  const where = resource.where;
  const declared = getMap(resource, ["tags"]) ?? mapping([], where);
  const own = markTags(tier, key);
  for (const name of Object.keys(own)) {
    const taken = declared.entries.get(name);
    if (taken === undefined) continue;
    problems.error(
      "reserved",
      taken.key,
      `${key}: the tag ${name} belongs to the suite.`,
      "Remove it: the suite sets it.",
    );
  }
  const presets = getMap(settings, ["presets", "tags"]);
  const entries = new Map(declared.entries);
  for (const [name, entry] of [...(presets?.entries ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const text = scalarText(entry.value);
    if (!entries.has(name) && text !== undefined)
      entries.set(name, { key: entry.key, value: scalar(text, entry.value.where) });
  }
  const developer = scope.values.get("workspace.current_user.short_name");
  const development = getString(settings, ["bundle", "mode"]) === "development" && tier.name !== "sandbox";
  if (development && !entries.has("dev") && developer !== undefined) {
    entries.set("dev", { key: where, value: scalar(developer, where) });
  }
  for (const [name, value] of Object.entries(own)) entries.set(name, { key: where, value: scalar(value, where) });
  const tags = mapping(entries, declared.where);
  if (tags.entries.size > 25) {
    const message = `${key} has ${tags.entries.size} tags, the suite's own included; 25 are possible.`;
    problems.error("tags-many", declared.where, message, "Remove some.");
  }
  return withKey(resource, "tags", tags, where);
}
