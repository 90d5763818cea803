import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { sarifSchema } from "../report/sarif-schema.ts";
import { ownCatalog, policyAccount } from "./policy.ts";

const prodWith = (grants: Record<string, string[]>) => {
  const owner = "ml-pipelines-prod";
  return { ...ownCatalog("prod"), schemas: { gold: { owner, tables: { scores: { owner, grants } } } } };
};

test("a clean prod passes, writes nothing, and shows the matrix and its certificate", async () => {
  const { account, run } = await policyAccount({ catalogs: { prod: ownCatalog("prod") } });
  const result = await run("validate-grants", "prod");
  expect(result.annotations).toEqual([]);
  expect(result.exitCode).toBe(0);
  expect(result.outputs["conclusion"]).toBe("success");
  expect(account.writes()).toEqual([]);
  expect(result.summary).toContain("owns it");
  expect(result.report).toMatchObject({
    action: "validate-grants",
    conclusion: "success",
    certificate: { kind: "tier", tier: "prod", authority: "owner of catalog prod", refused: [] },
    matrix: [
      { principalTier: "dev", reach: "nothing", verdict: "pass" },
      { principalTier: "staging", reach: "nothing", verdict: "pass" },
      { principalTier: "prod", reach: "owns", verdict: "pass" },
    ],
    findings: [],
  });
});

test("work that takes longer than five seconds says in the log how far it is", async () => {
  const owner = "ml-pipelines-prod";
  const tables = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`t${index}`, { owner }]));
  const slow = { ...ownCatalog("prod"), schemas: { gold: { owner, tables } } };
  const { run } = await policyAccount({
    catalogs: { prod: slow },
    faults: [{ path: "*/permissions/table/*", effect: "slow", delay_ms: 170, times: "always" }],
  });
  const fast = new URL("fast-clock.ts", import.meta.url).href;
  const result = await run("validate-grants", "prod", {}, { preload: [fast] });
  expect(result.exitCode).toBe(0);
  expect(result.stdout).toMatch(/^\d+ of 31 lists of grants/m);
});

test("a prod table granted to a developer fails, in the annotation, the summary and the report", async () => {
  const { run } = await policyAccount({ catalogs: { prod: prodWith({ "mona@example.com": ["SELECT"] }) } });
  const result = await run("validate-grants", "prod");
  expect(result.exitCode).toBe(1);
  expect(result.outputs["conclusion"]).toBe("failure");
  expect(result.annotations).toMatchObject([
    {
      level: "error",
      title: "grants/unnamed-principal",
      message: expect.stringContaining("mona@example.com has SELECT on table prod.gold.scores") as string,
    },
  ]);
  expect(result.summary).toContain("grants/unnamed-principal");
  expect(result.report).toMatchObject({ findings: [{ id: "grants/unnamed-principal", severity: "error" }] });
});

test("what was not seen fails as well", async () => {
  const { account, run } = await policyAccount({ catalogs: { prod: ownCatalog("prod") } });
  account.simulator.fault({
    method: "GET",
    path: "/api/2.1/unity-catalog/tables",
    effect: "error",
    status: 403,
    code: "PERMISSION_DENIED",
  });
  const result = await run("validate-grants", "prod");
  expect(result.exitCode).toBe(1);
  expect(result.report).toMatchObject({ findings: [{ id: "grants/unseen", severity: "unknown" }] });
});

test.each([["fix", "input/mode"]])("mode: %s is refused before anything is sent", async (mode, id) => {
  const { account, run } = await policyAccount({ catalogs: { prod: ownCatalog("prod") } });
  const result = await run("validate-grants", "prod", { mode });
  expect(result.exitCode).toBe(1);
  expect(result.annotations.map(({ title }) => title)).toEqual([id]);
  expect(account.simulator.requests).toEqual([]);
});

/** A prod with an auditor that owns the metastore. */
const audited = {
  service_principals: {
    "four-tier-audit": {
      application_id: "77777777-7777-4777-8777-777777777777",
      workspaces: ["prod"],
      secrets: ["dose-canary-audit-5714"],
    },
  },
  groups: { "metastore-admins": { members: ["four-tier-audit"] } },
  warehouses: { w: { workspace: "prod", users: ["four-tier-audit"] } },
};
const KNOWS_ADMINS = `grants:
  rules:
    - { on: metastore, principal: metastore-admins, privileges: [MANAGE] }
`;
const asAuditor = {
  proof: "estate",
  "client-id": "77777777-7777-4777-8777-777777777777",
  "client-secret": "dose-canary-audit-5714",
};

