/**
 * What a tier has of a release already: by its ledger's word, or as it was seen. Where it has it whole and untouched,
 * nothing is locked and nothing written. Pure.
 */
import type { Tier } from "../contract/model.ts";
import { type GateFacts, known } from "../gate/facts.ts";
import type { Ledger } from "../ledger/model.ts";
import type { Candidate } from "./candidate.ts";
import type { Look } from "./look.ts";
import { owedNow } from "./loops.ts";

/** True if the ledger says that the tier has this release, and owes nothing that its lists would not show. */
export function isSettled(ledger: Ledger, candidate: Candidate): boolean {
  return (
    hasRelease(ledger, candidate) && (ledger.unrolled ?? []).length === 0 && (ledger.left ?? new Map()).size === 0 // whether that lives no list says
  );
}

/** True if the tier has this commit, whole and untouched, and runs it. */
export function isDone(look: Look, candidate: Candidate, tier: Tier): boolean {
  const { ledger, observation } = look.standing;
  return isApplied(look, candidate) && owedNow(tier, ledger, candidate.desired, observation.live).length === 0;
}

/**
 * The facts as the gate is to be asked with them. A run that applied its plan and then failed (GitHub did not take the
 * record, say) is started again: the tier has the release, so what was approved is the plan that led there, and not the
 * empty one from here.
 */
export function approvedAlready(facts: GateFacts, seen: Look, candidate: Candidate): GateFacts {
  const applied = seen.standing.ledger?.release?.plan;
  if (!isApplied(seen, candidate) || applied === undefined || applied !== facts.approved.plan) return facts;
  return { ...facts, plan: known({ ...seen.standing.plan, digest: applied }) };
}

/** True if the tier has this commit, whole and untouched. */
function isApplied({ standing, folders }: Look, candidate: Candidate): boolean {
  const { ledger, plan, steps } = standing;
  return (
    ledger !== undefined &&
    hasRelease(ledger, candidate) &&
    plan.empty &&
    steps.length === 0 && // what drifted is a step, too
    folders.every((folder) => folder.complete)
  );
}

function hasRelease({ release, pending }: Ledger, candidate: Candidate): boolean {
  return release?.digest === candidate.digest && release.commit === candidate.commit && pending === undefined;
}
