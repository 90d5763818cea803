/**
 * Who decides what: a release brings its resources, the default branch's contract says what the gate demands. So a
 * release, and a run that waited while the contract was tightened, cannot lower their own gate.
 */
import type { Contract } from "../contract/model.ts";
import { parseContract } from "../contract/parse.ts";
import type { RunContext } from "../environment.ts";
import { FourTierError } from "../findings.ts";
import type { GitHub } from "../github/client.ts";
import { fileAt } from "../github/contents.ts";
import { getBranch, getRepository } from "../github/repository.ts";

/**
 * The contract that the default branch has now. `own` is that of the run's commit, `head` the default branch's head if
 * it is known already. Throws FourTierError if it cannot be read, is gone, or is not valid.
 */
export async function policyContract(
  github: GitHub,
  run: Pick<RunContext, "sha">,
  own: Contract,
  head?: string,
): Promise<Contract> {
  const current = head ?? (await headOf(github));
  if (run.sha === current) return own;
  return contractAt(github, own.file, current, hostsOf(own));
}

/** The contract as a commit has it; undefined if it has none. Throws FourTierError if it cannot be read or is not valid. */
export async function contractAtCommit(github: GitHub, own: Contract, commit: string): Promise<Contract | undefined> {
  return readContract(github, own.file, commit, hostsOf(own));
}

/** Where a credential may go is not decided here: hosts that the run's own contract was allowed are good enough. */
function hostsOf(own: Contract): string[] {
  return Object.values(own.tiers).map(({ host }) => new URL(host).hostname);
}

/** The contract that the default branch has now, and its hosts by what the run allows. Throws as `policyContract`. */
export async function defaultBranchContract(
  github: GitHub,
  file: string,
  allowedHosts: readonly string[],
): Promise<Contract> {
  return contractAt(github, file, await headOf(github), allowedHosts);
}

async function contractAt(
  github: GitHub,
  file: string,
  commit: string,
  allowedHosts: readonly string[],
): Promise<Contract> {
  const contract = await readContract(github, file, commit, allowedHosts);
  if (contract === undefined) throw gone(file);
  return contract;
}

async function readContract(
  github: GitHub,
  file: string,
  commit: string,
  allowedHosts: readonly string[],
): Promise<Contract | undefined> {
  const text = await fileAt(github, file, commit);
  if (text === undefined) return undefined;
  const { contract, findings } = parseContract(text, file, { allowedHosts });
  if (contract === undefined) throw new FourTierError(findings);
  return contract;
}

async function headOf(github: GitHub): Promise<string> {
  const { defaultBranch } = await getRepository(github);
  const branch = await getBranch(github, defaultBranch);
  if (branch !== undefined) return branch.commit;
  throw new FourTierError({
    id: "github/no-default-branch",
    severity: "unknown",
    message: `The default branch ${defaultBranch} has no commit, or the token may not see it.`,
    remedy: "Push the default branch and give the job `contents: read`.",
  });
}

function gone(file: string): FourTierError {
  return new FourTierError({
    id: "contract/missing",
    severity: "error",
    where: { kind: "file", file },
    message: `The default branch has no ${file} any more, and it is what says who may do what.`,
    remedy: "Start the run from a commit that has the contract where the default branch has it.",
  });
}