test("an audit shows what it rests on, and gives the hash of its certificate", async () => {
  const { account, run } = await policyAccount({ ...audited, catalogs: { prod: ownCatalog("prod") } }, KNOWS_ADMINS);
  const result = await run("validate-grants", "prod", { ...asAuditor, "warehouse-id": "w" });
  expect(result.annotations).toEqual([]);
  expect(result.report).toMatchObject({
    certificate: { kind: "estate", reader: "sql", authority: "metastore admin", refused: [], seen: { users: 2 } },
    findings: [],
  });
  expect(result.outputs["certificate"]).toMatch(/^[0-9a-f]{64}$/);
  expect(result.summary).toContain("2 users");
  expect(account.writes().every((write) => write === "POST /api/2.0/sql/statements")).toBe(true);
});

test("an audit fails on what a tier proof cannot see", async () => {
  const prod = { ...ownCatalog("prod"), storage: "s3://lake/prod" };
  const { run } = await policyAccount({ ...audited, catalogs: { prod } }, KNOWS_ADMINS);
  const result = await run("validate-grants", "prod", asAuditor);
  expect(result.exitCode).toBe(1);
  expect(result.report).toMatchObject({ findings: [{ id: "grants/unseen", severity: "unknown" }] });
});

test("an audit by the tier's own principal is refused", async () => {
  const { run } = await policyAccount({ catalogs: { prod: ownCatalog("prod") } });
  const result = await run("validate-grants", "prod", { proof: "estate" });
  expect(result.annotations.map(({ title }) => title)).toEqual(["grants/auditor"]);
});

test.each([
  [{ proof: "all" }, "input/proof"],
  [{ ...asAuditor, reader: "jdbc" }, "input/reader"],
  [{ ...asAuditor, reader: "sql" }, "input/warehouse-id"],
  [{ ...asAuditor, "warehouse-id": "a b" }, "input/warehouse-id"],
  [{ "warehouse-id": "w" }, "input/proof"],
  [{ ...asAuditor, record: "yes" }, "input/record"],
])("inputs that cannot be meant are refused before anything is sent (%j)", async (inputs, id) => {
  const { account, run } = await policyAccount({ ...audited, catalogs: { prod: ownCatalog("prod") } }, KNOWS_ADMINS);
  const result = await run("validate-grants", "prod", inputs);
  expect(result.annotations.map(({ title }) => title)).toEqual([id]);
  expect(account.simulator.requests).toEqual([]);
});

test.each([
  [{ w: { workspace: "prod", state: "RUNNING" as const } }, "databricks/warehouse-refused"],
  [{}, "databricks/warehouse-missing"],
])("a warehouse that cannot be used is said with what to do", async (warehouses, id) => {
  const { run } = await policyAccount({ ...audited, warehouses, catalogs: { prod: ownCatalog("prod") } });
  const result = await run("validate-grants", "prod", { ...asAuditor, reader: "sql", "warehouse-id": "w" });
  expect(result.exitCode).toBe(1);
  expect(result.annotations.map(({ title }) => title)).toEqual([id]);
});

const repairable = {
  catalogs: {
    dev: {
      ...ownCatalog("dev"),
      schemas: { gold: { owner: "ml-pipelines-dev", grants: { "account users": ["SELECT"] } } },
    },
    prod: ownCatalog("prod"),
  },
};
const AUTHORITY = "grants: { authority: catalog }\n";

test("repair is dry by default; with the plan's digest it is made, under the lock, and then there is nothing to do", async () => {
  const { account, run } = await policyAccount(repairable, AUTHORITY);
  const dry = await run("validate-grants", "dev", { mode: "repair" });
  expect(dry.exitCode).toBe(0);
  expect(dry.summary).toContain("Dry run: nothing was changed");
  expect(dry.summary).toContain("account users");
  expect(account.writes()).toEqual([]);
  const digest = dry.outputs["plan-digest"] ?? "";
  expect(dry.outputs["changed"]).toBe("true");
  expect(dry.summary).toContain(digest);

  const made = await run("validate-grants", "dev", { mode: "repair", apply: "true", "plan-digest": digest });
  expect(made.annotations).toEqual([]);
  expect(made.exitCode).toBe(0);
  const writes = account.writes();
  expect(writes.filter((write) => write.startsWith("PATCH"))).toEqual([
    "PATCH /api/2.1/unity-catalog/permissions/schema/dev.gold",
  ]);
  const lock = writes.findIndex((write) => write.includes("/workspace"));
  expect(lock).toBeGreaterThanOrEqual(0);
  expect(lock).toBeLessThan(writes.findIndex((write) => write.startsWith("PATCH")));

  const again = await run("validate-grants", "dev", { mode: "repair" });
  expect(again.outputs["changed"]).toBe("false");
  expect(again.summary).toContain("Nothing is to be repaired");
  expect((await run("validate-grants", "dev")).exitCode).toBe(0);
});

