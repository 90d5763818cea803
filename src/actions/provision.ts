/** action-setup-env with `provision: true`: on the default branch only, as dev's principal, sandboxes are made or repaired. */
import { setTimeout as sleep } from "node:timers/promises";
import { provision } from "../provision.ts";
import { policyContract } from "../release/policy.ts";
import { provisionReport, provisionSummary } from "../report/provision.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { wrongInput } from "./inputs.ts";
import { accessOwner } from "./sandbox-owner.ts";

/** Provisions one sandbox or all. Throws FourTierError before anything is sent if this is not the place for it. */
export async function provisionSandboxes(context: ActionContext): Promise<ActionResult> {
  const tier = context.input("tier");
  if (tier !== "sandbox") {
    throw wrongInput(
      "provision",
      `provision: true makes sandboxes, and the input tier is ${tier || "empty"}.`,
      "Write tier: sandbox, or leave the input provision out.",
    );
  }
  const owner = await accessOwner(context, "sandboxes are provisioned");
  const contract = await policyContract(owner.github, context.run, owner.contract);
  const { developer } = owner.inputs;
  const result = await provision({
    workspace: owner.workspace,
    contract,
    principal: owner.clientId,
    workspaceId: owner.workspaceId,
    logins: developer === "all" ? undefined : [developer],
    now: new Date(),
    pause: async (milliseconds) => {
      await sleep(milliseconds);
    },
    log: context.log,
  });
  const [only, ...others] = result.rows;
  return {
    findings: [...owner.findings, ...result.findings],
    outputs: {
      tier: "sandbox",
      catalog: only !== undefined && others.length === 0 ? (only.catalog ?? "") : "",
      "source-catalog": contract.tiers.dev.catalog,
      sandboxes: JSON.stringify(result.rows.map(({ login, catalog, outcome }) => ({ login, catalog, outcome }))),
    },
    summary: provisionSummary(result),
    report: provisionReport(result),
  };
}
