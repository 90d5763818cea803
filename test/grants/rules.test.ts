import { describe, expect, test } from "vitest";
import type { TierName } from "../../src/contract/model.ts";
import type { Expectation, ExpectedGrant } from "../../src/grants/expect.ts";
import type { Bindings } from "../../src/grants/model.ts";
import { judge } from "../../src/grants/rules.ts";
import { type EstateOptions, estateOf, ID, type Spec } from "./estate.ts";

const TIERS = ["sandbox", "dev", "staging", "prod"] as const;
const principals = TIERS.map((tier) => ({
  tier,
  name: `ml-pipelines-${tier}`,
  key: ID[tier] as string,
  resolved: true,
}));
const names = Object.fromEntries(principals.map(({ key, name }) => [key, name]));
const isolated: Bindings = { isolated: true, workspaces: [{ id: "3", readOnly: false }] };

/** A catalog as it should be: all of it the tier principal's, nobody else in it. */
function clean(catalog: string, owner: string): Spec {
  return {
    [`catalog ${catalog}`]: { owner },
    [`schema ${catalog}.bronze`]: { owner },
    [`schema ${catalog}.gold`]: { owner },
    [`table ${catalog}.bronze.events`]: { owner },
    [`table ${catalog}.gold.scores`]: { owner },
    [`table ${catalog}.gold.features`]: { owner },
    [`volume ${catalog}.gold.files`]: { owner },
    [`function ${catalog}.gold.model`]: { owner },
  };
}

function expectation(tier: TierName, options: Partial<Expectation> = {}): Expectation {
  const own = principals.find((principal) => principal.tier === tier);
  if (own === undefined) throw new Error(tier);
  return { tier, catalog: tier, workspaceId: "3", own, principals, grants: [], ...options };
}

function rule(on: string, principal: string, ...privileges: string[]): ExpectedGrant {
  const [type, name] = on.split(" ");
  return {
    on: { type: type as ExpectedGrant["on"]["type"], name: name ?? "" },
    principal,
    privileges,
    effect: "require",
    where: { kind: "file", file: "four-tier.yml", line: 7 },
  };
}

interface Case {
  readonly name: string;
  readonly tier?: TierName;
  readonly spec?: Spec;
  readonly options?: EstateOptions;
  readonly expected?: Partial<Expectation>;
  readonly bindings?: Bindings;
  readonly findings: readonly string[];
  readonly says?: string;
}

