/** The records that claim a release's deployment to a tier, with the runs behind them. */
import type { TierName } from "../contract/model.ts";
import type { EvidenceFacts, SuiteTrust } from "../gate/evidence-facts.ts";
import type { GitHub } from "../github/client.ts";
import { listDeployments } from "../github/deployments.ts";
import { TASK } from "./evidence.ts";
import { MOST_LOOKED_AT } from "./judged-evidence.ts";
import { evidenceReader, runReader } from "./read-evidence.ts";

/** What claims to be the release's deployment to a tier; no tier below, no claims. */
export async function readSource(
  github: GitHub,
  suite: SuiteTrust,
  wanted: { readonly environment: TierName | undefined; readonly sha: string; readonly head: string },
): Promise<EvidenceFacts[]> {
  if (wanted.environment === undefined) return [];
  const read = evidenceReader(github, runReader(github, suite.repository, wanted.head));
  const found: EvidenceFacts[] = [];
  const filter = { environment: wanted.environment, task: TASK, sha: wanted.sha };
  for await (const deployment of listDeployments(github, filter)) {
    found.push(await read(deployment));
    if (found.length === MOST_LOOKED_AT) break;
  }
  return found;
}
