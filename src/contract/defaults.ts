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

/** Only prod's schedules run. */
export const SCHEDULES: Readonly<Record<TierName, "paused" | "running">> = {
  sandbox: "paused",
  dev: "paused",
  staging: "paused",
  prod: "running",
};

/** The tier a release must have been in before. The sandbox is optional, so dev has none. */
export const PREVIOUS: Readonly<Record<TierName, TierName | undefined>> = {
  sandbox: undefined,
  dev: undefined,
  staging: "dev",
  prod: "staging",
};
