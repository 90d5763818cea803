/**
 * action-validate-grants once its inputs are read: tier proof, estate proof or repair → summary, report, and the record
 * of an audit.
 */
import { setFlagsFromString } from "node:v8";
import type { Contract, Tier } from "../contract/model.ts";
import type { StatementOptions } from "../databricks/statements.ts";
import { estateProof } from "../estate.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import type { Proof } from "../grants/certify.ts";
import { tierProof } from "../grants.ts";
import { stringifyJson } from "../json.ts";
import { madeBy, recordOperation } from "../release/evidence.ts";
import { findingsOutput } from "../report/carried-findings.ts";
import { grantsReport, grantsSummary, sandboxesSummary } from "../report/grants.ts";
import type { ActionResult } from "../report/report.ts";
import { sarifOf } from "../report/sarif.ts";
import { sandboxesProof } from "../sandbox-audit.ts";
import { sha256 } from "../sha256.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import { readingProgress, steadily } from "./progress.ts";
import { repair } from "./repair.ts";
import { recordedTier, resolveTierOfRun, type TierAccess } from "./tier-access.ts";
import { viewTier } from "./tier-view.ts";
import type { Inputs } from "./validate-grants.ts";

/** One category a tier and kind of proof, so that one upload does not close another's alerts. */
function withSarif(context: ActionContext, kind: string, result: ActionResult): ActionResult {
  const file = context.input("contract") || "four-tier.yml";
  const category = `grants-${kind}-${context.input("tier")}`;
  return { ...result, sarif: sarifOf(result.findings, { file, category, help: "docs/grants.md" }) };
}

/**
 * Ten thousand answers are garbage as soon as they are read. V8 would let that grow the heap by 100 MB before it looks. Not
 * before the code is loaded that signs in: code that was compiled with other flags is compiled again.
 */
function expectGarbage(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** Puts grants right. */
export async function putRight(context: ActionContext): Promise<ActionResult> {
  return withSarif(context, "repair", await repair(context));
}

/** Who can do what in the whole estate of a tier, or in all sandboxes. */
export async function auditEstate(context: ActionContext, inputs: Inputs): Promise<ActionResult> {
  return withSarif(context, "estate", await (inputs.allSandboxes ? auditSandboxes : audit)(context, inputs));
}

/** The grants of a tier, as its own principal. */
export async function proveTier(context: ActionContext, signing: Promise<TierAccess>): Promise<ActionResult> {
  return withSarif(context, "tier", await ownProof(context, await signing));
}

async function ownProof(context: ActionContext, access: TierAccess): Promise<ActionResult> {
  const { contract, tier, workspace, findings } = access;
  expectGarbage();
  context.log.info(`Reading the grants of catalog ${tier.catalog}`);
  const proof = await tierProof(workspace, contract, tier, new Date(), {
    ...access,
    progress: readingProgress(context.log),
  });
  return resultOf(proof, findings);
}

async function audit(context: ActionContext, inputs: Inputs): Promise<ActionResult> {
  const { contract, tier, inputs: own } = await resolveTierOfRun(context);
  if (own.clientId === "" || own.clientId === tier.clientId?.toLowerCase()) throw notAnAuditor(contract, tier);
  const recorded = inputs.record ? recordedTier({ tier }).name : undefined;
  const { workspace, identity, findings } = await viewTier(context);
  if (identity.displayName === tier.servicePrincipal) throw notAnAuditor(contract, tier);
  expectGarbage();
  context.log.info(`Reading the estate of ${tier.name} as ${identity.displayName}`);
  const proof = await estateProof(workspace, contract, tier, new Date(), {
    identity,
    reader: inputs.reader,
    sql: inputs.warehouseId === "" ? undefined : sqlOf(context, inputs.warehouseId),
    progress: readingProgress(context.log),
  });
  const result = resultOf(proof, findings);
  const certificate = sha256(stringifyJson(result.report?.["certificate"] ?? null));
  if (recorded !== undefined) await record(context, tier, recorded, !result.findings.some(isFailure), certificate);
  return { ...result, outputs: { ...result.outputs, certificate } };
}

/** Sandboxes are in dev's workspace, and dev's principal owns them: it may ask, or an auditor. */
async function auditSandboxes(context: ActionContext, inputs: Inputs): Promise<ActionResult> {
  const own = (name: string): string => (name === "tier" ? "dev" : name === "developer" ? "" : context.input(name));
  const inDev: ActionContext = { ...context, input: own };
  const { contract } = await resolveTierOfRun(inDev);
  const { workspace, identity, findings } = await viewTier(inDev);
  expectGarbage();
  context.log.info(`Reading all sandboxes as ${identity.displayName}`);
  const { proofs, findings: found } = await sandboxesProof(workspace, contract, new Date(), {
    identity,
    reader: inputs.reader,
    sql: inputs.warehouseId === "" ? undefined : sqlOf(context, inputs.warehouseId),
    progress: readingProgress(context.log),
  });
  const all = [...findings, ...found];
  return {
    findings: all,
    outputs: { findings: findingsOutput(all) },
    summary: sandboxesSummary(proofs),
    report: { sandboxes: proofs.map(grantsReport) },
  };
}

function resultOf(proof: Proof, findings: readonly Finding[]): ActionResult {
  const all = [...findings, ...proof.findings];
  return {
    findings: all,
    outputs: { findings: findingsOutput(all) },
    summary: grantsSummary(proof),
    report: grantsReport(proof),
  };
}

async function record(
  context: ActionContext,
  { project }: Tier,
  tier: "dev" | "staging" | "prod",
  passed: boolean,
  certificate: string,
): Promise<void> {
  const { run } = context;
  const id = await recordOperation(githubOf(context), {
    commit: run.sha,
    description: `Audit of ${tier}: ${passed ? "passed" : "failed"}`,
    payload: {
      kind: "estate",
      tier,
      project,
      passed,
      certificate,
      run: madeBy(run),
    },
  });
  context.log.info(`Recorded as deployment ${id}, certificate ${certificate}`);
}

function sqlOf({ log }: ActionContext, warehouseId: string): StatementOptions {
  const say = steadily(log);
  return {
    warehouseId,
    waiting: (state, waitedMs) =>
      say(`Waiting for warehouse ${warehouseId}: ${state} for ${Math.round(waitedMs / 1000)} s`),
  };
}

/** Whoever runs pipelines could have changed what it reports on (design 8). */
function notAnAuditor(contract: Contract, tier: Tier): FourTierError {
  return new FourTierError({
    id: "grants/auditor",
    severity: "error",
    where: contract.at(["tiers", tier.name]),
    message: `An estate proof is not read by ${tier.servicePrincipal}, the principal that runs ${tier.name}'s pipelines.`,
    remedy: `Make a principal for auditing that runs no code, and give its id as the input client-id, in the environment ${tier.name}-audit.`,
  });
}
