/**
 * Which resources a hold keeps paused, and what they were before. Pure. A selector stands, and is asked again each time:
 * a job that is deployed, or renamed into it, while the hold stands is held too. What the hold met when it was made
 * stays held by its id or key, whatever it is called by now.
 */
import type { Finding } from "../findings.ts";
import { inUtc } from "../gate/wall-clock.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { Hold, PriorState } from "../ledger/holds.ts";
import { jobFields, type Starter, type State } from "./starters.ts";

/** What a hold can ask of a resource. */
export interface Holdable {
  /** Undefined for one that does not exist yet. */
  readonly id: string | undefined;
  /** Its key, if it is this project's in this tier. */
  readonly key: string | undefined;
  /** It has a key, or a name that the contract counts to the project. */
  readonly project: boolean;
  readonly name: string;
  readonly tags: JsonObject;
  /** Whose tags it carries, if another project's or another tier's: no hold of ours names it. */
  readonly others?: string;
}

type Selector =
  | { readonly kind: "all" }
  /** `*` stands for anything; a name or a key. */
  | { readonly kind: "name"; readonly pattern: string }
  | { readonly kind: "tag"; readonly key: string; readonly value: string | undefined };

/** `all`, `name:churn *`, `tag:team`, `tag:team=fraud`; undefined for anything else. */
export function parseSelector(text: string): Selector | undefined {
  if (text === "all") return { kind: "all" };
  const [, kind, rest] = /^(name|tag):\s*(\S.*)$/s.exec(text) ?? [];
  if (rest === undefined) return undefined;
  if (kind === "name") return { kind: "name", pattern: rest };
  const at = rest.indexOf("=");
  return at === -1
    ? { kind: "tag", key: rest, value: undefined }
    : { kind: "tag", key: rest.slice(0, at), value: rest.slice(at + 1) };
}

/** The holds of kind schedules that keep this resource paused, oldest first. */
export function holdsOn(holds: readonly Hold[], resource: Holdable): Hold[] {
  return holds.filter((hold) => hold.kind === "schedules" && covers(hold, resource));
}

function covers(hold: Hold, resource: Holdable): boolean {
  if (priorOf(hold, resource) !== undefined) return true;
  return names(hold, resource);
}

/** True if the hold's selector names the resource as it is now, within the hold's scope. */
export function names(
  { scope, selector, remainder }: Pick<Hold, "scope" | "selector" | "remainder">,
  resource: Holdable,
): boolean {
  if (remainder === true || resource.others !== undefined || (scope === "project" && !resource.project)) return false;
  return selects(selector, resource);
}

/** True if the selector names the resource as it is now. */
export function selects(selector: string, { key, name, tags }: Holdable): boolean {
  const parsed = parseSelector(selector);
  if (parsed === undefined) return true; // Nothing here writes such a one: what cannot be understood holds everything.
  if (parsed.kind === "all") return true;
  if (parsed.kind === "name")
    return matches(parsed.pattern, name) || (key !== undefined && matches(parsed.pattern, key));
  const value = Object.hasOwn(tags, parsed.key) ? tags[parsed.key] : undefined;
  return value !== undefined && (parsed.value === undefined || value === parsed.value);
}

/** True if the whole text fits the pattern, where `*` stands for anything. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return text === pattern;
  const last = rest.pop() ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** What the hold met: by id, or by key if it was recreated since. */
export function priorOf(hold: Hold, { id, key }: Pick<Holdable, "id" | "key">): PriorState | undefined {
  return (
    hold.prior.find((prior) => prior.id === id) ??
    hold.prior.find((prior) => prior.key !== undefined && prior.key === key)
  );
}

/** Settings with everything that starts them by itself paused: how a held resource is written and expected. */
export function heldSettings(kind: string, settings: JsonObject): JsonObject {
  if (kind === "jobs") {
    const fields = jobFields(settings, "paused");
    return Object.keys(fields).length === 0 ? settings : { ...settings, ...fields };
  }
  return kind === "pipelines" && settings["continuous"] === true ? { ...settings, continuous: false } : settings;
}

/** The settings of a resource of a release, as the tier's holds want them. */
export function underHolds(
  holds: readonly Hold[],
  resource: { readonly id: string | undefined; readonly key: string; readonly kind: string; readonly name: string },
  settings: JsonObject,
): JsonObject {
  if (holds.length === 0) return settings;
  const { tags } = settings;
  const held = holdsOn(holds, { ...resource, project: true, tags: isObject(tags) ? tags : {} });
  return held.length === 0 ? settings : heldSettings(resource.kind, settings);
}

/** A resource that a hold meets. */
export interface Met extends Holdable {
  readonly kind: string;
  readonly id: string;
  readonly starters: readonly Starter[];
}

/**
 * The mix before any hold, for a hold that is about to be made: a resource that is held already gives what the older
 * hold met, or nothing if that hold never met it unheld; so it does not matter which of two holds is lifted first.
 */
