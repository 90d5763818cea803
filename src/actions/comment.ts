/** action-promote, mode comment: says on merged pull requests where their change is. It has no credential for any tier. */
import { isKey, keyOf } from "../own-mark.ts";
import { commentOnPulls } from "../pull-comments.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf, pause } from "./github.ts";
import { wrongInput } from "./inputs.ts";
import { readTierInputs } from "./tier-inputs.ts";

/** Comments on the pull requests that a tier's last change concerns. Throws FourTierError for inputs that cannot be used. */
export async function comment(context: ActionContext): Promise<ActionResult> {
  const { tier, contract, allowedHosts } = readTierInputs(context);
  if (tier === "sandbox") throw wrongInput("tier", "A sandbox has no releases.", "Use tier: dev, staging or prod.");
  if (!isKey(keyOf(contract))) {
    throw wrongInput(
      "contract",
      "The input contract cannot stand in a comment.",
      "Name the file with letters, digits, dots, - and _.",
    );
  }
  return commentOnPulls({
    github: githubOf(context),
    tier,
    contract,
    allowedHosts,
    log: context.log,
    signal: context.cancelled,
    pause,
  });
}
