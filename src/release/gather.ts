/** Gathers what the gate decides on from GitHub's record. Thin: it reads, the checks decide. */
import type { Contract, Tier, TierName } from "../contract/model.ts";
import type { RunContext } from "../environment.ts";
import type { CheckId } from "../gate/check.ts";
import type { OrderFacts } from "../gate/commit-facts.ts";
import { GATE } from "../gate/evaluate.ts";
import type { EvidenceFacts, SuiteTrust } from "../gate/evidence-facts.ts";
import { deployingTime } from "../gate/evidence-run.ts";
import {
  type Fact,
  type GateFacts,
  known,
  type LiveFacts,
  notKnown,
  type ProtectionFacts,
  type RepositoryFacts,
  type SourceQuestion,
  type Stage,
} from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { type Comparison, compare } from "../github/commits.ts";
import { codeowners } from "../github/contents.ts";
import { listDeployments } from "../github/deployments.ts";
import { getEnvironment } from "../github/environments.ts";
import { approvalsOfRun } from "../github/runs.ts";
import { together } from "../http/pool.ts";
import { type DecisionFacts, readDecisions } from "./decisions.ts";
import type { Artifact } from "./digest.ts";
import { TASK } from "./evidence.ts";
import { factOf, given, notAsked } from "./fact-of.ts";
import { type Policy, readPolicy, SUITE_REPOSITORY, strict } from "./gate-policy.ts";
import { flooded, judgedEvidence, MOST_LOOKED_AT } from "./judged-evidence.ts";
import { contractAtCommit } from "./policy.ts";
import { commitFacts, type Reach, readOrigin, readOriginAgain } from "./read-commit.ts";
import { readDocuments } from "./read-documents.ts";
import { evidenceReader, runReader } from "./read-evidence.ts";
import { readRepository } from "./read-repository.ts";

/** For which release, tier and stage the gate's facts are asked of GitHub. */
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
  /** The inputs `override` and `reason`; undefined means not given. */
  readonly override: { readonly checks: readonly CheckId[]; readonly reason: string } | undefined;
  readonly now: Date;
  /** What the tier's ledger has; without it, what the Deployments' runs prove (`currentRelease`). */
  readonly current?: Later<Fact<OrderFacts["current"]>>;
  /** What the story saw of the tier; what is missing is unknown, and fails the checks that need it. */
  readonly live: Later<Partial<LiveFacts>>;
}

/** May still be on its way: what does not need it is read in the meantime. */
type Later<T> = T | Promise<T>;

/** What a tier has now. */
export interface CurrentRelease {
  readonly commit: string;
  readonly release: string;
  /** ISO: when the job that brought it ended. */
  readonly at: string;
  /** Wheels that were carried with it, as its record claims: recompute the digest before believing them. */
  readonly artifacts: readonly Artifact[];
}

