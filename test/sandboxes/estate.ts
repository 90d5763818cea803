/** A simulated account whose dev can make sandboxes, for two developers and a principal of the sandbox's own. */
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { type Account, startAccount } from "../account.ts";

export const SANDBOX_APPLICATION = "55555555-5555-4555-8555-555555555555";
export const SANDBOX_SECRET = "dose-canary-sandbox-5715";
export const NOW = new Date("2027-01-15T12:00:00Z");

/** dev's catalog with bronze, silver and gold, owned by dev's principal. */
export const DEV_CATALOG: NonNullable<DatabricksScenario["catalogs"]>[string] = {
  owner: "ml-pipelines-dev",
  isolation: "ISOLATED",
  bindings: { dev: "READ_WRITE" },
  schemas: {
    bronze: { tables: { events: {} } },
    silver: { tables: { clean: {} } },
    gold: { tables: { scores: {} } },
  },
};

/** Keys of the sandbox tier in the contract. */
const SANDBOX_TIER = `service_principal: ml-pipelines-sandbox, client_id: "${SANDBOX_APPLICATION}"`;
export const USERS = "users: { octocat: mona@example.com, Rob-Smith: rob@example.com }\n";

export async function estate(
  more: Partial<DatabricksScenario> = {},
  contract: { readonly tail?: string; readonly sandbox?: string; readonly dev?: string } = {},
): Promise<Account> {
  const { catalogs, service_principals, metastore, ...rest } = more;
  return startAccount(
    {
      service_principals: {
        "ml-pipelines-sandbox": {
          application_id: SANDBOX_APPLICATION,
          workspaces: ["dev"],
          secrets: [SANDBOX_SECRET],
        },
        ...service_principals,
      },
      metastore: { owner: "admins", grants: { "ml-pipelines-dev": ["CREATE_CATALOG"] }, ...metastore },
      groups: {
        admins: {},
        "ml-pipelines-developers": { members: ["mona@example.com", "rob@example.com", "ml-pipelines-sandbox"] },
      },
      catalogs: { dev: DEV_CATALOG, ...catalogs },
      ...rest,
    },
    contract.tail ?? USERS,
    { sandbox: contract.sandbox ?? SANDBOX_TIER, ...(contract.dev === undefined ? {} : { dev: contract.dev }) },
  );
}
