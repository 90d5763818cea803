/** Gathers what the gate decides on from GitHub's record. Thin: it reads, the checks decide. */
import type { Contract, Tier, TierName } from "../contract/model.ts";
import type { RunContext } from "../environment.ts";
import { FourTierError } from "../findings.ts";
import type { CheckId } from "../gate/check.ts";
import { GATE } from "../gate/evaluate.ts";
import { doubts } from "../gate/evidence-run.ts";
import {
  type CommitFacts,
  type EvidenceFacts,
  type Fact,
  type GateFacts,
  known,
  type LiveFacts,
  notKnown,
  type OrderFacts,
  type ProtectionFacts,
  type PullFacts,
  type RepositoryFacts,
  type Stage,
  type SuiteTrust,
} from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import {
  checkRuns,
  compare,
  type Comparison,
  type Pull,
  pullsOfCommit,
  type Review,
  reviewsOfPull,
} from "../github/commits.ts";
import { codeowners } from "../github/contents.ts";
import { listDeployments } from "../github/deployments.ts";
import { getEnvironment } from "../github/environments.ts";
import { getBranch, getRepository, mayWrite } from "../github/repository.ts";
import { approvalsOfRun } from "../github/runs.ts";
import { together } from "../http/pool.ts";
import type { Artifact } from "./digest.ts";
import { TASK } from "./evidence.ts";
import { policyContract } from "./policy.ts";
import { evidenceReader, runReader } from "./read-evidence.ts";

/** The suite's own repository: whose workflows count. */
export const SUITE_REPOSITORY = "four-tier/four-tier";
/** How many Deployments are looked at before we say that none is good: forged ones must not cost an hour's requests. */
const MOST_DEPLOYMENTS = 20;

export interface GatherRequest {
  readonly github: GitHub;
  readonly run: RunContext;
  readonly contract: Contract;
  readonly tier: Tier;
  readonly stage: Stage;
  /** What is to be promoted. */
  readonly commit: string;
  /** Its release digest, recomputed from the commit and the carried artifacts' bytes. */
  readonly release: string;
  /** The wheels in hand, by the hashes of their bytes. */
  readonly artifacts: readonly Artifact[];
  /** The environment that a brief with a look runs in, if it is not the tier's own. */
  readonly readEnvironment: string | undefined;
  /** The inputs `release-digest` and `plan-digest`; empty means not given. */
  readonly approved: { readonly release: string; readonly plan: string };
  /** The input `accept-drift`; empty means not given. */
  readonly acceptedDrift: string;
  /** What the tier's ledger has; without it, what the Deployments' runs prove (`currentRelease`). */
  readonly current?: Later<Fact<Pick<CurrentRelease, "commit" | "release"> | undefined>>;
  /** What the story saw of the tier; what is missing is unknown, and fails the checks that need it. */
  readonly live: Later<Partial<LiveFacts>>;
}

/** May still be on its way: what does not need it is read in the meantime. */
type Later<T> = T | Promise<T>;

/** What a tier has now. */
export interface CurrentRelease {
  readonly commit: string;
  readonly release: string;
  /** Wheels that were carried with it, as its record claims: recompute the digest before believing them. */
  readonly artifacts: readonly Artifact[];
}

/** All facts for the gate; what GitHub does not show becomes an unknown fact, never an error. */
export async function gatherGateFacts(request: GatherRequest): Promise<GateFacts> {
  const { github, run, tier, stage, contract, commit } = request;
  const asked = new Set(GATE[tier.name][stage]);
  const reading = factOf(() => readRepository(github));
  const needed = async <T>(check: CheckId, read: (facts: RepositoryFacts) => Promise<T>): Promise<Fact<T>> => {
    if (!asked.has(check)) return notAsked;
    const found = await reading;
    return found.known ? factOf(() => read(found.value)) : found;
  };
  const trusting = reading.then((found) => (found.known ? readPolicy(request, found.value.head) : STRICT));
  const suiteOf = ({ suiteCommits }: Policy): SuiteTrust => ({ repository: SUITE_REPOSITORY, commits: suiteCommits });
  const [repository, policy, live, history, onBranch, pulls, source, protection, approvals] = await together([
    reading,
    trusting,
    request.live,
    readOrder(request),
    needed("commit", ({ head }) => isAncestor(github, commit, head)),
    needed("commit", ({ defaultBranch }) => readPulls(github, commit, defaultBranch, run.runId)),
    needed("source", async ({ head }) =>
      readSource(github, suiteOf(await trusting), { environment: tier.previous, sha: commit, head }),
    ),
    needed("protection", ({ head }) => readProtection(github, tier.name, request.readEnvironment, head)),
    needed("approval", () => approvalsOfRun(github, run.runId)),
  ]);
  return {
    project: contract.project,
    tier: tier.name,
    previous: tier.previous,
    stage,
    environment: tier.name,
    contractFile: contract.file,
    candidate: { commit, release: request.release, artifacts: request.artifacts },
    approved: { release: given(request.approved.release), plan: given(request.approved.plan) },
    acceptedDrift: given(request.acceptedDrift),
    destructive: policy.destructive,
    run: {
      id: run.runId,
      attempt: run.runAttempt,
      event: run.event,
      ref: run.ref,
      actor: run.actor,
      triggeringActor: run.triggeringActor,
    },
    suite: suiteOf(policy),
    repository,
    commit: commitFacts(onBranch, pulls, history),
    source,
    order: history.known ? known(history.value.order) : history,
    protection,
    approvals,
    identity: live.identity ?? notLookedAt,
    plan: live.plan ?? notLookedAt,
    drift: live.drift ?? notLookedAt,
    adoption: stillAdopted(live.adoption ?? notLookedAt, policy),
    grants: live.grants ?? notLookedAt,
    lock: live.lock ?? notLookedAt,
  };
}

