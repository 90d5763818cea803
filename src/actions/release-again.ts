/** A release that a tier had, made again from its commit, as every story does that goes back to one. */
import type { Git } from "../git.ts";
import { releaseAgain } from "../release/again.ts";
import type { TierAccess } from "./tier-access.ts";

/** Makes releases again by the tier's contract and bundle; each call throws FourTierError if it is not that release. */
export function makerOf(
  { tier, contract, inputs: { bundle: root, allowedHosts } }: Pick<TierAccess, "tier" | "contract" | "inputs">,
  git: Git,
): (release: Parameters<typeof releaseAgain>[1]) => ReturnType<typeof releaseAgain> {
  return (release) =>
    releaseAgain({ git, root, contractFile: contract.file, allowedHosts, tier, now: new Date() }, release);
}
