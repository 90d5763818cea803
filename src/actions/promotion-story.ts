/** action-promote, modes plan and promote, from the contract on: the commit read and rendered, then one of the two stories. */
import { pullState } from "../github/commits.ts";
import { together } from "../http/pool.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import type { PromoteRequest } from "../promote.ts";
import type { CarriedArtifact } from "../release/candidate.ts";
import { currentRelease } from "../release/current-release.ts";
import { brought, type DeploymentRecord, type Evidence, recordDeployment } from "../release/evidence.ts";
import { factOf } from "../release/fact-of.ts";
import { gatherAgain } from "../release/gather.ts";
import { historyBetween } from "../release/history.ts";
import { policyContract } from "../release/policy.ts";
import { blocks } from "../report/markdown.ts";
import type { ActionResult } from "../report/report.ts";
import { readCandidate } from "./candidate-of-run.ts";
import { pullOfRun } from "./event.ts";
import type { ActionContext } from "./frame.ts";
import { branchOfRun, githubOf, lockAccess } from "./github.ts";
import { keepEvidence } from "./keep-evidence.ts";
import type { Inputs } from "./promote-inputs.ts";
import { type Ground, gather, gathering, identityOf, judging, provedEarlier } from "./promotion-facts.ts";
import type { ResolvedTier, TierAccess } from "./tier-access.ts";
import { repositoryOf } from "./tier-contract.ts";
import { viewTier } from "./tier-view.ts";
import { pictureAfter, whereaboutsOf } from "./whereabouts.ts";

/**
 * What the story goes on from: nothing was read of the commit but its contract; signing in is under way, unless a plan
 * needs none.
 */
interface Beginning {
  readonly context: ActionContext;
  readonly own: Inputs;
  readonly resolved: ResolvedTier;
  readonly wheels: readonly CarriedArtifact[];
  readonly signing: Promise<TierAccess> | undefined;
}

/** Reads and renders the commit while the service answers, then plans or promotes. */
export async function goOn({ context, own, resolved, wheels, signing }: Beginning): Promise<ActionResult> {
  const git = repositoryOf(context.run);
  const [{ candidate, notes }, access] = await together([
    readCandidate(context, own, git, resolved, wheels),
    signing,
    signing === undefined ? undefined : promotionCode(),
  ]);
  const ground: Ground = { ...resolved, context, own, git, wheels, candidate, notes, github: githubOf(context) };
  const result = access === undefined ? await planned(ground) : await promoted(ground, access);
  return { ...result, findings: [...notes, ...result.findings] };
}

/** What a promotion runs once it is signed in; loaded while the service answers. */
const promotionCode = () => together([import("../promote.ts"), import("../grants.ts")]);

async function planned(ground: Ground): Promise<ActionResult> {
  const { context, own, git, github, candidate, contract, tier, inputs } = ground;
  const view = own.live ? await viewTier(context) : undefined;
  const { plan } = await import("../plan.ts");
  return plan({
    run: context.run,
    tier,
    candidate,
    wheels: ground.wheels,
    root: inputs.bundle,
    contract,
    allowedHosts: inputs.allowedHosts,
    git,
    live: view === undefined ? undefined : { workspace: view.workspace, own: view.clientId !== undefined },
    current: () => currentRelease({ github, contract, tier }),
    gather: (stage, live, current) => gather(ground, stage, live, current),
    history: (from, to) => factOf(() => historyBetween(github, from, to)),
    judge: judging(ground),
    whereabouts: async () =>
      tier.name === "sandbox" ? undefined : whereaboutsOf({ github, contract, log: context.log }),
    log: context.log,
    now: new Date(),
  });
}

async function promoted(ground: Ground, access: TierAccess): Promise<ActionResult> {
  const { context, own, git, github, candidate, wheels } = ground;
  const { run } = context;
  const [{ promote: promoteRelease }, { tierProof }] = await promotionCode();
  const result = await promoteRelease({
    ...lockAccess(context),
    tier: access.tier,
    workspace: access.workspace,
    principal: access.clientId,
    candidate,
    wheels,
    root: ground.inputs.bundle,
    git,
    acceptDrift: own.acceptDrift,
    gather: (live, current, earlier) => {
      const grants = factOf(async () => {
        // A sandbox's are dev's principal's business: its own may not read them, and its gate does not ask.
        if (access.tier.name === "sandbox") return [];
        const policy = await policyContract(github, run, access.contract);
        const within = earlier.then((proof) => proof === undefined);
        const proof = await tierProof(access.workspace, policy, access.tier, new Date(), { ...access, within });
        return proof.findings;
      });
      const seen = async () => ({
        ...(await live),
        identity: identityOf(access),
        grants: await grants,
        provedEarlier: await earlier,
      });
      return gather(ground, "promote", seen(), current);
    },
    provedEarlier: (release) => provedEarlier(ground, access, release),
    ...(await sandboxGuard(ground, access)),
    decisions: (before) => gatherAgain(gathering(ground, "promote", {}), before),
    record: (release, description, overrides) => record(ground, release, description, overrides),
    recorded: () => currentRelease({ github, contract: access.contract, tier: access.tier }),
    deep: own.deep,
    lockWaitMs: own.lockWaitMs,
  });
  const outputs = { ...result.outputs, ...(await keepEvidence(context, access.tier.name, result.evidence)) };
  const picture = result.outputs["changed"] === "true" ? await drawn(ground) : "";
  // the gate's check of who acts has them, too, if it was asked
  const besides = access.findings.filter((finding) => !result.findings.includes(finding));
  const findings = [...besides, ...result.findings];
  return { ...result, outputs, findings, summary: blocks(result.summary, picture) };
}

/** In a sandbox: what is asked under its lock. */
async function sandboxGuard(
  { context, github }: Ground,
  { tier, workspace }: TierAccess,
): Promise<Pick<PromoteRequest, "stillWanted">> {
  if (tier.name !== "sandbox") return {};
  const { run } = context;
  const pull = await pullOfRun(run);
  const { whyNotWanted } = await import("../sandboxes/still-wanted.ts");
  return {
    stillWanted: (ledger) =>
      whyNotWanted({
        workspace,
        tier,
        run,
        deployed: ledger?.pending?.release ?? ledger?.release,
        branch: pull?.branch ?? /^refs\/heads\/(.+)$/.exec(run.ref)?.[1],
        branchOf: (id) => branchOfRun(github, id),
        pull:
          pull === undefined
            ? undefined
            : { ...pull, label: context.input("label") || undefined, now: () => pullState(github, pull.number) },
      }),
  };
}

/** What runs where now; dev has none below it. */
async function drawn({ tier, candidate, context, github, contract }: Ground): Promise<string> {
  const { name } = tier;
  if (name === "sandbox" || name === "dev") return "";
  const { commit, digest } = candidate;
  const asked = { github, contract, log: context.log };
  const changed = { tier: name, kind: "promotion", commit, digest, run: context.run } as const;
  return pictureAfter(asked, { name: "this release", commit }, changed);
}

/** A Deployment on GitHub; a sandbox is nobody's evidence, so there is none. */
async function record(
  { context, tier, github }: Ground,
  release: LedgerRelease,
  description: string,
  overrides: NonNullable<Evidence["overrides"]>,
): Promise<DeploymentRecord> {
  if (tier.name === "sandbox") return { id: "", finish: () => Promise.resolve() };
  return recordDeployment(github, {
    commit: release.commit,
    description,
    payload: {
      kind: "promotion",
      ...brought({ name: tier.name, project: tier.project }, release, context.run),
      ...(overrides.length === 0 ? {} : { overrides: [...overrides] }),
    },
  });
}
