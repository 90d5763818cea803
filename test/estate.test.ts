/** The estate proof against a simulated account: what the auditor needs, what it sees, and what it says it did not see. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import type { Workspace } from "../src/databricks/workspace.ts";
import { type EstateProof, estateProof } from "../src/estate.ts";
import { keyOf } from "../src/grants/model.ts";
import type { EstateOptions } from "../src/grants/read-estate.ts";
import { isArray, isObject, type JsonObject } from "../src/json.ts";
import { type Account, APPLICATION, startAccount } from "./account.ts";

const now = new Date("2027-01-15T12:00:00Z");
const AUDITOR = "77777777-7777-4777-8777-777777777777";
const owner = "ml-pipelines-prod";

/** The rights that the documentation gives the auditor, as it writes them: securable → privileges. */
function documentedRights(): Map<string, string[]> {
  const page = readFileSync(new URL("../docs/actions/action-validate-grants.md", import.meta.url), "utf8");
  const lines = [...page.matchAll(/^GRANT (.+) ON ([A-Z ]+) `?([\w-]+)`? TO `four-tier-audit`;$/gm)];
  return new Map(
    lines.map(([, privileges = "", type = "", name]) => [
      `${type.toLowerCase().replaceAll(" ", "_")} ${name}`,
      privileges.split(", "),
    ]),
  );
}

type Rights = ReadonlyMap<string, readonly string[]>;

/** A good prod: its principal's, isolated, bound to its own workspace, with storage of its own. */
function world(rights: Rights, more: Partial<DatabricksScenario> = {}): Partial<DatabricksScenario> {
  const given = (key: string) => ({ "four-tier-audit": [...(rights.get(key) ?? [])] });
  const bound = { isolation: "ISOLATED", bindings: { prod: "READ_WRITE" } } as const;
  return {
    service_principals: {
      "four-tier-audit": { application_id: AUDITOR, workspaces: ["prod"], secrets: ["dose-canary-audit-5714"] },
    },
    groups: {
      "metastore-admins": { members: ["rob@example.com"] },
      readers: { members: ["analysts"] },
      analysts: { members: ["readers", "mona@example.com"] },
      local: { workspace: "prod", members: ["mona@example.com"] },
    },
    catalogs: {
      prod: {
        ...bound,
        owner,
        storage: "s3://lake/prod",
        grants: { ...given("catalog prod"), readers: ["USE_CATALOG"] },
        schemas: {
          gold: {
            owner,
            grants: { readers: ["USE_SCHEMA", "SELECT"] },
            tables: { scores: { owner } },
            functions: { clean: { owner } },
            models: { churn: { owner } },
          },
        },
      },
    },
    external_locations: {
      lake: { ...bound, url: "s3://lake/", credential: "lake-role", owner, grants: given("external_location lake") },
      other: { url: "s3://lake2", credential: "lake-role", owner },
    },
    storage_credentials: {
      "lake-role": { ...bound, owner, grants: given("storage_credential lake-role") },
    },
    policies: [
      { name: "score", on: "catalog prod", privileges: ["EXECUTE"], to: ["readers"], for: "FUNCTION", when: "true" },
      { name: "mask", on: "catalog prod", type: "COLUMN_MASK", to: ["readers"] },
      { name: "gold_readers", on: "schema prod.gold", privileges: ["SELECT"], to: ["mona@example.com"] },
    ],
    warehouses: { w: { workspace: "prod", users: ["four-tier-audit"] } },
    ...more,
  };
}

const RULES = `grants:
  rules:
    - { on: catalog prod, principal: four-tier-audit, privileges: [USE_CATALOG, USE_SCHEMA, BROWSE, MANAGE] }
    - { on: catalog prod, principal: readers, privileges: [USE_CATALOG] }
    - { on: schema prod.gold, principal: readers, privileges: [USE_SCHEMA, SELECT] }
    - { on: external_location lake, principal: four-tier-audit, privileges: [MANAGE] }
    - { on: storage_credential lake-role, principal: four-tier-audit, privileges: [MANAGE] }
    - { on: metastore, principal: metastore-admins, privileges: [MANAGE] }
    - { on: catalog prod, principal: readers, privileges: [EXECUTE], effect: allow }
    - { on: schema prod.gold, principal: mona@example.com, privileges: [SELECT], effect: allow }
`;

