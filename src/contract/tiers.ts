/** A tier, resolved from the contract for one run. */
import type { Contract, Tier, TierName } from "./model.ts";

/** Resolves a tier; the sandbox needs `developer` (the GitHub login), else FourTierError `contract/developer`. */
export function resolveTier(_contract: Contract, _tier: TierName, _options: { developer?: string } = {}): Tier {
  throw new Error("not yet");
}
