/**
 * A bundle, rendered for one tier: read, merged with the target, resolved, brought to the API's types, checked against
 * the tier's rules. Pure: it reads files through the source alone, so any commit is rendered by the same code.
 */
import { type Contract, RESOURCE_KINDS, type ResourceKind, TIERS } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { componentOf } from "../release/components.ts";
import { renderCatalogObject } from "./catalog-objects.ts";
import { checkCatalogs } from "./catalog-rules.ts";
import { type Decoration, withDefaults, withPresets, withTags } from "./decorate.ts";
import { checkTraining, renderExperiment, sourcesIn } from "./experiments.ts";
import { checkCircles, checkNames } from "./graph.ts";
import { checkRunAs, permissions } from "./identity.ts";
import { idReferences, interpolate } from "./interpolate.ts";
import { checkJob } from "./job-rules.ts";
import { checkKinds } from "./kinds.ts";
import { loadBundle } from "./load.ts";
import { mergeByKey, mergeTarget } from "./merge.ts";
import {
  type ArtifactReference,
  PRINCIPAL_SYMBOL,
  RELEASE_SYMBOL,
  type RenderedBundle,
  type RenderedResource,
} from "./model.ts";
import { normalize } from "./normalize.ts";
import type { RenderOptions } from "./options.ts";
import { type Content, translateJob, translatePipeline } from "./paths.ts";
import { checkPipeline } from "./pipeline-rules.ts";
import { Problems } from "./problems.ts";
import { checkPausePreset, pauseJob, pausePipeline, scheduleState } from "./schedules.ts";
import { makeScope, resolveSections, type Values, valuesOf } from "./scope.ts";
import { bundleName, checkSections, checkTier, findTarget } from "./sections.ts";
import type { BundleSource } from "./source.ts";
import { deployedFiles } from "./sync.ts";
import {
  type Entry,
  eachScalar,
  type FileWhere,
  get,
  getMap,
  getString,
  type Mapping,
  toJsonObject,
  whereAt,
  withKey,
  withoutKeys,
} from "./tree.ts";

interface Rendering {
  /** Undefined if a finding is an error. */
  readonly rendered: RenderedBundle | undefined;
  /** By file, line and column. */
  readonly findings: readonly Finding[];
}

/** Renders the bundle for one tier. Never throws on what a bundle says: that is a finding at file:line:column. */
export function renderBundle(source: BundleSource, options: RenderOptions): Rendering {
  const problems = new Problems();
  const rendered = render(source, options, valuesOf(options), problems);
  return { rendered: problems.failed ? undefined : rendered, findings: problems.list() };
}

/** What stands for the tier's own names when tiers are compared: `⟨catalog⟩` and the like. */
export function renderSymbolically(source: BundleSource, options: RenderOptions): RenderedBundle | undefined {
  const problems = new Problems();
  const symbolic = Object.fromEntries(Object.keys(valuesOf(options)).map((name) => [name, `⟨${name}⟩`]));
  const keep = { principal: PRINCIPAL_SYMBOL, release: RELEASE_SYMBOL };
  const rendered = render(source, options, { ...valuesOf(options), ...symbolic, ...keep }, problems);
  return rendered;
}

