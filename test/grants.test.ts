import { describe, expect, test } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import type { Workspace } from "../src/databricks/workspace.ts";
import type { Proof } from "../src/grants/certify.ts";
import { tierProof } from "../src/grants.ts";
import { isArray, isObject } from "../src/json.ts";
import { proveTier } from "../src/setup-env.ts";
import { type Account, APPLICATION, startAccount } from "./account.ts";

type Catalogs = NonNullable<DatabricksScenario["catalogs"]>;
type Catalog = Catalogs[string];
const now = new Date("2027-01-15T12:00:00Z");

/** A catalog as it should be: the tier principal's, isolated, bound to its own workspace only. */
function catalog(tier: "dev" | "staging" | "prod", over: Partial<Catalog> = {}): Catalog {
  const owner = `ml-pipelines-${tier}`;
  return {
    owner,
    isolation: "ISOLATED",
    bindings: { [tier]: "READ_WRITE" },
    schemas: {
      bronze: { owner, tables: { events: { owner } } },
      gold: {
        owner,
        tables: { scores: { owner }, report: { owner, type: "VIEW" } },
        volumes: { files: { owner } },
        functions: { clean: { owner } },
        models: { churn: { owner } },
      },
    },
    ...over,
  };
}

const clean: Catalogs = { dev: catalog("dev"), staging: catalog("staging"), prod: catalog("prod") };

async function prove(account: Account, tier: "dev" | "staging" | "prod" = "prod"): Promise<Proof> {
  const proof = await tierProof(account.connect(tier), account.contract, account.tier(tier), now);
  expect(account.simulator.unmodelled).toEqual([]);
  expect(account.writes()).toEqual([]);
  return proof;
}
const said = (proof: Proof): string[] => proof.findings.map((finding) => `${finding.severity} ${finding.id}`);
const row = (proof: Proof): string[] =>
  proof.cells.map((cell) => `${cell.catalog}, ${cell.principal.tier}: ${cell.reach}, ${cell.verdict}`);

test("a proof asks nothing that proving the tier has read already, and one thing after the other only where it must", async () => {
  const account = await startAccount({ catalogs: clean });
  const workspace = account.connect("prod");
  const {
    identity,
    catalog: found,
    bindings,
  } = await proveTier(workspace, account.contract, account.tier("prod"), APPLICATION.prod);
  const before = account.simulator.requests.length;
  const proof = await tierProof(workspace, account.contract, account.tier("prod"), now, {
    identity,
    catalog: found,
    bindings,
  });
  expect(proof).toEqual(await prove(account));
  const asked = account.simulator.requests.slice(before).map(({ path }) => path);
  const own = asked.slice(
    0,
    asked.findIndex((path) => path.endsWith("/Me")),
  );
  expect(own).not.toContain("/api/2.1/unity-catalog/catalogs/prod");
  expect(own).not.toContain("/api/2.1/unity-catalog/bindings/catalog/prod");
  expect(own.filter((path) => path.includes("/permissions/"))).toHaveLength(9); // one a securable
});

/** prod's gold with grants on its table and its schema. */
function prodWith(options: {
  readonly table?: Record<string, string[]>;
  readonly schema?: Record<string, string[]>;
  readonly catalog?: Record<string, string[]>;
}): Catalogs {
  const owner = "ml-pipelines-prod";
  return {
    ...clean,
    prod: catalog("prod", {
      grants: options.catalog ?? {},
      schemas: {
        gold: { owner, grants: options.schema ?? {}, tables: { scores: { owner, grants: options.table ?? {} } } },
      },
    }),
  };
}

test("of the catalog alone: its own grants are judged, one request whatever is in it, and nothing is said of that", async () => {
  const account = await startAccount({
    catalogs: prodWith({ catalog: { "rob@example.com": ["MODIFY"] }, table: { "mona@example.com": ["SELECT"] } }),
  });
  const before = account.simulator.requests.length;
  const within = Promise.resolve(false);
  const proof = await tierProof(account.connect("prod"), account.contract, account.tier("prod"), now, { within });
  const lists = account.simulator.requests.slice(before).filter(({ path }) => path.includes("/permissions/"));
  expect(lists.map(({ path }) => path)).toEqual(["/api/2.1/unity-catalog/permissions/catalog/prod"]);
  expect(proof.findings.map(({ message }) => message).filter((message) => message.includes("rob@"))).not.toEqual([]);
  expect(JSON.stringify(proof.findings)).not.toContain("mona@");
  expect(proof.certificate.outside[0]).toBe("What is in catalog prod: only the catalog itself was asked about.");
  expect(JSON.stringify((await prove(account)).findings)).toContain("mona@");
});

