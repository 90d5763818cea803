/** Access of kinds that have an access control list: jobs, pipelines, experiments (facts: databricks-api 8). */
import { getPermissions, type PermissionType, putPermissions } from "../../databricks/permissions.ts";
import { accessList } from "../access.ts";
import type { Kind } from "./kind.ts";

const FIELDS = { user: "user_name", group: "group_name", "service-principal": "service_principal_name" } as const;

/** `most`: the level that the tier's own principal has. */
export function listAccess(type: PermissionType, most: string): Pick<Kind, "readAccess" | "writeAccess"> {
  return {
    readAccess: async (workspace, id) => {
      const entries = (await getPermissions(workspace, type, id)) ?? [];
      return entries
        .filter((entry) => !entry.inherited)
        .map((entry) => ({ [FIELDS[entry.kind]]: entry.principal, permission_level: entry.level }));
    },
    writeAccess: async (workspace, id, { declared, principal }) => {
      await putPermissions(workspace, type, id, accessList(declared, principal, most));
    },
  };
}
