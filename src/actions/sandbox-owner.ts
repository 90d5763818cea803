/**
 * What makes and removes sandboxes signs in as dev's principal, which owns them, and only in a run of the default branch:
 * whoever can push a branch could otherwise have it make or remove what he likes (design 10, 11).
 */
import { FourTierError } from "../findings.ts";
import type { GitHub } from "../github/client.ts";
import { getRepository } from "../github/repository.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import { accessTier, type TierAccess } from "./tier-access.ts";

interface OwnerAccess extends TierAccess {
  readonly github: GitHub;
  /** Of dev's workspace, as it says itself. */
  readonly workspaceId: string;
}

/** What starts a run that nobody else's commit is in. */
const EVENTS = ["push", "workflow_dispatch", "schedule", "repository_dispatch"];

/** Proves dev, from the default branch. `what` says what for: "sandboxes are provisioned". Throws FourTierError. */
export async function accessOwner(context: ActionContext, what: string): Promise<OwnerAccess> {
  const { run } = context;
  if (!EVENTS.includes(run.event)) throw notHere(what, `this run was started by ${run.event}`);
  const github = githubOf(context);
  const { defaultBranch } = await getRepository(github);
  if (run.ref !== `refs/heads/${defaultBranch}`) {
    throw notHere(what, `this run is for ${run.ref || "no ref"}, and the default branch is ${defaultBranch}`);
  }
  const access = await accessTier({ ...context, input: (name) => (name === "tier" ? "dev" : context.input(name)) });
  const workspaceId = access.identity.workspaceId ?? access.tier.workspaceId;
  if (workspaceId !== undefined) return { ...access, github, workspaceId };
  throw new FourTierError({
    id: "identity/workspace-unknown",
    severity: "unknown",
    message: `${access.tier.host} did not say which workspace it is, so no sandbox can be bound to it.`,
    remedy: "Write tiers.dev.workspace_id in the contract.",
  });
}

function notHere(what: string, why: string): FourTierError {
  return new FourTierError({
    id: "sandbox/default-branch",
    severity: "error",
    message: `Only a run of the default branch is where ${what}: ${why}. Nothing was sent to Databricks.`,
    why: "dev's principal owns every sandbox, and a branch's workflow is whatever its author wrote.",
    remedy: "Start it on the default branch: by workflow_dispatch, on a schedule, or on a push.",
  });
}
