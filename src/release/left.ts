/**
 * What a rollback leaves behind: resources that the release which was left had and the older one does not know. They
 * stay ours by their marks, and paused, until they are declared again, deleted by name, or somebody takes the mark off.
 */
import { keyByMark } from "../bundle/marks.ts";
import { mayGo } from "../contract/destructive.ts";
import type { Tier, TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { JsonObject } from "../json.ts";
import type { Ledger, LeftResource } from "../ledger/model.ts";
import type { Observation } from "./observe.ts";
import type { Step } from "./step.ts";

/** One of them, as it lives. */
export interface Left extends LeftResource {
  readonly key: string;
  /** The contract lists its key: it goes with this promotion. */
  readonly goes: boolean;
}

/** What earlier rollbacks left of what still lives, carries our mark and is not declared again. */
export function leftOf(
  ledger: Pick<Ledger, "left"> | undefined,
  { live }: Pick<Observation, "live">,
  declared: ReadonlySet<string>,
  tier: Tier,
): Left[] {
  return [...(ledger?.left?.keys() ?? [])].sort().flatMap((key) => {
    const found = live.get(key);
    if (found === undefined || declared.has(key) || keyByMark(found.settings, tier) !== key) return [];
    return [{ key, id: found.id, kind: found.kind, name: found.name, goes: mayGo(tier.destructive, key) }];
  });
}

/** What stands, is ours, and neither declared nor deleted once the steps are done. */
export function leftAfter(
  { live }: Pick<Observation, "live">,
  declared: ReadonlySet<string>,
  steps: readonly Step[],
  tier: Tier,
): ReadonlyMap<string, LeftResource> {
  const deleted = new Set(steps.flatMap(({ key, action }) => (action === "delete" ? [key] : [])));
  return new Map(
    [...live].flatMap(([key, found]) => {
      if (found === undefined || declared.has(key) || deleted.has(key)) return [];
      if (keyByMark(found.settings, tier) !== key) return []; // Somebody made it their own.
      return [[key, { id: found.id, kind: found.kind, name: found.name }] as const];
    }),
  );
}

/** Names what stays; nobody would look for it. */
export function leftFindings(tier: TierName, left: readonly Left[]): Finding[] {
  return left
    .filter(({ goes }) => !goes)
    .map(({ key, kind, id, name }) => ({
      id: "release/left",
      severity: "notice",
      where: { kind: "resource", tier, key },
      message: `${key} (${kind} ${id}, "${name}") is still in ${tier}, and of no release that it has: a rollback left it there, paused.`,
      why: "A rollback deletes nothing by itself, and nothing starts it any more.",
      remedy: `To have the next promotion delete it, list it: tiers.${tier}.destructive: [${key}]. Declared again, it is taken up as it is; without its four_tier_ tags it is nobody's.`,
    }));
}

/** What was left, for a JSON report. */
export function leftJson(left: readonly Left[]): JsonObject[] {
  return left.map(({ key, kind, id, name, goes }) => ({ key, kind, id, name, goes }));
}
