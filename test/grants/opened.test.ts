/** What a change opens: compared by what is declared, at the line that does it. */
import { describe, expect, test } from "vitest";
import type { Contract } from "../../src/contract/model.ts";
import { parseContract } from "../../src/contract/parse.ts";
import { describeWhere } from "../../src/findings.ts";
import { declaredFor, openedBy, unnamedInBundle } from "../../src/grants/opened.ts";

function contractOf(grants: string, prod = ""): Contract {
  const text = `tiers:
  dev: { workspace: https://dev-1.cloud.databricks.com }
  staging: { workspace: https://stg-1.cloud.databricks.com }
  prod: { workspace: https://prd-1.cloud.databricks.com${prod} }
grants:
  rules:
${grants}`;
  const { contract, findings } = parseContract(text, "four-tier.yml", { allowedHosts: [] });
  if (contract === undefined) throw new Error(JSON.stringify(findings));
  return contract;
}
const rule = (on: string, principal: string, privileges: string, effect = "require"): string =>
  `    - { on: "${on}", principal: "${principal}", privileges: [${privileges}], effect: ${effect} }\n`;
type Resource = Parameters<typeof declaredFor>[2][number];
const schema = (name: string, ...grants: { principal: string; privileges: string[] }[]): Resource => ({
  kind: "schemas",
  key: "schemas.gold",
  name,
  permissions: grants,
  where: { kind: "file", file: "databricks.yml", line: 3 },
});

function opened(
  before: Contract,
  after: Contract,
  resources: readonly Resource[] = [],
  was: readonly Resource[] = [],
): string[] {
  return openedBy(declaredFor(before, "prod", was), declaredFor(after, "prod", resources)).map(
    ({ severity, message, where }) => `${severity}: ${message} ${where === undefined ? "" : describeWhere(where)}`,
  );
}
const base = contractOf(rule("schema prod.gold", "readers", "SELECT"));

describe("what opens prod", () => {
  test("a new rule, at its line, with what is new of it", () => {
    const after = contractOf(
      rule("schema prod.gold", "readers", "SELECT") + rule("schema prod.gold", "readers", "SELECT, MODIFY"),
    );
    expect(opened(base, after)).toEqual([
      "warning: This opens a new path into prod: readers gets MODIFY on schema prod.gold, by a rule of the contract. four-tier.yml:8:7",
    ]);
  });
  test("the same right in more places", () => {
    expect(opened(base, contractOf(rule("catalog prod", "readers", "SELECT")))).toHaveLength(1);
    expect(opened(base, contractOf(rule("schema prod.*", "readers", "SELECT")))).toHaveLength(1);
  });
  test("an exception", () => {
    const after = contractOf(
      `${rule("schema prod.gold", "readers", "SELECT")}  exceptions:\n    - { on: table prod.gold.x, principal: mona@example.com, privileges: [MODIFY], until: 2027-02-01, reason: audit }\n`,
    );
    expect(opened(base, after).join()).toContain(
      "mona@example.com gets MODIFY on table prod.gold.x, by an exception until 2027-02-01. four-tier.yml:9:7",
    );
  });
  describe("an exception that holds for longer", () => {
    const excepted = (until: string): Contract =>
      contractOf(
        `${rule("schema prod.gold", "readers", "SELECT")}  exceptions:\n    - { on: table prod.gold.x, principal: mona@example.com, privileges: [MODIFY], until: ${until}, reason: audit }\n`,
      );
    test.each([
      ["renewed after its end", "2020-01-01", "2027-12-31"],
      ["extended", "2027-02-01", "2027-12-31"],
    ])("%s", (_name, before, after) => {
      expect(opened(excepted(before), excepted(after))).toEqual([
        "warning: This opens a new path into prod: mona@example.com gets MODIFY on table prod.gold.x, by an exception until 2027-12-31. four-tier.yml:9:7",
      ]);
    });
    test("made a rule that does not end", () => {
      const forever = contractOf(
        rule("schema prod.gold", "readers", "SELECT") + rule("table prod.gold.x", "mona@example.com", "MODIFY"),
      );
      expect(opened(excepted("2027-02-01"), forever)).toHaveLength(1);
      expect(opened(forever, excepted("2027-02-01"))).toEqual([]);
    });
    test("kept, or ended sooner, it opens nothing", () => {
      expect(opened(excepted("2027-02-01"), excepted("2027-02-01"))).toEqual([]);
      expect(opened(excepted("2027-02-01"), excepted("2027-01-20"))).toEqual([]);
    });
  });
  test.each(["external_location lake", "storage_credential lake-role"])("storage, whoever's it is: %s", (on) => {
    const after = contractOf(rule("schema prod.gold", "readers", "SELECT") + rule(on, "interns", "READ_FILES"));
    expect(opened(base, after)).toEqual([
      `warning: This opens a new path into prod, if data of it is kept there: interns gets READ_FILES on ${on.replaceAll("_", " ")}, by a rule of the contract. four-tier.yml:8:7`,
    ]);
    expect(opened(after, after)).toEqual([]);
  });
  test("another principal for the tier", () => {
    const after = contractOf(rule("schema prod.gold", "readers", "SELECT"), ", service_principal: other-bot");
    expect(opened(base, after).join()).toContain("other-bot gets ALL PRIVILEGES on catalog prod");
  });
  test("another catalog for the tier", () => {
    const after = contractOf(rule("schema prod.gold", "readers", "SELECT"), ", catalog: prod2");
    expect(opened(base, after).join()).toContain("on catalog prod2");
  });
  test("a grant of the bundle, at the resource", () => {
    const gold = schema("prod.gold", { principal: "writers", privileges: ["MODIFY"] });
    expect(opened(base, base, [gold])).toEqual([
      "warning: This opens a new path into prod: writers gets MODIFY on schema prod.gold, by the grants of schemas.gold in the bundle. databricks.yml:3",
    ]);
  });
  test("what is no longer forbidden", () => {
    const before = contractOf(rule("table prod.gold.pii", "*", "SELECT", "forbid"));
    const after = contractOf(rule("table prod.gold.pii", "interns", "SELECT", "forbid"));
    expect(opened(before, after)).toEqual([
      "warning: This no longer forbids SELECT on table prod.gold.pii in prod to everybody. four-tier.yml",
    ]);
  });
  test("a look is a notice", () => {
    const after = contractOf(rule("schema prod.gold", "readers", "SELECT") + rule("catalog prod", "all", "BROWSE"));
    expect(opened(base, after).join()).toMatch(/^notice/);
  });
});

