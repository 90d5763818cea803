/** A census of a tier: what carries our tags, and what else has a name that is wanted. */
import { keyByMark } from "../bundle/marks.ts";
import type { Tier } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { together } from "../http/pool.ts";
import { isObject, type JsonObject } from "../json.ts";
import { begunIntents, type Ledger } from "../ledger/model.ts";
import { kindOf } from "./kinds/index.ts";
import { nameIn } from "./resolve.ts";

/**
 * Jobs and pipelines that carry our tags, and that neither the ledger nor a promotion that did not end names by id: a
 * clone, or a copy that somebody deployed by hand. Of pipelines only those of our principal, or of a name of ours, are
 * read: the list shows no tags.
 */
export async function observeStrays(
  workspace: Workspace,
  { tier, principal, ledger }: { readonly tier: Tier; readonly principal: string; readonly ledger: Ledger | undefined },
): Promise<readonly Stray[]> {
  const resources = [...(ledger?.resources.values() ?? [])];
  const wanted = ["jobs", "pipelines"].flatMap((kind) => [
    { kind, name: "" },
    ...resources.filter((one) => one.kind === kind).map(({ name }) => ({ kind, name: nameIn(name, principal) })),
  ]);
  const census = await takeCensus(workspace, tier, principal, wanted);
  const known = new Set([...knownIds(ledger).values(), ...resources.map(({ id }) => id), ...tier.adopt.values()]);
  return census.ours.filter(({ id }) => !known.has(id));
}

/** A resource with our tags that is not the one we know. */
export type Stray = Pick<Found, "key" | "kind" | "id" | "name" | "creator" | "managedBy">;

/** The id of a resource with our tags for this key, for a create whose answer was lost. */
export async function findByTags(
  workspace: Workspace,
  tier: Tier,
  principal: string,
  resource: { readonly key: string; readonly kind: string; readonly name: string },
): Promise<string | undefined> {
  const wanted = { kind: resource.kind, name: nameIn(resource.name, principal) };
  const census = await takeCensus(workspace, tier, principal, [wanted]);
  return oursFor(census.ours, resource, principal)[0]?.id;
}

/** Somebody's clone of our job carries our tags too: if there are several, those count that our principal made. */
export function oursFor(
  ours: readonly Found[],
  wanted: { key: string; kind: string },
  principal: string,
): readonly Found[] {
  const same = ours.filter((found) => found.kind === wanted.kind && found.key === wanted.key);
  const all = same.filter((found, index) => same.findIndex(({ id }) => id === found.id) === index);
  const made = all.filter((found) => found.creator === principal);
  return all.length > 1 && made.length > 0 ? made : all;
}

/** Ids by key, as far as the ledger knows them: what is pending knows better than what was before it. */
export function knownIds(ledger: Ledger | undefined): Map<string, string> {
  const ids = new Map([...(ledger?.left ?? []), ...(ledger?.resources ?? [])].map(([key, { id }]) => [key, id]));
  for (const { key, target } of begunIntents(ledger)) {
    if (target !== undefined && target.id !== "") ids.set(key, target.id);
  }
  return ids;
}

interface Found {
  readonly key: string;
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly managedBy: "bundle" | undefined;
  readonly creator: string | undefined;
}

/** What was found in a workspace: ours by its marks, and what only has a wanted name. */
export interface Census {
  readonly ours: Found[];
  readonly foreign: Found[];
}

/** Looks once at each kind that something is wanted of, and tells ours from others of the wanted names. */
export async function takeCensus(
  workspace: Workspace,
  tier: Tier,
  principal: string,
  wanted: readonly { readonly kind: string; readonly name: string }[],
): Promise<Census> {
  const census: Census = { ours: [], foreign: [] };
  const kinds = [...new Set(wanted.map(({ kind }) => kind))];
  const counts = kinds.map(async (kind) => {
    const names = new Set(wanted.filter((one) => one.kind === kind).map(({ name }) => name));
    for (const { id, name, settings, creator } of await kindOf(kind).census(workspace, { names, principal })) {
      const found = { kind, id, name, creator, managedBy: managedBy(settings) };
      const key = keyByMark(settings, tier);
      if (key !== undefined) census.ours.push({ ...found, key });
      else if (names.has(name)) census.foreign.push({ ...found, key: "" });
    }
  });
  await together(counts);
  return census;
}

/** Whether a bundle deployment manages a job or pipeline, as its settings say. */
export function managedBy(settings: JsonObject): "bundle" | undefined {
  return isObject(settings["deployment"]) && settings["deployment"]["kind"] === "BUNDLE" ? "bundle" : undefined;
}
