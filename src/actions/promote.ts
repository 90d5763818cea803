/** action-promote: typed inputs, then one story: validate (all tiers, from commits), plan, promote; others by their modes. */
import { isAbsolute, join } from "node:path";
import { TIERS } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import { type Finding, FourTierError, isFailure, messageOf } from "../findings.ts";
import { OVERRIDABLE } from "../gate/check.ts";
import { type Fact, known, type LiveFacts, notKnown, type Stage } from "../gate/facts.ts";
import type { Git } from "../git.ts";
import { together } from "../http/pool.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import type { GitHub } from "../github/client.ts";
import { checkBuilt, parseBuilt } from "../release/built.ts";
import { type Candidate, candidateOf, type CarriedArtifact, contractAt, readWheels } from "../release/candidate.ts";
import type { Artifact } from "../release/digest.ts";
import { type DeploymentRecord, type Evidence, recordDeployment } from "../release/evidence.ts";
import { currentRelease, gatherAgain, type GatherRequest, gatherGateFacts } from "../release/gather.ts";
import { historyBetween } from "../release/history.ts";
import { policyContract } from "../release/policy.ts";
import { readRepository } from "../release/read-repository.ts";
import type { Found } from "../report/whereabouts.ts";
import type { ActionResult } from "../report/report.ts";
import type { PlanRequest } from "../plan.ts";
import { managerFinding } from "../sandboxes/access.ts";
import type { ActionContext } from "./frame.ts";
import { isOperation } from "./operations.ts";
import { afterGrace, githubOf, pause, runHasEnded } from "./github.ts";
import { accessTier, type ResolvedTier, resolveTierOfRun, type TierAccess } from "./tier-access.ts";
import { repositoryOf } from "./tier-contract.ts";
import { viewTier } from "./tier-view.ts";

/** The inputs that only this action has, checked. */
interface Inputs {
  readonly mode: "plan" | "promote";
  readonly allTiers: boolean;
  readonly commit: string;
  /** Absolute; undefined for none. */
  readonly artifacts: string | undefined;
  /** What the build says of its files; undefined if it says nothing. */
  readonly built: readonly Artifact[] | undefined;
  readonly approved: { readonly release: string; readonly plan: string };
  readonly acceptDrift: string;
  readonly override: GatherRequest["override"];
  readonly live: boolean;
  readonly readEnvironment: string | undefined;
  readonly deep: boolean;
  readonly lockWaitMs: number;
}

/** What both stories need of a run. */
interface Ground extends ResolvedTier {
  readonly context: ActionContext;
  readonly own: Inputs;
  readonly git: Git;
  readonly github: GitHub;
  readonly wheels: readonly CarriedArtifact[];
  readonly candidate: Candidate;
  /** Warnings of the rendering. */
  readonly notes: readonly Finding[];
}

export async function promote(context: ActionContext): Promise<ActionResult> {
  const mode = context.input("mode");
  if (mode === "verify" || mode === "status") return (await import("./verify.ts"))[mode](context);
  if (mode === "rollback") return (await import("./rollback.ts")).rollback(context);
  if (mode === "teardown") return (await import("./teardown.ts")).teardownSandbox(context);
  if (mode === "drift") return (await import("./drift.ts")).drift(context);
  if (isOperation(mode)) return (await import("./operate.ts")).operate(context, mode);
  const own = readInputs(context);
  const git = await repositoryOf(context.run);
  if (own.allTiers) return (await import("./validate.ts")).validateAll(context, git, own);
  const resolved = await resolveTierOfRun(context);
  const wheels = own.artifacts === undefined ? [] : await readWheels(own.artifacts);
  checkBuilt(wheels, own.built);
  // Where to sign in, the run's contract alone says: the commit is read and rendered in the meantime.
  const [{ candidate, notes }, access] = await together([
    readCandidate(context, own, git, resolved, wheels),
    own.mode === "plan" ? undefined : signIn(context, resolved),
  ]);
  const ground: Ground = { ...resolved, context, own, git, wheels, candidate, notes, github: githubOf(context) };
  const result = access === undefined ? await planned(ground) : await promoted(ground, access);
  return { ...result, findings: [...notes, ...result.findings] };
}

