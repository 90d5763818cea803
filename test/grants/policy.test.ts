/** The contract's grants against themselves: what contradicts is said at its line, what does not is left alone. */
import { describe, expect, test } from "vitest";
import { parseContract } from "../../src/contract/parse.ts";
import { overlap, reachesName } from "../../src/grants/patterns.ts";
import { checkPolicy } from "../../src/grants/policy.ts";

const now = new Date("2027-01-15T12:00:00Z");
const TIERS = `tiers:
  sandbox: { service_principal: ml-pipelines-sandbox }
  dev: { workspace: https://dev-1.cloud.databricks.com, client_id: 11111111-1111-4111-8111-111111111111 }
  staging: { workspace: https://stg-1.cloud.databricks.com }
  prod: { workspace: https://prd-1.cloud.databricks.com }
`;
const LINES = TIERS.split("\n").length - 1;

/** `error grants/contradiction 8`: severity, id, and which line after \`grants:\` (1 is \`rules:\`). */
function check(grants: string): string[] {
  const { contract, findings } = parseContract(`${TIERS}grants:\n${grants}`, "four-tier.yml", { allowedHosts: [] });
  if (contract === undefined) return findings.map(({ id }) => id);
  return checkPolicy(contract, now).map(({ severity, id, where }) => {
    const line = where?.kind === "file" ? (where.line ?? 0) - LINES - 1 : 0;
    return `${severity} ${id} ${line}`;
  });
}
const rules = (...lines: string[]): string => `  rules:\n${lines.map((line) => `    - { ${line} }\n`).join("")}`;
const gives = (on: string, principal: string, privileges: string, more = ""): string =>
  `on: "${on}", principal: "${principal}", privileges: [${privileges}]${more}`;
const forbids = (on: string, principal: string, privileges: string): string =>
  gives(on, principal, privileges, ", effect: forbid");

describe("a rule against another", () => {
  test.each<[string, string, string, string[]]>([
    [
      "the same thing",
      gives("schema prod.gold", "analysts", "SELECT"),
      forbids("schema prod.gold", "analysts", "SELECT"),
      ["error grants/contradiction 2"],
    ],
    [
      "given above what is forbidden",
      gives("catalog prod", "analysts", "SELECT"),
      forbids("table prod.gold.pii", "Analysts", "select"),
      ["error grants/contradiction 2"],
    ],
    [
      "given below what is forbidden",
      gives("table prod.gold.x", "analysts", "SELECT"),
      forbids("catalog *", "analysts", "SELECT"),
      ["error grants/contradiction 2"],
    ],
    [
      "patterns that meet",
      gives("schema p*.gold", "analysts", "SELECT"),
      forbids("schema *d.g*", "analysts", "SELECT"),
      ["error grants/contradiction 2"],
    ],
    [
      "patterns that do not",
      gives("schema p*.gold", "analysts", "SELECT"),
      forbids("schema staging.*", "analysts", "SELECT"),
      [],
    ],
    [
      "ALL_PRIVILEGES holds SELECT",
      gives("catalog prod", "admins", "ALL PRIVILEGES"),
      forbids("catalog prod", "admins", "SELECT"),
      ["error grants/contradiction 2"],
    ],
    [
      "ALL_PRIVILEGES does not hold MANAGE",
      gives("catalog prod", "admins", "ALL_PRIVILEGES"),
      forbids("catalog prod", "admins", "MANAGE"),
      [],
    ],
    [
      "everybody is forbidden",
      gives("schema prod.gold", "analysts", "SELECT"),
      forbids("schema prod.*", "*", "SELECT"),
      ["error grants/contradiction 2"],
    ],
    [
      "somebody else is forbidden",
      gives("schema prod.gold", "analysts", "SELECT"),
      forbids("schema prod.gold", "interns", "SELECT"),
      [],
    ],
    [
      "another privilege is forbidden",
      gives("schema prod.gold", "analysts", "SELECT"),
      forbids("schema prod.gold", "analysts", "MODIFY"),
      [],
    ],
    [
      "MANAGE gives the rest",
      gives("schema prod.gold", "platform", "MANAGE"),
      forbids("table prod.gold.pii", "*", "SELECT"),
      ["error grants/contradiction 2"],
    ],
    [
      "a location and a catalog of one name are two things",
      gives("external_location prod", "analysts", "MANAGE"),
      forbids("catalog prod", "analysts", "MANAGE"),
      [],
    ],
  ])("%s", (_name, one, other, expected) => {
    expect(check(rules(one, other))).toEqual(expected);
  });
});

