/**
 * Makes a tier's lost ledger again: which release the tier has, and what keeps it closed, is the word of GitHub's record,
 * as far as runs bear it out; which resources are ours is said by their tags. Never where a ledger can be read.
 */
import type { Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "./findings.ts";
import type { ClosedBy } from "./gate/decision-facts.ts";
import { type Hold, holdId } from "./ledger/holds.ts";
import { type LockAccess, lockFor } from "./ledger/lock.ts";
import { withLedger } from "./ledger/locked.ts";
import { HISTORY, type LedgerRelease, saysNothing } from "./ledger/model.ts";
import { tierFolder } from "./ledger/paths.ts";
import { readLedger } from "./ledger/store.ts";
import type { Candidate } from "./release/candidate.ts";
import { leftFindings } from "./release/left.ts";
import { observe } from "./release/observe.ts";
import { makePlan } from "./release/plan.ts";
import type { RecordedRelease } from "./release/rollback-evidence.ts";
import { count } from "./report/markdown.ts";
import { shortSha } from "./short-sha.ts";

interface RebuildRequest extends LockAccess {
  readonly workspace: Workspace;
  readonly tier: Tier;
  readonly principal: string;
  readonly run: { readonly runId: string; readonly runAttempt: number; readonly job: string };
  /** What the tier had, newest first, as far as runs that can be believed say so. */
  readonly records: () => Promise<readonly RecordedRelease[]>;
  /** What keeps the tier closed, as far as runs bear it out: a rollback, a promotion that stopped half way. */
  readonly closedBy: () => Promise<ClosedBy>;
  readonly again: (release: Pick<LedgerRelease, "digest" | "commit" | "artifacts">) => Promise<Candidate>;
  readonly lockWaitMs: number;
}

/**
 * Rebuilds if there is no ledger, or one that only holds decisions; findings say what was found and what was not.
 * Throws FourTierError if it cannot be.
 */
export async function rebuildLedger(request: RebuildRequest): Promise<readonly Finding[]> {
  const { workspace, tier, principal, log } = request;
  const folder = tierFolder(principal, tier);
  const expected = { project: tier.project, tier: tier.name };
  const standing = await readLedger(workspace, folder, expected);
  if (standing !== undefined && !saysNothing(standing)) return [notNeeded(tier)];
  const [current, ...older] = await request.records();
  if (current === undefined) throw new FourTierError(nothingRecorded(tier));
  const held = holdsOf(tier, await request.closedBy());
  const candidate = await request.again(current);
  log.info(
    `GitHub's record says that ${tier.name} has ${shortSha(current.commit)}; looking for its resources by their tags`,
  );
  return withLedger(workspace, { ...lockFor(request, request.lockWaitMs), ...expected, folder }, async (ledger) => {
    // Somebody else may have been quicker.
    if (!saysNothing(ledger.current())) return [notNeeded(tier)];
    const observation = await observe(workspace, { tier, principal, ledger: undefined, desired: candidate.desired });
    const failures = observation.findings.filter(isFailure);
    if (failures.length > 0) throw new FourTierError(failures);
    const found = candidate.desired.flatMap(({ key, ...resource }) => {
      const live = observation.live.get(key);
      return live?.foundBy === "tags" ? [[key, { id: live.id, ...resource }] as const] : [];
    });
    if (found.length === 0 && candidate.desired.length > 0) throw new FourTierError(nothingFound(tier, current));
    // With our tags and made by the tier's own principal, but of another release: a rollback left it.
    const left = observation.orphans.filter(({ creator }) => creator === principal);
    const plan = makePlan(new Map(), candidate.desired).digest;
    const history = [current, ...older].slice(0, HISTORY).map((release) => ({ ...release, plan }));
    await ledger.save({
      ...ledger.current(), // holds and rejects that were written since the loss
      holds: [...ledger.current().holds, ...held],
      release: { ...current, plan },
      resources: new Map(found),
      left: new Map(left.map(({ key, id, kind, name }) => [key, { id, kind, name }])),
      history,
    });
    const missing = candidate.desired.map(({ key }) => key).filter((key) => !found.some(([other]) => other === key));
    const stays = left.map((each) => ({ ...each, goes: false }));
    return [rebuilt(tier, current, found.length, missing, held), ...leftFindings(tier.name, stays)];
  });
}

/** The holds that these had made: the gate does not count them if somebody resumed the tier since. */
function holdsOf(tier: Tier, { rolledBack, halfWay }: ClosedBy): Hold[] {
  const made = [
    ...(rolledBack === undefined ? [] : [{ ...rolledBack, origin: "rollback" as const }]),
    ...(halfWay === undefined ? [] : [{ ...halfWay, origin: "promotion" as const }]),
  ];
  return made.map(({ reason, by, at, run, ...rest }): Hold => {
    const { id, attempt } = run;
    return {
      ...rest,
      id: holdId({ project: tier.project, tier: tier.name, reason, by, at, run: id }),
      kind: "tier",
      selector: "all",
      scope: "project",
      reason,
      by,
      at,
      until: undefined,
      run: { id, attempt },
      prior: [],
    };
  });
}

function nothingFound(tier: Tier, { commit }: RecordedRelease): Finding {
  return {
    id: "ledger/nothing-found",
    severity: "error",
    message: `GitHub's record says that ${tier.name} has ${shortSha(commit)}, and none of its resources is found by its tags; nothing was written.`,
    why: "The next promotion would make everything a second time beside what is there and cannot be seen.",
    remedy: `If another principal took over, hand over first (docs/guides/rolling-back.md). If ${tier.name} was emptied on purpose, set the state of its Deployments of this project to inactive: nothing is proven then, and the next promotion is its first.`,
  };
}

function notNeeded(tier: Tier): Finding {
  return {
    id: "ledger/not-rebuilt",
    severity: "notice",
    message: `${tier.name} has a ledger that can be read: nothing was rebuilt.`,
    remedy: "Leave rebuild out.",
  };
}

function nothingRecorded(tier: Tier): Finding {
  return {
    id: "ledger/nothing-recorded",
    severity: "error",
    message: `No run that can be believed deployed anything to ${tier.name}, so there is nothing to rebuild its ledger from.`,
    remedy: "Promote: resources of ours that are there are found by their tags.",
  };
}

function rebuilt(
  tier: Tier,
  { commit }: RecordedRelease,
  found: number,
  missing: readonly string[],
  held: readonly Hold[],
): Finding {
  return {
    id: "ledger/rebuilt",
    severity: "warning",
    message: `The ledger of ${tier.name} was made again: release of ${shortSha(commit)}, ${count(found, "resource")} by ${found === 1 ? "its" : "their"} tags${missing.length === 0 ? "" : `; not found: ${missing.join(", ")}`}.${held.map(({ origin, run }) => ` It is held, as since the ${origin ?? ""} of run ${run.id}.`).join("")}`,
    why: "Holds on schedules, and what was running before them, were in the lost ledger and are forgotten.",
    remedy:
      missing.length === 0
        ? "Hold again what was held."
        : "Hold again what was held, and promote the release again: it makes what is missing.",
  };
}
