/** action-validate-grants: inputs → tier proof → summary and report. */
import { FourTierError } from "../findings.ts";
import { tierProof } from "../grants.ts";
import { grantsReport, grantsSummary } from "../report/grants.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { accessTier } from "./tier-access.ts";

/** Proves who can read and write what in the tier of this run. */
export async function validateGrants(context: ActionContext): Promise<ActionResult> {
  readMode(context.input("mode"));
  const access = await accessTier(context);
  const { contract, tier, workspace, findings } = access;
  context.log.info(`Reading the grants of catalog ${tier.catalog}`);
  const proof = await tierProof(workspace, contract, tier, new Date(), access);
  return {
    findings: [...findings, ...proof.findings],
    outputs: {},
    summary: grantsSummary(proof),
    report: grantsReport(proof),
  };
}

function readMode(mode: string): void {
  if (mode === "check" || mode === "") return;
  const later = mode === "repair";
  throw new FourTierError({
    id: later ? "run/not-in-this-release" : "run/input",
    severity: "error",
    message: later ? "mode: repair is not in this release." : `There is no mode ${mode}.`,
    remedy: later ? "Use mode: check; its findings name the grant to make or to revoke." : "Use mode: check.",
  });
}
