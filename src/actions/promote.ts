/** action-promote: inputs to one of two stories, plan or promote. */
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Contract, Tier } from "../contract/model.ts";
import { FourTierError, isFailure } from "../findings.ts";
import { known } from "../gate/facts.ts";
import { type Git, openGit } from "../git.ts";
import { connectGitHub, type GitHub } from "../github/client.ts";
import { getRun } from "../github/runs.ts";
import { proxyFetch } from "../http/agent.ts";
import { plan } from "../plan.ts";
import { promote as promoteRelease } from "../promote.ts";
import { type Candidate, candidateOf, type CarriedArtifact, readWheels } from "../release/candidate.ts";
import { recordDeployment } from "../release/evidence.ts";
import { currentRelease, gatherGateFacts } from "../release/gather.ts";
import { historyBetween } from "../release/history.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { accessTier, type ResolvedTier, resolveTierOfRun, type TierAccess } from "./tier-access.ts";

/** Inputs of this action alone, checked. */
interface Inputs {
  readonly mode: "plan" | "promote";
  readonly commit: string;
  /** Absolute; undefined for none. */
  readonly artifacts: string | undefined;
  readonly approved: { readonly release: string; readonly plan: string };
  readonly acceptDrift: string;
  readonly live: "auto" | "true" | "false";
  readonly lockWaitMs: number;
}

/** Runs `mode: plan` or `mode: promote`. */
export async function promote(context: ActionContext): Promise<ActionResult> {
  const inputs = readInputs(context);
  const resolved = await resolveTierOfRun(context);
  const git = await openGit(context.run.workspace);
  const wheels = inputs.artifacts === undefined ? [] : await readWheels(inputs.artifacts);
  const candidate = await readCandidate(git, inputs, resolved, wheels);
  const github = connect(context);
  return inputs.mode === "plan"
    ? planned(context, inputs, resolved, { git, candidate, github })
    : promoted(context, inputs, { git, candidate, github, wheels });
}
