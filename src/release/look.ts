/** The tier at one moment, looked at whole: live resources, content folders, and where that stands towards a release. */
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError, isFailure } from "../findings.ts";
import type { Ledger } from "../ledger/model.ts";
import type { Compared } from "../report/promotion.ts";
import type { Candidate } from "./candidate.ts";
import { observe } from "./observe.ts";
import { type Place, type Standing, standingOf } from "./standing.ts";
import { type Content, type FolderState, inspectFolders } from "./upload.ts";

export interface Look {
  readonly standing: Standing;
  readonly folders: readonly FolderState[];
  /** What was compared with what was applied: only what lists show (glance.ts), resources, bytes as well. */
  readonly compared: Compared;
}

/** Which folders' bytes are read: of all, of none, or of those that something is about to be pointed at. */
export type Bytes = "all" | "none" | "used";

/** Reads live resources whole, and lists content folders. Throws FourTierError for what makes any promotion impossible. */
export async function lookAt(
  workspace: Workspace,
  place: Place,
  ledger: Ledger | undefined,
  candidate: Candidate,
  contents: readonly Content[],
  bytes: Bytes,
): Promise<Look> {
  const observation = await observe(workspace, { ...place, ledger, desired: candidate.desired });
  if (observation.findings.some(isFailure)) throw new FourTierError(observation.findings);
  const standing = standingOf(ledger, observation, candidate.desired, place);
  const used = new Set(standing.steps.map(({ desired }) => desired?.component));
  const read = (component: string, complete: boolean): boolean =>
    bytes === "all" || (bytes === "used" && (used.has(component) || !complete));
  const folders = await inspectFolders(workspace, contents, place.tier.name, read);
  return { standing, folders, compared: bytes === "all" ? "whole" : "resources" };
}
