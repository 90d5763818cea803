/** action-promote, mode: verify and mode: status: what a tier has, and whether it is good. */
import { PREVIOUS } from "../contract/defaults.ts";
import { TIERS } from "../contract/model.ts";
import { type Finding, isFailure, messageOf } from "../findings.ts";
import type { Git } from "../git.ts";
import type { GitHub } from "../github/client.ts";
import { rebuildLedger } from "../rebuild.ts";
import { recordOperation } from "../release/evidence.ts";
import { policyContract } from "../release/policy.ts";
import { readRepository } from "../release/read-repository.ts";
import { readinessOf } from "../release/readiness.ts";
import { recordedClosing, recordedReleases } from "../release/rollback-evidence.ts";
import { blocks, text } from "../report/markdown.ts";
import type { ActionResult } from "../report/report.ts";
import { status as statusOf } from "../status.ts";
import { verify as verifyTier } from "../verify.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf, lockAccess } from "./github.ts";
import { inputsOf } from "./inputs.ts";
import { makerOf } from "./release-again.ts";
import { accessTier, recordedTier, type TierAccess } from "./tier-access.ts";
import { repositoryOf } from "./tier-contract.ts";

/** Verifies the release that a tier has, and records that. Throws FourTierError for what stops it. */
export async function verify(context: ActionContext): Promise<ActionResult> {
  const { run, cancelled } = context;
  const own = readInputs(context);
  const git = repositoryOf(run);
  const access = await accessTier({ ...context, cancelled: afterGrace(cancelled) });
  const tier = recordedTier(access);
  const github = githubOf(context);
  const rebuilt = own.rebuild ? await rebuild(context, access, github, git) : [];
  const policy = await policyContract(github, run, access.contract);
  const { gate } = policy.tiers[tier.name];
  const result = await verifyTier({
    ...lockAccess(context),
    tier,
    workspace: access.workspace,
    principal: access.clientId,
    root: access.inputs.bundle,
    policy: { steps: gate.verify, timeoutMs: gate.verifyTimeoutMs },
    expected: own.expected,
    deep: own.deep,
    again: makerOf(access, git),
    record: (commit, payload, description) => recordOperation(github, { commit, payload, description }),
  });
  const ready = await readinessFor(context, github, access, result);
  return {
    ...result,
    findings: [...access.findings, ...rebuilt, ...result.findings],
    outputs: { ...result.outputs, ready: String(ready.ready) },
    summary: blocks(result.summary, ready.text),
  };
}

interface Ready {
  readonly ready: boolean;
  /** Markdown; empty where there is nothing to be ready for. */
  readonly text: string;
}

/** What the gate of the next tier would say now. What nobody can say is not ready, and the verification stays what it is. */
async function readinessFor(
  { run, log }: ActionContext,
  github: GitHub,
  access: TierAccess,
  { outputs }: ActionResult,
): Promise<Ready> {
  const { contract } = access;
  const tier = recordedTier(access).name;
  const next = TIERS.find((name) => PREVIOUS[name] === tier);
  const { commit = "", "release-digest": release = "", "deployment-id": deployment = "" } = outputs;
  if (outputs["verified"] !== "true" || next === undefined) return { ready: false, text: "" };
  const now = new Date();
  try {
    const own = { deployment, at: now };
    const asked = await readinessOf({ github, run, contract, tier, next, commit, release, own, now });
    const ready = asked.verdict === "pass";
    const why = asked.findings.filter(isFailure).map(({ message }) => message);
    return {
      ready,
      text: ready
        ? `**Ready for ${text(next)}**: ${text(asked.summary)}`
        : `**Not ready for ${text(next)}**, as its gate would say: ${text(why.join(" "))}`,
    };
  } catch (error) {
    log.warning(`Whether ${next} may take it cannot be told: ${messageOf(error)}`);
    return { ready: false, text: `Whether ${text(next)} may take it cannot be told: ${text(messageOf(error))}` };
  }
}

/** Says what a tier has by its own ledger. Throws FourTierError for what stops it. */
export async function status(context: ActionContext): Promise<ActionResult> {
  const own = readInputs(context);
  const access = await accessTier(context);
  const rebuilt = own.rebuild ? await rebuild(context, access, githubOf(context), repositoryOf(context.run)) : [];
  const result = await statusOf(access.workspace, access.tier, access.clientId);
  return { ...result, findings: [...access.findings, ...rebuilt, ...result.findings] };
}

/** Makes a ledger that was lost again; does nothing where there is one. */
async function rebuild(
  context: ActionContext,
  access: TierAccess,
  github: GitHub,
  git: Git,
): Promise<readonly Finding[]> {
  const tier = recordedTier(access);
  const { contract, workspace, clientId: principal } = access;
  const repository = await readRepository(github);
  const policy = await policyContract(github, context.run, contract, repository.head);
  const of = { project: tier.project, tier: tier.name, repository, suiteCommits: policy.suite.commits };
  return rebuildLedger({
    workspace,
    tier,
    principal,
    records: () => recordedReleases(github, of),
    closedBy: () => recordedClosing(github, of),
    again: makerOf(access, git),
    ...lockAccess(context),
    lockWaitMs: REBUILD_WAIT_MS,
  });
}

/** How long a rebuild waits for another run's lock, in milliseconds. */
const REBUILD_WAIT_MS = 600_000;

interface Inputs {
  readonly expected: string;
  readonly deep: boolean;
  readonly rebuild: boolean;
}

function readInputs(context: ActionContext): Inputs {
  const inputs = inputsOf(context);
  const remedy = "Hand on the output of the promotion, or of mode: status, unchanged.";
  const read = {
    expected: inputs.digest("release-digest", remedy),
    deep: inputs.flag("deep"),
    rebuild: inputs.flag("rebuild"),
  };
  inputs.done();
  return read;
}
