/** A tier, resolved from the contract for one run. */
import { FourTierError } from "../findings.ts";
import { PREVIOUS, SCHEDULES } from "./defaults.ts";
import type { Contract, Tier, TierName } from "./model.ts";
import { sandboxUser } from "./values.ts";

/**
 * Resolves a tier. The sandbox needs `developer`, a GitHub login: its catalog is named after them; without one, or with
 * something that cannot be a login, throws FourTierError `contract/developer`.
 */
export function resolveTier(contract: Contract, name: TierName, options: { developer?: string } = {}): Tier {
  const policy = contract.tiers[name];
  const developer = name === "sandbox" ? developerOf(options.developer) : undefined;
  const catalog = developer === undefined ? policy.catalog : policy.catalog.replace("{username}", developer);
  return {
    ...policy,
    name,
    project: contract.project,
    catalog,
    sourceCatalog: name === "sandbox" ? contract.tiers.dev.catalog : catalog,
    schedules: SCHEDULES[name],
    previous: PREVIOUS[name],
    adopt: contract.adopt[name],
    exceptions: contract.schedules.exceptions.filter((exception) => exception.tier === name),
    developer,
  };
}

function developerOf(login: string | undefined): string {
  const developer = login === undefined ? undefined : sandboxUser(login);
  if (developer !== undefined) return developer;
  throw new FourTierError({
    id: "contract/developer",
    severity: "error",
    message:
      login === undefined ? "A sandbox belongs to a developer, and none is named." : "This cannot be a GitHub login.",
    remedy: "Give the developer's GitHub login (the action input `developer`).",
  });
}
