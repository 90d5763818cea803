/**
 * From which workspaces a closed tier's catalog, and what its storage hangs on, can be reached (facts: unity-catalog
 * 1.5; P5).
 */
import type { Finding } from "../findings.ts";
import type { Expectation } from "./expect.ts";
import { type Estate, type Securable, securableKey } from "./model.ts";
import { at, nameIt } from "./rights.ts";

/** Isolated, bound to the tier's own workspace to read and write, and to no other. */
export function boundElsewhere(
  estate: Estate,
  { tier, workspaceId }: Expectation,
  securable: Pick<Securable, "type" | "name">,
): Finding[] {
  const bindings = estate.bindings.get(securableKey(securable));
  if (bindings === undefined) return []; // The reader has reported it as not seen.
  const where = at(securable);
  const name = nameIt(securable);
  const Name = name.charAt(0).toUpperCase() + name.slice(1);
  if (!bindings.isolated) {
    return [
      {
        id: "grants/not-isolated",
        severity: "error",
        where,
        message: `${Name} is open to every workspace of the metastore.`,
        why: `Whoever holds a grant can use ${tier} from any workspace, dev's included.`,
        remedy: `Set its isolation mode to ISOLATED and bind it to ${tier}'s workspace only.`,
      },
    ];
  }
  if (workspaceId === undefined) {
    return [
      {
        id: "grants/workspace-unknown",
        severity: "unknown",
        where,
        message: `It is not known which workspace is ${tier}'s, so the bindings of ${name} cannot be judged.`,
        remedy: `Write it into the contract: tiers.${tier}.workspace_id.`,
      },
    ];
  }
  const own = bindings.workspaces.find((workspace) => workspace.id === workspaceId);
  const findings: Finding[] = bindings.workspaces
    .filter((workspace) => workspace.id !== workspaceId)
    .map((workspace) => ({
      id: "grants/bound-elsewhere",
      severity: "error",
      where,
      message: `${Name} can be ${workspace.readOnly ? "read" : "read and written"} from workspace ${workspace.id}, which is not ${tier}'s (${workspaceId}).`,
      remedy: `Remove the binding of ${name} to workspace ${workspace.id}.`,
    }));
  if (own === undefined || own.readOnly) {
    findings.push({
      id: "grants/not-bound",
      severity: "error",
      where,
      message: `${Name} is ${own === undefined ? "not bound" : "bound read-only"} to ${tier}'s own workspace ${workspaceId}.`,
      remedy: `Bind ${name} to workspace ${workspaceId} as READ_WRITE.`,
    });
  }
  return findings;
}