test("a clean estate passes in every tier, each with only the rights of its own principal", async () => {
  const account = await startAccount({ catalogs: clean });
  for (const tier of ["dev", "staging", "prod"] as const) {
    const proof = await prove(account, tier);
    expect(said(proof)).toEqual([]);
    expect(row(proof)).toEqual(
      (["dev", "staging", "prod"] as const).map((of) => `${tier}, ${of}: ${of === tier ? "owns" : "nothing"}, pass`),
    );
  }
});

describe("the tier's principal needs what the documentation says, and nothing else", () => {
  const rob = { owner: "rob@example.com" };
  const gold = {
    ...rob,
    tables: { scores: { owner: "mona@example.com" } },
    volumes: { files: rob },
    functions: { clean: rob },
    models: { churn: rob },
  };
  const dev = (over: Partial<Catalog>): Catalogs => ({
    ...clean,
    dev: { isolation: "ISOLATED", bindings: { dev: "READ_WRITE" }, schemas: { gold }, ...over },
  });

  test.each<[string, Partial<Catalog>]>([
    ["owner of catalog dev", { owner: "ml-pipelines-dev" }],
    [
      "MANAGE and ALL PRIVILEGES on catalog dev",
      { ...rob, grants: { "ml-pipelines-dev": ["MANAGE", "ALL_PRIVILEGES"] } },
    ],
  ])("%s, and other people's things in it", async (authority, over) => {
    const account = await startAccount({ catalogs: dev(over) });
    const proof = await prove(account, "dev");
    expect(said(proof)).toEqual([]);
    expect(proof.certificate).toMatchObject({ authority, refused: [], seen: { tables: 1, functions: 1, models: 1 } });
  });

  test.each(["MANAGE", "ALL_PRIVILEGES"])("without %s it is unknown", async (privilege) => {
    const grants = { "ml-pipelines-dev": ["MANAGE", "ALL_PRIVILEGES"].filter((one) => one !== privilege) };
    const proof = await prove(await startAccount({ catalogs: dev({ ...rob, grants }) }), "dev");
    expect(said(proof)).toContain("unknown grants/authority");
  });
});

test("the certificate says who asked, with what authority, when, and what was seen", async () => {
  const account = await startAccount({ catalogs: clean, page_size: 1, behaviours: { empty_pages: true } });
  const { certificate } = await prove(account);
  expect(certificate).toMatchObject({
    kind: "tier",
    tier: "prod",
    catalog: "prod",
    principal: { name: "ml-pipelines-prod", applicationId: APPLICATION.prod },
    authority: "owner of catalog prod",
    workspaceId: "3333333333333333",
    at: "2027-01-15T12:00:00.000Z",
    // 1 catalog + 2 schemas + 3 tables + 1 volume + 1 function + 1 model
    seen: { schemas: 2, tables: 3, volumes: 1, functions: 1, models: 1, grantLists: 9, grants: 0 },
    refused: [],
  });
  expect(certificate.outside.join(" ")).toContain("ml-pipelines-dev and ml-pipelines-staging");
});