/** To where a promotion writes; not at all where somebody else manages it. */
async function signIn(context: ActionContext, { contract, tier }: ResolvedTier): Promise<TierAccess> {
  const unmanaged = managerFinding(contract, tier);
  if (unmanaged !== undefined) throw new FourTierError(unmanaged);
  return accessTier({ ...context, cancelled: afterGrace(context.cancelled) });
}

async function planned(ground: Ground): Promise<ActionResult> {
  const { context, own, git, github, candidate, contract, tier, inputs } = ground;
  const live = own.live ? (await viewTier(context)).workspace : undefined;
  const { plan } = await import("../plan.ts");
  return plan({
    run: context.run,
    tier,
    candidate,
    root: inputs.bundle,
    contract,
    allowedHosts: inputs.allowedHosts,
    git,
    live,
    current: () => currentRelease({ github, contract, tier }),
    gather: (stage, live, current) => gather(ground, stage, live, current),
    history: (from, to) => factOf(() => historyBetween(github, from, to)),
    judge: judging(ground),
    whereabouts: () => whereabouts(ground),
    log: context.log,
    now: new Date(),
  });
}

async function promoted(ground: Ground, access: TierAccess): Promise<ActionResult> {
  const { context, own, git, github, candidate, wheels } = ground;
  const { run, log, cancelled } = context;
  const { promote: promoteRelease } = await import("../promote.ts");
  const result = await promoteRelease({
    run,
    tier: access.tier,
    workspace: access.workspace,
    principal: access.clientId,
    candidate,
    wheels,
    root: ground.inputs.bundle,
    git,
    acceptDrift: own.acceptDrift,
    gather: (live, current) => {
      const grants = factOf(async () => {
        // A sandbox's are dev's principal's business: its own may not read them, and its gate does not ask.
        if (access.tier.name === "sandbox") return [];
        const policy = await policyContract(github, run, access.contract);
        const { tierProof } = await import("../grants.ts");
        const proof = await tierProof(access.workspace, policy, access.tier, new Date(), access);
        return proof.findings;
      });
      const seen = async () => ({ ...(await live), identity: identityOf(access), grants: await grants });
      return gather(ground, "promote", seen(), current);
    },
    decisions: () => gatherAgain(gathering(ground, "promote", {})),
    record: (release, description, overrides) => record(ground, release, description, overrides),
    runHasEnded: (id, attempt) => runHasEnded(github, id, attempt),
    deep: own.deep,
    lockWaitMs: own.lockWaitMs,
    log,
    signal: cancelled,
    now: () => new Date(),
    pause,
  });
  return { ...result, findings: [...access.findings, ...result.findings] };
}

/** Releases that the tier is said to have had, by GitHub's record; asked for at most once a release. */
function judging({ github, tier, contract }: Ground): PlanRequest["judge"] {
  return async (release) => {
    const { name } = tier;
    if (name === "sandbox") return { wasHere: false, verified: false, rejected: undefined };
    const { releaseJudge } = await import("../release/rollback-evidence.ts");
    const repository = await readRepository(github);
    const context = { project: contract.project, tier: name, repository, suiteCommits: contract.suite.commits };
    return releaseJudge(github, context)(release);
  };
}

/** What every tier has, for the picture; none where GitHub does not say, since it proves nothing. */
async function whereabouts({ github, tier, contract, context }: Ground): Promise<readonly Found[] | undefined> {
  if (tier.name === "sandbox") return undefined;
  try {
    const { readWhereabouts } = await import("../release/whereabouts.ts");
    const repository = await readRepository(github);
    const about = { project: contract.project, repository, suiteCommits: contract.suite.commits };
    return await readWhereabouts(github, about);
  } catch (error) {
    context.log.info(`There is no picture of what runs where: ${messageOf(error)}`);
    return undefined;
  }
}

