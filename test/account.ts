/** A simulated account with four tiers' worth of workspaces, and a contract that fits it. */
import { onTestFinished } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import type { Tls } from "../simulator/door.ts";
import type { Contract, Tier, TierName } from "../src/contract/model.ts";
import { parseContract } from "../src/contract/parse.ts";
import { resolveTier } from "../src/contract/tiers.ts";
import { connect, type Workspace } from "../src/databricks/workspace.ts";
import { type Clock, realClock } from "../src/http/clock.ts";
import { QUIET } from "./run.ts";

export const APPLICATION = {
  dev: "11111111-1111-4111-8111-111111111111",
  staging: "22222222-2222-4222-8222-222222222222",
  prod: "33333333-3333-4333-8333-333333333333",
} as const;
export const SECRET = {
  dev: "dose-canary-dev-5711",
  staging: "dose-canary-staging-5712",
  prod: "dose-canary-prod-5713",
} as const;
type Deployed = keyof typeof APPLICATION;

export interface Account {
  readonly simulator: DatabricksSimulator;
  readonly contract: Contract;
  /** What four-tier.yml says. */
  readonly contractText: string;
  tier(name: TierName, developer?: string): Tier;
  /** A connection to the tier's workspace, as the tier's own principal or another service principal. */
  connect(name: Deployed, principal?: string): Workspace;
  /** Writes that reached the service and what they were, in order: `POST /api/2.2/jobs/update`. */
  writes(): string[];
}

/** What is to be waited before a request is sent again takes a hundredth of its time. */
const IMPATIENT: Clock = { ...realClock, sleep: (ms, signal) => realClock.sleep(ms / 100, signal) };

/** Starts the account; it ends with the test, which fails if something was asked that is not modelled. */
export async function startAccount(
  scenario: Partial<DatabricksScenario>,
  contractTail = "",
  /** More keys of a tier in the contract: `{ dev: ", client_id: …", sandbox: "keep_days: 10" }`. */
  more: Partial<Record<Deployed | "sandbox", string>> = {},
  tls?: Tls,
): Promise<Account> {
  const principals = Object.fromEntries(
    (["dev", "staging", "prod"] as const).map((tier) => [
      `ml-pipelines-${tier}`,
      { application_id: APPLICATION[tier], workspaces: [tier], secrets: [SECRET[tier]] },
    ]),
  );
  const { service_principals: others, ...rest } = scenario;
  const world: DatabricksScenario = {
    workspaces: {
      dev: { id: "1111111111111111" },
      staging: { id: "2222222222222222" },
      prod: { id: "3333333333333333" },
    },
    service_principals: { ...principals, ...others },
    users: { "mona@example.com": { display_name: "Mona" }, "rob@example.com": {} },
    groups: { "metastore-admins": { members: ["rob@example.com"] } },
    ...rest,
  };
  const simulator = await startDatabricks(world, tls === undefined ? {} : { tls });
  onTestFinished(() => simulator.close());
  const url = (tier: Deployed): string => simulator.workspaces[tier]?.url ?? "";
  const text = `project: ml-pipelines
tiers:
  sandbox: { ${more.sandbox ?? ""} }
  dev: { workspace: "${url("dev")}", workspace_id: "1111111111111111"${more.dev ?? ""} }
  staging: { workspace: "${url("staging")}", workspace_id: "2222222222222222"${more.staging ?? ""} }
  prod: { workspace: "${url("prod")}", workspace_id: "3333333333333333"${more.prod ?? ""} }
${contractTail}`;
  const { contract, findings } = parseContract(text, "four-tier.yml", {
    allowedHosts: ["127.0.0.1", "localhost", ".test"],
  });
  if (contract === undefined) throw new Error(JSON.stringify(findings));
  return {
    simulator,
    contract,
    contractText: text,
    tier: (name, developer = "octocat") => resolveTier(contract, name, { developer }),
    connect: (name, principal = `ml-pipelines-${name}`) =>
      connect({
        host: url(name),
        credentials: { kind: "secret", ...simulator.credentials(principal) },
        log: QUIET,
        clock: IMPATIENT,
      }),
    writes: () =>
      simulator.requests
        .filter(({ method, path }) => method !== "GET" && !path.startsWith("/oidc/"))
        .map(({ method, path }) => `${method} ${path}`),
  };
}
