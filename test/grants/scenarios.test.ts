/**
 * Scenarios of simulator/scenarios/grants: each is read by the real readers and judged, and what is found is what its file
 * says, no more and no less. The expectations are written by hand, from the facts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import type { TierName } from "../../src/contract/model.ts";
import { type EstateProof, estateProof } from "../../src/estate.ts";
import { describeWhere } from "../../src/findings.ts";
import { type Account, APPLICATION, startAccount } from "../account.ts";

const folder = new URL("../../simulator/scenarios/grants/", import.meta.url);
const now = new Date("2027-01-15T12:00:00Z");

interface Scenario {
  readonly about: string;
  readonly tier?: TierName;
  readonly databricks?: Partial<DatabricksScenario>;
  readonly grants?: { readonly rules?: readonly object[]; readonly exceptions?: readonly object[] };
  /** `severity id, place, who`: the message names who. */
  readonly expect: readonly string[];
  /** Ids that only REST shows. */
  readonly sql_does_not_show?: readonly string[];
}

const read = (file: string): Scenario => parse(readFileSync(new URL(file, folder), "utf8")) as Scenario;
const base = read("base.yml");
const files = readdirSync(folder).filter((file) => file !== "base.yml");

/** Maps together, key by key; anything else is replaced. */
function over(below: unknown, above: unknown): unknown {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap(below) || !isMap(above)) return above ?? below;
  const keys = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  return Object.fromEntries(keys.map((key) => [key, over(below[key], above[key])]));
}

function open({ databricks, grants }: Scenario): Promise<Account> {
  const contract = {
    users: { octocat: "mona@example.com" },
    grants: {
      rules: [...(base.grants?.rules ?? []), ...(grants?.rules ?? [])],
      exceptions: grants?.exceptions ?? [],
    },
  };
  return startAccount(over(base.databricks, databricks ?? {}) as Partial<DatabricksScenario>, stringify(contract), {
    sandbox: "service_principal: ml-pipelines-sandbox, client_id: 00000000-0000-4000-8000-000000000000",
    dev: `, client_id: ${APPLICATION.dev}`,
    staging: `, client_id: ${APPLICATION.staging}`,
    prod: `, client_id: ${APPLICATION.prod}`,
  });
}

async function prove(account: Account, tier: TierName, reader: "rest" | "sql"): Promise<EstateProof> {
  const workspace = tier === "sandbox" ? "dev" : tier;
  const proof = await estateProof(
    account.connect(workspace, "four-tier-audit"),
    account.contract,
    account.tier(tier),
    now,
    { reader, sql: { warehouseId: `w-${workspace}` } },
  );
  expect(account.simulator.unmodelled).toEqual([]);
  expect(proof.certificate.reader).toBe(reader);
  return proof;
}

/** What was found, in the words of the files; `who` is taken from the expectation that the message satisfies. */
function found(proof: EstateProof, expected: readonly string[]): string[] {
  return proof.findings
    .map(({ severity, id, where, message }) => {
      const place = where === undefined ? "" : describeWhere(where).replace(/^(four-tier\.yml):.*/, "$1");
      const said = `${severity} ${id}, ${place}`;
      const meant = expected.find(
        (line) => line.startsWith(`${said}, `) && message.includes(line.slice(said.length + 2)),
      );
      return meant ?? `${said}: ${message}`;
    })
    .sort();
}

test("there are at least 25, some of which look bad and are fine", () => {
  expect(files.length).toBeGreaterThanOrEqual(25);
  expect(files.filter((file) => file.startsWith("fine-")).length).toBeGreaterThanOrEqual(3);
});

test.each(files)("%s", async (file) => {
  const scenario = read(file);
  const tier = scenario.tier ?? "prod";
  const account = await open(scenario);
  const rest = await prove(account, tier, "rest");
  expect(found(rest, scenario.expect)).toEqual([...scenario.expect].sort());
  // No field of the matrix fails in a run that does not.
  const failed = rest.cells.some(({ verdict }) => verdict === "fail");
  expect(failed && !rest.findings.some(({ severity }) => severity === "error")).toBe(false);
  const hidden = scenario.sql_does_not_show ?? [];
  const bySql = scenario.expect.filter((line) => !hidden.some((id) => line.includes(` ${id},`)));
  expect(found(await prove(account, tier, "sql"), bySql)).toEqual([...bySql].sort());
});

test("the matrix knows of policies: a principal that one takes in, with everybody or by itself, does not pass", async () => {
  const cellsOf = async (file: string): Promise<string[]> => {
    const { cells } = await prove(await open(read(file)), "prod", "rest");
    return cells.map(({ principal, reach, verdict }) => `${principal.tier} ${reach} ${verdict}`);
  };
  expect(await cellsOf("policy-cross-tier.yml")).toEqual([
    "sandbox nothing pass",
    "dev read fail",
    "staging nothing pass",
    "prod owns pass",
  ]);
  expect(await cellsOf("mixed.yml")).toEqual([
    "sandbox read fail",
    "dev write fail",
    "staging control fail",
    "prod owns pass",
  ]);
});
