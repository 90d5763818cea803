/** action-promote with `mode: teardown`: for the tier sandbox only, and only where it is asked for by this name. */
import { blocks, code, table, text } from "../report/markdown.ts";
import type { ActionResult } from "../report/report.ts";
import { teardown } from "../teardown.ts";
import { pullOfRun } from "./event.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, branchOfRun, githubOf, lockAccess } from "./github.ts";
import { wrongInput } from "./inputs.ts";
import { accessTier } from "./tier-access.ts";
import { contractOfRun } from "./tier-contract.ts";
import { readTierInputs } from "./tier-inputs.ts";

/** How long to wait for a deployment that is under way, in milliseconds. */
const LOCK_WAIT_MS = 30 * 60_000;

/** Takes one developer's deployment down. Throws FourTierError. */
export async function teardownSandbox(context: ActionContext): Promise<ActionResult> {
  const { run, cancelled } = context;
  const given = context.input("tier");
  if (given !== "sandbox") {
    throw wrongInput(
      "mode",
      `mode: teardown removes what is deployed, and goes with tier: sandbox only, not ${given || "an empty one"}.`,
      "Write tier: sandbox. In other tiers a resource goes when a release no longer has it.",
    );
  }
  const pull = await pullOfRun(run);
  if (pull !== undefined) {
    const inputs = readTierInputs(context);
    const { users } = await contractOfRun(run, inputs);
    // Anybody's pull request is closed one day: of a bot, or of somebody who never had a sandbox.
    if (!users.has(inputs.developer.toLowerCase())) return nobody(inputs.developer);
  }
  const access = await accessTier({ ...context, cancelled: afterGrace(cancelled) });
  const github = githubOf(context);
  const result = await teardown({
    ...lockAccess(context),
    tier: access.tier,
    contract: access.contract,
    workspace: access.workspace,
    principal: access.clientId,
    branch: pull?.branch,
    branchOf: (id) => branchOfRun(github, id),
    lockWaitMs: LOCK_WAIT_MS,
  });
  const { removed, kept } = result;
  const { catalog } = access.tier;
  return {
    findings: [...access.findings, ...result.findings],
    outputs: { changed: String(removed.length > 0) },
    summary: blocks(
      removed.length === 0
        ? `Nothing is deployed to ${code(catalog)}.`
        : `Taken down from ${code(catalog)}; its data stays.`,
      table(
        ["Removed", "Id"],
        removed.map(({ key, name, id }) => [`${code(key ?? "")} ${text(name)}`, code(id)]),
      ),
    ),
    report: {
      mode: "teardown",
      tier: "sandbox",
      catalog,
      removed: removed.map(({ kind, id, name, key }) => ({ kind, id, name, key: key ?? null })),
      kept: [...kept],
    },
  };
}

/** Nobody of that name has a sandbox, so nothing was asked of Databricks. */
function nobody(developer: string): ActionResult {
  return {
    findings: [],
    outputs: { changed: "false" },
    summary: `${text(developer)} is not among the contract's users: there is no sandbox to take anything down from.`,
    report: { mode: "teardown", tier: "sandbox", catalog: null, removed: [], kept: [] },
  };
}
