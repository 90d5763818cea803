/**
 * The records of what a tier has, each held against the run behind it, in the order in which the runs' jobs ended. The
 * order of the Deployments is not asked: whoever can push can write an old one once more.
 */
import { FourTierError } from "../findings.ts";
import type { EvidenceFacts } from "../gate/evidence-facts.ts";
import { deployingTime, doubts, type Expectation } from "../gate/evidence-run.ts";
import { CLOCK_MS } from "../gate/jobs-behind.ts";
import type { GitHub } from "../github/client.ts";
import { type Deployment, listDeployments } from "../github/deployments.ts";
import { parseRecord, TASK } from "./evidence.ts";
import { evidenceReader, type ReadRun } from "./read-evidence.ts";

/** How many Deployments are looked at for one question: forged ones must not cost an hour's requests. */
export const MOST_LOOKED_AT = 20;
/** And how many that cost one request: a run of ours that failed is told by its state, and a tier can fail for a week. */
const MOST_FAILED = 100;
/** Records of other projects cost none but the listing. */
const MOST_LISTED = 1000;

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
 * later. What other projects recorded is passed over. Ends after MOST_LOOKED_AT records that claim success; `uncertain`
 * is called first if what was believed last cannot be ordered by then, or if nothing was, and may throw. Throws
 * FourTierError `github/…`.
 */
export async function* judgedEvidence(
  github: GitHub,
  expected: Expectation,
  readRun: ReadRun,
  uncertain: () => void = () => undefined,
): AsyncGenerator<JudgedEvidence> {
  const read = evidenceReader(github, readRun);
  const waiting: Believed[] = [];
  let [looked, failed, listed] = [0, 0, 0];
  for await (const deployment of listDeployments(github, { environment: expected.tier, task: TASK })) {
    const written = Date.parse(deployment.createdAt);
    for (let first = waiting[0]; first !== undefined && written < first.time.from - CLOCK_MS; first = waiting[0]) {
      waiting.shift();
      yield first;
    }
    const record = parseRecord(deployment.payload);
    const others = record !== undefined && record.project !== expected.project;
    const evidence = others || looked === MOST_LOOKED_AT ? undefined : await read(deployment);
    if (evidence?.claim !== undefined && evidence.deployment.state !== "success") failed += 1;
    else if (!others) looked += 1;
    listed += 1;
    if (looked > MOST_LOOKED_AT || failed > MOST_FAILED || listed > MOST_LISTED) {
      uncertain();
      return;
    }
    if (evidence === undefined) continue;
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

/** Records can be written faster than they can be judged; then nobody can say what the tier has. */
export function flooded(tier: string): FourTierError {
  return new FourTierError({
    id: "evidence/too-many",
    severity: "unknown",
    message: `The newest Deployments of ${tier} do not show what it has: too few are backed by a run that can be believed.`,
    why: "Anybody with push access can write Deployments.",
    remedy: `Find out who writes Deployments of ${tier}, and delete those (set them inactive first). A brief with a look at the tier does not need them.`,
  });
}
