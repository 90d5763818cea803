/** action-promote, mode: verify and mode: status: what a tier has, and whether it is good. */
import { type Finding, FourTierError } from "../findings.ts";
import { releaseAgain } from "../release/again.ts";
import { recordOperation } from "../release/evidence.ts";
import { policyContract } from "../release/policy.ts";
import type { ActionResult } from "../report/report.ts";
import { status as statusOf } from "../status.ts";
import { type RecordedTier, verify as verifyTier } from "../verify.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf, pause, runHasEnded } from "./github.ts";
import { accessTier, type TierAccess } from "./tier-access.ts";
import { repositoryOf } from "./tier-contract.ts";

export async function verify(context: ActionContext): Promise<ActionResult> {
  const { run, log, cancelled } = context;
  const own = readInputs(context);
  const git = await repositoryOf(run);
  const access = await accessTier({ ...context, cancelled: afterGrace(cancelled) });
  const tier = recorded(access);
  const github = githubOf(context);
  const { gate } = (await policyContract(github, run, access.contract)).tiers[tier.name];
  const { bundle, allowedHosts } = access.inputs;
  const result = await verifyTier({
    run,
    tier,
    workspace: access.workspace,
    principal: access.clientId,
    root: bundle,
    policy: { steps: gate.verify, timeoutMs: gate.verifyTimeoutMs },
    expected: own.expected,
    deep: own.deep,
    again: (release) =>
      releaseAgain(
        { git, root: bundle, contractFile: access.contract.file, allowedHosts, tier, now: new Date() },
        release,
      ),
    record: (commit, payload, description) => recordOperation(github, { commit, payload, description }),
    runHasEnded: (id, attempt) => runHasEnded(github, id, attempt),
    log,
    signal: cancelled,
    now: () => new Date(),
    pause,
  });
  return { ...result, findings: [...access.findings, ...result.findings] };
}

export async function status(context: ActionContext): Promise<ActionResult> {
  const access = await accessTier(context);
  const result = await statusOf(access.workspace, access.tier, access.clientId);
  return { ...result, findings: [...access.findings, ...result.findings] };
}

/** Throws FourTierError for a sandbox. */
export function recorded({ tier }: Pick<TierAccess, "tier">): RecordedTier {
  const { name } = tier;
  if (name !== "sandbox") return { ...tier, name };
  throw new FourTierError({
    id: "input/tier",
    severity: "error",
    message: "A sandbox has no records.",
    remedy: "Use this mode with tier: dev, staging or prod.",
  });
}

function readInputs(context: ActionContext): { readonly expected: string; readonly deep: boolean } {
  const findings: Finding[] = [];
  const expected = context.input("release-digest");
  if (expected !== "" && !/^[0-9a-f]{64}$/.test(expected)) {
    findings.push({
      id: "input/release-digest",
      severity: "error",
      message: "The input release-digest is not a digest of 64 hex digits.",
      remedy: "Hand on the output of the promotion, or of mode: status, unchanged.",
    });
  }
  const deep = (context.input("deep") || "false").toLowerCase();
  if (deep !== "true" && deep !== "false") {
    findings.push({
      id: "input/deep",
      severity: "error",
      message: "The input deep is neither true nor false.",
      remedy: "Write deep: true, or leave it out.",
    });
  }
  if (findings.length > 0) throw new FourTierError(findings);
  return { expected, deep: deep === "true" };
}
