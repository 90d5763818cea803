/**
 * A tier without a ledger is empty only if nobody has promoted to it. Code that runs as the tier's principal can delete
 * the ledger, and with it what holds the tier and which release must not be overwritten: so GitHub's record is asked.
 */
import type { TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { Fact } from "../gate/facts.ts";
import { type Ledger, saysNothing } from "../ledger/model.ts";

/** The newest release that a run proves the tier to have; undefined: none. */
export type RecordedNow = { readonly commit: string } | undefined;

/**
 * Why nothing may be promoted over what this ledger says; undefined if it says something, or if the tier is empty. A
 * sandbox has no record, and holds nothing that must not be overwritten.
 */
export async function lostLedger(
  tier: TierName,
  folder: string,
  ledger: Ledger | undefined,
  recorded: () => Promise<Fact<RecordedNow>>,
): Promise<Finding | undefined> {
  if (tier === "sandbox" || (ledger !== undefined && !saysNothing(ledger))) return undefined;
  const found = await recorded();
  const what = `${tier} has no ledger in ${folder} that says what it has`;
  if (!found.known) {
    return {
      id: "ledger/missing",
      severity: "unknown",
      message: `${what}, and GitHub does not say whether something was promoted to it: ${found.why}`,
      why: "A tier that has a release must not be taken for an empty one.",
      remedy: found.remedy,
    };
  }
  if (found.value === undefined) return undefined;
  return {
    id: "ledger/missing",
    severity: "error",
    message: `${what}, and a run that can be believed brought it ${found.value.commit.slice(0, 12)}.`,
    why: "The ledger was lost, or the tier's principal is another one than before. With it went what is held, what is ours, and which release must not be overwritten.",
    remedy: `Run verify.yml for ${tier} with rebuild: true: it makes the ledger again from GitHub's record and the resources' tags. After another principal took over, hand over first: docs/guides/rolling-back.md. If ${tier} is a new workspace, or was emptied on purpose, set the state of its Deployments of this project to inactive: nothing is proven then.`,
  };
}
