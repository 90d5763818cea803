/**
 * Whether a rollback keeps a tier closed, as far as runs bear it out: it does until somebody resumes the tier. The
 * tier's ledger has the hold itself; this is for whoever cannot read it, and for a ledger that was lost.
 */
import type { RolledBack } from "../gate/decision-facts.ts";
import type { JudgedRecord } from "../gate/evidence-facts.ts";
import { deployingTime, type Expectation } from "../gate/evidence-run.ts";
import type { GitHub } from "../github/client.ts";
import { parseRecord, type RecordOf } from "./evidence.ts";
import { judgedEvidence } from "./judged-evidence.ts";
import type { ReadRun } from "./read-evidence.ts";

/**
 * The rollback that holds the tier; undefined if none does. A promotion that came after it shows that the tier was
 * resumed, unless it was let in over the hold. `resumed` is the newest record that lifts holds of the tier.
 */
export async function standingRollback(
  github: GitHub,
  about: Omit<Expectation, "candidate"> & { readonly readRun: ReadRun },
  resumed: JudgedRecord<RecordOf<"resume">> | undefined,
): Promise<RolledBack | undefined> {
  const expected = { ...about, candidate: undefined };
  for await (const { deployment, evidence, doubts } of judgedEvidence(github, expected, about.readRun)) {
    const { claim, run } = evidence;
    if (claim === undefined || run === undefined || doubts.length > 0) continue;
    const record = parseRecord(deployment.payload);
    if (record?.kind === "promotion") {
      if (record.overrides?.some(({ check }) => check === "hold") === true) continue;
      return undefined;
    }
    if (record?.kind !== "rollback") return undefined;
    const ended = deployingTime(evidence, expected).to;
    if (resumed !== undefined && Date.parse(resumed.at) >= ended) return undefined;
    return {
      reason: `Rollback to ${deployment.sha.slice(0, 12)}: ${record.reason}`,
      by: (claim.attempt === 1 ? run.actor : run.triggeringActor) ?? record.by,
      at: new Date(ended).toISOString(),
      run: { id: claim.runId, attempt: claim.attempt, url: run.url },
    };
  }
  return undefined;
}
