/**
 * The records of what a tier has, each held against the run behind it, in the order in which the runs' jobs ended. The
 * order of the Deployments is not asked: whoever can push can write an old one once more.
 */
import { CLOCK_MS, deployingTime, doubts, type Expectation } from "../gate/evidence-run.ts";
import type { EvidenceFacts } from "../gate/evidence-facts.ts";
import type { GitHub } from "../github/client.ts";
import { type Deployment, listDeployments } from "../github/deployments.ts";
import { TASK } from "./evidence.ts";
import { evidenceReader, type ReadRun } from "./read-evidence.ts";

/** How many Deployments are looked at for one question: forged ones must not cost an hour's requests. */
export const MOST_LOOKED_AT = 20;

/** A record, and every reason not to believe it. */
interface JudgedEvidence {
  readonly deployment: Deployment;
  readonly evidence: EvidenceFacts;
  /** Clauses without a full stop; empty if it is believed. */
  readonly doubts: readonly string[];
}

interface Believed extends JudgedEvidence {
  readonly time: ReturnType<typeof deployingTime>;
}

/**
 * Newest first. What is not believed comes when it is met; what is, once nothing that is still to come can have ended
 * later. Ends after MOST_LOOKED_AT records; `uncertain` is called first if what was believed last cannot be ordered by
 * then, or if nothing was, and may throw. Throws FourTierError `github/…`.
 */
export async function* judgedEvidence(
  github: GitHub,
  expected: Expectation,
  readRun: ReadRun,
  uncertain: () => void = () => undefined,
): AsyncGenerator<JudgedEvidence> {
  const read = evidenceReader(github, readRun);
  const waiting: Believed[] = [];
  let looked = 0;
  for await (const deployment of listDeployments(github, { environment: expected.tier, task: TASK })) {
    const written = Date.parse(deployment.createdAt);
    for (let first = waiting[0]; first !== undefined && written < first.time.from - CLOCK_MS; first = waiting[0]) {
      waiting.shift();
      yield first;
    }
    looked += 1;
    if (looked > MOST_LOOKED_AT) {
      uncertain();
      return;
    }
    const evidence = await read(deployment);
    const judged = { deployment, evidence, doubts: doubts(evidence, expected) };
    if (judged.doubts.length > 0) {
      yield judged;
      continue;
    }
    waiting.push({ ...judged, time: deployingTime(evidence, expected) });
    waiting.sort((one, other) => other.time.to - one.time.to);
  }
  yield* waiting;
}
