/**
 * Checks a commit for every tier at once, as a pull request does: contract, bundle, tier rules, and that staging and
 * prod are the same. It needs no credentials and no network, so a fork's pull request is checked like any other.
 */
import { compareStagingAndProd } from "./bundle/parity.ts";
import { type Contract, TIERS, type TierName } from "./contract/model.ts";
import { resolveTier } from "./contract/tiers.ts";
import { type Finding, FourTierError, isFailure } from "./findings.ts";
import type { Git } from "./git.ts";
import { asApplied, type Candidate, candidateOf, contractAt } from "./release/candidate.ts";
import type { Artifact } from "./release/digest.ts";
import { makePlan, type Plan } from "./release/plan.ts";
import { blocks, code, details, table, text } from "./report/markdown.ts";
import { changeJson, planTable } from "./report/promotion.ts";
import type { ActionResult } from "./report/report.ts";

export interface ValidateRequest {
  readonly git: Git;
  readonly commit: string;
  readonly root: string;
  readonly contract: Contract;
  readonly allowedHosts: readonly string[];
  /** Undefined while no wheel is built. */
  readonly artifacts: readonly Artifact[] | undefined;
  readonly now: Date;
}

/** One tier's part: what the commit is there, and what it changes against its first parent. */
interface TierCheck {
  readonly tier: TierName;
  readonly candidate: Candidate | undefined;
  readonly plan: Plan | undefined;
}

/** Stands for every developer: a sandbox renders the same for all of them. */
const SOMEBODY = "developer";

export async function validate(request: ValidateRequest): Promise<ActionResult> {
  const { git, commit, root, contract, now, artifacts } = request;
  const parent = (await git.log(undefined, commit))[0]?.parents[0];
  const findings: Finding[] = [];
  const checks: TierCheck[] = [];
  for (const tier of TIERS) {
    const rendered = await candidateAt(request, contract, commit, tier);
    findings.push(...rendered.findings);
    const before = parent === undefined ? undefined : await candidateBefore(request, parent, tier);
    const { candidate } = rendered;
    const plan =
      candidate === undefined
        ? undefined
        : makePlan(before === undefined ? new Map() : asApplied(before), candidate.desired);
    checks.push({ tier, candidate, plan });
  }
  findings.push(
    ...compareStagingAndProd(await git.sourceAt(commit), {
      root,
      contract,
      now,
      git: { commit },
      ...(artifacts === undefined ? {} : { artifacts: artifacts.map(({ name }) => name) }),
    }),
  );
  const release = checks.find(({ candidate }) => candidate !== undefined)?.candidate?.digest ?? "";
  return {
    findings: unique(findings),
    outputs: {
      "release-digest": release,
      "plan-digest": "",
      "drift-digest": "",
      changed: String(checks.some(({ plan }) => plan?.empty === false)),
      "deployment-id": "",
    },
    summary: summary(checks, parent, release, findings.some(isFailure)),
    report: {
      mode: "plan",
      tier: "all",
      commit,
      release,
      base: parent ?? null,
      tiers: Object.fromEntries(
        checks.map(({ tier, plan }) => [tier, plan === undefined ? null : plan.changes.map(changeJson)]),
      ),
    },
  };
}

async function candidateAt(
  { git, root, artifacts, now }: ValidateRequest,
  contract: Contract,
  commit: string,
  name: TierName,
): Promise<{ candidate: Candidate | undefined; findings: readonly Finding[] }> {
  const tier = resolveTier(contract, name, { developer: SOMEBODY });
  return candidateOf({ git, commit, root, contract, tier, artifacts, now });
}

/** The parent, as far as it can be rendered: what was broken before is not this commit's to explain. */
async function candidateBefore(
  request: ValidateRequest,
  parent: string,
  tier: TierName,
): Promise<Candidate | undefined> {
  try {
    const contract = await contractAt(request.git, parent, request.contract.file, request.allowedHosts);
    return (await candidateAt(request, contract, parent, tier)).candidate;
  } catch (error) {
    if (error instanceof FourTierError) return undefined;
    throw error;
  }
}

function summary(checks: readonly TierCheck[], parent: string | undefined, release: string, failed: boolean): string {
  const moving = (plan: Plan): number => plan.changes.filter(({ action }) => action !== "none").length;
  const rows = checks.map(({ tier, candidate, plan }) => [
    `${candidate === undefined ? "❌" : "✅"} ${text(tier)}`,
    candidate === undefined ? "" : String(candidate.desired.length),
    plan === undefined ? "" : String(moving(plan)),
  ]);
  const against = parent === undefined ? "the empty repository" : code(parent.slice(0, 12));
  return blocks(
    failed ? "This commit cannot be deployed as it is: see the findings." : "Every tier can take this commit.",
    table(["Tier", "Resources", "Changed"], rows),
    `Compared with ${against}, the first parent.${release === "" ? "" : ` Release digest: ${code(release)}`}`,
    ...checks.flatMap(({ tier, plan }) =>
      plan === undefined || plan.empty ? [] : [details(`What changes in ${text(tier)}`, planTable(plan.changes, tier))],
    ),
  );
}

/** The same finding in four tiers is one finding. */
function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Map(
    findings.map((finding) => [JSON.stringify([finding.id, finding.where, finding.message]), finding]),
  );
  return [...seen.values()];
}
