/** From a Deployment to the run behind it, read once a run. */
import type { EvidenceFacts, EvidenceRun, WorkflowPin } from "../gate/facts.ts";
import { suitePins } from "../gate/pins.ts";
import type { GitHub } from "../github/client.ts";
import { fileAt } from "../github/contents.ts";
import { type Deployment, statusesOf } from "../github/deployments.ts";
import { getRun, jobsOfRun } from "../github/runs.ts";
import { parseEvidence } from "./evidence.ts";

/** Reads evidence; `head` is the default branch's head commit. What a run says does not change while we look. */
export function evidenceReader(
  github: GitHub,
  suite: string,
  head: string,
): (deployment: Deployment) => Promise<EvidenceFacts> {
  const runs = new Map<string, Promise<EvidenceRun | undefined>>();
  const readRun = (id: string): Promise<EvidenceRun | undefined> => {
    const known = runs.get(id) ?? runBehind(github, suite, head, id);
    runs.set(id, known);
    return known;
  };
  return async (deployment) => {
    const evidence = parseEvidence(deployment.payload);
    const statuses = await statusesOf(github, deployment.id);
    const state = statuses[0]?.state;
    return {
      deployment: {
        id: deployment.id,
        creator: deployment.creator,
        sha: deployment.sha,
        state,
        url: `${github.serverUrl}/${github.owner}/${github.repository}/deployments/${encodeURIComponent(deployment.environment)}`,
      },
      claim:
        evidence === undefined
          ? undefined
          : {
              tier: evidence.tier,
              project: evidence.project,
              release: evidence.release,
              runId: evidence.run.id,
              attempt: evidence.run.attempt,
              artifacts: evidence.artifacts,
            },
      // A record that does not even claim success needs no look at its run.
      run: evidence === undefined || state !== "success" ? undefined : await readRun(evidence.run.id),
    };
  };
}

async function runBehind(github: GitHub, suite: string, head: string, id: string): Promise<EvidenceRun | undefined> {
  const run = await getRun(github, id);
  if (run === undefined) return undefined;
  const pinsAt = async (commit: string): Promise<WorkflowPin[]> =>
    suitePins((await fileAt(github, run.path, commit)) ?? "", suite);
  const [jobs, pins, pinsAtCommit] = await Promise.all([
    jobsOfRun(github, id),
    pinsAt(head),
    run.headSha === head ? undefined : pinsAt(run.headSha),
  ]);
  return {
    url: run.url,
    event: run.event,
    headBranch: run.headBranch,
    headSha: run.headSha,
    headRepository: run.headRepository,
    repository: `${github.owner}/${github.repository}`,
    workflow: run.path,
    referencedWorkflows: run.referencedWorkflows,
    pins,
    pinsAtCommit: pinsAtCommit ?? pins,
    jobs,
  };
}
