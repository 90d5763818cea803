/** From a Deployment to the run behind it, read once a run. */
import { hasFinding } from "../findings.ts";
import type { EvidenceFacts, EvidenceRun } from "../gate/evidence-facts.ts";
import { callerJobs, suitePins } from "../gate/pins.ts";
import type { GitHub } from "../github/client.ts";
import { fileAt } from "../github/contents.ts";
import { type Deployment, stateOf } from "../github/deployments.ts";
import { deploymentsUrl } from "../github/links.ts";
import { getRun, jobsOfRun } from "../github/runs.ts";
import { together } from "../http/pool.ts";
import { parseRecord } from "./evidence.ts";

/** Reads the run with an id; undefined if GitHub does not have it. */
export type ReadRun = (id: string) => Promise<EvidenceRun | undefined>;

/** Reads runs, each once: what a run says does not change while we look. `head` is the default branch's head commit. */
export function runReader(github: GitHub, suite: string, head: string): ReadRun {
  const runs = new Map<string, Promise<EvidenceRun | undefined>>();
  return (id) => {
    const known = runs.get(id) ?? runBehind(github, suite, head, id);
    runs.set(id, known);
    return known;
  };
}

/** Reads evidence of what a tier has. */
export function evidenceReader(github: GitHub, readRun: ReadRun): (deployment: Deployment) => Promise<EvidenceFacts> {
  return async (deployment) => {
    const record = parseRecord(deployment.payload);
    const evidence = record?.kind === "promotion" || record?.kind === "rollback" ? record : undefined;
    const state = await stateOf(github, deployment.id);
    return {
      deployment: {
        id: deployment.id,
        creator: deployment.creator,
        sha: deployment.sha,
        state,
        createdAt: deployment.createdAt,
        url: deploymentsUrl(github, deployment.environment),
      },
      claim:
        evidence === undefined
          ? undefined
          : {
              kind: evidence.kind,
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
  const [jobs, now, then] = await together([
    jobsOfRun(github, id),
    workflowAt(github, run.path, head),
    run.headSha === head ? undefined : workflowAt(github, run.path, run.headSha),
  ]);
  const ran = then ?? now;
  return {
    url: run.url,
    actor: run.actor,
    triggeringActor: run.triggeringActor,
    event: run.event,
    headBranch: run.headBranch,
    headSha: run.headSha,
    headRepository: run.headRepository,
    repository: `${github.owner}/${github.repository}`,
    workflow: run.path,
    referencedWorkflows: run.referencedWorkflows,
    pins: suitePins(now, suite),
    pinsAtCommit: suitePins(ran, suite),
    callerJobs: callerJobs(ran),
    jobs,
  };
}

/** A workflow file; empty if it is not there, or larger than any that a person writes. */
async function workflowAt(github: GitHub, path: string, commit: string): Promise<string> {
  try {
    return (await fileAt(github, path, commit)) ?? "";
  } catch (error) {
    if (hasFinding(error, "github/file-too-large")) return "";
    throw error;
  }
}
