/** The repository as the gate sees it: its default branch, and what that has now. */
import { FourTierError } from "../findings.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { getBranch, getRepository } from "../github/repository.ts";

/** Throws FourTierError `github/no-default-branch` if there is no commit, or the token may not see it. */
export async function readRepository(github: GitHub): Promise<RepositoryFacts> {
  const { defaultBranch, visibility } = await getRepository(github);
  const branch = await getBranch(github, defaultBranch);
  if (branch !== undefined) {
    return { defaultBranch, visibility, head: branch.commit, headIsProtected: branch.protected };
  }
  throw new FourTierError({
    id: "github/no-default-branch",
    severity: "unknown",
    message: `The default branch ${defaultBranch} has no commit, or the token may not see it.`,
    remedy: "Push the default branch and give the job `contents: read`.",
  });
}
