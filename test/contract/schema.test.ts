import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { EXAMPLE, MINIMAL } from "./examples.ts";

const script = new URL("../../scripts/schema.ts", import.meta.url).pathname;
const text = readFileSync(new URL("../../four-tier.schema.json", import.meta.url), "utf8");

describe("four-tier.schema.json", () => {
  const schema: unknown = JSON.parse(text);
  const validate = new Ajv({ strict: true, strictRequired: false }).compile(schema as object);

  it("is what the code's schema gives", () => {
    expect(() => execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" })).not.toThrow();
  });

  it("accepts what the documentation shows, and the least contract", () => {
    expect([validate(parse(EXAMPLE)), validate.errors]).toEqual([true, null]);
    expect([validate(parse(MINIMAL)), validate.errors]).toEqual([true, null]);
  });

  it.each([
    ["an unknown key", `${MINIMAL}projct: x`],
    ["a missing tier", MINIMAL.replace(/ {2}prod.*\n/, "")],
    ["a workspace id as a number", MINIMAL.replace("prod: {", "prod: { workspace_id: 12,")],
    ["a resource key without its kind", `${MINIMAL}adopt: { prod: { score: "1" } }`],
  ])("refuses %s", (_name, contract) => {
    expect(validate(parse(contract))).toBe(false);
  });

  it("explains every key", () => {
    expect(undescribed(schema, "")).toEqual([]);
  });
});

/** Paths of the properties that say nothing about themselves; a tier's section is explained by its tier. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) => {
    if (key !== "properties" || typeof value !== "object" || value === null) return undescribed(value, path);
    return Object.entries(value).flatMap(([name, property]: [string, unknown]) => {
      const here = `${path}/${name}`;
      const described = typeof property === "object" && property !== null && "description" in property;
      return [...(described ? [] : [here]), ...undescribed(property, here)];
    });
  });
}
