/**
 * Who may take a tier back and open it again: a rollback, a resume, an accept, schedules that start again. What only
 * shuts a tier (hold, reject, pause) is not asked for: it must be possible for anybody, at once.
 *
 * Nobody is kept from approving a run of their own here: at three in the morning one person may be alone. Whoever wants
 * two ticks "Prevent self-review" in prod-ops (docs/adr/0762).
 */
import type { TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { branchProblems } from "../gate/checks/protection.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { getEnvironment } from "../github/environments.ts";
import { isAmong } from "../login.ts";

/** Where a person must say yes before anything is taken back or opened. */
const REVIEWED: readonly TierName[] = ["prod"];

interface OperatorsRequest {
  readonly tier: TierName;
  /** Who started this attempt of the run, by GitHub login. */
  readonly person: string;
  /** The default branch's word: logins, lower case. */
  readonly operators: readonly string[];
  readonly repository: RepositoryFacts;
}

/** The environment that such a run is in. */
export function operatingEnvironment(tier: TierName): string {
  return tier === "prod" ? "prod-ops" : tier;
}

/** Why this run may not; empty if it may. Throws where GitHub does not say. */
export async function operatorFindings(
  github: GitHub,
  { tier, person, operators, repository }: OperatorsRequest,
): Promise<readonly Finding[]> {
  const name = operatingEnvironment(tier);
  const found = await getEnvironment(github, name);
  if (found === undefined) return [missing(name, tier, repository)];
  const open = branchProblems(name, found.branches, repository).map(
    ({ what = "environment", message, why, remedy }) => ({
      id: `operators/${what}`,
      severity: "error" as const,
      message,
      ...(why === undefined ? {} : { why }),
      remedy,
    }),
  );
  if (operators.length > 0) {
    return isAmong(operators, person) ? open : [...open, notOne(tier, person, operators)];
  }
  return REVIEWED.includes(tier) && found.reviewers.length === 0 ? [...open, unreviewed(name, tier, repository)] : open;
}

function missing(name: string, tier: TierName, { defaultBranch }: RepositoryFacts): Finding {
  return {
    id: "operators/no-environment",
    severity: "error",
    message: `The environment ${name} does not exist, or the job's token may not see it.`,
    why: "GitHub creates an unknown environment without any protection when a run names it.",
    remedy: `Create it under Settings → Environments, limited to ${defaultBranch}${tier === "prod" ? ", with the reviewers who are awake at night" : ""}.`,
  };
}

function notOne(tier: TierName, person: string, operators: readonly string[]): Finding {
  return {
    id: "operators/not-one",
    severity: "error",
    message: `${person} started this run, and may not operate ${tier}.`,
    why: `The default branch's contract names who may (tiers.${tier}.operators): ${operators.join(", ")}.`,
    remedy: `Let one of them start it. To stop what runs, anybody may hold ${tier} and pause its schedules.`,
  };
}

function unreviewed(name: string, tier: TierName, { visibility }: RepositoryFacts): Finding {
  const operators = `name on the default branch who may do this alone, tiers.${tier}.operators: [<logins>]`;
  return {
    id: "operators/no-reviewers",
    severity: "error",
    message: `Nobody has to approve a run in the environment ${name}: everybody who may write could take ${tier} back or open it.`,
    ...(visibility === "public"
      ? {}
      : { why: `The repository is ${visibility}: below the Enterprise plan, GitHub has no required reviewers there.` }),
    remedy:
      visibility === "public"
        ? `Add required reviewers under Settings → Environments → ${name}, or ${operators}.`
        : `With the Enterprise plan: add required reviewers under Settings → Environments → ${name}. Without: ${operators}.`,
  };
}
