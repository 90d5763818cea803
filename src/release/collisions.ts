/** Two keys that would meet in one live resource or one name: seen before anything is written. */
import type { Tier } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { hasGrants } from "./access.ts";
import type { Desired } from "./change.ts";
import type { Observed } from "./observe.ts";

/** The findings for an adoption of what is ours under another key, and for a pipeline's name that one of ours has. */
export function collisions(
  tier: Tier,
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): Finding[] {
  return [...adoptedFromUs(tier, live), ...adoptedByOtherName(tier, desired, live), ...takenNames(tier, desired, live)];
}

/** In Unity Catalog the name is the id: what is adopted by another would have to be replaced by what is declared. */
function adoptedByOtherName(
  tier: Tier,
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): Finding[] {
  return desired.flatMap(({ key, kind, name }) => {
    const found = live.get(key);
    if (found?.foundBy !== "adopted" || !hasGrants(kind) || found.id === name) return [];
    return [
      {
        id: "release/adopt-name",
        severity: "error" as const,
        where: { kind: "resource" as const, tier: tier.name, key },
        message: `The contract adopts ${found.id} as ${key}, and the bundle declares it as ${name}.`,
        remedy: `Write adopt.${tier.name}: { ${key}: "${name}" }, or declare it under the name that it has.`,
      },
    ];
  });
}

/** What the ledger has under one key would be written for the other, and deleted for the first. */
function adoptedFromUs(tier: Tier, live: ReadonlyMap<string, Observed | undefined>): Finding[] {
  return [...live].flatMap(([key, found]) => {
    if (found?.foundBy !== "adopted") return [];
    const owner = [...live].find(
      ([other, each]) => other !== key && each?.kind === found.kind && each.id === found.id,
    )?.[0];
    if (owner === undefined) return [];
    return [
      {
        id: "release/adopt-taken",
        severity: "error" as const,
        where: { kind: "resource" as const, tier: tier.name, key },
        message: `The contract adopts ${found.id} as ${key}, and it is ours already, as ${owner}.`,
        why: `A resource has one key: written for ${key}, it would be deleted for ${owner}.`,
        remedy: `Keep the key ${owner}, which nobody sees in the workspace; a new name needs no new key.`,
      },
    ];
  });
}

/** Names of pipelines are unique in a workspace, and what goes is deleted last (facts: databricks-api 4). */
function takenNames(
  tier: Tier,
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): Finding[] {
  return desired.flatMap((resource) => {
    if (resource.kind !== "pipelines" || resource.settings["allow_duplicate_names"] === true) return [];
    const holder = [...live].find(
      ([key, found]) => key !== resource.key && found?.kind === "pipelines" && found.name === resource.name,
    );
    if (holder === undefined) return [];
    const [key, found] = holder;
    if (live.get(resource.key)?.id === found?.id) return []; // said above
    return [
      {
        id: "release/name-taken",
        severity: "error" as const,
        where: { kind: "resource" as const, tier: tier.name, key: resource.key },
        message: `${resource.key} would be named "${resource.name}", as ${key} (${found?.id ?? ""}) is until it is changed or deleted.`,
        why: "The service refuses a second pipeline of one name, and a promotion would stop half way.",
        remedy: `Keep the key ${key} if it is the same pipeline: nobody sees it in the workspace. Else change the names in two releases.`,
      },
    ];
  });
}
