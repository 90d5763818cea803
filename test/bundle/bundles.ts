/** Small bundles and contracts in memory, for the tests of rendering. */
import type { RenderOptions } from "../../src/bundle/options.ts";
import { renderBundle } from "../../src/bundle/render.ts";
import type { Contract, TierName } from "../../src/contract/model.ts";
import { parseContract } from "../../src/contract/parse.ts";
import { resolveTier } from "../../src/contract/tiers.ts";
import { describeWhere, type Finding } from "../../src/findings.ts";
import { memorySource } from "./memory.ts";

export const CLIENT_IDS = {
  dev: "11111111-1111-4111-8111-111111111111",
  staging: "22222222-2222-4222-8222-222222222222",
  prod: "33333333-3333-4333-8333-333333333333",
} as const;

const CONTRACT = `
project: demo
tiers:
  sandbox: { service_principal: ml-pipelines-sandbox }
  dev: { workspace: https://dev.cloud.databricks.com, client_id: ${CLIENT_IDS.dev} }
  staging: { workspace: https://stg.cloud.databricks.com, client_id: ${CLIENT_IDS.staging} }
  prod:
    workspace: https://prd.cloud.databricks.com
    workspace_id: "3333333333333333"
    client_id: ${CLIENT_IDS.prod}
`;

/** A valid contract; `more` is added at the end. */
export function contract(more = ""): Contract {
  const parsed = parseContract(CONTRACT + more, "four-tier.yml", { allowedHosts: [] });
  if (parsed.contract === undefined) throw new Error(parsed.findings.map((finding) => finding.message).join("\n"));
  return parsed.contract;
}

export const NOW = new Date("2026-11-20T12:00:00Z");

/** What every test bundle starts with: a name and all four targets. */
export const HEAD = `bundle: { name: demo }
targets: { sandbox: {}, dev: {}, staging: {}, prod: {} }
`;

export type Files = Readonly<Record<string, string>>;

export function optionsFor(
  tier: TierName,
  more: Partial<Omit<RenderOptions, "tier">> & { developer?: string } = {},
): RenderOptions {
  const { developer = "octocat", ...options } = more;
  const of = options.contract ?? contract();
  return { root: "", now: NOW, ...options, contract: of, tier: resolveTier(of, tier, { developer }) };
}

/** Renders; the findings come as `severity id file:line:column`, with the whole findings beside. */
export function render(files: Files, tier: TierName = "dev", more: Parameters<typeof optionsFor>[1] = {}) {
  const { rendered, findings } = renderBundle(memorySource(files), optionsFor(tier, more));
  return { rendered, findings, lines: findings.map(line) };
}

export function line({ severity, id, where }: Finding): string {
  return `${severity} ${id}${where === undefined ? "" : ` ${describeWhere(where)}`}`;
}
