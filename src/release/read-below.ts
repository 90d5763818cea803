/**
 * What became of a release in the tier below: what that tier has now, and whether it was rolled back from the release.
 * Of a tier's Deployments few are held against their runs: the newest, and those that say that they left this release.
 */
import { type BelowFacts, MOST } from "../gate/decision-facts.ts";
import type { EvidenceFacts } from "../gate/evidence-facts.ts";
import { deployingTime, doubts, type Expectation } from "../gate/evidence-run.ts";
import type { GitHub } from "../github/client.ts";
import { listDeployments } from "../github/deployments.ts";
import { parseRecord, TASK } from "./evidence.ts";
import { evidenceReader, type ReadRun } from "./read-evidence.ts";

/**
 * Reads it. A rollback counts whatever suite is pinned now: what speaks against a release stays said. Throws
 * FourTierError `github/…`.
 */
export async function readBelow(
  github: GitHub,
  about: Omit<Expectation, "candidate" | "trustPinsAtCommit"> & { readonly readRun: ReadRun },
  release: string,
): Promise<BelowFacts> {
  const expected = { ...about, candidate: undefined, trustPinsAtCommit: true };
  const read = evidenceReader(github, about.readRun);
  let now: BelowFacts["now"];
  let left: BelowFacts["left"];
  let [listed, looked] = [0, 0];
  for await (const deployment of listDeployments(github, { environment: about.tier, task: TASK })) {
    listed += 1;
    if (listed > MOST.listed || looked === MOST.judged) break;
    const record = parseRecord(deployment.payload);
    if (record?.project !== about.project) continue;
    const leaves = record.kind === "rollback" && record.from === release && record.release !== release;
    if (now !== undefined && !leaves) continue;
    const evidence = await read(deployment);
    // A run of ours that failed is told by its state, which costs a request.
    if (evidence.deployment.state === "success") looked += 1;
    if (evidence.claim === undefined || doubts(evidence, expected).length > 0) continue;
    now ??= { commit: deployment.sha, release: evidence.claim.release };
    if (!leaves) continue;
    const found = rollbackOf(evidence, record, deployingTime(evidence, expected).to);
    // The order of the Deployments is not asked: the job that ended last left it last.
    if (left === undefined || found.at > left.at) left = found;
  }
  return { now, left };
}

function rollbackOf(
  { deployment, run, claim }: EvidenceFacts,
  { reason }: { readonly reason: string },
  ended: number,
): NonNullable<BelowFacts["left"]> {
  return {
    at: new Date(ended).toISOString(),
    to: deployment.sha,
    reason,
    by: claim?.attempt === 1 ? run?.actor : run?.triggeringActor,
    run: { id: claim?.runId ?? "", url: run?.url },
  };
}
