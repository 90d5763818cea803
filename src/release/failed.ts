/**
 * What becomes of a tier when a promotion stops half way (design 7, docs/adr/0761): it is put back to what it had where
 * that is safe and the contract wants it; else it is held, against every other release, until somebody decides.
 */
import type { TierPolicy } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { RunContext } from "../environment.ts";
import { type Finding, FourTierError, isFailure, messageOf } from "../findings.ts";
import { runUrl } from "../github/links.ts";
import { type Hold, holdId } from "../ledger/holds.ts";
import type { Ledger, LedgerRelease } from "../ledger/model.ts";
import { writeLedger } from "../ledger/store.ts";
import type { Outcome } from "../report/promotion.ts";
import { shortSha } from "../short-sha.ts";
import { carryOut, type Work } from "./carry-out.ts";
import type { ChangeClass, Desired } from "./change.ts";
import { lossesOf, lossFindings } from "./losses.ts";
import { observe } from "./observe.ts";
import { ledgerAt } from "./place.ts";
import { type Standing, standingOf } from "./standing.ts";
import { begunSince, type Newest, newestRuns } from "./started-since.ts";

/** A promotion that has failed, and what is needed to end it. */
interface Failed extends Work {
  readonly run: RunContext;
  readonly policy: TierPolicy["onFailure"];
  /** The newest runs before the first change; undefined if nobody asked, since it could not have been safe. */
  readonly before: Newest | undefined;
}

/** What a change may mean for it to be undone by itself: nothing notices it before its next run. */
const MILD: readonly ChangeClass[] = ["no-op", "metadata", "next-run", "re-point"];

/** Why nobody may undo this by himself; undefined if it is safe as long as nothing has run. Pure. */
function whyNotSafe({ ledger, plan, drift, steps }: Standing): string | undefined {
  if (ledger?.release === undefined) return "the tier had no release before";
  if (ledger.pending !== undefined) return "an earlier promotion had not ended";
  // A ledger that was made again knows the hold alone; its run goes on saying that the tier is held.
  if (ledger.holds.some(({ origin }) => origin === "promotion")) return "an earlier promotion had stopped half way";
  if (!drift.empty) return "something had been changed by hand before, which nothing remembers";
  for (const { key, kind, action, permissions, accessBefore } of steps) {
    const change = plan.changes.find((each) => each.key === key);
    if (change === undefined || change.action !== action) return `${key} was not only what the plan says`;
    if (!MILD.includes(change.class)) return `${key} is more than metadata or the next run (${change.class})`;
    if (action === "create" && kind !== "jobs") return `${key} was created, and may hold something by now`;
    if (action === "update" && permissions && accessBefore === undefined) {
      return `who could do what with ${key} before is not known`;
    }
  }
  return undefined;
}

/** The newest runs before anything is changed, where the tier may be put back. Throws ApiError: then nothing begins. */
export async function runsBefore({
  workspace,
  standing,
}: Pick<Work, "workspace" | "standing">): Promise<Newest | undefined> {
  if (whyNotSafe(standing) !== undefined) return undefined;
  const living = standing.steps.flatMap(({ key, kind, live }) =>
    live === undefined ? [] : [{ key, kind, id: live.id }],
  );
  return newestRuns(workspace, living);
}

/** Undoes or holds, as the contract says and as it is safe. Never throws: the outcome says what was done. */
export async function settleFailure(failed: Failed, outcome: Outcome): Promise<Outcome> {
  const { workspace, place, policy, signal, run, log } = failed;
  // Whoever cancels a run is there, and decides.
  if (policy === "report" || signal.aborted || !outcome.findings.some(isFailure)) return outcome;
  try {
    const { name } = place.tier;
    const ledger = await ledgerAt(workspace, place);
    if (ledger?.pending === undefined || ledger.pending.release.run.id !== run.runId) return outcome; // nothing was begun
    const doubt = policy === "rollback" ? await whyNotNow(failed, ledger) : "the contract says so";
    // Held first: if this run is killed while it puts the tier back, nothing else goes over what is half of each.
    const held = await hold(failed, ledger);
    if (doubt === undefined) {
      const undone = await undo(failed, held, outcome).catch((error: unknown) => {
        log.warning(`${name} could not be put back: ${messageOf(error)}`);
        return undefined;
      });
      if (undone !== undefined) return undone;
    }
    const why = doubt ?? "to put it back failed, too";
    const finding = heldFinding(failed, ledger.release, policy === "rollback" ? why : undefined);
    return { ...outcome, findings: [...outcome.findings, finding] };
  } catch (error) {
    log.warning(`What becomes of the failed promotion could not be settled: ${messageOf(error)}`);
    return { ...outcome, findings: [...outcome.findings, notSettled(failed, error)] };
  }
}

async function whyNotNow({ workspace, standing, before }: Failed, ledger: Ledger): Promise<string | undefined> {
  const doubt = whyNotSafe(standing);
  if (doubt !== undefined) return doubt;
  if (before === undefined) return "nobody looked what ran before";
  try {
    const [first] = begunSince(before, await newestRuns(workspace, touchedNow(standing, ledger)));
    return first === undefined ? undefined : `${first} has begun to run since`;
  } catch (error) {
    return `whether something has begun to run since cannot be seen (${messageOf(error)})`;
  }
}

/** What was to be written, by the ids that it has by now. */
function touchedNow({ steps }: Standing, ledger: Ledger) {
  const made = new Map(ledger.pending?.intents.map(({ key, target }) => [key, target?.id ?? ""]));
  return steps.flatMap(({ key, kind, live }) => {
    const id = live?.id ?? made.get(key) ?? "";
    return id === "" ? [] : [{ key, kind, id }];
  });
}

