/** Access control lists of jobs, pipelines, experiments and folders (facts: databricks-api 8). */
import * as v from "valibot";
import { orMissing } from "./errors.ts";
import { ask, encodePath, list, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** What has an access control list, by the word in the API's path. */
export type PermissionType = "jobs" | "pipelines" | "experiments" | "directories" | "notebooks" | "files";

/** One principal and its level: `{ service_principal_name: application id, permission_level: "CAN_MANAGE" }`. */
export interface AccessEntry {
  readonly kind: "user" | "group" | "service-principal";
  /** E-mail, display name or application id. */
  readonly principal: string;
  readonly level: string;
}

interface Permission extends AccessEntry {
  /** Came from a folder above or from an admin role; not part of what PUT replaces. */
  readonly inherited: boolean;
}

const FIELD = {
  user: "user_name",
  group: "group_name",
  "service-principal": "service_principal_name",
} as const;

const permissionsSchema = v.looseObject({
  access_control_list: list(
    v.looseObject({
      user_name: optionalText,
      group_name: optionalText,
      service_principal_name: optionalText,
      all_permissions: list(v.looseObject({ permission_level: v.string(), inherited: v.optional(v.boolean(), false) })),
    }),
  ),
});

/** Who has which level, direct and inherited; undefined if the object does not exist. */
export async function getPermissions(
  workspace: Workspace,
  type: PermissionType,
  objectId: string,
): Promise<readonly Permission[] | undefined> {
  const answer = await orMissing(ask(workspace, { method: "GET", path: pathOf(type, objectId) }, permissionsSchema));
  return answer === undefined ? undefined : flatten(answer);
}

/**
 * Replaces all direct entries and gives what is in force after. For jobs and pipelines the list needs exactly one
 * IS_OWNER; the service refuses anything else.
 */
export async function putPermissions(
  workspace: Workspace,
  type: PermissionType,
  objectId: string,
  entries: readonly AccessEntry[],
): Promise<readonly Permission[]> {
  const request: ApiRequest = {
    method: "PUT",
    path: pathOf(type, objectId),
    json: {
      access_control_list: entries.map((entry) => ({
        [FIELD[entry.kind]]: entry.principal,
        permission_level: entry.level,
      })),
    },
  };
  return flatten(await ask(workspace, request, permissionsSchema));
}

function pathOf(type: PermissionType, objectId: string): string {
  return `/api/2.0/permissions/${type}/${encodePath(objectId)}`;
}

function flatten(answer: v.InferOutput<typeof permissionsSchema>): Permission[] {
  return answer.access_control_list.flatMap((entry) => {
    const [kind, principal] =
      entry.service_principal_name !== undefined
        ? (["service-principal", entry.service_principal_name] as const)
        : entry.user_name !== undefined
          ? (["user", entry.user_name] as const)
          : (["group", entry.group_name ?? ""] as const);
    return entry.all_permissions.map((permission) => ({
      kind,
      principal,
      level: permission.permission_level,
      inherited: permission.inherited,
    }));
  });
}
