/**
 * What has gathered for a tier since the commit that its records name: commits, and what they would change. Records are
 * an index and no evidence: this is for people who read a pull request, and no gate asks for it.
 */
import type { CommitInfo, Git } from "../git.ts";
import type { GitHub } from "../github/client.ts";
import { listDeployments, stateOf } from "../github/deployments.ts";
import { asApplied, type Candidate } from "./candidate.ts";
import type { Plan } from "./change.ts";
import { parseRecord, TASK } from "./evidence.ts";
import { makePlan } from "./plan.ts";

/** At most this many records are looked at: behind them is nothing that a pull request is about. */
const MOST_RECORDS = 20;

/** The commit of the newest promotion that GitHub lists as done; undefined if there is none. Throws FourTierError `github/…`. */
export async function indexedCommit(github: GitHub, project: string, tier: string): Promise<string | undefined> {
  let looked = 0;
  for await (const deployment of listDeployments(github, { environment: tier, task: TASK })) {
    if (++looked > MOST_RECORDS) return undefined;
    const claim = parseRecord(deployment.payload);
    if (claim?.tier !== tier || claim.project !== project) continue;
    if ((await stateOf(github, deployment.id)) === "success") return deployment.sha;
  }
  return undefined;
}

/** What has gathered since the tier's last promotion. */
export interface Gathered {
  /** What the tier has, as its records say. */
  readonly from: string;
  /** Newest first; undefined if this clone does not hold the commit. */
  readonly commits: readonly CommitInfo[] | undefined;
  /** From there to the candidate; undefined if that commit cannot be rendered any more. */
  readonly plan: Plan | undefined;
}

/** Everything between a commit and the candidate. */
export async function gatheredSince(
  git: Git,
  from: string,
  candidate: Candidate,
  renderAt: (commit: string) => Promise<Candidate | undefined>,
): Promise<Gathered> {
  if ((await git.resolve(from)) === undefined) return { from, commits: undefined, plan: undefined };
  const before = await renderAt(from);
  return {
    from,
    commits: await git.log(from, candidate.commit),
    plan: before === undefined ? undefined : makePlan(asApplied(before), candidate.desired),
  };
}