/** The newest release that a run of ours provably deployed to the tier; undefined if there was none. */
export async function currentRelease(
  request: Pick<GatherRequest, "github" | "contract"> & { readonly tier: Pick<Tier, "name"> },
): Promise<Fact<CurrentRelease | undefined>> {
  const { github, contract } = request;
  const tier = request.tier.name;
  if (tier === "sandbox") return known(undefined);
  return factOf(async () => {
    const repository = await readRepository(github);
    const suite = { repository: SUITE_REPOSITORY, commits: contract.suite.commits };
    const read = evidenceReader(github, runReader(github, suite.repository, repository.head));
    let looked = 0;
    for await (const deployment of listDeployments(github, { environment: tier, task: TASK })) {
      if (++looked > MOST_DEPLOYMENTS) throw flooded(tier);
      const evidence = await read(deployment);
      const expected = {
        tier,
        project: contract.project,
        candidate: undefined,
        repository,
        suite,
        trustPinsAtCommit: true,
      };
      if (evidence.claim !== undefined && doubts(evidence, expected).length === 0) {
        const { release, artifacts } = evidence.claim;
        return { commit: deployment.sha, release, artifacts };
      }
    }
    return undefined;
  });
}

const notAsked = notKnown("This was not read, since no check of this stage asks for it.", "Ask at a later stage.");
const notLookedAt = notKnown(
  "Nobody looked at the tier itself.",
  "Run this where the tier's credential is: in the job of its environment.",
);

/** What GitHub refuses or does not have becomes an unknown fact with the finding's own words. */
async function factOf<T>(read: () => Promise<T>): Promise<Fact<T>> {
  try {
    return known(await read());
  } catch (error) {
    const finding = error instanceof FourTierError ? error.findings[0] : undefined;
    if (finding === undefined) throw error;
    return notKnown(finding.message, finding.remedy);
  }
}

function given(input: string): string | undefined {
  return input === "" ? undefined : input;
}

async function readRepository(github: GitHub): Promise<RepositoryFacts> {
  const repository = await getRepository(github);
  const branch = await getBranch(github, repository.defaultBranch);
  if (branch === undefined) {
    throw new FourTierError({
      id: "github/no-default-branch",
      severity: "unknown",
      message: `The default branch ${repository.defaultBranch} has no commit, or the token may not see it.`,
      remedy: "Push the default branch and give the job `contents: read`.",
    });
  }
  return {
    defaultBranch: repository.defaultBranch,
    head: branch.commit,
    visibility: repository.visibility,
    headIsProtected: branch.protected,
  };
}

async function isAncestor(github: GitHub, commit: string, head: string): Promise<boolean> {
  if (commit === head) return true;
  const found = await compare(github, commit, head);
  return found?.relation === "ahead" || found?.relation === "identical";
}

/** What the gate lets through beyond the rule. */
interface Policy {
  readonly suiteCommits: readonly string[];
  readonly destructive: readonly string[];
  readonly adopt: ReadonlyMap<string, string>;
}

const STRICT: Policy = { suiteCommits: [], destructive: [], adopt: new Map() };

/** One that cannot be read lets nothing through. */
async function readPolicy({ github, contract, tier, run }: GatherRequest, head: string): Promise<Policy> {
  const current = await factOf(() => policyContract(github, run, contract, head));
  if (!current.known) return STRICT;
  const { suite, tiers, adopt } = current.value;
  return { suiteCommits: suite.commits, destructive: tiers[tier.name].destructive, adopt: adopt[tier.name] };
}

