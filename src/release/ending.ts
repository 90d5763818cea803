/** How a promotion or a rollback ends: what stopped it half way and how to go on, and the end of its record. */
import { type Finding, FourTierError, isFailure, messageOf } from "../findings.ts";
import { count } from "../report/markdown.ts";
import type { Outcome } from "../report/promotion.ts";
import { shortSha } from "../short-sha.ts";
import type { Work } from "./carry-out.ts";
import type { DeploymentRecord } from "./evidence.ts";

/** Milliseconds between attempts to end the record. */
const RECORD_AGAIN = [1_000, 4_000];

/** What is to be run again after a failure; the run that does it takes up what this one left. */
export interface GoOn {
  /** A clause without a full stop: `run the rollback again`. */
  readonly rerun: string;
  /** What is so until then, as sentences. */
  readonly until: string;
}

/** What stopped the work halfway, and how to go on from there. */
export function failureFindings(
  { place: { tier }, candidate, standing, goOn }: Pick<Work, "place" | "candidate" | "standing" | "goOn">,
  error: unknown,
  { done, open }: Pick<Outcome, "done" | "open">,
): Finding[] {
  const cause: readonly Finding[] =
    error instanceof FourTierError
      ? error.findings.map((finding) => (goOn === undefined ? finding : asOfRollback(finding, goOn)))
      : [
          {
            id: "suite/defect",
            severity: "error",
            message: `The work failed in a way that the suite does not know: ${messageOf(error)}`,
            remedy: "Re-run with debug logging; if it happens again, open an issue with the log.",
          },
        ];
  const all = done.length + open.length;
  const had = standing.ledger?.release;
  return [
    ...cause,
    {
      id: "promote/unfinished",
      severity: "error",
      message: `${done.length} of ${count(all, "change")} ${all === 1 ? "was" : "were"} applied to ${tier.name}${open.length === 0 ? "" : `; not applied: ${open.map((step) => step.key).join(", ")}`}.`,
      why: "The ledger knows which: nothing is made twice.",
      remedy:
        goOn === undefined
          ? tier.name === "sandbox"
            ? "Fix the cause and deploy again."
            : `To go on, fix the cause and promote ${shortSha(candidate.commit)} again. ${had === undefined ? `${tier.name} had no release before, so there is nothing to go back to.` : `To go back, run rollback.yml for ${tier.name}, to ${shortSha(had.commit)}.`}`
          : `To go on, fix the cause and ${goOn.rerun}: it takes up its own work. ${goOn.until}`,
    },
  ];
}

/** What promotions and rollbacks share is told in a promotion's words. */
function asOfRollback(finding: Finding, { rerun, until }: GoOn): Finding {
  if (finding.id !== "promote/cancelled") return finding;
  return { ...finding, id: "rollback/cancelled", remedy: `To go on, ${rerun}: it takes up its own work. ${until}` };
}

/** Ends the record; a status that is sent twice does no harm, and one that never came would keep the next tier shut. */
export async function endRecord(
  { pause, signal, goOn }: Pick<Work, "pause" | "signal" | "goOn">,
  record: DeploymentRecord,
  outcome: Outcome,
): Promise<readonly Finding[]> {
  const failed = outcome.findings.some(isFailure);
  const applied = `${outcome.done.length} of ${outcome.done.length + outcome.open.length} changes applied${outcome.undone === undefined ? "" : ", then all undone: the tier has what it had before"}`;
  for (const wait of [...RECORD_AGAIN, undefined]) {
    try {
      await record.finish(failed ? "failure" : "success", failed ? applied : `${applied} and read back equal`);
      return [];
    } catch (error) {
      if (wait !== undefined) {
        await pause(wait, signal);
        continue;
      }
      return [
        {
          id: "promote/not-recorded",
          severity: failed ? "warning" : "error",
          message: `GitHub did not take the end of Deployment ${record.id}: ${messageOf(error)}`,
          why: "The next tier believes only what is recorded.",
          remedy: `To have it recorded, ${goOn?.rerun ?? "promote the same commit again"}: it finds nothing to do and records that.`,
        },
      ];
    }
  }
  return [];
}
