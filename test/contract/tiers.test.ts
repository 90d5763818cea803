import { describe, expect, it } from "vitest";
import type { Contract } from "../../src/contract/model.ts";
import { parseContract } from "../../src/contract/parse.ts";
import { resolveTier } from "../../src/contract/tiers.ts";
import { FourTierError } from "../../src/findings.ts";
import { EXAMPLE } from "./examples.ts";

function contractOf(text: string): Contract {
  const { contract } = parseContract(text, "four-tier.yml", { allowedHosts: [] });
  if (contract === undefined) throw new Error("the example parses");
  return contract;
}

describe("tiers", () => {
  const contract = contractOf(EXAMPLE);

  it("resolves each tier of the table", () => {
    const row = (name: "dev" | "staging" | "prod") => {
      const { catalog, sourceCatalog, servicePrincipal, schedules, previous } = resolveTier(contract, name);
      return [catalog, sourceCatalog, servicePrincipal, schedules, previous];
    };
    expect(row("dev")).toEqual(["dev", "dev", "ml-pipelines-dev", "paused", undefined]);
    expect(row("staging")).toEqual(["staging", "staging", "ml-pipelines-staging", "paused", "dev"]);
    expect(row("prod")).toEqual(["prod", "prod", "ml-pipelines-prod", "running", "staging"]);
  });

  it("puts a developer's sandbox into dev's workspace, reading dev's catalog", () => {
    expect(resolveTier(contract, "sandbox", { developer: "Octo-Cat" })).toMatchObject({
      catalog: "octo_cat_sandbox",
      developer: "octo_cat",
      login: "octo-cat",
      sourceCatalog: "dev",
      host: "https://dev-123.cloud.databricks.com",
      servicePrincipal: "ml-pipelines-sandbox",
      schedules: "paused",
      previous: undefined,
    });
  });

  it("follows dev's own catalog name", () => {
    const renamed = contractOf(EXAMPLE.replace("dev:     {", "dev: { catalog: ml_dev,"));
    expect(resolveTier(renamed, "sandbox", { developer: "mona" }).sourceCatalog).toBe("ml_dev");
    expect(resolveTier(renamed, "dev").catalog).toBe("ml_dev");
  });

  it("leaves the enterprise's short code out of the name, when the contract says it", () => {
    const managed = contractOf(EXAMPLE.replace("sandbox: {", "sandbox: { login_suffix: ACME,"));
    expect(resolveTier(managed, "sandbox", { developer: "mona_acme" }).catalog).toBe("mona_sandbox");
    expect(resolveTier(contract, "sandbox", { developer: "mona_acme" }).catalog).toBe("mona_acme_sandbox");
  });

  it.each(["prod", "Dev", "main", "information-schema", "system"])("keeps the name of %s back", (developer) => {
    expect(() => resolveTier(contract, "sandbox", { developer })).toThrow(/kept back/);
  });

  it.each([undefined, "", "dependabot[bot]", "x/../y", "---"])("refuses a sandbox for %s", (developer) => {
    const resolve = () => resolveTier(contract, "sandbox", developer === undefined ? {} : { developer });
    expect(resolve).toThrow(FourTierError);
    expect(resolve).toThrow(/contract\/developer/);
  });

  it("carries what the contract says of this tier alone", () => {
    expect(resolveTier(contract, "staging").exceptions.map((exception) => exception.resource)).toEqual([
      "jobs.nightly_eval",
    ]);
    expect(resolveTier(contract, "prod").exceptions).toEqual([]);
    expect(resolveTier(contract, "prod").adopt.get("jobs.score")).toBe("830012345678901");
    expect(resolveTier(contract, "dev").adopt.size).toBe(0);
  });
});