const scores = "table prod.gold.scores";
const cases: readonly Case[] = [
  { name: "a clean prod has nothing wrong", findings: [] },
  { name: "a clean dev has nothing wrong", tier: "dev", findings: [] },
  {
    name: "a prod table granted to a developer",
    spec: { [scores]: { owner: ID.prod, grants: { "mona@example.com": ["SELECT"] } } },
    findings: ["error grants/unnamed-principal"],
    says: "mona@example.com has SELECT on table prod.gold.scores, and the contract does not name it.",
  },
  {
    name: "grants of the tier's own principal to itself are its own affair",
    spec: { [scores]: { owner: ID.prod, grants: { [ID.prod.toUpperCase()]: ["ALL_PRIVILEGES", "MANAGE"] } } },
    findings: [],
  },
  {
    name: "a grant that opens nothing is told, and does not fail",
    spec: { "catalog prod": { owner: ID.prod, grants: { "mona@example.com": ["USE_CATALOG"] } } },
    findings: ["warning grants/unnamed-principal"],
  },
  {
    name: "BROWSE for account users is fine",
    spec: { "catalog prod": { owner: ID.prod, grants: { "account users": ["BROWSE"] } } },
    findings: [],
  },
  {
    name: "data for account users is data for every tier, said once",
    spec: { "catalog prod": { owner: ID.prod, grants: { "Account Users": ["BROWSE", "SELECT"] } } },
    findings: ["error grants/account-users"],
  },
  {
    name: "data for account users breaks dev too",
    tier: "dev",
    spec: { "catalog dev": { owner: ID.dev, grants: { "account users": ["SELECT"] } } },
    findings: ["error grants/account-users"],
  },
  {
    name: "people in dev are dev's affair",
    tier: "dev",
    spec: { "schema dev.gold": { owner: "mona@example.com", grants: { "rob@example.com": ["ALL_PRIVILEGES"] } } },
    findings: [],
  },
  {
    name: "the principal of another tier with a grant",
    spec: { [scores]: { owner: ID.prod, grants: { [ID.dev]: ["SELECT", "MODIFY"] } } },
    findings: ["error grants/cross-tier"],
    says: `ml-pipelines-dev (${ID.dev}) has MODIFY and SELECT on table prod.gold.scores.`,
  },
  {
    name: "the same rights on three tables are one finding",
    spec: Object.fromEntries(
      [scores, "table prod.gold.features", "table prod.bronze.events"].map((key) => [
        key,
        { owner: ID.prod, grants: { [ID.staging]: ["SELECT"] } },
      ]),
    ),
    findings: ["error grants/cross-tier"],
    says: "and the same on",
  },
  {
    name: "the principal of another tier by groups in groups, latent or not",
    spec: { "schema prod.gold": { owner: ID.prod, grants: { readers: ["SELECT"] } } },
    options: { groups: { readers: ["bots"], bots: [ID.dev, "readers"] } },
    expected: { grants: [rule("schema prod.gold", "readers", "SELECT")] },
    findings: ["error grants/cross-tier"],
    says: "is in group bots, which is in group readers, which has SELECT on schema prod.gold.",
  },
  {
    name: "the principal of another tier as owner",
    spec: { [scores]: { owner: ID.dev } },
    findings: ["error grants/cross-tier"],
    says: "owns table prod.gold.scores",
  },
  {
    name: "a rule of the contract does not let another tier in",
    spec: { [scores]: { owner: ID.prod, grants: { [ID.dev]: ["SELECT"] } } },
    expected: { grants: [rule(scores, ID.dev, "SELECT")] },
    findings: ["error grants/cross-tier"],
  },
  {
    name: "the sandbox reads dev.bronze and dev.silver",
    tier: "dev",
    spec: {
      "catalog dev": { owner: ID.dev, grants: { [ID.sandbox]: ["USE_CATALOG"] } },
      "schema dev.bronze": { owner: ID.dev, grants: { [ID.sandbox]: ["USE_SCHEMA", "SELECT"] } },
    },
    findings: [],
  },
  {
    name: "the sandbox does not read dev.gold",
    tier: "dev",
    spec: { "schema dev.gold": { owner: ID.dev, grants: { [ID.sandbox]: ["USE_SCHEMA", "SELECT"] } } },
    findings: ["error grants/cross-tier"],
    says: "has SELECT on schema dev.gold",
  },
  {
    name: "the sandbox does not read all of dev, which would open gold",
    tier: "dev",
    spec: { "catalog dev": { owner: ID.dev, grants: { [ID.sandbox]: ["USE_CATALOG", "SELECT"] } } },
    findings: ["error grants/cross-tier"],
  },
  {
    name: "the sandbox does not write dev.bronze",
    tier: "dev",
    spec: { "schema dev.bronze": { owner: ID.dev, grants: { [ID.sandbox]: ["SELECT", "MODIFY"] } } },
    findings: ["error grants/cross-tier"],
    says: "has MODIFY on schema dev.bronze",
  },
  {
    name: "dev's principal owns sandboxes; the sandbox's writes gold there",
    tier: "sandbox",
    spec: {
      "catalog sandbox": { owner: ID.dev, grants: { [ID.sandbox]: ["USE_CATALOG"] } },
      "schema sandbox.gold": { owner: ID.dev, grants: { [ID.sandbox]: ["ALL_PRIVILEGES"] } },
    },
    findings: [],
  },
  {
    name: "staging's principal owns no sandbox",
    tier: "sandbox",
    spec: {
      "catalog sandbox": { owner: ID.staging, grants: { [ID.sandbox]: ["USE_CATALOG"] } },
      "schema sandbox.gold": { owner: ID.dev, grants: { [ID.sandbox]: ["ALL_PRIVILEGES"] } },
    },
    findings: ["error grants/cross-tier"],
  },
  {
    name: "a named principal with what the contract gives, in any spelling",
    spec: { "schema prod.gold": { owner: ID.prod, grants: { "Data-Scientists": ["select", "Use Schema"] } } },
    options: { groups: { "data-scientists": ["mona@example.com"] } },
    expected: { grants: [rule("schema prod.gold", "data-scientists", "USE_SCHEMA", "SELECT")] },
    findings: [],
  },
  {
    name: "ALL PRIVILEGES beside single ones is no drift",
    spec: { "schema prod.gold": { owner: ID.prod, grants: { admins: ["ALL PRIVILEGES", "SELECT"] } } },
    options: { groups: { admins: ["mona@example.com"] } },
    expected: { grants: [rule("schema prod.gold", "admins", "ALL_PRIVILEGES")] },
    findings: [],
  },
  {
    name: "ALL PRIVILEGES does not cover MANAGE",
    spec: { "schema prod.gold": { owner: ID.prod, grants: { admins: ["ALL PRIVILEGES", "MANAGE"] } } },
    options: { groups: { admins: ["mona@example.com"] } },
    expected: { grants: [rule("schema prod.gold", "admins", "ALL_PRIVILEGES")] },
    findings: ["error grants/excess"],
    says: "has MANAGE on schema prod.gold",
  },
  {
    name: "a rule on the catalog covers the table below it",
    spec: {
      "catalog prod": { owner: ID.prod, grants: { readers: ["SELECT"] } },
      [scores]: { owner: ID.prod, grants: { readers: ["SELECT"] } },
    },
    options: { groups: { readers: [] } },
    expected: { grants: [rule("catalog prod", "readers", "SELECT")] },
    findings: [],
  },
  {
    name: "a rule on the schema does not cover the catalog, nor another schema",
    spec: {
      "catalog prod": { owner: ID.prod, grants: { readers: ["SELECT"] } },
      "schema prod.bronze": { owner: ID.prod, grants: { readers: ["SELECT"] } },
      "schema prod.gold": { owner: ID.prod, grants: { readers: ["SELECT"] } },
    },
    options: { groups: { readers: [] } },
    expected: { grants: [rule("schema prod.gold", "readers", "SELECT")] },
    findings: ["error grants/excess"],
    says: "has SELECT on catalog prod and schema prod.bronze, which is more",
  },
  {
    name: "what the contract gives and nobody granted",
    expected: { grants: [rule("schema prod.gold", "readers", "SELECT", "USE_SCHEMA")] },
    findings: ["warning grants/missing"],
    says: "lacks SELECT and USE_SCHEMA on schema prod.gold",
  },
  {
    name: "a rule about something that is not there",
    expected: { grants: [rule("schema prod.silver", "readers", "SELECT")] },
    findings: ["warning grants/rule-unmatched"],
  },
  {
    name: "a rule of another tier's catalog is not this one's",
    spec: { "schema prod.gold": { owner: ID.prod, grants: { readers: ["SELECT"] } } },
    options: { groups: { readers: [] } },
    expected: { grants: [rule("catalog staging", "readers", "SELECT")] },
    findings: ["error grants/unnamed-principal"],
  },
  {
    name: "somebody else owns a table in prod",
    spec: { [scores]: { owner: "mona@example.com" } },
    findings: ["error grants/foreign-owner"],
  },
  {
    name: "an owner whom the contract gives everything and MANAGE is named",
    spec: { [scores]: { owner: "platform" } },
    options: { groups: { platform: ["mona@example.com"] } },
    expected: { grants: [rule("catalog prod", "platform", "ALL_PRIVILEGES", "MANAGE")] },
    findings: ["warning grants/missing"],
  },
  {
    name: "MANAGE alone does not make somebody an owner",
    spec: { [scores]: { owner: "platform" } },
    options: { groups: { platform: ["mona@example.com"] } },
    expected: { grants: [rule("table prod.gold.scores", "platform", "MANAGE")] },
    findings: ["error grants/foreign-owner"],
  },
  {
    name: "an owner who was not shown",
    spec: { [scores]: { owner: undefined } },
    findings: ["unknown grants/owner-unseen"],
  },
  {
    name: "a catalog that the own principal neither owns nor may use",
    tier: "dev",
    spec: { "catalog dev": { owner: "mona@example.com" } },
    findings: ["error grants/own-incomplete"],
    says: "ml-pipelines-dev cannot USE_CATALOG and CREATE_SCHEMA on catalog dev",
  },
  {
    name: "ALL PRIVILEGES is enough for the own principal",
    tier: "dev",
    spec: Object.fromEntries(
      Object.keys(clean("dev", "x")).map((key) => [
        key,
        { owner: "mona@example.com", grants: key === "catalog dev" ? { [ID.dev]: ["ALL_PRIVILEGES"] } : {} },
      ]),
    ),
    findings: [],
  },
  {
    name: "a tier's principal among the metastore's owners",
    options: { metastoreOwner: "metastore-admins", groups: { "metastore-admins": [ID.dev, "mona@example.com"] } },
    findings: ["error grants/metastore-admin"],
    says: "is in group metastore-admins, which owns the metastore",
  },
  {
    name: "an open catalog",
    bindings: { isolated: false, workspaces: [] },
    findings: ["error grants/not-isolated"],
  },
  {
    name: "bound to another workspace too",
    bindings: { isolated: true, workspaces: [...isolated.workspaces, { id: "1", readOnly: true }] },
    findings: ["error grants/bound-elsewhere"],
    says: "can be read from workspace 1",
  },
  {
    name: "not bound to its own workspace",
    bindings: { isolated: true, workspaces: [{ id: "3", readOnly: true }] },
    findings: ["error grants/not-bound"],
  },
  {
    name: "an open dev catalog is dev's affair",
    tier: "dev",
    bindings: { isolated: false, workspaces: [] },
    findings: [],
  },
  {
    name: "bindings of which nobody knows the right workspace",
    expected: { workspaceId: undefined },
    findings: ["unknown grants/workspace-unknown"],
  },
  {
    name: "a grant to a principal that no longer exists",
    spec: { [scores]: { owner: ID.prod, grants: { "#4711": ["SELECT"] } } },
    findings: ["warning grants/orphan"],
    says: "(4711)",
  },
  {
    name: "a group whose members were not seen",
    tier: "dev",
    spec: { "schema dev.gold": { owner: ID.dev, grants: { outer: ["SELECT"] } } },
    options: { groups: { outer: ["inner"], inner: [] }, incomplete: ["inner"] },
    findings: ["unknown grants/group-unseen"],
    says: "The group inner has rights in dev",
  },
  {
    name: "a group whose members were not seen and that opens nothing",
    tier: "dev",
    spec: { "catalog dev": { owner: ID.dev, grants: { outer: ["USE_CATALOG"] } } },
    options: { groups: { outer: [] }, incomplete: ["outer"] },
    findings: [],
  },
];