/** All facts for the gate; what GitHub does not show becomes an unknown fact, never an error. */
export async function gatherGateFacts(request: GatherRequest): Promise<GateFacts> {
  const { github, run, tier, stage, contract, commit } = request;
  const asked = askedOf(request);
  const reading = factOf(() => readRepository(github));
  const needed = async <T>(check: CheckId, read: (facts: RepositoryFacts) => Promise<T>): Promise<Fact<T>> => {
    if (!asked.has(check)) return notAsked;
    const found = await reading;
    return found.known ? factOf(() => read(found.value)) : found;
  };
  const trusting = reading.then((found) => (found.known ? readPolicy(request, found.value.head) : strict(found)));
  const ordering = readOrder(request);
  const [repository, policy, live, history, origin, source, protection, approvals, decided] = await together([
    reading,
    trusting,
    request.live,
    ordering,
    needed("commit", async (repository) =>
      readOrigin({
        github,
        tier: tier.name,
        commit,
        repository,
        runId: run.runId,
        reach: reachOf(request, ordering),
        prod: () => currentRelease({ ...request, tier: { name: "prod" } }),
        staging: () => currentRelease({ ...request, tier: { name: "staging" } }, commit),
        accepted: async () => acceptedAt(request, (await trusting).acceptedCommits),
      }),
    ),
    needed("source", async ({ head }) =>
      readSource(github, suiteOf(await trusting), { environment: tier.previous, sha: commit, head }),
    ),
    needed("protection", ({ head }) => readProtection(github, tier.name, request.readEnvironment, head)),
    needed("approval", () => approvalsOfRun(github, run.runId)),
    together([reading, trusting]).then(([found, policy]) =>
      readDecisions({ ...decisionsOf(request), asked }, found, policy),
    ),
  ]);
  const question = {
    project: contract.project,
    // A hotfix is past dev: its path begins in staging.
    previous: origin.known && origin.value.hotfix !== undefined && tier.name === "staging" ? undefined : tier.previous,
    candidate: { commit, release: request.release, artifacts: request.artifacts },
    suite: suiteOf(policy),
    repository,
    source,
    below: decided.below,
  };
  return {
    ...question,
    tier: tier.name,
    stage,
    environment: tier.name,
    contractFile: contract.file,
    approved: { release: given(request.approved.release), plan: given(request.approved.plan) },
    acceptedDrift: given(request.acceptedDrift),
    ...policyOf(policy),
    override: request.override === undefined ? undefined : { ...request.override, by: run.actor },
    ...timeOf(request),
    run: {
      id: run.runId,
      attempt: run.runAttempt,
      event: run.event,
      ref: run.ref,
      actor: run.actor,
      triggeringActor: run.triggeringActor,
    },
    commit: commitFacts(origin, await reachOf(request, ordering)),
    documents: await documentsOf(request, policy, question),
    order: history.known ? known(history.value.order) : history,
    protection,
    approvals,
    ...decided,
    identity: live.identity ?? notLookedAt,
    plan: live.plan ?? notLookedAt,
    drift: live.drift ?? notLookedAt,
    adoption: live.adoption ?? notLookedAt,
    parity: live.parity ?? notLookedAt,
    losses: live.losses ?? notLookedAt,
    grants: live.grants ?? notLookedAt,
    provedEarlier: live.provedEarlier,
    lock: live.lock ?? notLookedAt,
    activeRuns: live.activeRuns ?? notLookedAt,
    kept: live.kept ?? notLookedAt,
  };
}

function suiteOf({ suiteCommits }: Policy): SuiteTrust {
  return { repository: SUITE_REPOSITORY, commits: suiteCommits };
}

/** What the default branch's contract says now. */
type PolicyOf = Pick<GateFacts, "policy" | "destructive" | "adopt" | "move" | "suite">;

function policyOf(policy: Policy): PolicyOf {
  return {
    policy: policy.gate,
    destructive: policy.destructive,
    adopt: policy.adopt,
    move: policy.move,
    suite: suiteOf(policy),
  };
}

/** What time it is: by GitHub's clock, which tells when records were made, wherever this machine's says something else. */
function timeOf({ github, now }: GatherRequest): Pick<GateFacts, "now" | "skewMs"> {
  const skewMs = github.skewMs();
  return { now: new Date(now.getTime() + skewMs), skewMs };
}

/** Who breaks the glass must be approved, in whatever tier. */
function askedOf({ tier, stage, override }: GatherRequest): ReadonlySet<CheckId> {
  return new Set([...GATE[tier.name][stage], ...(override === undefined ? [] : (["approval"] as const))]);
}

function decisionsOf({ github, contract, tier, stage, release, approved, run }: GatherRequest) {
  return {
    stage,
    starters: [run.actor, run.triggeringActor],
    github,
    project: contract.project,
    tier,
    release,
    plan: given(approved.plan),
  };
}

/** Where evidence is kept, and whether the tier below's is. */
function documentsOf(
  request: GatherRequest,
  policy: Policy,
  question: SourceQuestion,
): Promise<GateFacts["documents"]> {
  const asked = askedOf(request).has("evidence");
  return asked ? readDocuments(request.github, policy.gate, question) : Promise.resolve(notAsked);
}

/**
 * What may have changed while a run waited for the lock: where the commit is, the policy, what people and verifications
 * decided, and whether evidence is kept. `before` is what was known until then.
 */
