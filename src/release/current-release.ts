/** What a tier has now, as GitHub's record proves it: the newest release that a run of ours deployed there. */
import type { Contract, Tier } from "../contract/model.ts";
import { deployingTime } from "../gate/evidence-run.ts";
import { type Fact, known } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import type { Artifact } from "./digest.ts";
import { factOf } from "./fact-of.ts";
import { suiteOf } from "./gate-policy.ts";
import { flooded, judgedEvidence } from "./judged-evidence.ts";
import { runReader } from "./read-evidence.ts";
import { readRepository } from "./read-repository.ts";

/** What a tier has now. */
export interface CurrentRelease {
  readonly commit: string;
  readonly release: string;
  /** ISO: when the job that brought it ended. */
  readonly at: string;
  /** Wheels that were carried with it, as its record claims: recompute the digest before believing them. */
  readonly artifacts: readonly Artifact[];
}

/** The newest release that a run of ours provably deployed to the tier, other than commit `but`; undefined if there was none. */
export async function currentRelease(
  request: { readonly github: GitHub; readonly contract: Contract; readonly tier: Pick<Tier, "name"> },
  but?: string,
): Promise<Fact<CurrentRelease | undefined>> {
  const { github, contract } = request;
  const tier = request.tier.name;
  if (tier === "sandbox") return known(undefined);
  return factOf(async () => {
    const repository = await readRepository(github);
    const suite = suiteOf({ suiteCommits: contract.suite.commits });
    const readRun = runReader(github, suite.repository, repository.head);
    const expected = {
      tier,
      project: contract.project,
      candidate: undefined,
      repository,
      suite,
      trustPinsAtCommit: true,
    };
    const uncertain = () => {
      throw flooded(tier);
    };
    for await (const { deployment, evidence, doubts } of judgedEvidence(github, expected, readRun, uncertain)) {
      if (deployment.sha === but) continue;
      if (evidence.claim !== undefined && doubts.length === 0) {
        const { release, artifacts } = evidence.claim;
        const at = new Date(deployingTime(evidence, expected).to).toISOString();
        return { commit: deployment.sha, release, at, artifacts };
      }
    }
    return undefined;
  });
}
