/** What the gate of a plan or a promotion is asked with: what this run knows, and what GitHub records. */
import { compareStagingAndProd } from "../bundle/parity.ts";
import type { Finding } from "../findings.ts";
import { known, type LiveFacts, type Stage } from "../gate/facts.ts";
import type { EarlierProof } from "../gate/live-facts.ts";
import type { Git } from "../git.ts";
import type { GitHub } from "../github/client.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import type { PlanRequest } from "../plan.ts";
import type { Candidate, CarriedArtifact } from "../release/candidate.ts";
import { factOf } from "../release/fact-of.ts";
import { type GatherRequest, gatherGateFacts } from "../release/gather.ts";
import { readRepository } from "../release/read-repository.ts";
import { NOT_HERE } from "../release/rollback-target.ts";
import type { ActionContext } from "./frame.ts";
import type { Inputs } from "./promote-inputs.ts";
import type { ResolvedTier, TierAccess } from "./tier-access.ts";

/** What both stories need of a run. */
export interface Ground extends ResolvedTier {
  readonly context: ActionContext;
  readonly own: Inputs;
  readonly git: Git;
  readonly github: GitHub;
  readonly wheels: readonly CarriedArtifact[];
  readonly candidate: Candidate;
  /** Warnings of the rendering. */
  readonly notes: readonly Finding[];
}

/** What the gate is asked about. */
export function gathering(
  { context, own, github, contract, tier, candidate }: Ground,
  stage: Stage,
  live: GatherRequest["live"],
): GatherRequest {
  return {
    github,
    run: context.run,
    contract,
    tier,
    stage,
    commit: candidate.commit,
    release: candidate.digest,
    artifacts: candidate.artifacts,
    readEnvironment: own.readEnvironment,
    approved: own.approved,
    acceptedDrift: own.acceptDrift,
    override: own.override,
    now: new Date(),
    live,
  };
}

/** All facts of the gate, once the look at the tier has shown what it can. */
export async function gather(
  ground: Ground,
  stage: Stage,
  live: GatherRequest["live"],
  current: NonNullable<GatherRequest["current"]>,
) {
  const parity = ground.tier.name === "prod" ? parityOf(ground) : undefined;
  const seen = async () => ({ ...(await live), ...(parity === undefined ? {} : { parity: await parity }) });
  return gatherGateFacts({ ...gathering(ground, stage, seen()), current });
}

/** Whether what staging verified is what prod would run: told from the commit alone. */
function parityOf({ git, candidate, contract, tier, inputs }: Ground): Promise<LiveFacts["parity"]> {
  const artifacts = candidate.artifacts.map(({ name }) => name);
  return factOf(async () => {
    const source = await git.sourceAt(candidate.commit);
    const options = { root: inputs.bundle, contract, artifacts, git: { commit: candidate.commit }, now: new Date() };
    return { findings: compareStagingAndProd(source, options), allowed: tier.mayDifferFromStaging };
  });
}

/** Whose credential this is, and where it was proven. */
export function identityOf(access: TierAccess): LiveFacts["identity"] {
  return known({
    servicePrincipal: access.identity.displayName,
    clientId: access.clientId,
    workspaceId: access.identity.workspaceId ?? access.tier.workspaceId ?? "",
    catalog: access.catalog.name,
    findings: access.findings,
  });
}

/** What the run proved that brought this release; whatever GitHub does not say means that nothing may rest on it. */
export async function provedEarlier(
  { context: { run }, github, candidate, own }: Ground,
  { contract, tier }: TierAccess,
  release: LedgerRelease,
): Promise<EarlierProof | undefined> {
  const { name, project } = tier;
  if (name === "sandbox" || own.override !== undefined || candidate.commit !== run.sha) return undefined;
  const { standingRecord } = await import("../release/standing-record.ts");
  const question = { project, tier: name, suiteCommits: contract.suite.commits, release, now: new Date() };
  const found = await factOf(() => standingRecord(github, question));
  return found.known ? found.value : undefined;
}

/**
 * Releases that the tier is said to have had, by GitHub's record; what all of them need is read once, and only if one
 * is asked for.
 */
export function judging({ github, tier, contract }: Ground): PlanRequest["judge"] {
  const { name } = tier;
  if (name === "sandbox") return () => Promise.resolve(NOT_HERE);
  const begin = async () => {
    const { releaseJudge } = await import("../release/rollback-evidence.ts");
    const repository = await readRepository(github);
    return releaseJudge(github, {
      project: contract.project,
      tier: name,
      repository,
      suiteCommits: contract.suite.commits,
    });
  };
  let judge: ReturnType<typeof begin> | undefined;
  return async (release) => {
    judge ??= begin();
    return (await judge)(release);
  };
}
