/** Reads the branch that the contract names for evidence, and the rules on it. */
import { FourTierError } from "../findings.ts";
import { addRules, type EvidencePlace, missingRules } from "../gate/evidence-place.ts";
import type { GitHub } from "../github/client.ts";
import { getBranch } from "../github/repository.ts";
import { activeRules } from "../github/rules.ts";
import { together } from "../http/pool.ts";

/** Throws FourTierError for what GitHub does not show: `evidence/rules-unseen` for the rules. */
export async function readPlace(github: GitHub, branch: string, defaultBranch: string): Promise<EvidencePlace> {
  const [found, rules] = await together([
    getBranch(github, branch),
    activeRules(github, branch).catch((error: unknown) => {
      throw unseen(branch, error);
    }),
  ]);
  return { branch, head: found?.commit, isDefault: branch === defaultBranch, missing: missingRules(rules) };
}

function unseen(branch: string, error: unknown): unknown {
  const cause = error instanceof FourTierError ? error.findings[0] : undefined;
  if (cause === undefined) return error;
  return new FourTierError(
    {
      id: "evidence/rules-unseen",
      severity: "unknown",
      ...(cause.where === undefined ? {} : { where: cause.where }),
      message: `Whether ${branch} only grows is not known, since its rules cannot be read: ${cause.message}`,
      why: "What can be deleted or rewritten is not kept.",
      remedy: `${cause.remedy} Private repositories have rulesets from GitHub Team on. The one that is needed: ${addRules(branch)}`,
    },
    { cause: error },
  );
}
