import { expect, it } from "vitest";
import { parseContract } from "../../src/contract/parse.ts";
import { resolveTier } from "../../src/contract/tiers.ts";
import { type Move, moveOf, STAYS } from "../../src/release/move.ts";
import { CONTRACT, IDS } from "../promotion-files.ts";

const NEW = "55555555-5555-4555-8555-555555555555";

function prod(text: string) {
  const { contract, findings } = parseContract(text, "four-tier.yml", { allowedHosts: [] });
  if (contract === undefined) throw new Error(findings.map(({ message }) => message).join());
  return resolveTier(contract, "prod");
}

const inProd = (keys: string): string => CONTRACT.replace("prod: { workspace", `prod: { ${keys}, workspace`);
const unnamed = CONTRACT.replace(`, client_id: ${IDS.prod}`, "");

it.each<[string, string, Move]>([
  ["nothing", CONTRACT, STAYS],
  ["what is so by itself", inProd("catalog: prod, service_principal: ml-pipelines-prod"), STAYS],
  ["a gate", inProd("gate: { soak: 1h }"), STAYS],
  ["another host", CONTRACT.replace("prd.cloud", "prd-new.cloud"), { where: ["workspace"], principal: "same" }],
  ["another catalog", inProd("catalog: prod_2"), { where: ["catalog"], principal: "same" }],
  ["another application id", CONTRACT.replace(IDS.prod, NEW), { where: [], principal: "other" }],
  ["another principal's name", inProd("service_principal: other"), { where: [], principal: "other" }],
  ["no application id any more", unnamed, { where: [], principal: "unnamed" }],
])("a contract that then says %s", (_what, text, move) => {
  expect(moveOf(prod(CONTRACT), prod(text))).toEqual(move);
});

it("an application id that is named for the first time moves nothing", () => {
  expect(moveOf(prod(unnamed), prod(CONTRACT))).toEqual(STAYS);
});

it("another project is another place", () => {
  const other = CONTRACT.replace("project: ml-pipelines", "project: scores");
  expect(moveOf(prod(CONTRACT), prod(other))).toEqual({ where: ["project"], principal: "same" });
});
