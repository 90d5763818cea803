/**
 * action-promote, modes plan and promote: the contract read, signing in begun; what comes then is loaded while the
 * service answers.
 */
import { FourTierError } from "../findings.ts";
import { loadTransport, onceAsked } from "../http/agent.ts";
import { checkBuilt } from "../release/built.ts";
import type { ActionResult } from "../report/report.ts";
import { managerFinding } from "../sandboxes/access.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace } from "./github.ts";
import type { Inputs } from "./promote-inputs.ts";
import { accessTier, type ResolvedTier, resolveTierOfRun, type TierAccess } from "./tier-access.ts";
import type { TierInputs } from "./tier-inputs.ts";

/** Plans or promotes one tier. Throws FourTierError with every finding of what stops it before anything was sent. */
export async function planOrPromote(context: ActionContext, own: Inputs, inputs: TierInputs): Promise<ActionResult> {
  const resolving = resolveTierOfRun(context, inputs);
  if (own.mode !== "plan") loadTransport(); // while git reads the contract
  const resolved = await resolving;
  const wheels = own.artifacts === undefined ? [] : await readWheels(own.artifacts);
  checkBuilt(wheels, own.built);
  // Where to sign in, the run's contract alone says.
  const signing = own.mode === "plan" ? undefined : signIn(context, resolved);
  const { goOn } = await onceAsked(signing, () => import("./promotion-story.ts"));
  return goOn({ context, own, resolved, wheels, signing });
}

const readWheels = async (folder: string) => (await import("../release/candidate.ts")).readWheels(folder);

/** Signs in to write. Refused in a sandbox from which nobody could remove what is deployed: dev's principal has no id. */
async function signIn(context: ActionContext, { contract, tier }: ResolvedTier): Promise<TierAccess> {
  const unmanaged = managerFinding(contract, tier);
  if (unmanaged !== undefined) throw new FourTierError(unmanaged);
  return accessTier({ ...context, cancelled: afterGrace(context.cancelled) });
}
