/**
 * What every tier runs, from outside: no credential of a tier, only GitHub. It believes what the gates believe, by the
 * contract of the default branch, and says what it does not believe.
 */
import { parseContract } from "./contract/parse.ts";
import { FourTierError } from "./findings.ts";
import type { RepositoryFacts } from "./gate/facts.ts";
import type { GitHub } from "./github/client.ts";
import { fileAt } from "./github/contents.ts";
import type { JsonObject } from "./json.ts";
import { readRepository } from "./release/read-repository.ts";
import { readWhereabouts } from "./release/whereabouts.ts";
import { type Found, picture, whereaboutsJson, whereaboutsText } from "./report/whereabouts.ts";

interface WhatRunsWhere {
  readonly tiers: readonly Found[];
  /** A tier is, or whether its evidence is kept. */
  readonly unknown: boolean;
  /** For a terminal. */
  readonly text: string;
  /** A Mermaid flowchart, fenced. */
  readonly picture: string;
  readonly json: JsonObject;
}

/** Where to look: the contract is a path in the repository. It is read whole, so `allowedHosts` is as for the actions. */
interface Looking {
  readonly contract: string;
  readonly allowedHosts: readonly string[];
  /** Look for the evidence of what each tier has, too, if the contract says where it is kept. */
  readonly evidence?: boolean;
}

/**
 * What each tier has, by the contract of the default branch. Throws FourTierError if GitHub does not show the repository,
 * or the contract is missing or not valid.
 */
export async function lookAtTiers(
  github: GitHub,
  { contract: file, allowedHosts, evidence = false }: Looking,
): Promise<{ readonly project: string; readonly repository: RepositoryFacts; readonly tiers: readonly Found[] }> {
  const repository = await readRepository(github);
  const text = await fileAt(github, file, repository.head);
  if (text === undefined) {
    throw new FourTierError({
      id: "contract/missing",
      severity: "error",
      where: { kind: "file", file },
      message: `${github.owner}/${github.repository} has no ${file} on ${repository.defaultBranch}.`,
      remedy: "Name the contract: --contract, or the input contract.",
    });
  }
  const { contract, findings } = parseContract(text, file, { allowedHosts });
  if (contract === undefined) throw new FourTierError(findings);
  const { project, suite, evidenceBranch } = contract;
  return {
    project,
    repository,
    tiers: await readWhereabouts(github, {
      project,
      repository,
      suiteCommits: suite.commits,
      evidenceBranch: evidence ? evidenceBranch : undefined,
    }),
  };
}

/** The same as a picture, as lines and for machines. Throws as lookAtTiers does. */
export async function whatRunsWhere(github: GitHub, options: Looking & { readonly now: Date }): Promise<WhatRunsWhere> {
  const { project, repository, tiers } = await lookAtTiers(github, { ...options, evidence: true });
  return {
    tiers,
    unknown: tiers.some(({ found }) => !found.known || found.value.has?.kept?.known === false),
    text: whereaboutsText(tiers, options.now),
    picture: picture({ name: repository.defaultBranch, commit: repository.head }, tiers, options.now),
    json: { project, repository: `${github.owner}/${github.repository}`, tiers: whereaboutsJson(tiers) },
  };
}
