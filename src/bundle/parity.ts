/**
 * Staging proves nothing about prod unless both are the same. What a bundle renders for them may differ only in
 * catalog, names, hosts, principals, schedules, and what the contract lists under `may_differ_from_staging`.
 */
import type { Tier } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import type { Finding } from "../findings.ts";
import { isArray, isObject, type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import type { RenderedBundle, RenderedResource, SettingsPath } from "./model.ts";
import type { RenderOptions } from "./options.ts";
import { Problems } from "./problems.ts";
import { renderBundle, renderSymbolically } from "./render.ts";
import type { BundleSource } from "./source.ts";

/** Fields of a resource that are a tier's own: its name, and when it runs. */
const OWN = ["name", "schedule", "continuous", "trigger", "triggers", "tags.four_tier_tier"];
/** By what an item of a list is known, so that an added task does not shift the others. */
const ITEM_KEYS = ["task_key", "environment_key", "job_cluster_key", "name", "key"];

/**
 * Compares what the bundle renders for staging and prod. A bundle that does not render for one of them has findings of
 * its own, and none from here.
 */
export function compareStagingAndProd(source: BundleSource, options: Omit<RenderOptions, "tier">): readonly Finding[] {
  const sides = [];
  for (const name of ["staging", "prod"] as const) {
    const tier = resolveTier(options.contract, name);
    const { rendered } = renderBundle(source, { ...options, tier });
    const symbolic = renderSymbolically(source, { ...options, tier });
    if (rendered === undefined || symbolic === undefined) return [];
    sides.push({ tier, rendered, symbolic });
  }
  const [staging, prod] = sides;
  if (staging === undefined || prod === undefined) return [];
  return compare(staging, prod);
}

interface Side {
  readonly tier: Tier;
  readonly rendered: RenderedBundle;
  /** With `⟨catalog⟩` and the like in place of the tier's own names. */
  readonly symbolic: RenderedBundle;
}

function compare(staging: Side, prod: Side): readonly Finding[] {
  const problems = new Problems();
  const allowed = prod.tier.mayDifferFromStaging.map(pattern);
  const keys = new Set([...staging.rendered.resources.keys(), ...prod.rendered.resources.keys()]);
  for (const key of [...keys].sort()) {
    const ours = prod.rendered.resources.get(key);
    const theirs = staging.rendered.resources.get(key);
    if (ours === undefined || theirs === undefined) {
      if (!allowed.some((matches) => matches(key))) onlyOne(key, ours, theirs, problems);
      continue;
    }
    const left = leaves(theirs, staging);
    const right = leaves(ours, prod);
    for (const path of new Set([...left.keys(), ...right.keys()])) {
      const before = left.get(path);
      const after = right.get(path);
      if (isOwn(path) || same(before, after) || allowed.some((matches) => matches(`${key}.${path}`))) continue;
      const where = after === undefined ? theirs.at(before?.path ?? []) : ours.at(after.path);
      const message = `${key}: \`${path}\` is ${show(after)} in prod and ${show(before)} in staging.`;
      const remedy = `Make them equal, or list \`${key}.${path}\` under \`tiers.prod.may_differ_from_staging\` in the contract.`;
      problems.error("differs-from-staging", where, message, remedy, WHY);
    }
  }
  return problems.list();
}

const WHY = "What staging verified is not what prod would run.";

function onlyOne(
  key: string,
  ours: RenderedResource | undefined,
  theirs: RenderedResource | undefined,
  problems: Problems,
): void {
  const resource = ours ?? theirs;
  if (resource === undefined) return;
  const [has, lacks] = ours === undefined ? ["staging", "prod"] : ["prod", "staging"];
  const remedy = `Declare it for both, or list \`${key}\` under \`tiers.prod.may_differ_from_staging\` in the contract.`;
  problems.error("differs-from-staging", resource.where, `${key} is in ${has} and not in ${lacks}.`, remedy, WHY);
}

interface Leaf {
  readonly path: SettingsPath;
  readonly value: JsonValue;
  readonly symbolic: JsonValue | undefined;
  /** The value with every name of the tier's own replaced. */
  readonly neutral: JsonValue;
}

function leaves(resource: RenderedResource, { tier, symbolic }: Side): Map<string, Leaf> {
  const found = new Map<string, Leaf>();
  const own = [tier.host, tier.clientId, tier.servicePrincipal, tier.workspaceId, tier.catalog, tier.name];
  const names = own.flatMap((name) => (name === undefined || name === "" ? [] : [name]));
  const visit = (value: JsonValue, symbol: JsonValue | undefined, path: SettingsPath, shown: string): void => {
    if (isObject(value) && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) {
        visit(
          inner,
          isObject(symbol) ? symbol[key] : undefined,
          [...path, key],
          shown === "" ? key : `${shown}.${key}`,
        );
      }
    } else if (isArray(value) && value.length > 0) {
      for (const [index, item] of value.entries()) {
        visit(
          item,
          isArray(symbol) ? symbol[index] : undefined,
          [...path, index],
          `${shown}[${itemName(item, index)}]`,
        );
      }
    } else found.set(shown, { path, value, symbolic: symbol, neutral: neutral(value, names) });
  };
  visit(resource.settings, symbolic.resources.get(resource.key)?.settings, [], "");
  return found;
}

function itemName(item: JsonValue, index: number): string {
  const fields: JsonObject = isObject(item) ? item : {};
  for (const key of ITEM_KEYS) {
    const name = fields[key];
    if (typeof name === "string") return name;
  }
  return String(index);
}

/** `⟨own⟩` for the tier's catalog, host and principal where they stand as whole words. */
function neutral(value: JsonValue, names: readonly string[]): JsonValue {
  if (typeof value !== "string") return value;
  return names.reduce((text, name) => {
    const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    return text.replaceAll(new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`, "g"), "⟨own⟩");
  }, value);
}

function same(a: Leaf | undefined, b: Leaf | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const equal = (left: JsonValue | undefined, right: JsonValue | undefined): boolean =>
    left !== undefined && right !== undefined && stringifyJson(left) === stringifyJson(right);
  return equal(a.value, b.value) || equal(a.symbolic, b.symbolic) || equal(a.neutral, b.neutral);
}

function isOwn(path: string): boolean {
  return OWN.some((own) => path === own || path.startsWith(`${own}.`) || path.startsWith(`${own}[`));
}

/** `jobs.score.tasks[train].max_retries`, all below it included; `*` stands for one name. */
function pattern(written: string): (path: string) => boolean {
  const escaped = written.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll("*", String.raw`[^.[\]]+`);
  const regexp = new RegExp(`^${escaped}($|[.[])`);
  return (path) => regexp.test(path);
}

function show(leaf: Leaf | undefined): string {
  return leaf === undefined ? "absent" : `\`${stringifyJson(leaf.value)}\``;
}