async function audit(account: Account, options: Partial<EstateOptions> = {}): Promise<EstateProof> {
  const workspace = account.connect("prod", "four-tier-audit");
  const proof = await estateProof(workspace, account.contract, account.tier("prod"), now, {
    reader: "rest",
    ...options,
  });
  expect(account.simulator.unmodelled).toEqual([]);
  expect(account.writes().filter((write) => write !== "POST /api/2.0/sql/statements")).toEqual([]);
  return proof;
}
const said = (proof: EstateProof): string[] => proof.findings.map((finding) => `${finding.severity} ${finding.id}`);
const unseen = (proof: EstateProof): string[] => proof.certificate.refused.map(({ what }) => what);
const admin: Partial<DatabricksScenario> = {
  groups: {
    "metastore-admins": { members: ["auditors"] },
    auditors: { members: ["four-tier-audit"] },
    readers: { members: ["mona@example.com"] },
  },
};

test("a good estate passes with the rights that the documentation names and no others", async () => {
  const account = await startAccount(world(documentedRights()), RULES);
  const proof = await audit(account);
  expect(said(proof)).toEqual([]);
  expect(proof.certificate).toMatchObject({
    kind: "estate",
    reader: "rest",
    tier: "prod",
    principal: { name: "four-tier-audit", applicationId: AUDITOR },
    authority: "MANAGE, USE_CATALOG, USE_SCHEMA and BROWSE on catalog prod",
    at: "2027-01-15T12:00:00.000Z",
    refused: [],
    seen: {
      schemas: 1,
      tables: 1,
      functions: 1,
      models: 1,
      locations: 1,
      credentials: 1,
      policies: 2,
      users: 2,
      groups: 4,
    },
  });
  expect([...proof.estate.securables.keys()]).toContain("external_location lake");
  expect([...proof.estate.securables.keys()]).not.toContain("external_location other");
  expect(proof.estate.bindings.get("storage_credential lake-role")).toEqual({
    isolated: true,
    workspaces: [{ id: "3333333333333333", readOnly: false }],
  });
  expect(proof.estate.policies).toMatchObject([
    { name: "score", on: { type: "catalog" }, forType: "function", to: ["readers"] },
    { name: "gold_readers", on: { type: "schema", name: "prod.gold" }, forType: "table" },
  ]);
  expect(proof.estate.groups.get("analysts")?.members).toEqual(["readers", "mona@example.com"]);
  expect([...proof.estate.localGroups.keys()]).toEqual(["local"]);
});

const each = [...documentedRights()].flatMap(([on, privileges]) =>
  privileges.map((privilege) => [privilege, on] as const),
);
test.each(each)("without %s on %s it is unknown, never a pass", async (privilege, on) => {
  const rights = documentedRights();
  rights.set(
    on,
    (rights.get(on) ?? []).filter((one) => one !== privilege),
  );
  const account = await startAccount(world(rights), RULES);
  const proof = await audit(account);
  expect(proof.findings.map(({ severity }) => severity)).toContain("unknown");
});

test("a metastore admin sees all of it without a grant", async () => {
  const account = await startAccount(world(new Map(), admin), RULES);
  const proof = await audit(account);
  expect(proof.certificate.authority).toBe("metastore admin");
  // What the contract gives the auditor on the catalog, the location and the credential.
  expect(said(proof)).toEqual(Array(3).fill("warning grants/missing"));
});

test.each(["System user", ""])(
  "a metastore without an admin is no hole (%j), and the certificate says so",
  async (admin) => {
    const account = await startAccount(world(documentedRights(), { metastore: { owner: admin } }), RULES);
    const proof = await audit(account);
    expect(said(proof)).toEqual([]);
    expect(proof.certificate.outside.join(" ")).toContain("the metastore's summary names none");
  },
);

test("what the certificate does not speak of: who acts as a service principal, the metastore's own storage", async () => {
  const base = world(documentedRights());
  const { storage: _own, ...prod } = base.catalogs?.["prod"] ?? {};
  const account = await startAccount({ ...base, catalogs: { prod } }, RULES);
  const { certificate } = await audit(account);
  expect(certificate.outside.join(" ")).toMatch(/run as a service principal.*federation policies/);
  expect(certificate.outside.join(" ")).toContain("The metastore's own storage (s3://metastore), where prod keeps");
});

