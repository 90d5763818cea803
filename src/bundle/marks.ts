/**
 * The marks by which the suite knows its own: tags where a kind has them, properties of a schema, and the last line of
 * the comment of a volume or a model, which have neither (docs/adr/0711).
 */
import type { Tier } from "../contract/model.ts";
import { isObject, type JsonObject, type JsonValue } from "../json.ts";

/** Tags, and properties of schemas. */
export const TAGS = {
  project: "four_tier_project",
  tier: "four_tier_tier",
  key: "four_tier_key",
  developer: "four_tier_developer",
} as const;

/** The marks as tags. Developers share a workspace, and may share a principal: a sandbox's say whose it is. */
export function markTags(tier: Pick<Tier, "project" | "name" | "developer">, key: string): Record<string, string> {
  const developer = tier.developer === undefined ? {} : { [TAGS.developer]: tier.developer };
  return { [TAGS.project]: tier.project, [TAGS.tier]: tier.name, [TAGS.key]: key, ...developer };
}

/** A comment with the mark as its last line. */
export function markedComment(comment: string, tier: Pick<Tier, "project" | "name">, key: string): string {
  return [comment.trimEnd(), `[four-tier: ${tier.project} ${tier.name} ${key}]`]
    .filter((line) => line !== "")
    .join("\n");
}

/** The key that our tags give a resource, if they say that it is this tier's (in the sandbox: this developer's). */
function keyByTags(
  tags: JsonValue | undefined,
  tier: Pick<Tier, "project" | "name" | "developer">,
): string | undefined {
  if (!isObject(tags) || tags[TAGS.project] !== tier.project || tags[TAGS.tier] !== tier.name) return undefined;
  if (tags[TAGS.developer] !== tier.developer) return undefined;
  const key = tags[TAGS.key];
  return typeof key === "string" && key !== "" ? key : undefined;
}

/** The key that a comment's mark gives, if it says that it is this tier's. */
function keyByComment(comment: JsonValue | undefined, tier: Pick<Tier, "project" | "name">): string | undefined {
  if (typeof comment !== "string") return undefined;
  const [, project, name, key] = /(?:^|\n)\[four-tier: (\S+) (\S+) (\S+)\]\s*$/.exec(comment) ?? [];
  return project === tier.project && name === tier.name ? key : undefined;
}

/** The key that any mark of a resource gives: by tags, by properties, or by its comment. */
export function keyByMark(
  settings: JsonObject,
  tier: Pick<Tier, "project" | "name" | "developer">,
): string | undefined {
  return (
    keyByTags(settings["tags"], tier) ??
    keyByTags(settings["properties"], tier) ??
    keyByComment(settings["comment"], tier)
  );
}
