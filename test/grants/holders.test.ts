/** Who the holders of rights are, as the tier proof looks them up: what their names look like is no proof of what they are. */
import { describe, expect, test } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { type TierProof, tierProof } from "../../src/grants.ts";
import { type Account, APPLICATION, startAccount } from "../account.ts";

const now = new Date("2027-01-15T12:00:00Z");
const owner = "ml-pipelines-prod";

type Grants = Record<string, string[]>;

/** A good prod but for the grants on gold; everything in the contract is allowed to whom it names. */
function account(gold: Grants, more: Partial<DatabricksScenario>, rules: readonly string[] = []): Promise<Account> {
  const named = Object.keys(gold).map((name) => `{ on: schema prod.gold, principal: "${name}", privileges: [SELECT] }`);
  return startAccount(
    {
      catalogs: {
        prod: {
          owner,
          isolation: "ISOLATED",
          bindings: { prod: "READ_WRITE" },
          schemas: { gold: { owner, grants: gold, tables: { scores: { owner } } } },
        },
      },
      ...more,
    },
    `grants:\n  rules:\n${[...named, ...rules].map((rule) => `    - ${rule}\n`).join("")}`,
    { dev: `, client_id: ${APPLICATION.dev}`, staging: `, client_id: ${APPLICATION.staging}` },
  );
}

async function prove(of: Account): Promise<TierProof> {
  const proof = await tierProof(of.connect("prod"), of.contract, of.tier("prod"), now);
  expect(of.simulator.unmodelled).toEqual([]);
  return proof;
}
const said = (proof: TierProof): string[] => proof.findings.map(({ severity, id }) => `${severity} ${id}`);
const readers: Grants = { readers: ["SELECT"] };
const admins = { "metastore-admins": {} };

describe("a group that came without members", () => {
  const world = (): Promise<Account> =>
    account(readers, {
      behaviours: { group_members_listed: false },
      groups: { ...admins, readers: { members: ["ml-pipelines-dev"] } },
    });

  test("is asked for itself", async () => {
    expect(said(await prove(await world()))).toEqual(["error grants/cross-tier"]);
  });

  test.each([
    [403, "SCIM_403"],
    [404, "SCIM_404"],
  ])("and is not shown then (%d), is unknown and never empty", async (status, code) => {
    const of = await world();
    of.simulator.fault({
      path: "/api/2.0/preview/scim/v2/Groups/*",
      effect: "error",
      status,
      code,
      times: "always",
    });
    expect(said(await prove(of))).toEqual(["unknown grants/group-unseen"]);
  });
});

describe("users in groups are who their id says", () => {
  const forbids = ["{ on: table prod.gold.scores, principal: rob@example.com, privileges: [SELECT], effect: forbid }"];
  const world = (users: DatabricksScenario["users"], members = ["rob@example.com"]): Promise<Account> =>
    account(readers, { users: { ...users }, groups: { ...admins, readers: { members } } }, forbids);

  test.each(["rob@example.com", "Rob Roe"])("whatever they are called (%s)", async (display_name) => {
    const proof = await prove(await world({ "rob@example.com": { display_name } }));
    expect(said(proof)).toEqual(["error grants/forbidden"]);
    expect(proof.estate.groups.get("readers")?.members).toEqual(["rob@example.com"]);
  });

  test("in a group of hundreds as well, with a page of users for a request", async () => {
    const names = Array.from({ length: 130 }, (_, index) => `user-${index}@example.com`);
    const users = Object.fromEntries(names.map((name, index) => [name, { display_name: `User ${index}` }]));
    const of = await world({ ...users, "rob@example.com": { display_name: "Rob Roe" } }, [...names, "rob@example.com"]);
    expect(said(await prove(of))).toEqual(["error grants/forbidden"]);
    const asked = of.simulator.requests.filter(({ path }) => path.startsWith("/api/2.0/preview/scim/v2/Users"));
    expect(asked.length).toBeLessThan(10);
  });

  test("one who is not assigned here is a name that anybody can have: unknown where a rule speaks of a user", async () => {
    const of = await world(
      { "rob@example.com": {}, "x@example.com": { display_name: "Rob Roe", workspaces: ["dev"] } },
      ["x@example.com"],
    );
    expect(said(await prove(of))).toEqual(["unknown grants/group-unseen"]);
  });

  test("and not where none does", async () => {
    const of = await account(readers, {
      users: { "x@example.com": { workspaces: ["dev"] } },
      groups: { ...admins, readers: { members: ["x@example.com"] } },
    });
    expect(said(await prove(of))).toEqual([]);
  });
});