describe("what opens nothing", () => {
  test.each<[string, Contract]>([
    ["nothing", base],
    ["less", contractOf(rule("table prod.gold.scores", "Readers", "select"))],
    ["allowed instead of required", contractOf(rule("schema prod.gold", "readers", "SELECT", "allow"))],
    [
      "another tier's",
      contractOf(rule("schema prod.gold", "readers", "SELECT") + rule("schema dev.gold", "all", "SELECT")),
    ],
    [
      "a new rule that forbids",
      contractOf(rule("schema prod.gold", "readers", "SELECT") + rule("catalog prod", "x", "SELECT", "forbid")),
    ],
  ])("%s", (_name, after) => {
    expect(opened(base, after)).toEqual([]);
  });
  test("ALL PRIVILEGES before, single ones after", () => {
    expect(
      opened(
        contractOf(rule("catalog prod", "a", "ALL_PRIVILEGES")),
        contractOf(rule("schema prod.*", "a", "SELECT, MODIFY")),
      ),
    ).toEqual([]);
    expect(
      opened(contractOf(rule("catalog prod", "a", "ALL_PRIVILEGES")), contractOf(rule("catalog prod", "a", "MANAGE"))),
    ).toHaveLength(1);
  });
  test("a bundle's grant that was there, or is in the contract", () => {
    const gold = schema("prod.gold", { principal: "readers", privileges: ["SELECT"] });
    expect(opened(base, base, [gold])).toEqual([]);
    const other = schema("prod.gold", { principal: "x", privileges: ["SELECT"] });
    expect(opened(base, base, [other], [other])).toEqual([]);
  });
});

test("what a bundle grants in prod without the contract is told before the proof fails on it", () => {
  const resources = [
    schema(
      "prod.gold",
      { principal: "readers", privileges: ["SELECT", "MODIFY"] },
      { principal: "${principal}", privileges: ["MANAGE"] },
    ),
  ];
  expect(
    unnamedInBundle(declaredFor(base, "prod", resources), resources).map(({ id, message }) => `${id}: ${message}`),
  ).toEqual([
    "grants/bundle-unnamed: The bundle grants MODIFY on schema prod.gold to readers, and the contract does not.",
  ]);
  expect(unnamedInBundle(declaredFor(base, "dev", resources), resources)).toEqual([]);
});
