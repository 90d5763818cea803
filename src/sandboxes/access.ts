/** Who may do what with what is deployed to a sandbox: its developer may see and run it, dev's principal may clean it up. */
import type { Contract, Tier } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { isObject, type JsonArray, type JsonObject } from "../json.ts";

const RUN: Readonly<Record<string, string>> = { jobs: "CAN_MANAGE_RUN", pipelines: "CAN_RUN" };

/**
 * The access control list of a resource in a sandbox: what the bundle declares, and the two entries it needs besides.
 * Other tiers and kinds keep theirs. Pure.
 */
export function withSandboxAccess(
  declared: JsonArray | undefined,
  kind: string,
  tier: Pick<Tier, "name" | "user" | "manager">,
): JsonArray | undefined {
  const run = RUN[kind];
  if (tier.name !== "sandbox" || run === undefined) return declared;
  const added: JsonObject[] = [];
  const add = (field: string, name: string | undefined, level: string): void => {
    const taken = declared?.some((entry) => isObject(entry) && entry[field] === name);
    if (name !== undefined && taken !== true) added.push({ [field]: name, permission_level: level });
  };
  add("user_name", tier.user, run);
  add("service_principal_name", tier.manager, "CAN_MANAGE");
  if (added.length === 0) return declared;
  const owner: JsonObject = { service_principal_name: "${principal}", permission_level: "IS_OWNER" };
  return [...(declared ?? [owner]), ...added];
}

/** What is deployed to a sandbox must be removable with it: dev's principal has to be known by its id. */
export function managerFinding(contract: Contract, tier: Tier): Finding | undefined {
  if (tier.name !== "sandbox" || tier.manager !== undefined) return undefined;
  return {
    id: "sandbox/no-manager",
    severity: "error",
    where: contract.at(["tiers", "dev"]),
    message:
      "The contract does not give the application id of dev's principal, so it could not clean up what is deployed here.",
    remedy: "Write tiers.dev.client_id; it is not a secret.",
  };
}