function gather(
  ground: Ground,
  stage: Stage,
  live: GatherRequest["live"],
  current: NonNullable<GatherRequest["current"]>,
) {
  return gatherGateFacts({ ...gathering(ground, stage, live), current });
}

/** What the gate is asked about. */
function gathering(
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

function identityOf(access: TierAccess): LiveFacts["identity"] {
  return known({
    servicePrincipal: access.identity.displayName,
    clientId: access.clientId,
    workspaceId: access.identity.workspaceId ?? access.tier.workspaceId ?? "",
    catalog: access.catalog.name,
    findings: access.findings,
  });
}

/** The commit, rendered for the tier with the contract it holds; what is wrong with it stops here. */
async function readCandidate(
  { run }: ActionContext,
  { commit }: Inputs,
  git: Git,
  { contract: ofRun, tier: tierOfRun, inputs }: ResolvedTier,
  wheels: readonly CarriedArtifact[],
): Promise<{ candidate: Candidate; notes: readonly Finding[] }> {
  const checkout = await git.checkoutEquals(await git.head());
  if (checkout.some(isFailure)) throw new FourTierError(checkout);
  const other = commit !== run.sha;
  const contract = other ? await contractAt(git, commit, ofRun.file, inputs.allowedHosts) : ofRun;
  const tier = other ? resolveTier(contract, tierOfRun.name, { developer: inputs.developer }) : tierOfRun;
  if (tier.catalog !== tierOfRun.catalog || tier.host !== tierOfRun.host) {
    throw new FourTierError({
      id: "release/contract-differs",
      severity: "error",
      where: { kind: "file", file: contract.file },
      message: `At commit ${commit.slice(0, 12)} the contract gives ${tier.name} catalog ${tier.catalog} on ${tier.host}; at this run's commit it is ${tierOfRun.catalog} on ${tierOfRun.host}.`,
      why: "The release would be rendered for a place that this run does not prove.",
      remedy: "Promote a commit that has the same contract, or start the run from that commit.",
    });
  }
  const { candidate, findings } = await candidateOf({
    git,
    commit,
    root: inputs.bundle,
    contract,
    tier,
    artifacts: wheels,
    now: new Date(),
  });
  if (candidate === undefined) throw new FourTierError(findings);
  return { candidate, notes: [...checkout, ...findings] };
}

/** What a service refuses becomes an unknown fact with the finding's own words. */
async function factOf<T>(read: () => Promise<T>): Promise<Fact<T>> {
  try {
    return known(await read());
  } catch (error) {
    const finding = error instanceof FourTierError ? error.findings[0] : undefined;
    return notKnown(finding?.message ?? messageOf(error), finding?.remedy ?? "Run this again.");
  }
}

/** A Deployment on GitHub; a sandbox is nobody's evidence, so there is none. */
async function record(
  { context, tier, github }: Ground,
  release: LedgerRelease,
  description: string,
  overrides: NonNullable<Evidence["overrides"]>,
): Promise<DeploymentRecord> {
  if (tier.name === "sandbox") return { id: "", finish: () => Promise.resolve() };
  const { run } = context;
  return recordDeployment(github, {
    commit: release.commit,
    description,
    payload: {
      kind: "promotion",
      tier: tier.name,
      project: tier.project,
      release: release.digest,
      plan: release.plan,
      components: { ...release.components },
      run: { id: run.runId, attempt: run.runAttempt, job: run.job },
      artifacts: [...release.artifacts],
      ...(overrides.length === 0 ? {} : { overrides: [...overrides] }),
    },
  });
}

function readInputs(context: ActionContext): Inputs {
  const { run } = context;
  const input = (name: string): string => context.input(name);
  const findings: Finding[] = [];
  const wrong = (name: string, message: string, remedy: string): void => {
    findings.push({ id: `input/${name}`, severity: "error", message, remedy });
  };
  const mode = input("mode") || "plan";
  if (mode !== "plan" && mode !== "promote") {
    wrong("mode", `There is no mode ${mode}.`, "Use mode: plan or mode: promote.");
  }
  const tier = input("tier");
  if (tier === "all" && mode !== "plan") {
    wrong("tier", "tier: all goes with mode: plan only.", "Promote into one tier: dev, staging or prod.");
  }
  const commit = (input("commit") || run.sha).toLowerCase();
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
    wrong("commit", "The input commit is not a whole commit id.", "Give all 40 hex digits; a branch can move.");
  }
  for (const name of ["release-digest", "plan-digest", "accept-drift"]) {
    const value = input(name);
    if (value !== "" && !/^[0-9a-f]{64}$/.test(value)) {
      wrong(name, `The input ${name} is not a digest of 64 hex digits.`, "Hand on the output of the plan unchanged.");
    }
  }
  if (tier === "prod" && mode === "promote") {
    for (const name of ["release-digest", "plan-digest"]) {
      if (input(name) === "") {
        wrong(
          name,
          `The input ${name} is empty, and prod takes only what was approved.`,
          `Hand on the output ${name} of the job that wrote the brief.`,
        );
      }
    }
  }
  const override = input("override")
    .split(/[\s,]+/)
    .filter((id) => id !== "");
  const checks = OVERRIDABLE.filter((id) => override.includes(id));
  for (const id of override.filter((each) => !OVERRIDABLE.some((known) => known === each))) {
    wrong("override", `The check ${id} cannot be overridden.`, `What can be: ${OVERRIDABLE.join(", ")}.`);
  }
  const reason = input("reason").trim();
  if (checks.length > 0 && reason === "") {
    wrong("reason", "An override needs a reason.", "Say why the rule does not hold today; everybody will read it.");
  }
  const live = input("live") || "auto";
  if (!["auto", "true", "false"].includes(live)) {
    wrong("live", `The input live is ${live}.`, "Use true, false or auto.");
  }
  const readEnvironment = input("read-environment");
  if (TIERS.some((name) => name === readEnvironment.toLowerCase())) {
    wrong(
      "read-environment",
      `The input read-environment is ${readEnvironment}, a tier's own environment.`,
      "Make an environment of its own for the brief, with a principal that may only read: who approves must have read the brief first.",
    );
  }
  const deep = (input("deep") || "false").toLowerCase();
  if (deep !== "true" && deep !== "false") {
    wrong("deep", "The input deep is neither true nor false.", "Write deep: true, or leave it out.");
  }
  const minutes = Number(input("lock-wait-minutes") || "30");
  if (!Number.isFinite(minutes) || minutes < 0 || minutes > 360) {
    wrong("lock-wait-minutes", "The input lock-wait-minutes is not a number from 0 to 360.", "Give minutes.");
  }
  if (findings.length > 0) throw new FourTierError(findings);
  const artifacts = input("artifacts");
  return {
    mode: mode === "promote" ? "promote" : "plan",
    allTiers: tier === "all",
    commit,
    artifacts: artifacts === "" ? undefined : isAbsolute(artifacts) ? artifacts : join(run.workspace, artifacts),
    built: parseBuilt(input("artifact-digests")),
    approved: { release: input("release-digest"), plan: input("plan-digest") },
    acceptDrift: input("accept-drift"),
    override: checks.length === 0 ? undefined : { checks, reason: reason.slice(0, 500) },
    live: live === "true" || (live === "auto" && (run.oidc !== undefined || input("client-secret") !== "")),
    readEnvironment: readEnvironment === "" ? undefined : readEnvironment,
    deep: deep === "true",
    lockWaitMs: minutes * 60_000,
  };
}
