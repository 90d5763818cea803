/** Gathers what the gate decides on from GitHub's record. Thin: it reads, the checks decide. */
import type { RunContext } from "../environment.ts";
import type { CheckId } from "../gate/check.ts";
import { GATE } from "../gate/evaluate.ts";
import {
  type Fact,
  type GateFacts,
  known,
  type LiveFacts,
  notKnown,
  type RepositoryFacts,
  type SourceQuestion,
  type Stage,
} from "../gate/facts.ts";
import { approvalsOfRun } from "../github/runs.ts";
import { together } from "../http/pool.ts";
import { currentRelease } from "./current-release.ts";
import { type DecisionFacts, readDecisions } from "./decisions.ts";
import type { Artifact } from "./digest.ts";
import { factOf, given, notAsked } from "./fact-of.ts";
import { type Policy, readPolicy, strict, suiteOf } from "./gate-policy.ts";
import { contractAtCommit } from "./policy.ts";
import { commitFacts, readOrigin, readOriginAgain } from "./read-commit.ts";
import { readDocuments } from "./read-documents.ts";
import { type Later, type OrderRequest, readOrder, readReach } from "./read-order.ts";
import { readProtection } from "./read-protection.ts";
import { readRepository } from "./read-repository.ts";
import { readSource } from "./read-source.ts";

/** For which release, tier and stage the gate's facts are asked of GitHub. */
export interface GatherRequest extends OrderRequest {
  readonly run: RunContext;
  readonly stage: Stage;
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
  /** What the story saw of the tier; what is missing is unknown, and fails the checks that need it. */
  readonly live: Later<Partial<LiveFacts>>;
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
  const reach = readReach(request, ordering);
  const [repository, policy, live, order, reached, origin, source, protection, approvals, decided] = await together([
    reading,
    trusting,
    request.live,
    ordering,
    reach,
    needed("commit", async (repository) =>
      readOrigin({
        github,
        tier: tier.name,
        commit,
        repository,
        runId: run.runId,
        reach,
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
    ...NOT_LOOKED_AT,
    ...live,
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
    run: runOf(run),
    commit: commitFacts(origin, reached),
    documents: await documentsOf(request, policy, question),
    order: order.known ? known(order.value.order) : order,
    protection,
    approvals,
    ...decided,
  };
}

const notLookedAt = notKnown(
  "Nobody looked at the tier itself.",
  "Run this where the tier's credential is: in the job of its environment.",
);

/** What only a look at the tier tells. */
const NOT_LOOKED_AT: LiveFacts = {
  identity: notLookedAt,
  plan: notLookedAt,
  drift: notLookedAt,
  adoption: notLookedAt,
  parity: notLookedAt,
  losses: notLookedAt,
  grants: notLookedAt,
  lock: notLookedAt,
  activeRuns: notLookedAt,
  kept: notLookedAt,
};

function runOf({ runId, runAttempt, event, ref, actor, triggeringActor }: RunContext): GateFacts["run"] {
  return { id: runId, attempt: runAttempt, event, ref, actor, triggeringActor };
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