test.each([
  [{ apply: "true" }, "input/plan-digest"],
  [{ apply: "true", "plan-digest": "abc" }, "input/plan-digest"],
  [{ apply: "yes" }, "input/apply"],
  [{ proof: "estate" }, "input/mode"],
])("repair with %j is refused before anything is sent", async (inputs, id) => {
  const { account, run } = await policyAccount(repairable, AUTHORITY);
  const result = await run("validate-grants", "dev", { mode: "repair", ...inputs });
  expect(result.annotations.map(({ title }) => title)).toEqual([id]);
  expect(account.simulator.requests).toEqual([]);
});

test("a plan that is no longer the one that was read is not carried out", async () => {
  const { account, run } = await policyAccount(repairable, AUTHORITY);
  const result = await run("validate-grants", "dev", { mode: "repair", apply: "true", "plan-digest": "0".repeat(64) });
  expect(result.annotations.map(({ title }) => title)).toEqual(["grants/repair-changed"]);
  expect(account.writes().filter((write) => write.startsWith("PATCH"))).toEqual([]);
});

describe("the report and the SARIF file", () => {
  const valid = new Ajv({ strict: false, formats: { "date-time": true } }).compile(
    JSON.parse(readFileSync(new URL("../../grants-report.schema.json", import.meta.url), "utf8")) as object,
  );
  const sarifValid = new Ajv({ strict: false, formats: { uri: true, "uri-reference": true } }).compile(sarifSchema);

  test.each<[string, Record<string, string>]>([
    ["a proof", {}],
    ["a refused run", { mode: "fix" }],
    ["a dry repair", { mode: "repair" }],
    ["an audit", { ...asAuditor, "warehouse-id": "w" }],
  ])("of %s are what their schemas say", async (_name, inputs) => {
    const prod = prodWith({ "mona@example.com": ["SELECT"], "account users": ["MODIFY"] });
    const { run } = await policyAccount({ ...audited, catalogs: { prod } });
    const result = await run("validate-grants", "prod", inputs);
    expect([valid(result.report), valid.errors]).toEqual([true, null]);
    const file = result.outputs["sarif"];
    const log: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
    expect(log === undefined).toBe(inputs["mode"] === "fix");
    expect(log === undefined || sarifValid(log)).toBe(true);
  });
});

describe("all sandboxes", () => {
  const sandbox = (login: string, grants: Record<string, string[]>) => ({
    owner: "ml-pipelines-dev",
    isolation: "ISOLATED" as const,
    bindings: { dev: "READ_WRITE" as const },
    properties: { four_tier_project: "ml-pipelines", four_tier_developer: login },
    schemas: { gold: { grants } },
  });
  const open = (grants: Record<string, string[]>) =>
    policyAccount(
      {
        groups: { "metastore-admins": { members: ["rob@example.com"] } },
        catalogs: {
          dev: ownCatalog("dev"),
          octocat_sandbox: sandbox("octocat", { "mona@example.com": ["SELECT"] }),
          hubot_sandbox: sandbox("hubot", grants),
        },
      },
      `users: { octocat: mona@example.com, hubot: rob@example.com }
grants: { rules: [{ on: metastore, principal: metastore-admins, privileges: [MANAGE] }] }
`,
    );
  const inputs = { tier: "sandbox", proof: "estate", developer: "*" };

  test("are proved by dev's principal in one run, and each proof is in the report", async () => {
    const { account, run } = await open({ "rob@example.com": ["SELECT"] });
    const result = await run("validate-grants", "dev", inputs);
    expect(result.annotations.filter(({ level }) => level === "error")).toEqual([]);
    expect(result.summary).toContain("All sandboxes that were shown (2)");
    const schema = JSON.parse(readFileSync("grants-report.schema.json", "utf8")) as object;
    expect(new Ajv({ strict: false, formats: { "date-time": true } }).validate(schema, result.report)).toBe(true);
    expect(result.report).toMatchObject({
      sandboxes: [{ certificate: { catalog: "hubot_sandbox" } }, { certificate: { catalog: "octocat_sandbox" } }],
    });
    expect(account.writes()).toEqual([]);
  });

  test("fail where somebody else has rights in one", async () => {
    const { run } = await open({ "mona@example.com": ["SELECT"] });
    const result = await run("validate-grants", "dev", inputs);
    expect(result.exitCode).toBe(1);
    expect(result.annotations.map(({ title }) => title)).toContain("grants/sandbox-shared");
    expect(result.summary).toContain("❌ fails");
  });

  test.each([
    ["developer", { ...inputs, proof: "tier" }],
    ["developer", { ...inputs, tier: "dev" }],
    ["record", { ...inputs, record: "true" }],
  ])("belong to an audit that records nothing (%s)", async (name, wrong) => {
    const { run } = await open({});
    const result = await run("validate-grants", "dev", wrong);
    expect(result.annotations.map(({ title }) => title)).toEqual([`input/${name}`]);
  });
});
