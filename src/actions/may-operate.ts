/** Whether this run may open its tier again, by the default branch's word. */
import type { RunContext } from "../environment.ts";
import type { Finding } from "../findings.ts";
import type { GitHub } from "../github/client.ts";
import { operatorFindings } from "../release/operators.ts";
import { policyContract } from "../release/policy.ts";
import { readRepository } from "../release/read-repository.ts";
import type { ResolvedTier } from "./tier-access.ts";

/** Why not; empty if it may. A sandbox is its developer's. */
export async function mayOperate(
  github: GitHub,
  run: RunContext,
  { tier, contract }: Pick<ResolvedTier, "tier" | "contract">,
): Promise<readonly Finding[]> {
  if (tier.name === "sandbox") return [];
  const repository = await readRepository(github);
  const policy = await policyContract(github, run, contract, repository.head);
  const { operators } = policy.tiers[tier.name];
  return operatorFindings(github, { tier: tier.name, person: run.triggeringActor, operators, repository });
}
