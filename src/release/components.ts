/** Named parts of a release: which files and which resources belong together, each with a digest of its own. */
import type { Contract, ResourceKey } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { Artifact, ReleaseFile } from "./digest.ts";

/** Without `components` in the contract, and for resources that none claims. */
export const DEFAULT_COMPONENT = "default";

export interface Component {
  readonly name: string;
  /** 64 hex: over its own files, the shared ones it carries, and the artifacts. */
  readonly digest: string;
  /** Everything its folder holds: own files and shared ones, sorted by path. */
  readonly files: readonly ReleaseFile[];
  readonly resources: readonly ResourceKey[];
}

/** Which component a resource belongs to. Works from keys alone, so that rendering can use it. */
export function componentOf(contract: Contract, resource: ResourceKey): string {
  return contract.components.find((component) => component.resources.includes(resource))?.name ?? DEFAULT_COMPONENT;
}

/** Splits a release into components; findings stand in the contract at file:line. */
export function componentsOf(
  _contract: Contract,
  _files: readonly ReleaseFile[],
  _artifacts: readonly Artifact[],
  _resources: readonly ResourceKey[],
): { components: readonly Component[]; findings: readonly Finding[] } {
  throw new Error("not yet");
}