/** What the release's contract adopts counts only while the default branch's does too. */
function stillAdopted(found: LiveFacts["adoption"], { adopt }: Policy): LiveFacts["adoption"] {
  if (!found.known) return found;
  return known(found.value.map((each) => ({ ...each, adopted: each.adopted && adopt.get(each.key) === each.id })));
}

/** Records can be written faster than they can be judged; then nobody can say what the tier has. */
function flooded(tier: TierName): FourTierError {
  return new FourTierError({
    id: "evidence/too-many",
    severity: "unknown",
    message: `None of the newest ${MOST_DEPLOYMENTS} Deployments of ${tier} is backed by a run that can be believed.`,
    why: "Anybody with push access can write Deployments.",
    remedy: `Find out who writes Deployments of ${tier}, and delete those (set them inactive first). A brief with a look at the tier does not need them.`,
  });
}

/** The order, and on the way who wrote what is new. */
async function readOrder(
  request: GatherRequest,
): Promise<Fact<{ readonly order: OrderFacts; readonly comparison: Comparison | undefined }>> {
  const current = await (request.current ?? currentRelease(request));
  if (!current.known) return current;
  if (current.value === undefined || request.tier.name === "sandbox") {
    return known({ order: { current: undefined, relation: undefined }, comparison: undefined });
  }
  const from = current.value;
  if (from.commit === request.commit) {
    return known({ order: { current: from, relation: "identical" }, comparison: undefined });
  }
  return factOf(async () => {
    const comparison = await compare(request.github, from.commit, request.commit);
    return { order: { current: from, relation: comparison?.relation }, comparison };
  });
}

function commitFacts(
  onBranch: Fact<boolean>,
  pulls: Fact<readonly PullFacts[]>,
  history: Fact<{ readonly comparison: Comparison | undefined }>,
): Fact<CommitFacts> {
  if (!onBranch.known) return onBranch;
  if (!pulls.known) return pulls;
  const written = history.known ? (history.value.comparison?.commits ?? []).map(({ author }) => author) : [];
  const opened = pulls.value.flatMap(({ author, merged }) => (merged && author !== undefined ? [author] : []));
  return known({
    onDefaultBranch: onBranch.value,
    pulls: pulls.value,
    authors: [...new Set([...written, ...opened])],
  });
}

async function readPulls(github: GitHub, commit: string, base: string, runId: string): Promise<PullFacts[]> {
  const pulls = await pullsOfCommit(github, commit);
  return Promise.all(
    pulls.filter((pull) => pull.merged && pull.base === base).map((pull) => readPull(github, pull, runId)),
  );
}

async function readPull(github: GitHub, pull: Pull, runId: string): Promise<PullFacts> {
  const [reviews, checks] = await Promise.all([reviewsOfPull(github, pull.number), checkRuns(github, pull.head)]);
  return {
    number: pull.number,
    title: pull.title,
    url: pull.url,
    author: pull.author,
    base: pull.base,
    merged: pull.merged,
    reviews: await Promise.all(
      verdictsOf(reviews, pull.head).map(async (review) => ({
        ...review,
        mayWrite: review.state === "APPROVED" ? await mayWrite(github, review.user) : undefined,
      })),
    ),
    // A fast-forward makes the pull request's head the commit that this very run is checking.
    checks: checks.filter(({ url }) => url?.includes(`/actions/runs/${runId}/`) !== true),
  };
}

type Verdict = Omit<PullFacts["reviews"][number], "mayWrite">;

/** The newest verdict of each reviewer; a comment changes nobody's. `head` is the pull request's head commit. */
export function verdictsOf(reviews: readonly Review[], head: string): Verdict[] {
  const newest = new Map<string, Verdict>();
  for (const { user, state, commit } of reviews) {
    if (user === undefined || !["APPROVED", "CHANGES_REQUESTED", "DISMISSED"].includes(state)) continue;
    newest.set(user, { user, state, stale: commit !== head });
  }
  return [...newest.values()];
}

async function readSource(
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
    if (found.length === MOST_DEPLOYMENTS) break;
  }
  return found;
}

async function readProtection(
  github: GitHub,
  environment: TierName,
  reading: string | undefined,
  head: string,
): Promise<ProtectionFacts> {
  const [found, looking, owners] = await Promise.all([
    getEnvironment(github, environment),
    reading === undefined ? undefined : getEnvironment(github, reading),
    codeowners(github, head),
  ]);
  return {
    environment: found,
    codeowners: owners,
    ...(reading === undefined ? {} : { reading: { name: reading, branches: looking?.branches } }),
  };
}
