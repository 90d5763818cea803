/** How what is to be promoted stands to what its tier has, and how far back that lets the gate look. */
import type { Contract, Tier } from "../contract/model.ts";
import type { OrderFacts } from "../gate/commit-facts.ts";
import { type Fact, known } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { type Comparison, compare } from "../github/commits.ts";
import { currentRelease } from "./current-release.ts";
import { factOf } from "./fact-of.ts";
import type { Reach } from "./read-commit.ts";

/** What is to be promoted, and where to. */
export interface OrderRequest {
  readonly github: GitHub;
  readonly contract: Contract;
  readonly tier: Tier;
  /** What is to be promoted. */
  readonly commit: string;
  /** What the tier's ledger has; without it, what the Deployments' runs prove (`currentRelease`). */
  readonly current?: Later<Fact<OrderFacts["current"]>>;
}

/** May still be on its way: what does not need it is read in the meantime. */
export type Later<T> = T | Promise<T>;

type Ordering = Fact<{ readonly order: OrderFacts; readonly comparison: Comparison | undefined }>;

/** The order, and on the way who wrote what is new. */
export async function readOrder(request: OrderRequest): Promise<Ordering> {
  const current = await (request.current ?? currentRelease(request));
  if (!current.known) return current;
  if (current.value === undefined || request.tier.name === "sandbox") {
    return known({ order: { current: undefined, relation: undefined }, comparison: undefined });
  }
  const from = current.value;
  if (from.commit === request.commit) {
    return known({ order: { current: from, relation: "identical" }, comparison: undefined });
  }
  return factOf(async () => {
    const comparison = await compare(request.github, from.commit, request.commit);
    return { order: { current: from, relation: comparison?.relation }, comparison };
  });
}

/** How far back what enters is looked at; where a tier takes every merge, only the candidate's own commit is. */
export async function readReach({ tier, commit }: OrderRequest, ordering: Promise<Ordering>): Promise<Fact<Reach>> {
  if (tier.name === "dev" || tier.name === "sandbox") return known({ since: commit, comparison: undefined });
  const found = await ordering;
  if (!found.known) return found;
  const { order, comparison } = found.value;
  return known({ since: order.current?.commit, comparison });
}
