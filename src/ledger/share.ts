/**
 * Who may look into a tier's folder: its principal and one named group, nobody else (design 4). The brief's view-only
 * principal reads the ledger there. A sandbox's folder is also dev's principal's, which removes it with the sandbox.
 */
import { fileStatus } from "../databricks/files.ts";
import { type AccessEntry, getPermissions, putPermissions } from "../databricks/permissions.ts";
import type { Workspace } from "../databricks/workspace.ts";

/**
 * Makes the folder's direct access the tier's principal and, if given, the group and the manager (an application id);
 * writes only if it is otherwise. The folder must exist. Access that comes from folders above is not ours and stays.
 */
export async function shareFolder(
  workspace: Workspace,
  folder: string,
  access: { readonly principal: string; readonly readers: string | undefined; readonly manager: string | undefined },
): Promise<void> {
  const status = await fileStatus(workspace, folder);
  if (status?.id === undefined) return;
  const { principal, readers, manager } = access;
  const others: AccessEntry[] = [];
  if (readers !== undefined) others.push({ kind: "group", principal: readers, level: "CAN_READ" });
  if (manager !== undefined) others.push({ kind: "service-principal", principal: manager, level: "CAN_MANAGE" });
  const permissions = (await getPermissions(workspace, "directories", status.id)) ?? [];
  const direct = permissions.filter(({ inherited, principal: who }) => !inherited && who !== principal);
  const text = (entries: readonly AccessEntry[]): string =>
    entries
      .map(({ kind, principal: who, level }) => `${kind} ${who} ${level}`)
      .sort()
      .join("\n");
  const isAsWanted = text(direct) === text(others);
  const own: AccessEntry = { kind: "service-principal", principal, level: "CAN_MANAGE" };
  if (!isAsWanted) await putPermissions(workspace, "directories", status.id, [own, ...others]);
}
