/** `mode: plan` with `tier: all`: every tier from commits alone, and what has gathered for dev and prod by their records. */
import { contractAt, readWheels } from "../release/candidate.ts";
import { factOf } from "../release/fact-of.ts";
import { indexedCommit } from "../release/gathered.ts";
import type { ActionResult } from "../report/report.ts";
import { validate } from "../validate.ts";
import { defaultBranchOfEvent } from "./event.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import { resolveTierOfRun } from "./tier-access.ts";
import { repositoryOf } from "./tier-contract.ts";

/** Whatever can be wrong in a commit is found in all tiers at once. `artifacts`: the folder of carried files, if any. */
export async function validateAll(
  context: ActionContext,
  own: { readonly commit: string; readonly artifacts: string | undefined },
): Promise<ActionResult> {
  const input = (name: string): string => (name === "tier" ? "dev" : context.input(name));
  const git = repositoryOf(context.run);
  const { inputs, contract } = await resolveTierOfRun({ ...context, input });
  const same = own.commit === context.run.sha;
  return validate({
    git,
    commit: own.commit,
    root: inputs.bundle,
    contract: same ? contract : await contractAt(git, own.commit, contract.file, inputs.allowedHosts),
    allowedHosts: inputs.allowedHosts,
    artifacts: own.artifacts === undefined ? undefined : await readWheels(own.artifacts),
    now: new Date(),
    defaultBranch: await defaultBranchOfEvent(context.run),
    ...(context.input("github-token") === ""
      ? {}
      : { indexed: (tier) => factOf(() => indexedCommit(githubOf(context), contract.project, tier)) }),
  });
}
