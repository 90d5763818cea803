/** What the gate is told of a tier that was looked at: what would change in it, what it has, who holds its lock. */
import type { Tier } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { OrderFacts } from "../gate/commit-facts.ts";
import { known, type LiveFacts } from "../gate/facts.ts";
import type { LockFacts } from "../gate/live-facts.ts";
import type { Git } from "../git.ts";
import { keptOf } from "../ledger/kept.ts";
import { type LockAccess, lockHolder } from "../ledger/lock.ts";
import type { Candidate } from "./candidate.ts";
import { lossesOf } from "./losses.ts";
import type { Standing } from "./standing.ts";

/** What a look shows; identity and grants are proven by others. */
export function lookFacts(
  standing: Standing,
  tier: Tier,
): Pick<LiveFacts, "plan" | "drift" | "adoption" | "losses" | "kept"> {
  const { plan, drift, observation, ledger } = standing;
  return {
    plan: known(plan),
    drift: known(drift),
    adoption: known(observation.namesakes),
    losses: known(lossesOf(standing, tier)),
    kept: known(keptOf(ledger)),
  };
}

/** The release that the tier has by its ledger; undefined if it has none. */
export function currentOf({ ledger }: Pick<Standing, "ledger">): OrderFacts["current"] {
  const release = ledger?.release;
  return release === undefined ? undefined : { commit: release.commit, release: release.digest, at: release.at };
}

/**
 * How the candidate relates to what the tier has by now: the older of two runs must not win because it waited longer.
 * Throws FourTierError if git cannot tell.
 */
export async function orderOf(
  git: Pick<Git, "isAncestor">,
  { commit }: Pick<Candidate, "commit">,
  tier: Tier,
  standing: Standing,
): Promise<OrderFacts> {
  const current = currentOf(standing);
  // In a sandbox any branch follows any other, and a pull request's commit may be in no clone any more.
  if (current === undefined || tier.name === "sandbox") return { current, relation: undefined };
  if (current.commit === commit) return { current, relation: "identical" };
  if (await git.isAncestor(current.commit, commit)) return { current, relation: "ahead" };
  return { current, relation: (await git.isAncestor(commit, current.commit)) ? "behind" : "diverged" };
}

/** The lock as it is before it is taken. Throws ApiError. */
export async function lockBefore(
  workspace: Workspace,
  folder: string,
  runHasEnded: LockAccess["runHasEnded"],
): Promise<LockFacts> {
  const holder = await lockHolder(workspace, folder);
  if (holder === undefined) return { held: false };
  const { run, attempt } = holder;
  return { held: true, runId: run, attempt, ended: (await runHasEnded(run, attempt)) === true, waits: true };
}