function render(
  source: BundleSource,
  options: RenderOptions,
  values: Values,
  problems: Problems,
): RenderedBundle | undefined {
  const { tier, contract } = options;
  const root = options.root === "." ? "" : options.root.replace(/\/+$/, "");
  const loaded = loadBundle(source, root, problems);
  if (loaded === undefined) return undefined;
  checkUnusedOverrides(source, root, problems);
  const name = bundleName(loaded.root, problems);
  const target = findTarget(loaded.root, tier, problems);
  if (target === undefined) return undefined;
  checkSections(loaded.root, target, tier, problems);
  const merged = mergeTarget(loaded.root, target, problems);
  const scope = makeScope(loaded.root, merged, target, options, values, problems);
  const settings = resolveSections(merged, scope);
  checkTier(settings, tier, contract, problems);
  checkRunAs(get(settings, ["run_as"]), tier, contract, problems);
  checkPausePreset(settings, tier, problems);
  const resources = getMap(merged, ["resources"]);
  checkKinds(resources, problems);
  const files = deployedFiles(source, root, settings, problems);
  const needed = new Map<string, ArtifactReference>();
  const content: Content = {
    source,
    root,
    files: new Set(files),
    artifacts: options.artifacts,
    problems,
    needs: (artifact) => {
      const known = needed.get(artifact.path);
      const merged = new Set([...(known?.resources ?? []), ...artifact.resources]);
      needed.set(artifact.path, { ...artifact, ...known, resources: [...merged].sort() });
    },
  };
  const context: Context = { options, scope, settings, content, problems };
  const rendered = new Map<string, RenderedResource>();
  for (const kind of RESOURCE_KINDS) {
    for (const [key, entry] of getMap(resources, [kind])?.entries ?? []) {
      const resource = renderResource(kind, key, entry, context);
      if (resource !== undefined) rendered.set(resource.key, resource);
    }
  }
  checkNames(rendered, problems);
  checkCircles(rendered, problems);
  return {
    bundle: name,
    tier: tier.name,
    resources: new Map([...rendered].sort(([a], [b]) => (a < b ? -1 : 1))),
    includes: loaded.files,
    files,
    artifacts: [...needed.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

interface Context extends Decoration {
  readonly content: Content;
}

/** The kinds' names in the table of fields. */
const TYPES: Readonly<Record<ResourceKind, string>> = {
  schemas: "Schema",
  volumes: "Volume",
  registered_models: "RegisteredModel",
  experiments: "MlflowExperiment",
  pipelines: "Pipeline",
  jobs: "Job",
};
/** Fields of a bundle's resource that the API does not take. */
const BUNDLE_ONLY = ["permissions", "lifecycle", "run_as", "cascade_on_destroy", "id", "parent_path"];

function renderResource(
  kind: ResourceKind,
  name: string,
  entry: Entry,
  context: Context,
): RenderedResource | undefined {
  const { options, scope, settings, content, problems } = context;
  const { tier, contract } = options;
  const key = `${kind}.${name}`;
  if (entry.value.kind !== "map") {
    problems.error("empty-resource", entry.key, `${key} says nothing.`, "Declare its fields, or remove it.");
    return undefined;
  }
  const resolved = interpolate(entry.value, scope);
  if (resolved.kind !== "map") return undefined;
  const byKeys = mergeLists(resolved, kind, problems);
  const declared = normalize(byKeys, TYPES[kind], key, problems);
  noteBundleOnly(declared, key, problems);
  if (kind === "schemas" || kind === "volumes" || kind === "registered_models") {
    const shown = withoutKeys(declared, BUNDLE_ONLY);
    const object = renderCatalogObject(shown, kind, key, tier, contract, problems);
    if (object === undefined) return undefined;
    return finish(kind, key, object.fullName, object.tree, entry.key, object.grants, contract);
  }
  checkRunAs(get(declared, ["run_as"]), tier, contract, problems);
  const acl = permissions(
    get(settings, ["permissions"]),
    get(declared, ["permissions"]),
    kind,
    tier,
    contract,
    problems,
  );
  const state = scheduleState(tier, key, options.now);
  let tree = withoutKeys(declared, BUNDLE_ONLY);
  if (kind === "experiments") {
    tree = renderExperiment(tree, key, tier, scope.finalName, problems);
    checkCatalogs(tree, key, tier, contract, problems);
    return finish(kind, key, getString(tree, ["name"]) ?? "", tree, entry.key, acl, contract);
  }
  if (kind === "jobs") {
    checkJob(tree, key, problems);
    tree = pauseJob(translateJob(tree, key, content), key, tier, state, problems);
    checkTraining(tree, key, sourcesIn(content.source, content.root, content.files), problems);
  } else {
    checkPipeline(tree, key, tier, contract, problems);
    tree = pausePipeline(translatePipeline(tree, key, content), state);
  }
  checkCatalogs(tree, key, tier, contract, problems);
  tree = withDefaults(withPresets(tree, kind, key, context), kind);
  tree = withTags(tree, key, context);
  return finish(kind, key, getString(tree, ["name"]) ?? "", tree, entry.key, acl, contract);
}

function finish(
  kind: ResourceKind,
  key: string,
  name: string,
  tree: Mapping,
  where: FileWhere,
  acl: RenderedResource["permissions"],
  contract: Contract,
): RenderedResource {
  const references = new Set<string>();
  eachScalar(tree, (leaf) => {
    if (typeof leaf.value === "string") for (const other of idReferences(leaf.value)) references.add(other);
  });
  return {
    key,
    kind,
    name,
    settings: toJsonObject(tree),
    permissions: acl,
    component: componentOf(contract, key),
    references: [...references].sort(),
    where,
    at: (path) => whereAt(tree, path, where),
  };
}

/** Items of one key merge: a target's task adds to the task of that key (the CLI's rule, tested against it). */
function mergeLists(resource: Mapping, kind: ResourceKind, problems: Problems): Mapping {
  const lists: readonly (readonly [string, string])[] =
    kind === "jobs"
      ? [
          ["tasks", "task_key"],
          ["job_clusters", "job_cluster_key"],
          ["parameters", "name"],
        ]
      : [["clusters", "label"]];
  return lists.reduce((tree, [name, key]) => {
    const node = tree.entries.get(name)?.value;
    return node === undefined ? tree : withKey(tree, name, mergeByKey(node, key, name === "tasks", problems));
  }, resource);
}

const WITHOUT_EFFECT: readonly (readonly [string, string])[] = [
  ["cascade_on_destroy", "nothing is deleted that the contract does not list under `destructive`."],
  ["lifecycle", "nothing is deleted that the contract does not list under `destructive`."],
  ["parent_path", "jobs are found by their names and tags."],
];

function noteBundleOnly(declared: Mapping, key: string, problems: Problems): void {
  for (const [name, why] of WITHOUT_EFFECT) {
    const entry = declared.entries.get(name);
    if (entry === undefined) continue;
    const message = `${key}: \`${name}\` has no effect in a promotion.`;
    problems.notice("no-effect", entry.key, message, `Nothing to do: ${why}`);
  }
  const id = declared.entries.get("id");
  if (id !== undefined) {
    const remedy = "Remove it; to take over an existing pipeline, name its id under `adopt` in the contract.";
    problems.error("unsupported", id.key, `${key}: \`id\` is not supported.`, remedy);
  }
}

/** A variables file of the CLI that is committed would change what it deploys, and changes nothing here. */
function checkUnusedOverrides(source: BundleSource, root: string, problems: Problems): void {
  for (const tier of TIERS) {
    const file = [root, `.databricks/bundle/${tier}/variable-overrides.json`].filter((part) => part !== "").join("/");
    if (!source.has(file)) continue;
    const remedy = `Move its values to \`targets.${tier}.variables\`, and remove the file.`;
    problems.error("variable-overrides", { kind: "file", file, line: 1, column: 1 }, "This file is not used.", remedy);
  }
}