function run(one: Case): ReturnType<typeof judge> {
  const tier = one.tier ?? "prod";
  const owner = ID[tier];
  const spec = tier === "sandbox" ? (one.spec ?? {}) : { ...clean(tier, owner), ...one.spec };
  return judge(
    estateOf(spec, { names, bindings: one.bindings ?? isolated, ...one.options }),
    expectation(tier, one.expected),
  );
}

describe("the rules", () => {
  test.each(cases)("$name", (one) => {
    const { findings } = run(one);
    expect(findings.map((finding) => `${finding.severity} ${finding.id}`)).toEqual(one.findings);
    expect(findings.map((finding) => finding.message).join("\n")).toContain(one.says ?? "");
  });
});

describe("the matrix", () => {
  const row = (one: Partial<Case>): string[] =>
    run({ name: "", findings: [], ...one }).cells.map(
      (cell) => `${cell.principal.tier}: ${cell.reach}, ${cell.verdict}`,
    );

  test("of a clean prod", () => {
    expect(row({})).toEqual([
      "sandbox: nothing, pass",
      "dev: nothing, pass",
      "staging: nothing, pass",
      "prod: owns, pass",
    ]);
  });

  test("of a prod that others get into, each by its own path", () => {
    const spec: Spec = {
      "catalog prod": { owner: ID.prod, grants: { [ID.sandbox]: ["USE_CATALOG"] } },
      [scores]: { owner: ID.prod, grants: { readers: ["SELECT"], [ID.staging]: ["MODIFY"] } },
    };
    expect(row({ spec, options: { groups: { readers: [ID.dev] } } })).toEqual([
      "sandbox: look, pass",
      "dev: read, fail",
      "staging: write, fail",
      "prod: owns, pass",
    ]);
  });

  test("what everybody has fails everybody", () => {
    const spec: Spec = { [scores]: { owner: ID.prod, grants: { "account users": ["SELECT"] } } };
    expect(row({ spec })).toEqual([
      "sandbox: read, fail",
      "dev: read, fail",
      "staging: read, fail",
      "prod: owns, pass",
    ]);
  });

  const withoutDev = principals.map((principal) =>
    principal.tier === "dev" ? { ...principal, key: principal.name, resolved: false } : principal,
  );

  test("a principal that was not found is excluded when everybody with a right is known", () => {
    const result = run({ name: "", findings: [], expected: { principals: withoutDev } });
    expect(result.findings).toEqual([]);
    expect(result.cells.map((cell) => cell.verdict)).toEqual(["pass", "pass", "pass", "pass"]);
  });

  test("a principal that was not found and could be a stranger with rights is unknown", () => {
    const spec: Spec = { "schema dev.gold": { owner: ID.dev, grants: { [ID.stranger]: ["SELECT"] } } };
    const withoutProd = principals.map((principal) =>
      principal.tier === "prod" ? { ...principal, key: principal.name, resolved: false } : principal,
    );
    const result = run({ name: "", tier: "dev", spec, findings: [], expected: { principals: withoutProd } });
    expect(result.findings.map((finding) => `${finding.severity} ${finding.id}`)).toEqual([
      "unknown grants/principal-unresolved",
    ]);
    expect(result.cells.at(-1)).toMatchObject({ reach: "unknown", verdict: "unknown" });
  });

  test("a principal that was not found is met by its name in a group", () => {
    const spec: Spec = { "schema prod.gold": { owner: ID.prod, grants: { readers: ["SELECT"] } } };
    const result = run({
      name: "",
      spec,
      options: { groups: { readers: ["ml-pipelines-dev"] } },
      findings: [],
      expected: { principals: withoutDev, grants: [rule("schema prod.gold", "readers", "SELECT")] },
    });
    expect(result.findings.map((finding) => finding.id)).toEqual(["grants/cross-tier"]);
  });
});
