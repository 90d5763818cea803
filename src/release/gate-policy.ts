/** What the gate asks of a tier, and what it lets through beyond the rule: always by the default branch's contract. */
import type { Contract, Tier } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import type { RunContext } from "../environment.ts";
import type { SuiteTrust } from "../gate/evidence-facts.ts";
import { type Fact, known, type PolicyFacts } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { factOf } from "./fact-of.ts";
import { type Move, moveOf, STAYS } from "./move.ts";
import { policyContract } from "./policy.ts";

/** The suite's own repository: whose workflows count. */
const SUITE_REPOSITORY = "four-tier/four-tier";

/** What the gate lets through beyond the rule. */
export interface Policy {
  readonly suiteCommits: readonly string[];
  readonly acceptedCommits: Contract["acceptedCommits"];
  readonly destructive: readonly string[];
  readonly adopt: ReadonlyMap<string, string>;
  /** From the run's contract to the default branch's. */
  readonly move: Move;
  readonly gate: Fact<PolicyFacts>;
}

/** Whose workflows are believed: the suite's own, at commits that are pinned now. */
export function suiteOf({ suiteCommits }: Pick<Policy, "suiteCommits">): SuiteTrust {
  return { repository: SUITE_REPOSITORY, commits: suiteCommits };
}

/** One that cannot be read lets nothing through. */
export function strict(gate: Extract<Fact<never>, { known: false }>): Policy {
  return { suiteCommits: [], acceptedCommits: [], destructive: [], adopt: new Map(), move: STAYS, gate };
}

/** What the default branch asks; one that cannot be read lets nothing through. */
export async function readPolicy(
  {
    github,
    contract,
    tier,
    run,
  }: {
    readonly github: GitHub;
    readonly contract: Contract;
    readonly tier: Tier;
    readonly run: Pick<RunContext, "sha">;
  },
  head: string,
): Promise<Policy> {
  const current = await factOf(() => policyContract(github, run, contract, head));
  if (!current.known) return strict(current);
  const { suite, acceptedCommits, tiers, adopt, holds, evidenceBranch } = current.value;
  const { destructive, gate, activeRuns, onFailure } = tiers[tier.name];
  return {
    suiteCommits: suite.commits,
    acceptedCommits,
    destructive,
    adopt: adopt[tier.name],
    // A sandbox's catalog is its developer's.
    move: tier.name === "sandbox" ? STAYS : moveOf(tier, resolveTier(current.value, tier.name)),
    gate: known({ ...gate, activeRuns, onFailure, onExpiry: holds.onExpiry, evidenceBranch }),
  };
}
