/**
 * Who may look into a tier's folder: its principal and one named group, nobody else (design 4). The brief's view-only
 * principal reads the ledger there.
 */
import { fileStatus } from "../databricks/files.ts";
import { type AccessEntry, getPermissions, putPermissions } from "../databricks/permissions.ts";
import type { Workspace } from "../databricks/workspace.ts";

/**
 * Makes the folder's direct access the tier's principal and, if given, the group; writes only if it is otherwise.
 * The folder must exist. Access that comes from folders above is not ours and stays.
 */
export async function shareFolder(
  workspace: Workspace,
  folder: string,
  { principal, readers }: { readonly principal: string; readonly readers: string | undefined },
): Promise<void> {
  const status = await fileStatus(workspace, folder);
  if (status?.id === undefined) return;
  const wanted: AccessEntry[] = [{ kind: "service-principal", principal, level: "CAN_MANAGE" }];
  if (readers !== undefined) wanted.push({ kind: "group", principal: readers, level: "CAN_READ" });
  const permissions = (await getPermissions(workspace, "directories", status.id)) ?? [];
  const direct = permissions.filter(({ inherited }) => !inherited);
  const others = direct.filter(({ principal: who }) => who !== principal);
  const isAsWanted =
    others.length === wanted.length - 1 &&
    others.every(({ kind, principal: who, level }) => kind === "group" && who === readers && level === "CAN_READ");
  if (!isAsWanted) await putPermissions(workspace, "directories", status.id, wanted);
}