describe("a rule against what tiers are", () => {
  test.each<[string, string, string[]]>([
    [
      "dev's principal writes prod",
      gives("schema prod.gold", "ml-pipelines-dev", "MODIFY"),
      ["error grants/contradiction 2"],
    ],
    [
      "by its application id",
      gives("catalog prod", "11111111-1111-4111-8111-111111111111", "SELECT"),
      ["error grants/contradiction 2"],
    ],
    [
      "by a star, in staging and prod",
      gives("catalog *", "ml-pipelines-dev", "SELECT"),
      ["error grants/contradiction 2", "error grants/contradiction 2"],
    ],
    ["to look is no harm", gives("catalog prod", "ml-pipelines-dev", "USE_CATALOG, BROWSE"), []],
    ["its own catalog", gives("catalog dev", "ml-pipelines-dev", "ALL_PRIVILEGES"), []],
    ["the sandbox's reads dev.bronze", gives("schema dev.bronze", "ml-pipelines-sandbox", "USE_SCHEMA, SELECT"), []],
    ["and not dev.gold", gives("schema dev.gold", "ml-pipelines-sandbox", "SELECT"), ["error grants/contradiction 2"]],
    ["data for everybody", gives("schema dev.gold", "account users", "SELECT"), ["error grants/contradiction 2"]],
    ["a look for everybody", gives("catalog prod", "account users", "BROWSE"), []],
    [
      "a tier's principal as metastore admin",
      gives("metastore", "ml-pipelines-prod", "MANAGE"),
      ["error grants/contradiction 2"],
    ],
    [
      "its own principal is forbidden",
      forbids("catalog prod", "ml-pipelines-prod", "SELECT"),
      ["error grants/contradiction 2"],
    ],
  ])("%s", (_name, rule, expected) => {
    expect(check(rules(rule))).toEqual(expected);
  });

  test("no exception lets a tier's principal in, either", () => {
    const exception = gives("schema prod.gold", "ml-pipelines-dev", "SELECT", ", until: 2027-02-01, reason: test");
    expect(check(`  exceptions:\n    - { ${exception} }\n`)).toEqual(["error grants/contradiction 2"]);
  });
});

describe("exceptions", () => {
  const exception = (until: string): string =>
    `  exceptions:\n    - { ${gives("schema prod.gold", "mona@example.com", "SELECT", `, until: ${until}, reason: audit`)} }\n`;

  test("hold on their last day, and have ended the day after", () => {
    expect(check(exception("2027-01-15"))).toEqual([]);
    expect(check(exception("2027-01-14"))).toEqual(["warning grants/exception-expired 2"]);
  });

  test("need a day of the calendar, an end and a reason", () => {
    expect(check(exception("2027-02-30"))).toEqual(["contract/date"]);
    expect(check(`  exceptions:\n    - { ${gives("catalog prod", "mona@example.com", "SELECT")} }\n`)).not.toEqual([]);
  });

  test("are what a forbidding rule leaves room for", () => {
    expect(check(rules(forbids("catalog prod", "*", "SELECT")) + exception("2027-02-01"))).toEqual([]);
  });
});

test.each(["require", "allow"])("a rule that is to %s names somebody", (effect) => {
  expect(check(rules(gives("catalog prod", "*", "SELECT", `, effect: ${effect}`)))).toEqual(["contract/everybody"]);
});

test.each<[string, string, boolean]>([
  ["prod", "prod.gold.scores", true],
  ["prod", "prod2.gold", false],
  ["prod.*", "prod.gold", true],
  ["prod.*", "prod.gold.scores", true],
  ["prod.*", "prod", false],
  ["*", "PROD.gold", true],
  ["*.gold", "prod.silver", false],
  ["*_sandbox", "mona_sandbox.gold", true],
  ["p(r)od", "prod", false],
])("%s reaches %s: %s", (pattern, name, expected) => {
  expect(reachesName(pattern, name)).toBe(expected);
});

test.each<[string, string, boolean]>([
  ["prod", "prod.gold", true],
  ["*_sandbox", "mona_*", true],
  ["a*b", "ab", true],
  ["a*b", "ac*", true],
  ["a*b", "*c", false],
  ["****a", "b****", true],
  ["prod.*", "*.gold.x", true],
  ["prod.bronze", "prod.gold", false],
])("%s meets %s: %s", (a, b, expected) => {
  expect([overlap(a, b), overlap(b, a)]).toEqual([expected, expected]);
});