describe("a holder's name does not say what it is", () => {
  test.each(["team@example.com", "55555555-5555-4555-8555-555555555555"])("a group called %s", async (name) => {
    const of = await account(
      { [name]: ["SELECT"] },
      { groups: { ...admins, [name]: { members: ["ml-pipelines-dev"] } } },
    );
    const proof = await prove(of);
    expect(said(proof)).toContain("error grants/cross-tier");
    expect(proof.cells.find(({ principal }) => principal.tier === "dev")?.verdict).toBe("fail");
  });

  test("one with an address that nobody lists may be a group", async () => {
    const of = await account(
      { "gone@example.com": ["SELECT"] },
      { users: { "gone@example.com": { workspaces: ["dev"] } }, groups: admins },
    );
    expect(said(await prove(of))).toEqual(["unknown grants/group-unseen"]);
  });
});

describe("a service principal of another workspace in a group", () => {
  const world = (client: string): Promise<Account> =>
    account(readers, {
      service_principals: { other: { application_id: client, display_name: "renamed", workspaces: ["dev"] } },
      groups: { ...admins, readers: { members: ["other"] } },
    });

  test("is shown by a display name, which is nobody's alone: unknown", async () => {
    expect(said(await prove(await world("88888888-8888-4888-8888-888888888888")))).toEqual([
      "unknown grants/group-unseen",
    ]);
  });
});

test("names compare without case: a group and a service principal of the contract in other letters", async () => {
  const of = await startAccount(
    {
      catalogs: {
        prod: {
          owner,
          isolation: "ISOLATED",
          bindings: { prod: "READ_WRITE" },
          grants: { "Data-Scientists": ["USE_CATALOG"], "Some-Bot": ["USE_CATALOG"] },
        },
      },
      groups: { ...admins, "Data-Scientists": { members: ["rob@example.com"] } },
      service_principals: {
        "Some-Bot": { application_id: "88888888-8888-4888-8888-888888888888", workspaces: ["prod"] },
      },
    },
    `grants:
  rules:
    - { on: catalog prod, principal: data-scientists, privileges: [USE_CATALOG] }
    - { on: catalog prod, principal: some-bot, privileges: [USE_CATALOG] }
`,
  );
  expect(said(await prove(of))).toEqual([]);
});

describe("an application id in the contract", () => {
  const rule = (id: string): string[] => [
    `{ on: catalog prod, principal: ${id}, privileges: [USE_CATALOG], effect: allow }`,
  ];

  test("that nobody has is nobody's", async () => {
    const of = await account({}, { groups: admins }, rule("99999999-9999-4999-8999-999999999999"));
    expect(said(await prove(of))).toEqual(["error grants/principal-unknown"]);
  });

  test("of a tier is known by the contract, of anybody else by the workspace", async () => {
    const id = "88888888-8888-4888-8888-88888888888a";
    const bots = { bot: { application_id: id, workspaces: ["prod"] } };
    const of = await account({}, { groups: admins, service_principals: bots }, [
      ...rule(APPLICATION.staging),
      ...rule(id.toUpperCase()),
    ]);
    expect(said(await prove(of))).toEqual([]);
  });
});
