/** What every tier has, for the pictures in summaries; nothing rests on it. */
import type { Contract } from "../contract/model.ts";
import { messageOf } from "../findings.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import type { GitHub } from "../github/client.ts";
import { readRepository } from "../release/read-repository.ts";
import type { Found } from "../report/whereabouts.ts";

interface Asked {
  readonly github: GitHub;
  readonly contract: Contract;
  /** Read again without it. */
  readonly repository?: RepositoryFacts;
  readonly log: { info(message: string): void };
}

/** Undefined where GitHub does not say, which the log tells. */
export async function whereaboutsOf({
  github,
  contract,
  repository,
  log,
}: Asked): Promise<readonly Found[] | undefined> {
  try {
    const { readWhereabouts } = await import("../release/whereabouts.ts");
    const about = {
      project: contract.project,
      repository: repository ?? (await readRepository(github)),
      suiteCommits: contract.suite.commits,
    };
    return await readWhereabouts(github, about);
  } catch (error) {
    log.info(`There is no picture of what runs where: ${messageOf(error)}`);
    return undefined;
  }
}

/** A picture in which this tier is as this very run has left it, and the others as GitHub's record says; or nothing. */
export async function pictureAfter(
  asked: Asked,
  source: { readonly name: string; readonly commit: string },
  changed: {
    readonly tier: RecordTier;
    readonly kind: "promotion" | "rollback";
    readonly commit: string;
    readonly digest: string;
    readonly run: { readonly runId: string; readonly runAttempt: number };
  },
): Promise<string> {
  const others = await whereaboutsOf(asked);
  if (others === undefined) return "";
  const { justChanged, picture } = await import("../report/whereabouts.ts");
  const now = new Date();
  const own = justChanged(changed.tier, { ...changed, at: now }, changed.kind);
  return picture(
    source,
    others.map((each) => (each.tier === changed.tier ? own : each)),
    now,
  );
}