describe("what is wrong is found", () => {
  const mona = { "mona@example.com": ["SELECT"] };

  test("a prod table granted to a developer", async () => {
    const account = await startAccount({ catalogs: prodWith({ table: mona }) });
    const proof = await prove(account);
    expect(said(proof)).toEqual(["error grants/unnamed-principal"]);
    expect(proof.findings[0]).toMatchObject({
      where: { kind: "securable", type: "table", name: "prod.gold.scores" },
      message: "mona@example.com has SELECT on table prod.gold.scores, and the contract does not name it.",
    });
  });

  test("the same developer named by the contract is fine, and one right more is not", async () => {
    const account = await startAccount(
      { catalogs: prodWith({ table: { "mona@example.com": ["SELECT", "MODIFY"] } }) },
      `grants:
  rules:
    - { on: table prod.gold.scores, principal: Mona@example.com, privileges: [select] }
`,
    );
    const proof = await prove(account);
    expect(said(proof)).toEqual(["error grants/excess"]);
    expect(proof.findings[0]?.message).toContain("has MODIFY on table prod.gold.scores");
  });

  test("dev's principal in prod by nested and circular groups", async () => {
    const account = await startAccount(
      {
        catalogs: prodWith({ schema: { readers: ["SELECT"] } }),
        groups: {
          "metastore-admins": {},
          readers: { members: ["analysts"] },
          analysts: { members: ["readers", "ml-pipelines-dev"] },
        },
      },
      `grants:
  rules:
    - { on: schema prod.gold, principal: readers, privileges: [SELECT] }
`,
    );
    const proof = await prove(account);
    expect(said(proof)).toEqual(["error grants/cross-tier"]);
    expect(proof.findings[0]?.message).toContain(
      "is in group analysts, which is in group readers, which has SELECT on schema prod.gold.",
    );
    expect(row(proof)).toEqual(["prod, dev: read, fail", "prod, staging: nothing, pass", "prod, prod: owns, pass"]);
  });

  test("dev's principal in prod directly, its id known from the contract", async () => {
    const account = await startAccount({ catalogs: prodWith({ table: { "ml-pipelines-dev": ["SELECT"] } }) }, "", {
      dev: `, client_id: ${APPLICATION.dev}`,
    });
    expect(said(await prove(account))).toEqual(["error grants/cross-tier"]);
  });

  test("dev's principal in prod directly, its id not known: a stranger, who could be any of those not known", async () => {
    const account = await startAccount({ catalogs: prodWith({ table: { "ml-pipelines-dev": ["SELECT"] } }) });
    const proof = await prove(account);
    expect(said(proof)).toEqual([
      "unknown grants/principal-unresolved",
      "unknown grants/principal-unresolved",
      "error grants/unnamed-principal",
    ]);
  });

  test("somebody else owns a model", async () => {
    const owner = "ml-pipelines-prod";
    const account = await startAccount({
      catalogs: {
        ...clean,
        prod: catalog("prod", { schemas: { gold: { owner, models: { churn: { owner: "mona@example.com" } } } } }),
      },
    });
    const proof = await prove(account);
    expect(said(proof)).toEqual(["error grants/foreign-owner"]);
    expect(proof.findings[0]?.message).toContain("owns function prod.gold.churn");
  });

  test("a catalog that is open, and one that is bound to dev too", async () => {
    const open = await startAccount({ catalogs: { ...clean, prod: catalog("prod", { isolation: "OPEN" }) } });
    expect(said(await prove(open))).toEqual(["error grants/not-isolated"]);
    const bound = { prod: "READ_WRITE", dev: "READ_ONLY" } as const;
    const shared = await startAccount({ catalogs: { ...clean, prod: catalog("prod", { bindings: bound }) } });
    const proof = await prove(shared);
    expect(said(proof)).toEqual(["error grants/bound-elsewhere"]);
    expect(proof.findings[0]?.message).toContain("can be read from workspace 1111111111111111");
  });

  test("prod's principal in another tier, as far as it can be seen from prod", async () => {
    const dev = catalog("dev", {
      isolation: "OPEN",
      grants: { bots: ["USE_CATALOG", "SELECT"] },
    });
    const account = await startAccount({
      catalogs: { ...clean, dev },
      groups: { "metastore-admins": {}, bots: { members: ["ml-pipelines-prod"] } },
    });
    const proof = await prove(account);
    expect(said(proof)).toEqual(["error grants/cross-tier"]);
    expect(proof.findings[0]?.message).toContain("has SELECT on catalog dev, which is dev's");
    expect(row(proof)).toContain("dev, prod: read, fail");
  });

  test("a metastore admin among the tiers' principals", async () => {
    const account = await startAccount({
      catalogs: clean,
      groups: { "metastore-admins": { members: ["ml-pipelines-staging"] } },
    });
    expect(said(await prove(account))).toEqual(["error grants/metastore-admin"]);
  });

  test("a grant to a principal that was deleted", async () => {
    const account = await startAccount({
      catalogs: { ...clean, prod: catalog("prod", { orphans: [{ principal_id: "4711", privileges: ["SELECT"] }] }) },
    });
    expect(said(await prove(account))).toEqual(["warning grants/orphan"]);
  });
});