/** Puts the tier back to what its ledger says it had, and reads that back; undefined if it could not. */
async function undo(failed: Failed, ledger: Ledger, outcome: Outcome): Promise<Outcome | undefined> {
  const { workspace, place, phase, before, log } = failed;
  const { release } = ledger;
  if (release === undefined || before === undefined) return undefined;
  const desired = [...ledger.resources].map(([key, { id: _id, ...resource }]): Desired => ({ key, ...resource }));
  const observation = await phase("look back", () =>
    observe(workspace, { ...place, ledger, desired, kept: new Map() }),
  );
  const standing = standingOf(ledger, observation, desired, place);
  const losses = [
    ...observation.findings.filter(isFailure),
    ...lossFindings(lossesOf(standing, place.tier), place.tier.name, place.tier.destructive),
  ];
  if (losses.length > 0) throw new FourTierError(losses);
  const back = await carryOut({
    ...failed,
    phase: (name, body) => phase(`undo: ${name}`, body),
    candidate: { commit: release.commit, desired },
    standing,
    folders: [], // They were in use, and nothing was taken away.
    release,
    undoing: true,
  });
  if (back.findings.some(isFailure)) {
    log.warning(`${place.tier.name} could not be put back: ${back.findings.map(({ message }) => message).join(" ")}`);
    return undefined;
  }
  const stays = { ...standing, steps: standing.steps.filter(({ action }) => action !== "delete") };
  const late = await begunMeanwhile(workspace, before, touchedNow(stays, ledger));
  const findings = outcome.findings.filter(({ id }) => id !== "promote/unfinished");
  return {
    ...outcome,
    undone: back.done,
    findings: [...findings, undoneFinding(failed, release, back.done, late)],
  };
}

/** Keys of what began to run while the tier was put back; what cannot be seen is not nothing. */
async function begunMeanwhile(
  workspace: Workspace,
  before: Newest,
  touched: Parameters<typeof newestRuns>[1],
): Promise<{ readonly of: readonly string[] } | { readonly unseen: string }> {
  try {
    return { of: begunSince(before, await newestRuns(workspace, touched)) };
  } catch (error) {
    return { unseen: messageOf(error) };
  }
}

/** Holds the tier against every other release, in its ledger; the next run of this one finishes the work. */
async function hold(failed: Failed, ledger: Ledger): Promise<Ledger> {
  const { workspace, place, lock, run, release, candidate, now } = failed;
  const { project, name } = place.tier;
  const reason = `The promotion of ${shortSha(candidate.commit)} stopped half way (run ${run.runId})`;
  const at = now().toISOString();
  const id = holdId({ project, tier: name, reason, at, run: run.runId });
  const made: Hold = {
    id,
    kind: "tier",
    selector: "all",
    scope: "project",
    reason,
    by: run.actor,
    at,
    until: undefined,
    run: { id: run.runId, attempt: run.runAttempt },
    prior: [],
    origin: "promotion",
    release: release.digest,
  };
  await lock.check();
  const others = ledger.holds.filter(({ origin }) => origin !== "promotion");
  return writeLedger(workspace, place.folder, { ...ledger, holds: [...others, made] });
}

function undoneFinding(
  { place: { tier }, candidate }: Failed,
  { commit }: LedgerRelease,
  done: readonly string[],
  late: Awaited<ReturnType<typeof begunMeanwhile>>,
): Finding {
  const old = shortSha(commit);
  const candidates = `may have the code of ${shortSha(candidate.commit)}`;
  const meanwhile =
    "unseen" in late
      ? ` Whether anything began to run meanwhile, which ${candidates}, cannot be seen: ${late.unseen}`
      : late.of.length === 0
        ? ""
        : ` Meanwhile these began to run, and ${candidates}: ${late.of.join(", ")}.`;
  return {
    id: "promote/undone",
    severity: "error",
    message: `${tier.name} was put back to ${old}, and read back equal: ${done.length === 0 ? "nothing had been changed" : done.join(", ")}.${meanwhile}`,
    why: `Nothing had run when that began, and all that was changed waits for its next run (tiers.${tier.name}.on_failure: rollback).`,
    remedy: `Fix the cause, then promote ${shortSha(candidate.commit)} again, or a newer commit: ${tier.name} is not held.`,
  };
}

/** What to do now, word for word: somebody reads it at night. */
function heldFinding(
  { place: { tier }, candidate, run }: Failed,
  had: LedgerRelease | undefined,
  doubt: string | undefined,
): Finding {
  const commit = shortSha(candidate.commit);
  const back =
    had === undefined
      ? `There is nothing to go back to.`
      : `To go back: gh workflow run rollback.yml -f tier=${tier.name} -f to=${shortSha(had.commit)} -f reason="run ${run.runId} failed".`;
  return {
    id: "promote/held",
    severity: "warning",
    message: `${tier.name} takes no other release than ${commit} until somebody decides.${doubt === undefined ? "" : ` It was not put back by itself: ${doubt}.`}`,
    why: `Part of it is of one release and part of another (tiers.${tier.name}.on_failure).`,
    remedy: `To go on: fix the cause and promote ${commit} again, in a new run of the workflow of ${runUrl(run, run.runId)}; that ends the hold. ${back} To let another release in: gh workflow run operate.yml -f operation=resume -f tier=${tier.name} -f reason="fixed forward".`,
  };
}

function notSettled({ place: { tier }, run }: Failed, error: unknown): Finding {
  return {
    id: "promote/not-settled",
    severity: "error",
    message: `${tier.name} was neither put back nor held after the failure: ${messageOf(error)}`,
    why: "Part of it may be of one release and part of another, and another release may be let in.",
    remedy: `Hold it by hand: gh workflow run operate.yml -f operation=hold -f tier=${tier.name} -f reason="run ${run.runId} failed".`,
  };
}
