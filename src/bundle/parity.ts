/**
 * Staging proves nothing about prod unless both are the same. What a bundle renders for them may differ only in
 * catalog, names, hosts, principals, schedules, and what the contract lists under `may_differ_from_staging`.
 */
import type { Tier } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import type { Finding } from "../findings.ts";
import { isArray, isObject, type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import { type Holder, heldByField, heldByItem, hideSecrets, MASK, UNNAMED } from "../secrets.ts";
import type { RenderedBundle, RenderedResource, SettingsPath } from "./model.ts";
import type { RenderOptions } from "./options.ts";
import { Problems } from "./problems.ts";
import { renderBundle, renderSymbolically } from "./render.ts";
import type { BundleSource } from "./source.ts";

/** Fields of a resource that are a tier's own: its name, and when it runs. */
const OWN = [
  "name",
  "schedule",
  "continuous",
  "trigger",
  "triggers",
  "tags.four_tier_tier",
  "properties.four_tier_tier",
];
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
    const differ = (path: string, before: Part | undefined, after: Part | undefined): void => {
      if (isOwn(path) || allowed.some((matches) => matches(`${key}.${path}`))) return;
      const where = after === undefined ? theirs.at(before?.path ?? []) : ours.at(after.path);
      const message = `${key}: \`${path}\` is ${show(after)} in prod and ${show(before)} in staging.`;
      const remedy = `Make them equal, or list \`${key}.${path}\` under \`tiers.prod.may_differ_from_staging\` in the contract.`;
      problems.error("differs-from-staging", where, message, remedy, WHY);
    };
    walk(whole(theirs, staging), whole(ours, prod), "", differ);
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

/** A part of a resource's settings on one side. */
interface Part {
  readonly path: SettingsPath;
  readonly value: JsonValue;
  /** The same part with `⟨catalog⟩` and the like in place of the tier's own names. */
  readonly symbolic: JsonValue | undefined;
  /** The tier's own names, as they may be written out. */
  readonly names: readonly string[];
  /** Whether it is a secret, which no message shows. */
  readonly holder: Holder;
}

function whole(resource: RenderedResource, { tier, symbolic }: Side): Part {
  const own = [tier.host, tier.clientId, tier.servicePrincipal, tier.workspaceId, tier.catalog, tier.name];
  const names = own.flatMap((name) => (name === undefined || name === "" ? [] : [name]));
  const meant = symbolic.resources.get(resource.key)?.settings;
  return { path: [], value: resource.settings, symbolic: meant, names, holder: UNNAMED };
}

type Differ = (path: string, before: Part | undefined, after: Part | undefined) => void;

/** Goes down both sides; a part that only one of them has is one difference. */
function walk(before: Part, after: Part, shown: string, differ: Differ): void {
  const left = parts(before);
  const right = parts(after);
  if (left === undefined || right === undefined) {
    if (!same(before, after)) differ(shown, before, after);
    return;
  }
  for (const step of new Set([...left.keys(), ...right.keys()])) {
    const [a, b] = [left.get(step), right.get(step)];
    const path = shown === "" ? step.replace(/^\./, "") : `${shown}${step}`;
    if (a === undefined || b === undefined) differ(path, a, b);
    else walk(a, b, path, differ);
  }
}

/** The fields or items of a part, by how a path names them (`.field`, `[item]`); undefined for a single value. */
function parts(part: Part): ReadonlyMap<string, Part> | undefined {
  const { value, symbolic, path, names, holder } = part;
  if (isObject(value)) {
    const symbol = (key: string): JsonValue | undefined => (isObject(symbolic) ? symbolic[key] : undefined);
    return new Map(
      Object.entries(value).map(([key, inner]) => [
        `.${key}`,
        {
          path: [...path, key],
          value: inner,
          symbolic: symbol(key),
          names,
          holder: heldByField(holder, value, key),
        },
      ]),
    );
  }
  if (isArray(value)) {
    const symbol = (index: number): JsonValue | undefined => (isArray(symbolic) ? symbolic[index] : undefined);
    return new Map(
      value.map((item, index) => [
        `[${itemName(item, index)}]`,
        {
          path: [...path, index],
          value: item,
          symbolic: symbol(index),
          names,
          holder: heldByItem(holder, value, index),
        },
      ]),
    );
  }
  return undefined;
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

function same(before: Part, after: Part): boolean {
  const equal = (left: JsonValue | undefined, right: JsonValue | undefined): boolean =>
    left !== undefined && right !== undefined && stringifyJson(left) === stringifyJson(right);
  return (
    equal(before.value, after.value) ||
    equal(before.symbolic, after.symbolic) ||
    equal(neutral(before.value, before.names), neutral(after.value, after.names))
  );
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

function show(part: Part | undefined): string {
  return part === undefined ? "absent" : `\`${stringifyJson(hideSecrets(part.value, part.holder, () => MASK))}\``;
}
