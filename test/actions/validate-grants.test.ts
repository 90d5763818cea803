import { expect, test } from "vitest";
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

test.each([
  ["repair", "run/not-in-this-release"],
  ["fix", "run/input"],
])("mode: %s is refused before anything is sent", async (mode, id) => {
  const { account, run } = await policyAccount({ catalogs: { prod: ownCatalog("prod") } });
  const result = await run("validate-grants", "prod", { mode });
  expect(result.exitCode).toBe(1);
  expect(result.annotations.map(({ title }) => title)).toEqual([id]);
  expect(account.simulator.requests).toEqual([]);
});
