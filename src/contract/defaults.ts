/** What the contract does not say: design 1's table of tiers. */
import type { TierName } from "./model.ts";

/** Display name of a tier's service principal. */
export function defaultPrincipal(tier: TierName): string {
  return `ml-pipelines-${tier}`;
}

/** Catalog by tier; the sandbox's is a pattern with the developer's name in it. */
export const DEFAULT_CATALOGS: Readonly<Record<TierName, string>> = {
  sandbox: "{username}_sandbox",
  dev: "dev",
  staging: "staging",
  prod: "prod",
};

/** The schema of a sandbox that its developer works in; nothing else of a sandbox is anybody's to write. */
export const GOLD = "gold";

/** The schemas of dev that sandboxes read, so that no data is copied into one. */
export const SOURCES: readonly string[] = ["bronze", "silver"];

/** Only prod's schedules run. */
export const SCHEDULES: Readonly<Record<TierName, "paused" | "running">> = {
  sandbox: "paused",
  dev: "paused",
  staging: "paused",
  prod: "running",
};

/** A hold in dev or staging would stop every merge for one that failed; in prod half a release waits for a person. */
export const ON_FAILURE: Readonly<Record<TierName, "report" | "hold">> = {
  sandbox: "report",
  dev: "report",
  staging: "report",
  prod: "hold",
};

/** The tier a release must have been in before. The sandbox is optional, so dev has none. */
export const PREVIOUS: Readonly<Record<TierName, TierName | undefined>> = {
  sandbox: undefined,
  dev: undefined,
  staging: "dev",
  prod: "staging",
};
