/** A tier, resolved from the contract for one run. */
import { FourTierError } from "../findings.ts";
import { PREVIOUS, SCHEDULES } from "./defaults.ts";
import type { Contract, Tier, TierName } from "./model.ts";
import { isReservedUser, sandboxUser } from "./values.ts";

/**
 * Resolves a tier. The sandbox needs `developer`, a GitHub login: its catalog is named after them; without one, or with
 * something that cannot be a login, throws FourTierError `contract/developer`.
 */
export function resolveTier(contract: Contract, name: TierName, options: { developer?: string } = {}): Tier {
  const policy = contract.tiers[name];
  const developer = name === "sandbox" ? developerOf(options.developer, policy.loginSuffix) : undefined;
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
    ...sandboxPeople(contract, developer === undefined ? undefined : options.developer?.toLowerCase()),
  };
}

function sandboxPeople(contract: Contract, login: string | undefined): Pick<Tier, "login" | "user" | "manager"> {
  if (login === undefined) return { login, user: undefined, manager: undefined };
  return { login, user: contract.users.get(login), manager: contract.tiers.dev.clientId };
}

function developerOf(login: string | undefined, suffix: string | undefined): string {
  const developer = login === undefined ? undefined : sandboxUser(login, suffix);
  if (developer !== undefined && !isReservedUser(developer)) return developer;
  throw new FourTierError({
    id: "contract/developer",
    severity: "error",
    ...(login === undefined
      ? {
          message: "A sandbox belongs to a developer, and none is named.",
          remedy: "Give the developer's GitHub login (the action input `developer`).",
        }
      : noSandbox(login, developer)),
  });
}

/** Why no sandbox can be named after a login; `user` is what is left of it, undefined for nothing. */
export function noSandbox(login: string, user: string | undefined): { message: string; remedy: string } {
  return user === undefined
    ? {
        message: `${JSON.stringify(login)} cannot be a developer's GitHub login, or nothing of it is left for a sandbox's name.`,
        remedy: "Give the developer's GitHub login (the action input `developer`, or a key of `users`).",
      }
    : {
        message: `${login} would have the sandbox ${user}_sandbox, a name that is kept back.`,
        remedy: "It would be taken for a tier's or the platform's own: let this developer use another GitHub login.",
      };
}