describe("what was not seen is unknown", () => {
  test.each(["own", "forbidden"] as const)(
    "a caller who is not the owner sees little (%s), and all of it looks fine",
    async (grants_of_others) => {
      const admin = catalog("prod", {
        owner: "rob@example.com",
        grants: { "ml-pipelines-prod": ["ALL_PRIVILEGES"] },
      });
      const account = await startAccount({
        catalogs: { ...clean, prod: admin },
        behaviours: { grants_of_others },
      });
      const proof = await prove(account);
      expect(said(proof)).toContain("unknown grants/authority");
      expect(proof.certificate.authority).toContain("not the owner");
    },
  );

  test("refused lists of grants are one finding, with the right that would show them", async () => {
    const account = await startAccount({ catalogs: clean });
    account.simulator.fault({
      method: "GET",
      path: "/api/2.1/unity-catalog/permissions/table/*",
      effect: "error",
      status: 403,
      code: "PERMISSION_DENIED",
      times: "always",
    });
    const proof = await prove(account);
    expect(new Set(said(proof))).toEqual(new Set(["unknown grants/unseen"]));
    expect(proof.findings.map((finding) => finding.message).join()).toContain("the grants of table prod.gold.scores");
    expect(proof.certificate.refused).toHaveLength(3);
  });

  test("a refused listing is unknown, not empty", async () => {
    const account = await startAccount({ catalogs: clean });
    account.simulator.fault({
      method: "GET",
      path: "/api/2.1/unity-catalog/volumes",
      effect: "error",
      status: 403,
      code: "PERMISSION_DENIED",
    });
    expect(said(await prove(account))).toEqual(["unknown grants/unseen"]);
  });

  test("a refused look at what the own principal holds on another tier's catalog is not a pass", async () => {
    const account = await startAccount({
      catalogs: {
        ...clean,
        dev: catalog("dev", { isolation: "OPEN", grants: { "ml-pipelines-prod": ["USE_CATALOG"] } }),
      },
    });
    account.simulator.fault({
      method: "GET",
      path: "/api/2.1/unity-catalog/effective-permissions/catalog/dev",
      effect: "error",
      status: 403,
      code: "PERMISSION_DENIED",
    });
    const proof = await prove(account);
    expect(said(proof)).toEqual(["unknown grants/unseen"]);
    expect(proof.findings[0]?.message).toContain("ml-pipelines-prod sees catalog dev");
    expect(row(proof).at(-1)).toBe("dev, prod: unknown, unknown");
    expect(proof.certificate.refused.map(({ what }) => what)).toEqual(["what ml-pipelines-prod holds on catalog dev"]);
    expect(row(await prove(account)).at(-1)).toBe("dev, prod: look, pass");
  });

  test("a group that holds rights and is not assigned here", async () => {
    const account = await startAccount({
      catalogs: prodWith({ table: { elsewhere: ["SELECT"] } }),
      groups: { "metastore-admins": {}, elsewhere: { members: ["mona@example.com"] } },
    });
    account.simulator.fault({
      method: "GET",
      path: "/api/2.0/preview/scim/v2/Groups*",
      effect: "error",
      status: 403,
      code: "SCIM_403",
      times: "always",
    });
    const proof = await prove(account);
    expect(said(proof)).toEqual(["error grants/unnamed-principal", "unknown grants/group-unseen"]);
  });

  test("a catalog that does not exist", async () => {
    const { prod: _gone, ...others } = clean;
    const account = await startAccount({ catalogs: others });
    expect(said(await prove(account))).toEqual(["error grants/catalog-missing"]);
  });

  test("a catalog that this principal may not see", async () => {
    const hidden = catalog("prod", { owner: "rob@example.com" });
    const account = await startAccount({ catalogs: { ...clean, prod: hidden } });
    expect(said(await prove(account))).toEqual(["unknown grants/catalog-unseen", "unknown grants/unseen"]);
  });
});

