/** What the opening of an approval is decided from, read from GitHub's record. */
import type { Contract } from "../contract/model.ts";
import type { RunContext } from "../environment.ts";
import { isFailure } from "../findings.ts";
import { verified } from "../gate/checks/verification.ts";
import type { EvidenceFacts, JudgedRecord } from "../gate/evidence-facts.ts";
import { believedSource } from "../gate/evidence-run.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { compare } from "../github/commits.ts";
import { runUrl } from "../github/links.ts";
import {
  approvalsOfRun,
  artifactsOfRun,
  jobsOfRun,
  pendingDeployments,
  runsOfWorkflow,
  type WorkflowRun,
} from "../github/runs.ts";
import { together } from "../http/pool.ts";
import { currentRelease } from "./current-release.ts";
import { readOpenings, readRejects } from "./decisions.ts";
import type { RecordOf } from "./evidence.ts";
import { suiteOf } from "./gate-policy.ts";
import type { SeenRun, Situation } from "./opening.ts";
import { policyContract } from "./policy.ts";
import { runReader } from "./read-evidence.ts";
import { readQuestion } from "./readiness.ts";
import { recordReader } from "./records.ts";

/** Runs that are looked at: whoever waits behind more of them is not found. */
const MOST_RUNS = 50;

/** The release whose approval may be opened, and by which run. */
export interface OpeningRequest {
  readonly github: GitHub;
  readonly run: Pick<RunContext, "sha" | "runId" | "runAttempt" | "job">;
  readonly contract: Contract;
  /** The caller's workflow file that promotes to prod, its name in .github/workflows. */
  readonly workflow: string;
  readonly commit: string;
  readonly release: string;
  readonly now: Date;
}

/** The situation, and the believed deployments of the release in staging. */
export async function readSituation(
  request: OpeningRequest,
  repository: RepositoryFacts,
): Promise<{ readonly situation: Situation; readonly source: readonly EvidenceFacts[] }> {
  const { github, contract, commit, release } = request;
  const policy = await policyContract(github, request.run, contract, repository.head);
  const suite = suiteOf({ suiteCommits: policy.suite.commits });
  const readRun = runReader(github, suite.repository, repository.head);
  const reader = recordReader(github, { project: contract.project, repository, suite, readRun });
  const question = await readQuestion({ ...request, tier: "staging", next: "prod", own: undefined });
  const check = verified(question);
  const source = believedSource(question);
  const [rejects, openings, has] = await together([
    readRejects(reader, release),
    readOpenings(reader, "prod"),
    currentRelease({ github, contract: policy, tier: { name: "prod" } }),
  ]);
  const notReady = [
    ...(check.verdict === "pass" ? [] : check.findings.filter(isFailure).map(({ message }) => message)),
    ...(source.length > 0 ? [] : ["Nothing proves that staging had this release."]),
    ...rejects.standing.map(({ claim }) => `It was rejected in ${claim.tier}: ${claim.reason}`),
    ...(rejects.whole && rejects.unread.length === 0 ? [] : ["Whether it was rejected cannot be told."]),
    ...(openings.whole && openings.unread.length === 0 ? [] : ["Whether it was opened before cannot be told."]),
    ...(has.known ? [] : [has.why]),
  ];
  const mine = openings.opened.find(({ claim }) => claim.release === release);
  const current = has.known ? has.value : undefined;
  return {
    source,
    situation: {
      environment: "prod",
      notReady: notReady.length === 0 ? undefined : notReady.join(" "),
      openedBefore: mine === undefined ? undefined : { url: runUrl(github, mine.claim.opened) },
      has:
        current === undefined
          ? undefined
          : {
              same: current.release === release,
              relation: (await compare(github, current.commit, commit))?.relation,
            },
      runs: await readRuns(request, repository, openings.opened),
    },
  };
}

/** The wheels of a release, by the run that built them; undefined if there are some and they are gone. */
export async function readArtifacts(
  github: GitHub,
  source: readonly EvidenceFacts[],
): Promise<{ readonly name: string; readonly run: string } | undefined> {
  if (source.some(({ claim }) => claim?.artifacts.length === 0)) return { name: "", run: "" };
  for (const { claim } of source) {
    if (claim === undefined) continue;
    const found = await artifactsOfRun(github, claim.runId);
    const wheels = found.filter(({ name, expired }) => !expired && /^four-tier-(artifacts|hotfix)-\d+$/.test(name));
    const [newest] = wheels.toSorted((a, b) => b.name.localeCompare(a.name, "en", { numeric: true }));
    if (newest !== undefined) return { name: newest.name, run: claim.runId };
  }
  return undefined;
}

/** Whether a run still waits as it did: asked once more, just before it is cancelled. */
export async function readWaiting(
  github: GitHub,
  id: string,
  environment: string,
): Promise<Pick<SeenRun, "waitsFor" | "busy" | "decided">> {
  const [pending, approvals, jobs] = await together([
    pendingDeployments(github, id),
    approvalsOfRun(github, id),
    jobsOfRun(github, id),
  ]);
  const states = approvals.filter(({ environments }) => environments.includes(environment)).map(({ state }) => state);
  return {
    waitsFor: pending.map((each) => each.environment),
    busy: jobs.some(({ status }) => status === "in_progress"),
    decided: states.includes("approved") ? "approved" : states.includes("rejected") ? "rejected" : undefined,
  };
}

async function readRuns(
  request: OpeningRequest,
  { defaultBranch: branch }: RepositoryFacts,
  openings: readonly JudgedRecord<RecordOf<"opening">>[],
): Promise<SeenRun[]> {
  const { github, workflow, commit, run } = request;
  const found = new Map<string, WorkflowRun>();
  for (const filter of [{ status: "waiting" }, { status: "in_progress" }, { status: "queued" }, { sha: commit }]) {
    let looked = 0;
    for await (const each of runsOfWorkflow(github, { workflow, branch, ...filter })) {
      found.set(each.id, each);
      if (++looked === MOST_RUNS) break;
    }
  }
  // The run that asks is one of its own workflow where the chain supersedes.
  found.delete(run.runId);
  const seen: SeenRun[] = [];
  for (const each of found.values()) {
    const opening = openings.find(({ claim }) => claim.opened === each.id);
    const promotes = opening?.claim.commit ?? (each.event === "push" ? each.headSha : undefined);
    seen.push({
      id: each.id,
      url: each.url,
      status: each.status,
      conclusion: each.conclusion,
      commit: promotes,
      relation: await relationOf(github, each, promotes, commit),
      ...(await readWaiting(github, each.id, "prod")),
    });
  }
  return seen;
}

/** What a person started from this very commit may well promote it: then nothing is opened beside it. */
async function relationOf(
  github: GitHub,
  { headSha }: WorkflowRun,
  promotes: string | undefined,
  commit: string,
): Promise<SeenRun["relation"]> {
  if (promotes === undefined) return headSha === commit ? "identical" : undefined;
  return (await compare(github, promotes, commit))?.relation;
}
