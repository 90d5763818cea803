/** action-promote with `mode: teardown`: for the tier sandbox only, and only where it is asked for by this name. */
import { FourTierError } from "../findings.ts";
import { getRun } from "../github/runs.ts";
import { blocks, code, table, text } from "../report/markdown.ts";
import type { ActionResult } from "../report/report.ts";
import { teardown } from "../teardown.ts";
import { branchOfPullRequest } from "./event.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf, lockAccess } from "./github.ts";
import { accessTier } from "./tier-access.ts";

/** How long to wait for a deployment that is under way, in milliseconds. */
const LOCK_WAIT_MS = 30 * 60_000;

/** Takes one developer's deployment down. Throws FourTierError. */
export async function teardownSandbox(context: ActionContext): Promise<ActionResult> {
  const { run, cancelled } = context;
  const given = context.input("tier");
  if (given !== "sandbox") {
    throw new FourTierError({
      id: "input/mode",
      severity: "error",
      message: `mode: teardown removes what is deployed, and goes with tier: sandbox only, not ${given || "an empty one"}.`,
      remedy: "Write tier: sandbox. In other tiers a resource goes when a release no longer has it.",
    });
  }
  const branch = await branchOfPullRequest(run);
  const access = await accessTier({ ...context, cancelled: afterGrace(cancelled) });
  const github = githubOf(context);
  const result = await teardown({
    ...lockAccess(context),
    tier: access.tier,
    contract: access.contract,
    workspace: access.workspace,
    principal: access.clientId,
    branch,
    branchOf: async (id) => (await getRun(github, id).catch(() => undefined))?.headBranch,
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
