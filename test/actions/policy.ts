/** Runs a built action against a simulated account, as the tier's own principal. */
import { expect } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { type Account, SECRET, startAccount } from "../account.ts";
import { type ActionOptions, type ActionRun, runAction } from "./harness.ts";
import { makeRepository } from "./repository.ts";

interface PolicyAccount {
  readonly account: Account;
  /** Runs the action in a tier; secrets are searched for in what it leaves, and nothing unmodelled may be asked. */
  readonly run: (
    action: string,
    tier: "dev" | "staging" | "prod",
    inputs?: Readonly<Record<string, string>>,
    more?: Pick<ActionOptions, "preload">,
  ) => Promise<ActionRun>;
}

/** An account with the scenario, and a repository with the contract that fits it. */
export async function policyAccount(scenario: Partial<DatabricksScenario>, contractTail = ""): Promise<PolicyAccount> {
  const account = await startAccount(scenario, contractTail);
  const repository = makeRepository();
  const sha = repository.commit({ "four-tier.yml": account.contractText });
  return {
    account,
    run: async (action, tier, inputs = {}, more = {}) => {
      const { clientId, clientSecret } = account.simulator.credentials(`ml-pipelines-${tier}`);
      const run = await runAction(action, {
        workspace: repository.folder,
        sha,
        inputs: {
          tier,
          "client-id": clientId,
          "client-secret": clientSecret,
          "allowed-hosts": "127.0.0.1",
          ...inputs,
        },
        secrets: Object.values(SECRET),
        ...more,
      });
      expect(account.simulator.unmodelled).toEqual([]);
      return run;
    },
  };
}

/** A catalog that is the tier principal's and is bound to its workspace only. */
export function ownCatalog(tier: "dev" | "staging" | "prod"): NonNullable<DatabricksScenario["catalogs"]>[string] {
  const owner = `ml-pipelines-${tier}`;
  return {
    owner,
    isolation: "ISOLATED",
    bindings: { [tier]: "READ_WRITE" },
    schemas: { gold: { owner, tables: { scores: { owner } } } },
  };
}
