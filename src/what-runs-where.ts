/**
 * What every tier runs, from outside: no credential of a tier, only GitHub. It believes what the gates believe, by the
 * contract of the default branch, and says what it does not believe.
 */
import { parseContract } from "./contract/parse.ts";
import { FourTierError } from "./findings.ts";
import type { GitHub } from "./github/client.ts";
import { fileAt } from "./github/contents.ts";
import { readRepository } from "./release/read-repository.ts";
import { readWhereabouts } from "./release/whereabouts.ts";
import type { JsonObject } from "./json.ts";
import { type Found, picture, whereaboutsJson, whereaboutsText } from "./report/whereabouts.ts";

interface WhatRunsWhere {
  readonly tiers: readonly Found[];
  /** For a terminal. */
  readonly text: string;
  /** A Mermaid flowchart, fenced. */
  readonly picture: string;
  readonly json: JsonObject;
}

/**
 * Looks. `contract` is a path in the repository; `allowedHosts` as for the actions, since the contract is read whole.
 * Throws FourTierError if GitHub does not show the repository, or the contract is missing or not valid.
 */
export async function whatRunsWhere(
  github: GitHub,
  options: { readonly contract: string; readonly allowedHosts: readonly string[]; readonly now: Date },
): Promise<WhatRunsWhere> {
  const repository = await readRepository(github);
  const text = await fileAt(github, options.contract, repository.head);
  if (text === undefined) {
    throw new FourTierError({
      id: "contract/missing",
      severity: "error",
      where: { kind: "file", file: options.contract },
      message: `${github.owner}/${github.repository} has no ${options.contract} on ${repository.defaultBranch}.`,
      remedy: "Name the contract with --contract.",
    });
  }
  const { contract, findings } = parseContract(text, options.contract, { allowedHosts: options.allowedHosts });
  if (contract === undefined) throw new FourTierError(findings);
  const context = { project: contract.project, repository, suiteCommits: contract.suite.commits };
  const tiers = await readWhereabouts(github, context);
  return {
    tiers,
    text: whereaboutsText(tiers, options.now),
    picture: picture({ name: repository.defaultBranch, commit: repository.head }, tiers, options.now),
    json: {
      project: contract.project,
      repository: `${github.owner}/${github.repository}`,
      tiers: whereaboutsJson(tiers),
    },
  };
}
