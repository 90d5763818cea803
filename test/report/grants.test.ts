import { marked } from "marked";
import { expect, test } from "vitest";
import type { Proof } from "../../src/grants/certify.ts";
import type { Cell } from "../../src/grants/matrix.ts";
import { grantsReport, grantsSummary } from "../../src/report/grants.ts";

const cell = (tier: Cell["tier"], of: Cell["tier"], reach: Cell["reach"], verdict: Cell["verdict"]): Cell => ({
  tier,
  catalog: tier,
  principal: { tier: of, name: `ml-pipelines-${of}`, key: `id-${of}`, resolved: of !== "staging" },
  reach,
  verdict,
});

function proof(overrides: Partial<Proof["certificate"]> = {}, findings: Proof["findings"] = []): Proof {
  return {
    findings,
    cells: [
      cell("prod", "dev", "read", "fail"),
      cell("prod", "staging", "unknown", "unknown"),
      cell("prod", "prod", "owns", "pass"),
      cell("dev", "prod", "look", "pass"),
    ],
    frame: {
      catalogs: ["dev", "staging", "prod"].map((tier) => ({ tier, catalog: tier })),
      principals: ["sandbox", "dev", "staging", "prod"].map((tier) => `ml-pipelines-${tier}`),
    },
    paths: [
      {
        principal: "id-prod",
        name: "ml-pipelines-prod (id-prod)",
        can: "control",
        works: true,
        count: 4,
        through: "ml-pipelines-prod owns catalog prod",
      },
      {
        principal: "a|b",
        name: "a|b",
        can: "read",
        works: false,
        count: 1,
        through: "a|b has SELECT on <x>; only USE_SCHEMA on schema prod.gold is missing",
      },
    ],
    certificate: {
      kind: "tier",
      reader: "rest",
      tier: "prod",
      catalog: "prod",
      principal: { name: "ml-pipelines-prod", applicationId: "id-prod" },
      authority: "owner of catalog prod",
      workspaceId: "3333333333333333",
      at: "2027-01-15T12:00:00.000Z",
      seen: {
        schemas: 1,
        tables: 2,
        volumes: 0,
        functions: 0,
        models: 1,
        grantLists: 5,
        grants: 3,
        groups: 1,
        servicePrincipals: 3,
      },
      refused: [],
      outside: ["Workspace and account admins."],
      ...overrides,
    },
  };
}

/** The cells of the first table, as a browser would show their text. */
function cellsOf(markdown: string): string[][] {
  const html = marked.parse(markdown, { async: false });
  const rows = /<table>.*?<\/table>/s.exec(html)?.[0].match(/<tr>.*?<\/tr>/gs) ?? [];
  return rows.map((row) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, inner = ""]) =>
      inner
        .replaceAll(/<[^>]*>/g, "")
        .replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code))),
    ),
  );
}

test("the matrix is drawn whole, with a question mark where this proof did not look", () => {
  expect(cellsOf(grantsSummary(proof()))).toEqual([
    ["Catalog", "ml-pipelines-sandbox", "ml-pipelines-dev", "ml-pipelines-staging", "ml-pipelines-prod"],
    ["dev", "?", "?", "?", "✅ sees that it is there"],
    ["staging", "?", "?", "?", "?"],
    ["prod", "?", "❌ reads", "❓ not known", "✅ owns it"],
  ]);
});

test.each([
  [[], "✅ Nobody was found who can do more in prod than the contract says."],
  [["warning"], "✅ Nobody was found"],
  [["error"], "❌ Not proved for prod: 1 finding to fix."],
  [["error", "error", "unknown"], "❌ Not proved for prod: 2 findings to fix, 1 not known, which does not pass."],
  [["unknown"], "❓ Not proved for prod: 1 not known, which does not pass."],
] as const)("of findings %j the first sentence says %s", (severities, says) => {
  const findings = severities.map((severity) => ({ id: "grants/x", severity, message: "", remedy: "" }));
  const first = grantsSummary(proof({}, findings)).split("\n")[0] ?? "";
  expect(first.replaceAll(/<[^>]*>|\*\*/g, "")).toContain(says);
});

test("the page says who asked, by what authority, when, what was seen and what was refused", () => {
  const html = marked.parse(
    grantsSummary(proof({ refused: [{ what: "the grants of table prod.gold.a", answer: "403", needs: "MANAGE" }] })),
    { async: false },
  );
  const page = html
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)));
  expect(page).toContain("Asked by ml-pipelines-prod (owner of catalog prod) at 2027-01-15 12:00 UTC.");
  expect(page).toContain("Seen: 1 schema, 2 tables, 0 volumes, 0 functions, 1 model, 5 lists of grants, 1 group.");
  expect(page).toContain("Refused: 1 request.");
  expect(page).toContain("Workspace and account admins.");
});

test("names from outside stay text", () => {
  const evil = "<img src=x>|`_*[a](javascript:1)";
  const summary = grantsSummary(
    proof({ catalog: evil, principal: { name: evil, applicationId: "x" }, authority: evil }),
  );
  expect(marked.parse(summary, { async: false })).not.toMatch(/<img|<a /);
});

test("the report carries certificate and matrix, with ids only where they are known", () => {
  const report = grantsReport(proof({ workspaceId: undefined }));
  expect(report["certificate"]).toMatchObject({ kind: "tier", workspaceId: null, seen: { tables: 2 } });
  expect(report["matrix"]).toEqual([
    {
      tier: "prod",
      catalog: "prod",
      principal: "ml-pipelines-dev",
      principalTier: "dev",
      applicationId: "id-dev",
      reach: "read",
      verdict: "fail",
    },
    {
      tier: "prod",
      catalog: "prod",
      principal: "ml-pipelines-staging",
      principalTier: "staging",
      applicationId: null,
      reach: "unknown",
      verdict: "unknown",
    },
    {
      tier: "prod",
      catalog: "prod",
      principal: "ml-pipelines-prod",
      principalTier: "prod",
      applicationId: "id-prod",
      reach: "owns",
      verdict: "pass",
    },
    {
      tier: "dev",
      catalog: "dev",
      principal: "ml-pipelines-prod",
      principalTier: "prod",
      applicationId: "id-prod",
      reach: "look",
      verdict: "pass",
    },
  ]);
});

test("who can do what is a table with the path as a sentence, escaped", () => {
  const summary = grantsSummary(proof());
  expect(summary).toContain("and through what (2)");
  expect(summary).toContain("🔑 control");
  expect(summary).toContain("👁️ read (latent)");
  expect(summary).not.toContain("a|b");
  expect(summary).not.toContain("<x>");
});