describe("everybody, and storage", () => {
  const until = ", until: 2027-12-31, reason: party";
  const exception = (line: string): string => `  exceptions:\n    - { ${line}${until} }\n`;

  test("no rule and no exception gives data to everybody", () => {
    expect(check(rules(gives("schema prod.gold", "account users", "SELECT")))).toEqual([
      "error grants/contradiction 2",
    ]);
    expect(check(exception(gives("schema prod.gold", "Account Users", "SELECT")))).toEqual([
      "error grants/contradiction 2",
    ]);
    expect(check(exception(gives("catalog prod", "account users", "BROWSE, USE_CATALOG")))).toEqual([]);
  });

  test("an exception for * names nobody", () => {
    expect(check(exception(gives("catalog prod", "*", "SELECT")))).toEqual(["contract/everybody"]);
  });

  test.each(["external_location lake", "external_location dev", "storage_credential prod", "external_location *"])(
    "no rule is about a tier's principal on %s, whatever it is called",
    (on) => {
      expect(check(rules(gives(on, "ml-pipelines-dev", "READ_FILES")))).toEqual(["error grants/contradiction 2"]);
      expect(check(exception(gives(on, "11111111-1111-4111-8111-111111111111", "READ_FILES")))).toEqual([
        "error grants/contradiction 2",
      ]);
      expect(check(rules(gives(on, "lake-ops", "READ_FILES")))).toEqual([]);
      expect(check(rules(forbids(on, "ml-pipelines-dev", "READ_FILES")))).toEqual([]);
    },
  );
});

describe("privileges that give nothing and forbid nothing", () => {
  const said = (line: string): string[] => {
    const text = `${TIERS}grants:\n${rules(line)}`;
    const { contract } = parseContract(text, "four-tier.yml", { allowedHosts: [] });
    if (contract === undefined) throw new Error("no contract");
    return checkPolicy(contract, now).map(({ severity, id, message }) => `${severity} ${id}: ${message}`);
  };

  test("one that does not exist, with the nearest name", () => {
    expect(said(gives("schema prod.gold", "readers", "SELCT"))).toEqual([
      "error grants/privilege-unknown: SELCT is no privilege of Unity Catalog that Four-Tier knows; did you mean SELECT?",
    ]);
    expect(said(forbids("schema prod.gold", "*", "MODIFFY")).join()).toContain("did you mean MODIFY?");
  });
  test("one that may be new is a warning", () => {
    expect(said(gives("schema prod.gold", "readers", "TELEPORT"))).toEqual([
      "warning grants/privilege-unknown: TELEPORT is no privilege of Unity Catalog that Four-Tier knows",
    ]);
  });
  test("one that does not fit", () => {
    expect(said(gives("table prod.gold.x", "readers", "READ_VOLUME"))).toEqual([
      "error grants/privilege-misfit: READ_VOLUME cannot be granted on a table; it can on a catalog, a schema or a volume.",
    ]);
    expect(said(gives("schema prod.gold", "readers", "USE_CATALOG")).join()).toContain("it can on a catalog.");
    expect(said(gives("external_location lake", "readers", "SELECT")).join()).toContain("on an external location");
  });
  test.each([
    ["catalog prod", "USE_CATALOG, USE_SCHEMA, SELECT, MODIFY, EXECUTE, READ_VOLUME, ALL_PRIVILEGES, MANAGE, BROWSE"],
    ["schema prod.*", "use schema, select, create_table, EXTERNAL_USE_SCHEMA, APPLY_TAG"],
    ["model prod.gold.churn", "EXECUTE, CREATE_MODEL_VERSION, APPLY_TAG"],
    ["volume prod.gold.files", "READ_VOLUME, WRITE_VOLUME"],
    ["external_location lake", "READ_FILES, WRITE_FILES, CREATE_EXTERNAL_TABLE, EXTERNAL_USE_LOCATION, BROWSE"],
    ["storage_credential role", "READ_FILES, CREATE_EXTERNAL_LOCATION"],
    ["metastore", "MANAGE"],
  ])("%s takes %s", (on, privileges) => {
    expect(said(gives(on, "readers", privileges))).toEqual([]);
  });
});
