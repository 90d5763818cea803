/** action-promote, mode: rollback: typed inputs, what the run must be to be believed, then the story. */
import type { Contract } from "../contract/model.ts";
import { RESOURCE_KEY } from "../contract/schema-texts.ts";
import type { RunContext } from "../environment.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import { brought, recordDeployment } from "../release/evidence.ts";
import { operatorFindings } from "../release/operators.ts";
import { policyContract } from "../release/policy.ts";
import { readRepository } from "../release/read-repository.ts";
import { releaseJudge } from "../release/rollback-evidence.ts";
import { blocks } from "../report/markdown.ts";
import type { ActionResult } from "../report/report.ts";
import { rollback as rollBack } from "../rollback.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf, lockAccess } from "./github.ts";
import { inputsOf, wordsOf } from "./inputs.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { makerOf } from "./release-again.ts";
import { accessTier, recordedTier } from "./tier-access.ts";
import { repositoryOf } from "./tier-contract.ts";
import { pictureAfter } from "./whereabouts.ts";

/** Takes a tier back. Throws FourTierError before anything was written in the tier. */
export async function rollback(context: ActionContext): Promise<ActionResult> {
  const { run, cancelled } = context;
  const own = readInputs(context);
  const git = repositoryOf(run);
  const github = githubOf(context);
  const access = await accessTier({ ...context, cancelled: afterGrace(cancelled) });
  const tier = recordedTier(access);
  const repository = await readRepository(github);
  const policy: Contract = await policyContract(github, run, access.contract, repository.head);
  const { operators } = policy.tiers[tier.name];
  const asked = { tier: tier.name, person: run.triggeringActor, operators, repository };
  const refusals = [...runFindings(run, repository), ...(await operatorFindings(github, asked))];
  if (refusals.length > 0) throw new FourTierError(refusals);
  const result = await rollBack({
    ...lockAccess(context),
    tier,
    contract: access.contract,
    workspace: access.workspace,
    principal: access.clientId,
    root: access.inputs.bundle,
    to: own.to,
    reason: own.reason,
    deletes: own.deletes,
    again: makerOf(access, git),
    isAncestor: (ancestor, descendant) => git.isAncestor(ancestor, descendant),
    judge: releaseJudge(github, {
      project: tier.project,
      tier: tier.name,
      repository,
      suiteCommits: policy.suite.commits,
    }),
    record: (release, from, description) =>
      recordDeployment(github, {
        commit: release.commit,
        description,
        payload: {
          kind: "rollback",
          ...brought(tier, release, run),
          from: from ?? null,
          reason: own.reason,
          by: run.triggeringActor,
        },
      }),
    lockWaitMs: own.lockWaitMs,
  });
  const kept = await keepEvidence(context, `${tier.name}-rollback`, result.evidence);
  const outputs = { ...result.outputs, ...kept };
  const { commit, "release-digest": digest } = result.outputs;
  const back = commit !== undefined && digest !== undefined && !result.findings.some(isFailure);
  const reading = { github, contract: policy, repository, log: context.log };
  const source = { name: repository.defaultBranch, commit: repository.head };
  const picture = back
    ? await pictureAfter(reading, source, { tier: tier.name, kind: "rollback", commit, digest, run })
    : "";
  const findings = [...access.findings, ...result.findings];
  return { ...result, outputs, summary: blocks(result.summary, picture), findings };
}

/** A run of another kind would not be believed afterwards: the next gate would not know what the tier has. */
function runFindings({ event, ref }: RunContext, { defaultBranch }: RepositoryFacts): Finding[] {
  if (event === "workflow_dispatch" && ref === `refs/heads/${defaultBranch}`) return [];
  return [
    {
      id: "rollback/not-dispatched",
      severity: "error",
      message: `A rollback is started by hand on ${defaultBranch} (workflow_dispatch); this run was started by ${event} on ${ref}.`,
      why: "A person decides it, and who can push another branch edits its workflows.",
      remedy: `Run the workflow from ${defaultBranch}: gh workflow run rollback.yml --ref ${defaultBranch}.`,
    },
  ];
}

interface Inputs {
  readonly to: string;
  readonly reason: string;
  readonly deletes: readonly string[];
  readonly lockWaitMs: number;
}

function readInputs(context: ActionContext): Inputs {
  const inputs = inputsOf(context);
  const to = inputs.text("to").toLowerCase();
  if (to !== "" && !/^[0-9a-f]{7,64}$/.test(to)) {
    inputs.wrong("to", "The input to is no commit and no release.", "Give 7 or more hex digits, or leave it empty.");
  }
  const reason = inputs.text("reason");
  if (reason === "" || reason.length > 400) {
    inputs.wrong(
      "reason",
      "A rollback needs a reason, of at most 400 characters.",
      "Say what is wrong: others will read it.",
    );
  }
  const deletes = wordsOf(inputs.text("delete"));
  const unfit = deletes.filter((key) => !RESOURCE_KEY.test(key));
  if (unfit.length > 0) {
    inputs.wrong(
      "delete",
      `The input delete names resources by their keys, each in full; ${unfit.map((key) => JSON.stringify(key)).join(", ")} is none.`,
      "Write keys as in the bundle, separated by commas: jobs.score, pipelines.ingest. There is no * for all.",
    );
  }
  const lockWaitMs = inputs.lockWaitMs();
  inputs.done();
  return { to, reason, deletes, lockWaitMs };
}
