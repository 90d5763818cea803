/** Which contract a run goes by: the one of its commit; for where credentials may go, a pull request's base has the word. */
import * as v from "valibot";
import type { Contract } from "../contract/model.ts";
import { parseContract } from "../contract/parse.ts";
import type { RunContext } from "../environment.ts";
import { FourTierError } from "../findings.ts";
import { NoRepository } from "../git/process.ts";
import { type Git, openGit } from "../git.ts";
import { defaultBranchContract } from "../release/policy.ts";
import { shortSha } from "../short-sha.ts";
import { readEvent } from "./event.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import type { TierInputs } from "./tier-inputs.ts";

/** The contract as it is at the commit the run is for. Throws FourTierError with every finding. */
export async function contractOfRun(run: RunContext, inputs: TierInputs): Promise<Contract> {
  return contractAt(run, inputs, run.sha, undefined);
}

/**
 * The contract that says to which hosts and for which principals this run may authenticate: a pull request could have
 * changed its own copy, so it goes by its base branch (design 3). Whoever can push a branch can open a pull request into
 * it, too: with any base but the default branch, it is the default branch's that counts. Throws FourTierError if that
 * cannot be read.
 */
export async function trustedContract(context: ActionContext, inputs: TierInputs, own: Contract): Promise<Contract> {
  const { run, log } = context;
  const base = await baseOf(run);
  if (base === undefined) return own;
  if (base.isDefault) return contractAt(run, inputs, base.commit, "the base branch");
  log.info("This pull request is not into the default branch: where credentials go is said by the default branch.");
  return defaultBranchContract(githubOf(context), inputs.contract, inputs.allowedHosts);
}

const repositories = new WeakMap<RunContext, Git>();

/** The repository that is checked out, one for a run: what it was asked before it knows. */
export function repositoryOf(run: RunContext): Git {
  const opened = repositories.get(run) ?? openGit(run.workspace);
  repositories.set(run, opened);
  return opened;
}

const contracts = new WeakMap<RunContext, Map<string, Promise<Contract>>>();

/** Read and parsed once a run, whoever needs it: an action resolves its tier, and so does what signs it in. */
function contractAt(run: RunContext, inputs: TierInputs, commit: string, whose: string | undefined): Promise<Contract> {
  const known = contracts.get(run) ?? new Map<string, Promise<Contract>>();
  contracts.set(run, known);
  const key = JSON.stringify([commit, inputs.contract, inputs.allowedHosts, whose]);
  const contract = known.get(key) ?? readContract(run, inputs, commit, whose);
  known.set(key, contract);
  return contract;
}

async function readContract(
  run: RunContext,
  inputs: TierInputs,
  commit: string,
  whose: string | undefined,
): Promise<Contract> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await repositoryOf(run).readFile(commit, inputs.contract);
  } catch (error) {
    if (!(error instanceof FourTierError) || error instanceof NoRepository) throw error;
    throw new FourTierError(
      {
        id: "contract/commit",
        severity: "error",
        where: { kind: "file", file: inputs.contract },
        message: `The commit ${shortSha(commit)} of ${whose ?? "this run"} is not in the checkout, so its contract cannot be read.`,
        why:
          whose === undefined
            ? "The contract is read from the commit, where no earlier step can have changed it."
            : "A pull request's own copy must not decide where credentials are sent.",
        remedy:
          whose === undefined
            ? "Check this repository out in an earlier step (actions/checkout) at the commit of the run."
            : "Check out with `fetch-depth: 0`, so that the base branch's commit is there.",
      },
      { cause: error },
    );
  }
  if (bytes === undefined) {
    throw new FourTierError({
      id: "contract/missing",
      severity: "error",
      where: { kind: "file", file: inputs.contract },
      message: `There is no ${inputs.contract} at ${whose === undefined ? "the commit of this run" : whose} (${shortSha(commit)}).`,
      remedy:
        whose === undefined
          ? "Commit the contract, or name its file in the input `contract`."
          : "Merge the contract first; a pull request that brings it can be validated without credentials.",
    });
  }
  const { contract, findings } = parseContract(new TextDecoder().decode(bytes), inputs.contract, {
    allowedHosts: inputs.allowedHosts,
  });
  if (contract === undefined) throw new FourTierError(findings);
  return contract;
}

const commit = v.pipe(v.string(), v.regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/));
const repository = v.looseObject({ default_branch: v.string() });
const pullRequestSchema = v.looseObject({
  pull_request: v.looseObject({ base: v.looseObject({ sha: commit, ref: v.string() }) }),
  repository,
});
const mergeGroupSchema = v.looseObject({
  merge_group: v.looseObject({ base_sha: commit, base_ref: v.string() }),
  repository,
});

interface Base {
  readonly commit: string;
  /** Whether it is a commit of the default branch. */
  readonly isDefault: boolean;
}

/** The base branch if this run carries changes that are not on it yet; undefined otherwise. */
async function baseOf(run: RunContext): Promise<Base | undefined> {
  const proposed = run.event.startsWith("pull_request") || run.event === "merge_group";
  if (!proposed) return undefined;
  const payload = await readEvent(run);
  const pull = v.safeParse(pullRequestSchema, payload);
  if (pull.success) {
    const { base } = pull.output.pull_request;
    return { commit: base.sha, isDefault: base.ref === pull.output.repository.default_branch };
  }
  const group = v.safeParse(mergeGroupSchema, payload);
  if (group.success) {
    const { base_sha, base_ref } = group.output.merge_group;
    return { commit: base_sha, isDefault: base_ref === `refs/heads/${group.output.repository.default_branch}` };
  }
  throw new FourTierError({
    id: "contract/base",
    severity: "error",
    message: `The event ${run.event} does not say which commit its base branch has.`,
    remedy: "Run this on a push to the default branch, or without credentials.",
  });
}
