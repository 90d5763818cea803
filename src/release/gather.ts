/** Gathers what the gate decides on from GitHub's record. Thin: it reads, the checks decide. */
import type { Contract, Tier } from "../contract/model.ts";
import type { RunContext } from "../environment.ts";
import type { Fact, GateFacts, LiveFacts, Stage } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";

export interface GatherRequest {
  readonly github: GitHub;
  readonly run: RunContext;
  readonly contract: Contract;
  readonly tier: Tier;
  readonly stage: Stage;
  /** What is to be promoted. */
  readonly commit: string;
  /** Its release digest, recomputed from the commit and the carried artifacts' bytes. */
  readonly release: string;
  /** The inputs `release-digest` and `plan-digest`; empty means not given. */
  readonly approved: { readonly release: string; readonly plan: string };
  /** The input `accept-drift`; empty means not given. */
  readonly acceptedDrift: string;
  /** What the tier's ledger has; without it, what the Deployments' runs prove (`currentRelease`). */
  readonly current?: Fact<CurrentRelease | undefined>;
  /** What the story saw of the tier; what is missing is unknown, and fails the checks that need it. */
  readonly live: Partial<LiveFacts>;
}

/** What a tier has now. */
export interface CurrentRelease {
  readonly commit: string;
  readonly release: string;
}

/** All facts for the gate; never throws for what GitHub does not show, that becomes an unknown fact. */
export async function gatherGateFacts(_request: GatherRequest): Promise<GateFacts> {
  throw new Error("not built yet");
}

/** The newest release that a run of ours provably deployed to the tier; undefined if there was none. */
export async function currentRelease(
  _request: Pick<GatherRequest, "github" | "contract" | "tier">,
): Promise<Fact<CurrentRelease | undefined>> {
  throw new Error("not built yet");
}
