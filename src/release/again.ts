/**
 * A release that the tier had, made again from its commit: the ledger says which commit and which wheels it was, and the
 * digest proves that it is that release. Files come from git, wheels from the tier's own folders, where they are hashed.
 */
import { ARTIFACTS_FOLDER } from "../bundle/paths.ts";
import type { Tier } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import { ApiError } from "../databricks/errors.ts";
import { fileStatus, readFile } from "../databricks/files.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import type { Git } from "../git.ts";
import { mapBounded } from "../http/pool.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import { componentFolder } from "../ledger/paths.ts";
import { sha256 } from "../sha256.ts";
import { shortSha } from "../short-sha.ts";
import { type Candidate, type CarriedArtifact, candidateOf, contractAt } from "./candidate.ts";
import { moveOf } from "./move.ts";
import type { Place } from "./place.ts";

interface AgainRequest {
  readonly git: Git;
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  /** The contract's file, and the hosts it may name. */
  readonly contractFile: string;
  readonly allowedHosts: readonly string[];
  /** The tier as this run has proven it. */
  readonly tier: Tier;
  readonly now: Date;
}

/** The release as a candidate. Throws FourTierError if its commit is not here, or is not that release. */
export async function releaseAgain(
  request: AgainRequest,
  release: Pick<LedgerRelease, "digest" | "commit" | "artifacts">,
): Promise<Candidate> {
  const { git, root, contractFile, allowedHosts, tier, now } = request;
  const { commit, artifacts, digest } = release;
  const contract = await contractAt(git, commit, contractFile, allowedHosts);
  const then = resolveTier(contract, tier.name, tier.developer === undefined ? {} : { developer: tier.developer });
  if (moveOf(then, tier).where.length > 0) {
    throw new FourTierError(elsewhere(tier, then, commit));
  }
  const { candidate, findings } = await candidateOf({ git, commit, root, contract, tier: then, artifacts, now });
  if (candidate === undefined) throw new FourTierError(findings.filter(isFailure));
  if (candidate.digest !== digest) throw new FourTierError(otherRelease(tier, release, candidate.digest));
  return candidate;
}

/** A wheel from the tier; `unread` is one that is too big to be handed out: its bytes are zeros of the same length. */
export interface KeptArtifact extends CarriedArtifact {
  readonly unread: boolean;
}

/**
 * The wheels of a release, from the folders of the components that carry them. Throws FourTierError for one that is not
 * what it was. What is gone is left out.
 */
export async function keptWheels(workspace: Workspace, place: Place, candidate: Candidate): Promise<KeptArtifact[]> {
  const found = await mapBounded(candidate.artifacts, 4, async (artifact): Promise<KeptArtifact[]> => {
    for (const { name, digest, artifacts } of candidate.components) {
      if (!artifacts.some((carried) => carried.name === artifact.name)) continue;
      const path = `${componentFolder(place.folder, name, digest)}/${ARTIFACTS_FOLDER}/${artifact.name}`;
      const bytes = await readOrSize(workspace, path);
      if (bytes === undefined) continue;
      if (typeof bytes === "number") return [{ ...artifact, bytes: new Uint8Array(bytes), unread: true }];
      if (sha256(bytes) !== artifact.sha256) {
        throw new FourTierError(tampered(place.tier.name, name, path));
      }
      return [{ ...artifact, bytes, unread: false }];
    }
    return [];
  });
  return found.flat();
}

/** Wheels that a folder in use must hold and that are nowhere in the tier, each with a component that needs it. */
export function goneWheels(
  candidate: Candidate,
  wheels: readonly KeptArtifact[],
): { readonly component: string; readonly name: string }[] {
  const used = new Set(candidate.desired.map(({ component }) => component));
  return candidate.artifacts.flatMap(({ name }) => {
    if (wheels.some((wheel) => wheel.name === name)) return [];
    const needs = candidate.components.find(
      (component) => used.has(component.name) && component.artifacts.some((artifact) => artifact.name === name),
    );
    return needs === undefined ? [] : [{ component: needs.name, name }];
  });
}

/** A file's bytes, or its length where Databricks hands out no more than 10 MB (facts: databricks-api 6). */
async function readOrSize(workspace: Workspace, path: string): Promise<Uint8Array | number | undefined> {
  try {
    return await readFile(workspace, path);
  } catch (error) {
    if (!(error instanceof ApiError) || !/^MAX_\w+_SIZE_EXCEEDED$/.test(error.code)) throw error;
    return (await fileStatus(workspace, path))?.size;
  }
}

function tampered(tier: string, component: string, path: string): Finding {
  return {
    id: "release/folder-tampered",
    severity: "error",
    where: { kind: "resource", tier, key: component },
    message: `${path} differs from the wheel that was carried with the release.`,
    why: "A release's folder is written once; somebody with the rights of the tier's principal changed it afterwards. Nothing was applied.",
    remedy: "Find out who did it (the workspace's audit log has it), and promote a commit that builds the wheel again.",
  };
}

function elsewhere(tier: Tier, then: Tier, commit: string): Finding {
  return {
    id: "release/contract-differs",
    severity: "error",
    message: `At commit ${shortSha(commit)} ${tier.name} was ${then.project} in catalog ${then.catalog} on ${then.host}; now it is ${tier.project} in ${tier.catalog} on ${tier.host}.`,
    why: "The release was made for a place that this run does not prove.",
    remedy: "Choose a release from after the change.",
  };
}

function otherRelease(
  tier: Tier,
  { commit, digest }: Pick<LedgerRelease, "commit" | "digest">,
  found: string,
): Finding {
  return {
    id: "release/not-that-release",
    severity: "error",
    message: `Commit ${shortSha(commit)} and its wheels give release ${shortSha(found)}, and ${tier.name} is said to have had ${shortSha(digest)}.`,
    why: "What the ledger says does not fit the repository: one of them was changed.",
    remedy: "Promote a commit of the default branch; it does not go by the ledger's word.",
  };
}