test("a schema that is dropped while it is read is gone, and one that is only not found is unknown", async () => {
  const lists = "/api/2.1/unity-catalog/tables";
  const missing = {
    method: "GET",
    effect: "error",
    status: 404,
    code: "SCHEMA_DOES_NOT_EXIST",
    times: "always",
  } as const;
  const account = await startAccount(world(documentedRights()), RULES);
  account.simulator.fault({ ...missing, path: lists });
  expect(unseen(await audit(account))).toEqual(["the tables of schema prod.gold"]);
  const dropped = await startAccount(world(documentedRights()), RULES);
  for (const path of [lists, "/api/2.1/unity-catalog/schemas/prod.gold"]) dropped.simulator.fault({ ...missing, path });
  for (const path of ["permissions/*/prod.gold*", "policies/*/prod.gold*"])
    dropped.simulator.fault({ ...missing, path: `/api/2.1/unity-catalog/${path}` });
  const proof = await audit(dropped);
  expect(unseen(proof)).toEqual([]);
  expect([...proof.estate.securables.keys()]).not.toContain("schema prod.gold");
});

test.each(["rest", "sql"] as const)(
  "no more than eight requests are in flight, whoever sends them (%s)",
  async (reader) => {
    const base = world(new Map(), admin);
    const schemas = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [
        `s${index}`,
        { owner, tables: { t: { owner } }, functions: { f: { owner } }, models: { m: { owner } } },
      ]),
    );
    const groups = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`g${index}`, {}]));
    const account = await startAccount(
      {
        ...base,
        catalogs: { prod: { ...base.catalogs?.["prod"], schemas } },
        groups: { ...admin.groups, ...groups },
        behaviours: { group_members_listed: false },
      },
      RULES,
    );
    const real = account.connect("prod", "four-tier-audit");
    let flying = 0;
    let most = 0;
    const counted: Workspace = {
      ...real,
      call: async (request) => {
        flying += 1;
        most = Math.max(most, flying);
        try {
          return await real.call(request);
        } finally {
          flying -= 1;
        }
      },
    };
    await estateProof(counted, account.contract, account.tier("prod"), now, { reader, sql: { warehouseId: "w" } });
    expect(most).toBe(8);
  },
);

describe("requests", () => {
  const signIn = /oidc|well-known|scim\/v2\/Me$/;
  const asked = ({ simulator }: Account): string[] =>
    simulator.requests
      .map(({ method, path, query }) => `${method} ${path}?${new URLSearchParams(query).toString()}`)
      .filter((request) => !signIn.test(request.split("?")[0] ?? ""));
  const each = <T>(count: number, entry: (index: number) => [string, T]): Record<string, T> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)));
  const people = {
    users: each(150, (index) => [`user-${index}@example.com`, {}]),
    groups: {
      "metastore-admins": { members: ["four-tier-audit"] },
      readers: { members: ["user-0@example.com"] },
      ...each(48, (index) => [`group-${index}`, { members: [`user-${index}@example.com`] }]),
    },
  };
  const tables = each(20, (index) => [`t${index}`, { owner, grants: { readers: ["SELECT"] } }]);
  const schemas = each(10, (index) => [`s${index}`, { owner, tables }]);

  test("of the SQL reader are twelve, however many schemas and tables there are, for an admin of the metastore", async () => {
    const base = world(new Map(), { ...people, policies: [], external_locations: {}, storage_credentials: {} });
    const prod = { ...base.catalogs?.["prod"], storage: undefined, schemas };
    const bots = each(45, (index) => [
      `bot-${index}`,
      { application_id: `aaaaaaaa-0000-4000-8000-${String(index).padStart(12, "0")}`, workspaces: ["prod"] },
    ]);
    // A result of a row for each table and one for each grant would come in two chunks.
    const account = await startAccount(
      {
        ...base,
        service_principals: { ...base.service_principals, ...bots },
        catalogs: { prod },
        sql_chunk_rows: 300,
      },
      RULES,
    );
    const proof = await audit(account, { reader: "sql", sql: { warehouseId: "w" } });
    expect(proof.certificate.seen.tables).toBe(200);
    expect(asked(account)).toHaveLength(12);
  });

  test("of the REST reader are one a securable that can carry grants, and pages of lists", async () => {
    const functions = each(5, (index) => [`f${index}`, { owner }]);
    const models = each(5, (index) => [`m${index}`, { owner }]);
    const volumes = each(5, (index) => [`v${index}`, { owner }]);
    const base = world(new Map(), { ...people });
    const full = {
      ...base.catalogs?.["prod"],
      schemas: { ...schemas, full: { owner, tables, functions, models, volumes } },
    };
    const account = await startAccount({ ...base, catalogs: { prod: full } }, RULES);
    const proof = await audit(account);
    const requests = asked(account);
    expect(requests.filter((request, index) => requests.indexOf(request) !== index)).toEqual([]);
    const grants = requests.filter((request) => request.includes("/unity-catalog/permissions/"));
    const carriers = [...proof.estate.securables.keys()].filter((key) => !key.startsWith("metastore"));
    expect(grants.length).toBeLessThanOrEqual(carriers.length);
    // Policies are a list each; what is no list is the catalog, the metastore, and the storage with what it is bound to.
    const list =
      /\/(schemas|tables|volumes|functions|models|external-locations|Users|Groups|ServicePrincipals|policies\/\w+\/[\w.]+)\?/;
    const rest = requests.filter((request) => !grants.includes(request) && !list.test(request));
    expect(rest.map((request) => request.replace(/^GET \/api\/2.1\/unity-catalog\/(.*)\?$/, "$1")).toSorted()).toEqual([
      "bindings/catalog/prod",
      "bindings/external_location/lake",
      "bindings/storage_credential/lake-role",
      "catalogs/prod",
      "metastore_summary",
      "storage-credentials/lake-role",
    ]);
  });
});