describe("the contract's names", () => {
  const rule = (principal: string): string => `grants:
  rules:
    - { on: catalog prod, principal: ${principal}, privileges: [USE_CATALOG] }
`;

  test("a name that nobody carries is told at its line", async () => {
    const account = await startAccount({ catalogs: clean }, rule("data-scientist"));
    const proof = await prove(account);
    expect(said(proof)).toEqual(["error grants/principal-unknown", "warning grants/missing"]);
    expect(proof.findings[0]?.where).toMatchObject({
      kind: "file",
      file: "four-tier.yml",
      line: account.contractText.split("\n").findIndex((line) => line.includes("data-scientist")) + 1,
    });
  });

  test("a name that two carry", async () => {
    const account = await startAccount(
      {
        catalogs: clean,
        service_principals: {
          one: { application_id: "aaaaaaaa-0000-4000-8000-000000000001", display_name: "twin", workspaces: ["prod"] },
          two: { application_id: "aaaaaaaa-0000-4000-8000-000000000002", display_name: "twin", workspaces: ["prod"] },
        },
      },
      rule("twin"),
    );
    const proof = await prove(account);
    expect(said(proof)).toContain("error grants/principal-ambiguous");
  });

  test("rules about another tier's catalog are not asked about here", async () => {
    const account = await startAccount({ catalogs: clean }, rule("data-scientist"));
    expect(said(await prove(account, "staging"))).toEqual([]);
  });
});

test("a group that a listing shows without members is asked for itself", async () => {
  const account = await startAccount({
    catalogs: prodWith({ schema: { readers: ["SELECT"] } }),
    groups: { "metastore-admins": {}, readers: { members: ["ml-pipelines-dev"] } },
  });
  const real = account.connect("prod");
  const forgetful: Workspace = {
    ...real,
    call: async (request) => {
      const answer = await real.call(request);
      const body = answer.json();
      if (!request.path.endsWith("/Groups") || !isObject(body)) return answer;
      const resources = isArray(body["Resources"]) ? body["Resources"] : [];
      const bare = resources.filter(isObject).map(({ members: _members, ...group }) => group);
      return { ...answer, header: (name) => answer.header(name), json: () => ({ ...body, Resources: bare }) };
    },
  };
  const proof = await tierProof(forgetful, account.contract, account.tier("prod"), now);
  expect(said(proof)).toContain("error grants/cross-tier");
});

test("a reader with the rights to see it all proves the tier, and is not taken for its principal", async () => {
  const reader = "aaaaaaaa-0000-4000-8000-000000000001";
  const account = await startAccount(
    {
      catalogs: { ...clean, prod: catalog("prod", { grants: { auditor: ["ALL_PRIVILEGES", "MANAGE"] } }) },
      service_principals: { auditor: { application_id: reader, workspaces: ["prod"], secrets: ["dose-auditor"] } },
    },
    `grants:
  rules:
    - { on: catalog prod, principal: auditor, privileges: [ALL_PRIVILEGES, MANAGE] }
`,
  );
  const proof = await tierProof(account.connect("prod", "auditor"), account.contract, account.tier("prod"), now);
  expect(said(proof)).toEqual([]);
  expect(proof.certificate).toMatchObject({
    principal: { name: "auditor", applicationId: reader },
    authority: "MANAGE and ALL PRIVILEGES on catalog prod",
  });
  expect(row(proof).at(-1)).toBe("prod, prod: owns, pass");
});

test("dropped while it was read: what is gone holds nothing", async () => {
  const account = await startAccount({ catalogs: clean });
  account.simulator.fault({
    method: "GET",
    path: "/api/2.1/unity-catalog/permissions/table/prod.gold.scores",
    effect: "error",
    status: 404,
    code: "TABLE_DOES_NOT_EXIST",
  });
  const proof = await prove(account);
  expect(said(proof)).toEqual([]);
  expect(proof.certificate.seen.grantLists).toBe(8);
});

test("a service that limits requests is asked again", async () => {
  const account = await startAccount({ catalogs: clean });
  account.simulator.fault({
    method: "GET",
    path: "/api/2.1/unity-catalog/permissions/*",
    effect: "rate-limited",
    retry_after: 0,
    times: 3,
  });
  expect(said(await prove(account))).toEqual([]);
});