export function priorMix(resources: readonly Met[], standing: readonly Hold[]): PriorState[] {
  return resources.flatMap((resource): PriorState[] => {
    const [older] = holdsOn(standing, resource);
    if (older !== undefined) {
      const known = priorOf(older, resource);
      return known === undefined ? [] : [known];
    }
    return stateNow(resource);
  });
}

/** A resource as a hold remembers it, its starters in these states. */
export function rememberedState({ kind, id, key, name, starters }: Met, states: readonly State[]): PriorState {
  const remembered = starters.map((starter, index) =>
    rememberedStarter({ ...starter, state: states[index] ?? starter.state }),
  );
  return { kind, id, key, name, starters: remembered };
}

/** How a resource is now, as a hold remembers it; nothing for a job that nothing starts. */
function stateNow({ kind, id, key, name, starters }: Met): PriorState[] {
  // A pipeline that is not continuous was off: lifting must not switch it on.
  const off = { field: "pipeline", what: "continuous", state: "paused" } as const;
  const all = kind === "pipelines" && starters.length === 0 ? [off] : starters.map(rememberedStarter);
  return all.length === 0 ? [] : [{ kind, id, key, name, starters: all }];
}

function rememberedStarter({ field, what, state, entry }: Starter): PriorState["starters"][number] {
  return { field, what, state, ...(entry === undefined ? {} : { entry }) };
}

/**
 * The holds with what they have not met before and are about to pause: remembered by the oldest that names it, so that
 * lifting gives back what came while it stood, and was somebody's. The same array if there is nothing of the kind.
 */
export function remembering(holds: readonly Hold[], resources: readonly Met[]): readonly Hold[] {
  const added = new Map<Hold, PriorState[]>();
  for (const resource of resources) {
    const covering = holdsOn(holds, resource);
    const [oldest] = covering;
    const runs = resource.starters.some(({ state }) => state === "running");
    if (oldest === undefined || !runs || covering.some((hold) => priorOf(hold, resource) !== undefined)) continue;
    added.set(oldest, [...(added.get(oldest) ?? []), ...stateNow(resource)]);
  }
  if (added.size === 0) return holds;
  return holds.map((hold) => ({ ...hold, prior: [...hold.prior, ...(added.get(hold) ?? [])] }));
}

/**
 * The state that each starter of a resource goes back to. A starter that was changed while it was held goes by what all
 * of the resource's were; what the hold never met, or met mixed and finds changed, goes by `otherwise`.
 */
export function restoredStates(
  prior: PriorState | undefined,
  starters: readonly Starter[],
  otherwise: State,
): readonly State[] {
  const before = prior?.starters ?? [];
  const left = [...before];
  const common = new Set(before.map((starter) => starter.state));
  const [only] = common.size === 1 ? common : [];
  const take = (same: (starter: PriorState["starters"][number]) => boolean): State | undefined => {
    const at = left.findIndex(same);
    return at === -1 ? undefined : left.splice(at, 1)[0]?.state;
  };
  // First what is the same to the letter, wherever it is by now; then, of what is left, what is called the same.
  const exact = starters.map(({ field, entry }) =>
    entry === undefined ? undefined : take((starter) => starter.field === field && starter.entry === entry),
  );
  return starters.map(
    ({ field, what }, index) =>
      exact[index] ?? take((starter) => starter.field === field && starter.what === what) ?? only ?? otherwise,
  );
}

/** `held by octocat since 2027-01-15 12:00 UTC: incident 7`. Outside text: escape it. */
export function describeHold({ by, at, until, reason }: Hold): string {
  const end = until === undefined ? "" : ` until ${inUtc(until)}`;
  return `held by ${by} since ${inUtc(at)}${end}: ${reason}`;
}

/** For a promotion: which resources of its release stay paused, whatever it declares. */
export function heldNotices(
  tier: string,
  holds: readonly Hold[],
  release: readonly {
    readonly key: string;
    readonly kind: string;
    readonly name: string;
    readonly settings: JsonObject;
  }[],
): Finding[] {
  return release
    .filter(({ kind, settings }) => heldSettings(kind, settings) !== settings)
    .flatMap(({ key, name, settings }): Finding[] => {
      const { tags } = settings;
      const [hold] = holdsOn(holds, { id: undefined, key, name, project: true, tags: isObject(tags) ? tags : {} });
      if (hold === undefined) return [];
      return [
        {
          id: "schedules/held",
          severity: "notice",
          where: { kind: "resource", tier, key },
          message: `${key} stays paused in ${tier}: ${describeHold(hold)}.`,
          remedy:
            "To lift it: operate.yml, operation unpause (action-pause-pipelines with mode: resume). After a rollback that did not come to its end, run the rollback again.",
        },
      ];
    });
}