describe("the two readers", () => {
  const comparable = ({ estate, certificate }: EstateProof) => ({
    securables: new Map([...estate.securables].map(([key, one]) => [key, { ...one, storage: one.storage ?? null }])),
    groups: estate.groups,
    principals: estate.principals,
    bindings: estate.bindings,
    policies: estate.policies,
    seen: certificate.seen,
    refused: certificate.refused,
  });

  test.each([{}, { behaviours: { direct_grant_mark: "null" as const, group_members_listed: false }, page_size: 2 }])(
    "see the same, policies, storage and people included (%j)",
    async (more) => {
      const account = await startAccount(world(new Map(), { ...admin, ...more }), RULES);
      const rest = await audit(account);
      const sql = await audit(account, { reader: "sql", sql: { warehouseId: "w" } });
      expect([rest.certificate.reader, sql.certificate.reader]).toEqual(["rest", "sql"]);
      expect(comparable(sql)).toEqual(comparable(rest));
      expect(said(sql)).toEqual(said(rest));
    },
  );

  test("auto is SQL for who owns the metastore, and REST for who only has MANAGE", async () => {
    const options = { reader: "auto", sql: { warehouseId: "w" } } as const;
    const direct = { groups: { ...admin.groups, "metastore-admins": { members: ["four-tier-audit"] }, auditors: {} } };
    const owns = await startAccount(world(new Map(), direct), RULES);
    expect((await audit(owns, options)).certificate.reader).toBe("sql");
    const manages = await startAccount(world(documentedRights()), RULES);
    const proof = await audit(manages, options);
    expect(proof.certificate.reader).toBe("rest");
    expect(said(proof)).toEqual([]);
  });

  test.each([
    ["one statement for what is there, what is granted, and where policies are", {}, 1],
    [
      "it again without the policies, where that preview is missing",
      { behaviours: { policy_view: "absent" as const } },
      2,
    ],
  ])("SQL asks %s", async (_name, more, statements) => {
    const account = await startAccount(world(new Map(), { ...admin, ...more }), RULES);
    const proof = await audit(account, { reader: "sql", sql: { warehouseId: "w" } });
    expect(account.writes()).toHaveLength(statements);
    expect(proof.estate.policies.map(({ name }) => name)).toEqual(["score", "gold_readers"]);
  });

  test.each([
    ["the catalog's owner, to whom the view shows all, asks for no policies that are not there", "four-tier-audit", 0],
    ["a metastore admin, of whom its page says nothing, asks REST about the catalog", owner, 1],
  ])("%s", async (_name, owning, asked) => {
    const groups = { ...admin.groups, "metastore-admins": { members: ["four-tier-audit"] } };
    const base = world(new Map(), { groups, policies: [] });
    const account = await startAccount(
      { ...base, catalogs: { prod: { ...base.catalogs?.["prod"], owner: owning } } },
      RULES,
    );
    await audit(account, { reader: "sql", sql: { warehouseId: "w" } });
    const paths = account.simulator.requests.map(({ path }) => path);
    expect(paths.filter((path) => path.includes("/policies/"))).toHaveLength(asked);
  });

  test("SQL for who only has MANAGE is unknown: it was shown its own grants", async () => {
    const account = await startAccount(world(documentedRights()), RULES);
    const proof = await audit(account, { reader: "sql", sql: { warehouseId: "w" } });
    expect(unseen(proof)).toContain("what others hold in catalog prod");
    expect(said(proof)).toContain("unknown grants/unseen");
  });

  test("auto goes on through REST where the warehouse cannot be used, and says so", async () => {
    const account = await startAccount(
      world(new Map(), { ...admin, groups: { "metastore-admins": { members: ["four-tier-audit"] }, readers: {} } }),
      RULES,
    );
    const proof = await audit(account, { reader: "auto", sql: { warehouseId: "gone" } });
    expect(proof.certificate.reader).toBe("rest");
    expect(said(proof)).toContain("notice databricks/warehouse-missing");
  });

  test("without the preview that places policies, schemas and tables are asked one by one", async () => {
    const policies = [
      { name: "of_schema", on: "schema prod.gold", privileges: ["SELECT"], to: ["mona@example.com"] },
      { name: "of_table", on: "table prod.gold.scores", privileges: ["SELECT"], to: ["rob@example.com"] },
    ];
    const account = await startAccount(
      world(new Map(), { ...admin, policies, behaviours: { policy_view: "absent" } }),
      RULES,
    );
    const proof = await audit(account, { reader: "sql", sql: { warehouseId: "w" } });
    expect(proof.estate.policies.map(({ name }) => name)).toEqual(["of_schema", "of_table"]);
  });

  test("more tables than are asked one by one: unknown without a warehouse, and one statement with it", async () => {
    const tables = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`t${index}`, { owner }]));
    const base = world(documentedRights());
    const account = await startAccount(
      {
        ...base,
        catalogs: { prod: { ...base.catalogs?.["prod"], schemas: { gold: { owner, tables } } } },
        policies: [{ name: "of_table", on: "table prod.gold.t7", privileges: ["SELECT"], to: ["account users"] }],
      },
      RULES,
    );
    const rest = await audit(account);
    expect(unseen(rest)).toEqual(["the GRANT policies of the 1001 tables of catalog prod"]);
    expect(said(rest)).toContain("unknown grants/unseen");
    const auto = await audit(account, { reader: "auto", sql: { warehouseId: "w" } });
    expect([auto.certificate.reader, unseen(auto)]).toEqual(["rest", []]);
    expect(said(auto)).toContain("error grants/policy-grant");
  });

  test("auto goes on through REST where a statement fails, or where the metastore says nothing", async () => {
    const direct = { groups: { ...admin.groups, "metastore-admins": { members: ["four-tier-audit"] }, auditors: {} } };
    const options = { reader: "auto", sql: { warehouseId: "w" } } as const;
    const account = await startAccount(world(new Map(), { ...direct, sql_inline_bytes: 1 }), RULES);
    const proof = await audit(account, options);
    expect(proof.certificate.reader).toBe("rest");
    expect(said(proof)).toContain("notice databricks/statement-failed");
    account.simulator.fault({
      path: "/api/2.1/unity-catalog/metastore_summary",
      effect: "error",
      status: 403,
      code: "PERMISSION_DENIED",
      times: "always",
    });
    expect(said(await audit(account, options))).toContain("unknown grants/unseen");
  });
});

