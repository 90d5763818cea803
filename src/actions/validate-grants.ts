/** action-validate-grants: inputs → tier proof, estate proof or repair → summary, report, and the record of an audit. */
import { setFlagsFromString } from "node:v8";
import type { Contract, Tier } from "../contract/model.ts";
import type { StatementOptions } from "../databricks/statements.ts";
import { estateProof } from "../estate.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import type { Proof } from "../grants/certify.ts";
import type { ReaderChoice } from "../grants/read-estate.ts";
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
import { inputsOf } from "./inputs.ts";
import { readingProgress, steadily } from "./progress.ts";
import { repair } from "./repair.ts";
import { accessTier, recordedTier, resolveTierOfRun } from "./tier-access.ts";
import { viewTier } from "./tier-view.ts";

interface Inputs {
  readonly proof: "tier" | "estate";
  readonly reader: ReaderChoice;
  readonly warehouseId: string;
  readonly record: boolean;
  /** `developer: "*"` with an audit of the tier sandbox. */
  readonly allSandboxes: boolean;
}

/** Proves who can read and write what in the tier of this run, or puts it right. */
export async function validateGrants(context: ActionContext): Promise<ActionResult> {
  if (readMode(context) === "repair") return withSarif(context, "repair", await repair(context));
  const inputs = readInputs(context);
  // Ten thousand answers are garbage as soon as they are read. V8 would let that grow the heap by 100 MB before it looks.
  setFlagsFromString("--semi-space-growth-factor=1");
  const result =
    inputs.proof === "tier"
      ? ownProof(context)
      : inputs.allSandboxes
        ? auditSandboxes(context, inputs)
        : audit(context, inputs);
  return withSarif(context, inputs.proof, await result);
}

/** One category a tier and kind of proof, so that one upload does not close another's alerts. */
function withSarif(context: ActionContext, kind: string, result: ActionResult): ActionResult {
  const file = context.input("contract") || "four-tier.yml";
  const category = `grants-${kind}-${context.input("tier")}`;
  return { ...result, sarif: sarifOf(result.findings, { file, category, help: "docs/grants.md" }) };
}

async function ownProof(context: ActionContext): Promise<ActionResult> {
  const access = await accessTier(context);
  const { contract, tier, workspace, findings } = access;
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

function readInputs(context: ActionContext): Inputs {
  const inputs = inputsOf(context);
  const proof = inputs.oneOf("proof", ["tier", "estate"], "tier");
  const reader = inputs.oneOf("reader", ["auto", "rest", "sql"], "auto");
  const record = inputs.flag("record");
  const warehouseId = inputs.text("warehouse-id");
  if (reader === "sql" && warehouseId === "")
    inputs.wrong("warehouse-id", "reader: sql needs a SQL warehouse.", "Give its id as warehouse-id.");
  if (warehouseId !== "" && !/^[0-9A-Za-z_-]{1,64}$/.test(warehouseId))
    inputs.wrong("warehouse-id", "warehouse-id is not an id.", "Take it from the warehouse's connection details.");
  if (proof === "tier" && (record || reader === "sql" || warehouseId !== "")) {
    inputs.wrong(
      "proof",
      "record, reader: sql and warehouse-id belong to an audit.",
      "Add proof: estate, or leave them out.",
    );
  }
  const allSandboxes = inputs.text("developer") === "*";
  if (allSandboxes && (proof !== "estate" || inputs.text("tier") !== "sandbox"))
    inputs.wrong("developer", "developer: * means all sandboxes.", "Add tier: sandbox and proof: estate.");
  if (record && inputs.text("tier") === "sandbox")
    inputs.wrong("record", "An audit of a sandbox is not recorded: no gate asks for it.", "Leave record: false.");
  inputs.done();
  return { proof, reader, warehouseId, record, allSandboxes };
}

function readMode(context: ActionContext): "check" | "repair" {
  const inputs = inputsOf(context);
  const mode = inputs.oneOf("mode", ["check", "repair"], "check");
  inputs.done();
  return mode;
}