export async function gatherAgain(
  request: GatherRequest,
  before: SourceQuestion & Pick<GateFacts, "commit">,
): Promise<
  Pick<GateFacts, "repository" | "commit" | "documents" | keyof PolicyOf | keyof DecisionFacts | "now" | "skewMs">
> {
  const repository = await factOf(() => readRepository(request.github));
  const policy = repository.known ? await readPolicy(request, repository.value.head) : strict(repository);
  const asked = askedOf(request);
  const [commit, decided] = await together([
    commitAgain(request, before, repository),
    readDecisions({ ...decisionsOf(request), asked }, repository, policy),
  ]);
  const now = { ...decided, ...policyOf(policy), repository };
  return { ...now, commit, documents: await documentsOf(request, policy, { ...before, ...now }), ...timeOf(request) };
}

/** What enters is what it was, and comes from a branch that still has it. */
async function commitAgain(
  { github, commit }: GatherRequest,
  before: Pick<GateFacts, "repository" | "commit">,
  now: GateFacts["repository"],
): Promise<GateFacts["commit"]> {
  const { commit: origin, repository } = before;
  if (!origin.known || !repository.known) return origin;
  if (!now.known) return now;
  return factOf(() => readOriginAgain(github, commit, origin.value, repository.value, now.value));
}

/** The newest release that a run of ours provably deployed to the tier, other than commit `but`; undefined if there was none. */
export async function currentRelease(
  request: Pick<GatherRequest, "github" | "contract"> & { readonly tier: Pick<Tier, "name"> },
  but?: string,
): Promise<Fact<CurrentRelease | undefined>> {
  const { github, contract } = request;
  const tier = request.tier.name;
  if (tier === "sandbox") return known(undefined);
  return factOf(async () => {
    const repository = await readRepository(github);
    const suite = { repository: SUITE_REPOSITORY, commits: contract.suite.commits };
    const readRun = runReader(github, suite.repository, repository.head);
    const expected = {
      tier,
      project: contract.project,
      candidate: undefined,
      repository,
      suite,
      trustPinsAtCommit: true,
    };
    const uncertain = () => {
      throw flooded(tier);
    };
    for await (const { deployment, evidence, doubts } of judgedEvidence(github, expected, readRun, uncertain)) {
      if (deployment.sha === but) continue;
      if (evidence.claim !== undefined && doubts.length === 0) {
        const { release, artifacts } = evidence.claim;
        const at = new Date(deployingTime(evidence, expected).to).toISOString();
        return { commit: deployment.sha, release, at, artifacts };
      }
    }
    return undefined;
  });
}

const notLookedAt = notKnown(
  "Nobody looked at the tier itself.",
  "Run this where the tier's credential is: in the job of its environment.",
);

type Ordering = Fact<{ readonly order: OrderFacts; readonly comparison: Comparison | undefined }>;

/** How far back what enters is looked at; where a tier takes every merge, only the candidate's own commit is. */
async function reachOf({ tier, commit }: GatherRequest, ordering: Promise<Ordering>): Promise<Fact<Reach>> {
  if (tier.name === "dev" || tier.name === "sandbox") return known({ since: commit, comparison: undefined });
  const found = await ordering;
  if (!found.known) return found;
  const { order, comparison } = found.value;
  return known({ since: order.current?.commit, comparison });
}

/**
 * What may enter without a pull request: what the default branch's contract says now, as far as the candidate's own says
 * it, too. So whoever pushes past review cannot accept that by a second push that is not promoted.
 */
async function acceptedAt(
  { github, contract, commit }: GatherRequest,
  now: Policy["acceptedCommits"],
): Promise<Policy["acceptedCommits"]> {
  if (now.length === 0) return [];
  const then = await contractAtCommit(github, contract, commit);
  const listed = new Set(then?.acceptedCommits.map((each) => each.commit));
  return now.filter((each) => listed.has(each.commit));
}

/** The order, and on the way who wrote what is new. */
async function readOrder(request: GatherRequest): Promise<Ordering> {
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

async function readProtection(
  github: GitHub,
  environment: TierName,
  reading: string | undefined,
  head: string,
): Promise<ProtectionFacts> {
  const [found, looking, owners] = await together([
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
