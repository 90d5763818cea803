/** What a changed contract does to a tier that has a release already: puts it elsewhere, or under another principal. Pure. */
import type { Tier } from "../contract/model.ts";

/** Nothing of it is said where the tier is where it was, under whom it was. */
export interface Move {
  /** What says where the tier is, and says otherwise now: keys of the contract. */
  readonly where: readonly ("project" | "workspace" | "catalog")[];
  /** `unnamed`: the contract named its application id, and does not any more. */
  readonly principal: "same" | "other" | "unnamed";
}

/** Nothing moves. */
export const STAYS: Move = { where: [], principal: "same" };

/** Compares the tier of the release that it has with the tier of the one that is to come. */
export function moveOf(was: Tier, is: Tier): Move {
  const where = (
    [
      ["project", was.project === is.project],
      ["workspace", was.host === is.host],
      ["catalog", was.catalog === is.catalog],
    ] as const
  ).flatMap(([key, same]) => (same ? [] : [key]));
  if (was.clientId !== undefined && is.clientId === undefined) return { where, principal: "unnamed" };
  const renamed = was.servicePrincipal !== is.servicePrincipal;
  const other = was.clientId !== undefined && was.clientId.toLowerCase() !== is.clientId?.toLowerCase();
  return { where, principal: renamed || other ? "other" : "same" };
}
