/**
 * Whether the next tier may take what a tier has: the gate's own check `verification`, over the same facts, asked before
 * anybody promotes. What cannot be read is not ready.
 */
import type { Contract, TierName } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import type { RunContext } from "../environment.ts";
import type { CheckResult } from "../gate/check.ts";
import { type VerificationQuestion, verified } from "../gate/checks/verification.ts";
import type { VerificationFacts } from "../gate/decision-facts.ts";
import { type Fact, known, type RepositoryFacts } from "../gate/facts.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import type { GitHub } from "../github/client.ts";
import { EVIDENCE_VERSION, madeBy, type RecordOf } from "./evidence.ts";
import { factOf } from "./fact-of.ts";
import { type Policy, readPolicy, strict, suiteOf } from "./gate-policy.ts";
import { readBelow } from "./read-below.ts";
import { runReader } from "./read-evidence.ts";
import { readRepository } from "./read-repository.ts";
import { readSource } from "./read-source.ts";
import { readVerifications } from "./read-verifications.ts";
import { recordReader } from "./records.ts";

/** A verification that this run has just recorded. Its job has not ended, so as a record it counts for nobody yet. */
export interface JustVerified {
  readonly deployment: string;
  readonly at: Date;
}

interface ReadinessRequest {
  readonly github: GitHub;
  readonly run: Pick<RunContext, "sha" | "runId" | "runAttempt" | "job">;
  /** That of the run's commit. */
  readonly contract: Contract;
  /** Where it was verified. */
  readonly tier: RecordTier;
  /** Whose gate is asked. */
  readonly next: TierName;
  readonly commit: string;
  readonly release: string;
  /** Counted with the records, if this run has passed one. */
  readonly own: JustVerified | undefined;
  readonly now: Date;
}

/** What the gate's check `verification` would say of a promotion now. */
export async function readinessOf(request: ReadinessRequest): Promise<CheckResult> {
  return verified(await readQuestion(request));
}

/** What that check is asked, over the records as they are. */
export async function readQuestion(request: ReadinessRequest): Promise<VerificationQuestion> {
  const { github, contract, tier, next, commit, release } = request;
  const repository = await factOf(() => readRepository(github));
  const policy = repository.known
    ? await readPolicy({ ...request, tier: resolveTier(request.contract, next) }, repository.value.head)
    : strict(repository);
  const suite = suiteOf(policy);
  const below = repository.known
    ? await factOf(() => {
        const readRun = runReader(github, suite.repository, repository.value.head);
        const about = { tier, project: contract.project, repository: repository.value, suite, readRun };
        return readBelow(github, about, release);
      })
    : repository;
  return {
    tier: next,
    previous: tier,
    stage: "promote",
    project: contract.project,
    suite,
    candidate: { commit, release, artifacts: [] },
    now: request.now,
    policy: policy.gate,
    repository,
    below,
    verifications: await verificationsOf(request, repository, policy),
    source: repository.known
      ? await factOf(() => readSource(github, suite, { environment: tier, sha: commit, head: repository.value.head }))
      : repository,
  };
}

async function verificationsOf(
  { github, contract, tier, release, own, run }: ReadinessRequest,
  repository: Fact<RepositoryFacts>,
  policy: Policy,
): Promise<Fact<VerificationFacts>> {
  if (!repository.known) return repository;
  const suite = suiteOf(policy);
  const readRun = runReader(github, suite.repository, repository.value.head);
  const reader = recordReader(github, { project: contract.project, repository: repository.value, suite, readRun });
  const wanted = policy.gate.known ? policy.gate.value.verifications : 0;
  const found = await factOf(() => readVerifications(reader, tier, release, wanted));
  if (!found.known || own === undefined) return found;
  return known(withOwn(found.value, own, { tier, release, project: contract.project, run }));
}

/** As it will be read once this run's job has ended. */
function withOwn(
  found: VerificationFacts,
  { deployment, at }: JustVerified,
  claimed: Pick<RecordOf<"verification">, "tier" | "release" | "project"> & Pick<ReadinessRequest, "run">,
): VerificationFacts {
  const { run, ...about } = claimed;
  const others = <Each extends { readonly deployment: { readonly id: string } }>(records: readonly Each[]): Each[] =>
    records.filter((record) => record.deployment.id !== deployment);
  const claim: RecordOf<"verification"> = {
    suite: "four-tier",
    version: EVIDENCE_VERSION,
    kind: "verification",
    ...about,
    run: madeBy(run),
    passed: true,
    checks: [],
  };
  const own = {
    deployment: { id: deployment, creator: undefined, url: "" },
    claim,
    doubts: [],
    unread: undefined,
    at: at.toISOString(),
    by: undefined,
    runUrl: undefined,
  };
  return {
    ...found,
    doubted: others(found.doubted),
    unread: others(found.unread),
    passed: [...others(found.passed), own],
  };
}
