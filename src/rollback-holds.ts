/**
 * What a rollback holds: the tier, against promotions, until somebody resumes it; and all its schedules, for as long as
 * the rollback takes. Both are in the ledger before anything is changed, so a rollback that is killed leaves them there.
 */
import type { Contract, Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { RunContext } from "./environment.ts";
import type { Finding } from "./findings.ts";
import { liftHolds, takeHold } from "./holds.ts";
import { type Hold, holdId } from "./ledger/holds.ts";
import type { LockedLedger } from "./ledger/locked.ts";
import type { Ledger } from "./ledger/model.ts";
import { shortSha } from "./short-sha.ts";

/** What of a rollback's request a hold needs. */
export interface Holding {
  readonly run: RunContext;
  readonly tier: Tier;
  /** Application id of the tier's principal. */
  readonly principal: string;
  readonly contract: Contract;
  readonly workspace: Workspace;
  readonly reason: string;
  readonly log: { info(message: string): void };
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/** The release that the tier goes back to. */
interface Goal {
  readonly commit: string;
  readonly digest: string;
}

/** For one job or pipeline to be paused, or given back what it was. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 2_000;

/** The hold that keeps promotions out until somebody resumes: there before anything is changed, and after a crash. */
export function withTierHeld(request: Holding, ledger: Ledger, { commit, digest }: Goal): Ledger {
  const { run, tier, now, reason } = request;
  const says = {
    kind: "tier" as const,
    selector: "all",
    scope: "project" as const,
    reason: `Rollback to ${shortSha(commit)}: ${reason}`,
    by: run.actor,
    at: now().toISOString(),
    run: { id: run.runId, attempt: run.runAttempt },
  };
  const id = holdId({ ...says, tier: tier.name, project: tier.project });
  const others = ledger.holds.filter((hold) => hold.kind !== "tier" || !isOfRollback(hold));
  const made: Hold = { ...says, id, until: undefined, prior: [], origin: "rollback", goal: digest };
  return { ...ledger, holds: [...others, made] };
}

/**
 * Whether a rollback made it: by its origin, not by its words, since a person may hold a tier with a reason that sounds
 * like it.
 */
export function isOfRollback({ origin }: Hold): boolean {
  return origin === "rollback";
}

/** Pauses everything of the project; what was running before is in the hold, and safe in the ledger. */
export async function pauseAll(request: Holding, locked: LockedLedger, goal: Goal): Promise<readonly Finding[]> {
  const { run, reason, now } = request;
  const { findings } = await takeHold({
    ...holdRequest(request, locked),
    scope: "project",
    selector: "all",
    reason: `Rollback to ${shortSha(goal.commit)}: ${reason}`,
    by: run.actor,
    until: undefined,
    now: now(),
    origin: "rollback",
    goal: goal.digest,
  });
  return findings;
}

function holdRequest(request: Holding, locked: LockedLedger) {
  const { workspace, tier, principal, contract, run, log, signal } = request;
  return {
    workspace,
    tier,
    principal,
    contract,
    locked: <T>(work: (ledger: LockedLedger) => Promise<T>) => work(locked),
    // The rollback's own record says it all.
    record: () => Promise.resolve(""),
    run: { id: run.runId, attempt: run.runAttempt },
    log,
    patience: { timeoutMs: PATIENCE_MS, everyMs: LOOK_MS, signal },
    activeRuns: "leave" as const,
  };
}

/**
 * The prior mix, but for what is left over from the release that was left: that stays paused. Findings for what could
 * not be given back.
 */
export async function giveBack(
  request: Holding,
  locked: LockedLedger,
  left: readonly { readonly key: string }[],
): Promise<readonly Finding[]> {
  const { run, now } = request;
  const made = locked.current().holds.filter((hold) => hold.kind === "schedules" && isOfRollback(hold));
  const own = made.find((hold) => hold.run.id === run.runId);
  if (own === undefined) return [];
  // Holds of rollbacks that were killed are ours to lift: what they met first is in this one.
  const others = locked.current().holds.filter((hold) => !made.includes(hold));
  const prior = own.prior.map((state) =>
    left.some(({ key }) => key === state.key)
      ? { ...state, starters: state.starters.map((starter) => ({ ...starter, state: "paused" as const })) }
      : state,
  );
  await locked.save({ ...locked.current(), holds: [...others, { ...own, prior }] });
  const { findings } = await liftHolds({ ...holdRequest(request, locked), hold: own.id, now: now() });
  return findings;
}
