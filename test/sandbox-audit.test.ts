/** All sandboxes at once: each is judged by its mark's developer, and what may be hidden is unknown. */
import { expect, test } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { type SandboxesProof, sandboxesProof } from "../src/sandbox-audit.ts";
import { type Account, APPLICATION, startAccount } from "./account.ts";

const now = new Date("2027-01-15T12:00:00Z");
type Catalog = NonNullable<DatabricksScenario["catalogs"]>[string];
const SANDBOX = "00000000-0000-4000-8000-000000000000";

function sandbox(login: string, email: string, over: Partial<Catalog> = {}): Catalog {
  return {
    owner: "ml-pipelines-dev",
    isolation: "ISOLATED",
    bindings: { dev: "READ_WRITE" },
    properties: { four_tier_project: "ml-pipelines", four_tier_developer: login },
    grants: { [email]: ["USE_CATALOG"] },
    schemas: { gold: { grants: { [email]: ["ALL_PRIVILEGES"], "ml-pipelines-sandbox": ["ALL_PRIVILEGES"] } } },
    ...over,
  };
}
const octocat = sandbox("octocat", "mona@example.com", {
  grants: { "mona@example.com": ["USE_CATALOG"], "ml-pipelines-sandbox": ["USE_CATALOG"] },
});
const hubot = sandbox("hubot", "rob@example.com", {
  grants: { "rob@example.com": ["USE_CATALOG"], "ml-pipelines-sandbox": ["USE_CATALOG"] },
});

function open(catalogs: Record<string, Catalog>): Promise<Account> {
  return startAccount(
    {
      service_principals: {
        "ml-pipelines-sandbox": { application_id: SANDBOX, workspaces: ["dev"] },
        auditor: {
          application_id: "77777777-7777-4777-8777-777777777777",
          workspaces: ["dev"],
          secrets: ["dose-audit"],
        },
      },
      metastore: { owner: "" },
      catalogs,
    },
    "users: { octocat: mona@example.com, hubot: rob@example.com }\n",
    {
      sandbox: `service_principal: ml-pipelines-sandbox, client_id: ${SANDBOX}`,
      dev: `, client_id: ${APPLICATION.dev}`,
      staging: `, client_id: ${APPLICATION.staging}`,
      prod: `, client_id: ${APPLICATION.prod}`,
    },
  );
}
async function prove(account: Account, as = "ml-pipelines-dev"): Promise<SandboxesProof> {
  const proof = await sandboxesProof(account.connect("dev", as), account.contract, now, { reader: "rest" });
  expect(account.simulator.unmodelled).toEqual([]);
  expect(account.writes()).toEqual([]);
  return proof;
}
const said = ({ findings }: SandboxesProof): string[] =>
  findings.map(({ severity, id, message }) => `${severity} ${id}: ${message}`);

test("good sandboxes pass, read by dev's principal, and everybody is read once for all", async () => {
  const account = await open({ octocat_sandbox: octocat, hubot_sandbox: hubot });
  const proof = await prove(account);
  expect(said(proof)).toEqual([]);
  expect(proof.proofs.map(({ certificate: { tier, catalog, kind } }) => [tier, catalog, kind])).toEqual([
    ["sandbox", "hubot_sandbox", "estate"],
    ["sandbox", "octocat_sandbox", "estate"],
  ]);
  expect(account.simulator.requests.filter(({ path }) => path.endsWith("/scim/v2/Users"))).toHaveLength(1);
});

test("each is its own developer's: what another has in it is found, and by which it is", async () => {
  const shared = sandbox("hubot", "rob@example.com", {
    schemas: { gold: { grants: { "mona@example.com": ["SELECT"] } }, silver: {} },
  });
  const found = said(await prove(await open({ octocat_sandbox: octocat, hubot_sandbox: shared })));
  expect(found.filter((line) => line.includes("sandbox-shared"))).toEqual([
    expect.stringContaining(
      "mona@example.com has SELECT on schema hubot_sandbox.gold, in the sandbox of rob@example.com",
    ),
  ]);
  expect(found.join()).toContain("grants/sandbox-copy");
  expect(found.join()).not.toContain("octocat_sandbox");
});

test("a catalog without a mark, of another project, or with another's mark", async () => {
  const proof = await prove(
    await open({
      octocat_sandbox: octocat,
      hubot_sandbox: hubot,
      plain_sandbox: sandbox("x", "rob@example.com", { properties: {} }),
      other_sandbox: sandbox("other", "rob@example.com", {
        properties: { four_tier_project: "other", four_tier_developer: "other" },
      }),
      copied_sandbox: sandbox("octocat", "rob@example.com"),
    }),
  );
  expect(said(proof).map((line) => line.split(":")[0])).toEqual([
    "warning grants/sandbox-unmarked",
    "error grants/sandbox-misnamed",
  ]);
  expect(proof.proofs).toHaveLength(2);
});

test("one that is there and hidden is unknown, whoever asks; one that nobody made is not", async () => {
  const lost = { ...hubot, owner: "rob@example.com" };
  const hidden = "unknown grants/sandbox-unseen: The sandbox";
  expect(said(await prove(await open({ octocat_sandbox: octocat, hubot_sandbox: lost })))).toEqual([
    `${hidden} hubot_sandbox is not shown to ml-pipelines-dev.`,
  ]);
  const account = await open({ octocat_sandbox: octocat });
  expect(said(await prove(account))).toEqual([]);
  expect(said(await prove(account, "auditor"))).toEqual([`${hidden} octocat_sandbox is not shown to auditor.`]);
});