describe("what was not seen is unknown", () => {
  test("a group that came without members, and is refused when it is asked for itself", async () => {
    const account = await startAccount(
      world(documentedRights(), { behaviours: { group_members_listed: false } }),
      RULES,
    );
    account.simulator.fault({
      path: "/api/2.0/preview/scim/v2/Groups/*",
      effect: "error",
      status: 403,
      code: "SCIM_403",
      nth: 2,
    });
    const proof = await audit(account);
    expect(unseen(proof)).toEqual([expect.stringMatching(/^the members of group /)]);
    expect(said(proof)).toContain("unknown grants/unseen");
  });

  test("a member of whom the list does not say what it is", async () => {
    const base = world(documentedRights());
    const account = await startAccount(
      { ...base, groups: { ...base.groups, analysts: { members: ["mona@example.com", "ml-pipelines-dev"] } } },
      RULES,
      { dev: `, client_id: ${APPLICATION.dev}` },
    );
    const real = account.connect("prod", "four-tier-audit");
    const bare = ({ $ref: _ref, type: _type, ...member }: JsonObject): JsonObject => member;
    const silent: Workspace = {
      ...real,
      call: async (request) => {
        const answer = await real.call(request);
        const body = answer.json();
        if (!request.path.endsWith("/Groups") || !isObject(body)) return answer;
        const groups = (isArray(body["Resources"]) ? body["Resources"] : []).filter(isObject).map((group) => ({
          ...group,
          members: (isArray(group["members"]) ? group["members"] : []).filter(isObject).map(bare),
        }));
        return { ...answer, header: (name) => answer.header(name), json: () => ({ ...body, Resources: groups }) };
      },
    };
    const proof = await estateProof(silent, account.contract, account.tier("prod"), now, { reader: "rest" });
    // Mona is known by her id; whatever the other is, it could be anybody.
    expect(proof.estate.groups.get("analysts")).toMatchObject({ members: ["mona@example.com"], complete: false });
    expect(said(proof)).toEqual(["unknown grants/group-unseen"]);
  });

  test("the location that holds the catalog's data", async () => {
    const account = await startAccount(world(documentedRights(), { external_locations: {} }), RULES);
    expect(unseen(await audit(account))).toEqual(["the external location of s3://lake/prod"]);
  });

  test("the owner of the metastore", async () => {
    const account = await startAccount(world(documentedRights(), { metastore: { owner: "nobody-here" } }), RULES);
    const proof = await audit(account);
    expect(said(proof)).toEqual(["error grants/metastore-owner", "unknown grants/group-unseen"]);
    expect(proof.findings[1]?.message).toContain("nobody-here");
  });

  test.each([
    "/api/2.1/unity-catalog/policies/*",
    "/api/2.0/preview/scim/v2/Users",
    "/api/2.1/unity-catalog/external-locations",
  ])("%s, refused", async (path) => {
    const account = await startAccount(world(documentedRights()), RULES);
    account.simulator.fault({ path, effect: "error", status: 403, code: "PERMISSION_DENIED", times: "always" });
    expect(said(await audit(account))).toContain("unknown grants/unseen");
  });
});

