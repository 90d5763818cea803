/**
 * A tier without a ledger is empty only if nobody has promoted to it. Code that runs as the tier's principal can delete
 * the ledger, and with it what holds the tier and which release must not be overwritten: so GitHub's record is asked.
 */
import type { TierName } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import type { Fact } from "../gate/facts.ts";
import { type Ledger, saysNothing } from "../ledger/model.ts";
import { shortSha } from "../short-sha.ts";
import { ledgerAt, type Place } from "./place.ts";

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
    message: `${what}, and a run that can be believed brought it ${shortSha(found.value.commit)}.`,
    why: "The ledger was lost, or the tier's principal is another one than before. With it went what is held, what is ours, and which release must not be overwritten.",
    remedy: `Run verify.yml for ${tier} with rebuild: true: it makes the ledger again from GitHub's record and the resources' tags. After another principal took over, hand over first: docs/guides/rolling-back.md. If ${tier} is a new workspace, or was emptied on purpose, set the state of its Deployments of this project to inactive: nothing is proven then.`,
  };
}

/** The ledger of a tier that must have one by now. Throws FourTierError `ledger/missing`, ApiError. */
export async function neededLedger(workspace: Workspace, place: Place): Promise<Ledger> {
  const ledger = await ledgerAt(workspace, place);
  if (ledger === undefined || saysNothing(ledger)) throw new FourTierError(noLedger(place.tier.name, place.folder));
  return ledger;
}

/** Said wherever a tier's ledger is needed and is not there. */
export function noLedger(tier: string, folder: string): Finding {
  return {
    id: "ledger/missing",
    severity: "error",
    message: `${tier} has no ledger in ${folder}, so nothing says which release it has.`,
    why: "Either nothing was promoted yet, or the ledger was lost, or the tier's principal is another one than before.",
    remedy: `If nothing was promoted yet, promote. If ${tier} has a release, run verify.yml with rebuild: true: it makes the ledger again from the resources' tags and GitHub's record, and overwrites nothing.`,
  };
}
