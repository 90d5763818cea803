/** The commit that a run of action-promote is about, as a candidate for its tier. */
import { resolveTier } from "../contract/tiers.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import type { Git } from "../git.ts";
import { type Candidate, type CarriedArtifact, candidateOf, contractAt } from "../release/candidate.ts";
import { moveOf } from "../release/move.ts";
import { shortSha } from "../short-sha.ts";
import type { ActionContext } from "./frame.ts";
import type { Inputs } from "./promote-inputs.ts";
import type { ResolvedTier } from "./tier-access.ts";

/** The commit, rendered for the tier with the contract it holds, and warnings. Throws FourTierError for what is wrong with it. */
export async function readCandidate(
  { run }: ActionContext,
  { commit }: Inputs,
  git: Git,
  { contract: ofRun, tier: tierOfRun, inputs }: ResolvedTier,
  wheels: readonly CarriedArtifact[],
): Promise<{ candidate: Candidate; notes: readonly Finding[] }> {
  const checkout = await git.checkoutEquals(await git.head());
  if (checkout.some(isFailure)) throw new FourTierError(checkout);
  const other = commit !== run.sha;
  const contract = other ? await contractAt(git, commit, ofRun.file, inputs.allowedHosts) : ofRun;
  const tier = other ? resolveTier(contract, tierOfRun.name, { developer: inputs.developer }) : tierOfRun;
  if (moveOf(tierOfRun, tier).where.length > 0) {
    throw new FourTierError({
      id: "release/contract-differs",
      severity: "error",
      where: { kind: "file", file: contract.file },
      message: `At commit ${shortSha(commit)} the contract gives ${tier.name} of ${tier.project} catalog ${tier.catalog} on ${tier.host}; at this run's commit it is ${tierOfRun.catalog} on ${tierOfRun.host}, of ${tierOfRun.project}.`,
      why: "The release would be rendered for a place that this run does not prove.",
      remedy: "Promote a commit that has the same contract, or start the run from that commit.",
    });
  }
  const { candidate, findings } = await candidateOf({
    git,
    commit,
    root: inputs.bundle,
    contract,
    tier,
    artifacts: wheels,
    now: new Date(),
  });
  if (candidate === undefined) throw new FourTierError(findings);
  return { candidate, notes: [...checkout, ...findings] };
}
