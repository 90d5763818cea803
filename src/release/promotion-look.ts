/**
 * How a promotion looks at its tier: by lists alone where these may show that nothing is to be done, whole before
 * anything is written, and never as at an empty tier where its ledger was lost.
 */
import { FourTierError } from "../findings.ts";
import type { Fact } from "../gate/facts.ts";
import type { Ledger } from "../ledger/model.ts";
import { isSettled } from "./already.ts";
import { glance } from "./glance.ts";
import { type Look, lookAgainAt, lookTwice, type View } from "./look.ts";
import { lostLedger, type RecordedNow } from "./lost-ledger.ts";
import { ledgerAt } from "./place.ts";

/** What a promotion looks at, and how closely. */
export interface Sight extends View {
  /** Compare live state and content whole, even if the tier has this release already. */
  readonly deep: boolean;
  /** The input `accept-drift`; empty means not given. */
  readonly acceptDrift: string;
  /** What runs prove the tier to have; asked only where its ledger says nothing. */
  readonly recorded: () => Promise<Fact<RecordedNow>>;
}

/**
 * A tier that has this release by its ledger is compared by its lists, which does not cost more the bigger the project
 * is; if they show nothing to do, nothing is looked at twice. Before anything is written, the tier is looked at whole.
 * Throws FourTierError where the ledger was lost, and for what makes any promotion impossible.
 */
export async function firstLook(sight: Sight, reading: Promise<Ledger | undefined>): Promise<Look> {
  const { workspace, candidate, contents, place, now, deep } = sight;
  const ledger = await notLost(sight, await reading);
  if (ledger !== undefined && listsMayDo(sight, ledger)) {
    const standing = await glance(workspace, ledger, candidate.desired, contents, place);
    if (standing !== undefined) return { standing, folders: [], compared: "lists", at: now() };
  }
  return lookTwice(sight, ledger, () => ledgerOf(sight), deep ? "all" : "none");
}

/** Looks again under the lock, with the bytes that something will be pointed at. Throws as the first look does. */
export function secondLook(sight: Sight, before: Look): Promise<Look> {
  return lookAgainAt(sight, before, () => ledgerOf(sight), sight.deep ? "all" : "used");
}

/** True if the ledger says that the tier has this release, and nobody asks for more than its lists. */
export function listsMayDo({ candidate, deep, acceptDrift }: Sight, ledger: Ledger): boolean {
  return !deep && acceptDrift === "" && isSettled(ledger, candidate);
}

async function ledgerOf(sight: Sight): Promise<Ledger | undefined> {
  return notLost(sight, await ledgerAt(sight.workspace, sight.place));
}

/** Throws FourTierError where the ledger was lost: a tier that has a release is not taken for one that has none. */
async function notLost({ place, recorded }: Sight, ledger: Ledger | undefined): Promise<Ledger | undefined> {
  const lost = await lostLedger(place.tier.name, place.folder, ledger, recorded);
  if (lost !== undefined) throw new FourTierError(lost);
  return ledger;
}
