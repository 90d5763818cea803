/**
 * What keeps a tier closed that nobody decided by a record of its own, as far as runs bear it out: a rollback, or a
 * promotion that stopped half way. The tier's ledger has the hold itself; this is for whoever cannot read it, and for a
 * ledger that was lost.
 */
import type { ClosedBy, HalfWay } from "../gate/decision-facts.ts";
import type { EvidenceFacts, JudgedRecord } from "../gate/evidence-facts.ts";
import { deployingTime, type Expectation, stoppedHalfWay } from "../gate/evidence-run.ts";
import type { GitHub } from "../github/client.ts";
import { newestFirst } from "../github/deployments.ts";
import { shortSha } from "../short-sha.ts";
import { parseRecord, type RecordOf } from "./evidence.ts";
import { judgedEvidence } from "./judged-evidence.ts";
import type { ReadRun } from "./read-evidence.ts";

/** At most this many promotions that did not succeed are held against their runs: whoever can push can write records. */
const MOST_STOPPED = 5;

/**
 * What holds the tier. A promotion that came after a rollback shows that the tier was resumed, unless it was let in over
 * the hold; one that came after another that stopped half way ended that hold. `resumed` is the newest record that lifts
 * holds of the tier. Of promotions that stopped, each that made a hold counts until then: no later one puts a tier back
 * that such a hold stands over.
 */
export async function closedBy(
  github: GitHub,
  about: Omit<Expectation, "candidate"> & { readonly readRun: ReadRun },
  resumed: JudgedRecord<RecordOf<"resume">> | undefined,
): Promise<ClosedBy> {
  const expected = { ...about, candidate: undefined };
  /** Times are whole seconds: within one, the record that was written later has the higher id. */
  const lifted = (time: number, id: string): boolean => {
    if (resumed === undefined) return false;
    const after = Date.parse(resumed.at) - time;
    return after === 0 ? BigInt(resumed.deployment.id) > BigInt(id) : after > 0;
  };
  const stopped: EvidenceFacts[] = [];
  let newest: Pick<EvidenceFacts["deployment"], "id" | "createdAt"> | undefined;
  let rolledBack: ClosedBy["rolledBack"];
  for await (const { deployment, evidence, doubts } of judgedEvidence(github, expected, about.readRun)) {
    const { claim, run } = evidence;
    if (claim === undefined) continue;
    if (doubts.length > 0) {
      if (claim.kind === "promotion" && stopped.length < MOST_STOPPED) stopped.push(evidence);
      continue;
    }
    if (run === undefined) continue;
    newest ??= deployment;
    const record = parseRecord(deployment.payload);
    if (record?.kind === "promotion" && record.overrides?.some(({ check }) => check === "hold") === true) continue;
    if (record?.kind !== "rollback") break;
    const ended = deployingTime(evidence, expected).to;
    if (!lifted(ended, deployment.id)) {
      rolledBack = {
        reason: `Rollback to ${shortSha(deployment.sha)}: ${record.reason}`,
        by: (claim.attempt === 1 ? run.actor : run.triggeringActor) ?? record.by,
        at: new Date(ended).toISOString(),
        run: { id: claim.runId, attempt: claim.attempt, url: run.url },
      };
    }
    break;
  }
  // The lock lets one at a time in, so the order in which records were written is that of what was done.
  const later = stopped.filter(({ deployment }) => newest === undefined || newestFirst(deployment, newest) < 0);
  const halfWay = await newestHold(later, expected, about.readRun);
  return {
    ...(rolledBack === undefined ? {} : { rolledBack }),
    ...(halfWay === undefined ? {} : { partly: halfWay.commit }),
    ...(halfWay === undefined || lifted(Date.parse(halfWay.hold.at), halfWay.id) ? {} : { halfWay: halfWay.hold }),
  };
}

async function newestHold(
  stopped: readonly EvidenceFacts[],
  expected: Expectation,
  readRun: ReadRun,
): Promise<{ readonly hold: HalfWay; readonly id: string; readonly commit: string } | undefined> {
  for (const evidence of stopped) {
    const { claim, deployment } = evidence;
    if (claim === undefined) continue;
    const run = await readRun(claim.runId);
    const time = run === undefined ? undefined : stoppedHalfWay({ ...evidence, run }, expected);
    if (run === undefined || time === undefined) continue;
    const hold = {
      reason: `The promotion of ${shortSha(deployment.sha)} stopped half way (run ${claim.runId})`,
      by: (claim.attempt === 1 ? run.actor : run.triggeringActor) ?? "a deleted account",
      at: new Date(time).toISOString(),
      run: { id: claim.runId, attempt: claim.attempt, url: run.url },
      release: claim.release,
    };
    return { hold, id: deployment.id, commit: deployment.sha };
  }
  return undefined;
}
