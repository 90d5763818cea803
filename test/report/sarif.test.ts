/** Findings as SARIF: valid, each at a place, and the same finding the same alert. */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import * as v from "valibot";
import { expect, test } from "vitest";
import type { Finding } from "../../src/findings.ts";
import { sarifOf } from "../../src/report/sarif.ts";
import { sarifSchema } from "./sarif-schema.ts";

const ajv = new Ajv({ allErrors: true, formats: { uri: /^https:\/\/\S+$/, "uri-reference": /^[^\s\\]*$/ } });
const validate = ajv.compile(sarifSchema);
/**
 * Ours says what of the standard we write. Whoever has the published schema (it is in npm's @microsoft/jest-sarif, among
 * others) gives its path, and every log of this file is held against it too.
 */
const PUBLISHED = process.env["SARIF_SCHEMA"];
const published = new Ajv({ allErrors: true, strict: false, validateFormats: false, unicodeRegExp: false });
// It is published as draft 4 and as draft 7 of JSON Schema; what differs is the name of its id, which nothing refers to.
const {
  $schema: _draft,
  id: _id,
  ...publishedSchema
} = v.parse(
  v.looseObject({ $schema: v.optional(v.unknown()), id: v.optional(v.unknown()) }),
  PUBLISHED === undefined ? {} : JSON.parse(readFileSync(PUBLISHED, "utf8")),
);
// Without the file everything is valid.
const validatePublished = published.compile(publishedSchema);
const options = { file: "four-tier.yml", category: "grants-tier-prod", help: "docs/grants.md" };
interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly locations: readonly {
    readonly physicalLocation: { readonly artifactLocation: { readonly uri: string }; readonly region: object };
    readonly logicalLocations?: readonly object[];
  }[];
  readonly partialFingerprints: object;
}
function runOf(findings: readonly Finding[]) {
  const log = sarifOf(findings, options);
  expect([validate(log), validate.errors]).toEqual([true, null]);
  expect([validatePublished(log), validatePublished.errors]).toEqual([true, null]);
  const [run] = log["runs"] as unknown as readonly {
    readonly results: readonly Result[];
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly properties: object;
  }[];
  if (run === undefined) throw new Error("no run");
  return run;
}
const finding = (more: Partial<Finding>): Finding => ({
  id: "grants/excess",
  severity: "error",
  message: "mona has MODIFY.",
  remedy: "Revoke it.",
  ...more,
});

test("nothing found is a valid log without results", () => {
  expect(runOf([]).results).toEqual([]);
});

test("every severity and every kind of place is valid, the worst first, each with its rule", () => {
  const { results, tool } = runOf([
    finding({ id: "grants/exception", severity: "notice" }),
    finding({
      severity: "warning",
      where: { kind: "file", file: "a b/four tier.yml", line: 7, column: 3 },
      why: "Because.",
    }),
    finding({ severity: "unknown", where: { kind: "securable", type: "table", name: "prod.gold.scores" } }),
    finding({ where: { kind: "request", method: "GET", path: "/api", status: 403 } }),
    finding({ where: { kind: "resource", tier: "prod", key: "jobs.score" } }),
    finding({ where: { kind: "file", file: "four-tier.yml" } }),
  ]);
  expect(results.map(({ level }) => level)).toEqual(["error", "error", "error", "error", "warning", "note"]);
  for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
  const at = results.map(({ locations }) => locations[0]?.physicalLocation.artifactLocation.uri);
  expect(at).toEqual([...Array<string>(4).fill("four-tier.yml"), "a%20b/four%20tier.yml", "four-tier.yml"]);
  expect(results[3]?.locations[0]?.logicalLocations).toEqual([
    { fullyQualifiedName: "prod.gold.scores", kind: "table" },
  ]);
  expect(results[4]?.locations[0]?.physicalLocation.region).toEqual({ startLine: 7, startColumn: 3 });
});

test("a finding whose line has moved is the same alert; another one is not", () => {
  const at = (line: number, message = "x.") =>
    finding({ where: { kind: "file", file: "four-tier.yml", line }, message });
  const [one, moved, other] = runOf([at(7), at(9), at(7, "y.")]).results;
  expect(one?.partialFingerprints).toEqual(moved?.partialFingerprints);
  expect(one?.partialFingerprints).not.toEqual(other?.partialFingerprints);
});

test("what code scanning would not show is counted, and the worst are kept", () => {
  const many = Array.from({ length: 5001 }, (_, index) => finding({ severity: "notice", message: `${index}` }));
  const { results, properties } = runOf([...many, finding({ id: "grants/last" })]);
  expect(results).toHaveLength(5000);
  expect(results[0]?.ruleId).toBe("grants/last");
  expect(properties).toEqual({ findings: 5002, notShown: 2 });
});

test("the schema of the test refuses what SARIF does not allow", () => {
  const log = sarifOf([finding({})], options);
  for (const broken of [
    { ...log, version: "2.0.0" },
    { ...log, runs: [] },
    JSON.parse(JSON.stringify(log).replace('"startLine":1', '"startLine":0')),
    JSON.parse(JSON.stringify(log).replace('"level":"error"', '"level":"fatal"')),
  ]) {
    expect(validate(broken)).toBe(false);
  }
});