describe("bad input is a finding with a remedy, and nothing is changed", () => {
  const rule = (principal: string): string =>
    `${RULES}    - { on: catalog prod, principal: ${principal}, privileges: [USE_CATALOG] }\n`;
  const remedyOf = (proof: EstateProof, id: string): string | undefined =>
    proof.findings.find((finding) => finding.id === id)?.remedy;

  test("a principal that nobody is", async () => {
    const account = await startAccount(world(documentedRights()), rule("data-scientist"));
    expect(remedyOf(await audit(account), "grants/principal-unknown")).toContain("Correct the name");
  });

  test("a group of the workspace alone", async () => {
    const account = await startAccount(world(documentedRights()), rule("local"));
    expect(remedyOf(await audit(account), "grants/principal-local")).toContain("account group");
  });

  test("a display name that two carry", async () => {
    const twin = (id: string) => ({ application_id: id, display_name: "twin", workspaces: ["prod"] });
    const base = world(documentedRights());
    const account = await startAccount(
      {
        ...base,
        service_principals: {
          ...base.service_principals,
          one: twin("aaaaaaaa-0000-4000-8000-000000000001"),
          two: twin("aaaaaaaa-0000-4000-8000-000000000002"),
        },
      },
      rule("twin"),
    );
    expect(remedyOf(await audit(account), "grants/principal-ambiguous")).toContain("application id");
  });

  test("a catalog that does not exist", async () => {
    const account = await startAccount(world(documentedRights(), { catalogs: {} }), RULES);
    expect(said(await audit(account))).toContain("error grants/catalog-missing");
  });

  test("an auditor without rights", async () => {
    const account = await startAccount(world(new Map()), RULES);
    const proof = await audit(account);
    expect(said(proof)).toEqual(expect.arrayContaining(["unknown grants/catalog-unseen", "unknown grants/unseen"]));
    // An auditor that owned the catalog would be a finding itself.
    expect(remedyOf(proof, "grants/catalog-unseen")).toContain(
      `GRANT USE CATALOG, USE SCHEMA, BROWSE, MANAGE ON CATALOG prod TO \`${AUDITOR}\``,
    );
  });
});

test("another tier's principal is found by any group, whether this workspace knows it or not", async () => {
  const base = world(documentedRights());
  const account = await startAccount(
    { ...base, groups: { ...base.groups, analysts: { members: ["mona@example.com", "ml-pipelines-dev"] } } },
    RULES,
    { dev: `, client_id: ${APPLICATION.dev}` },
  );
  const proof = await audit(account);
  expect(proof.estate.groups.get("analysts")?.members.map(keyOf)).toContain(APPLICATION.dev);
  expect(said(proof)).toContain("error grants/cross-tier");
});
