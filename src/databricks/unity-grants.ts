/** Who is granted what in Unity Catalog, reading; granting is in unity-write.ts. Privileges come as UPPER_SNAKE, an open list. */
import * as v from "valibot";
import { orMissing } from "./errors.ts";
import { collect, encodePath, id, items, list, optionalText } from "./parse.ts";
import { root } from "./unity.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** What grants can be read on; a view is a `table`, a registered model a `function` (facts: unity-catalog 1.1). */
export type SecurableType =
  | "metastore"
  | "catalog"
  | "schema"
  | "table"
  | "volume"
  | "function"
  | "external_location"
  | "storage_credential"
  | "credential"
  | "connection";

/** What one principal is granted on one securable itself. */
export interface PrivilegeAssignment {
  /** User's e-mail, group's display name or application id; empty for a deleted principal. */
  readonly principal: string;
  readonly principalId: string | undefined;
  readonly privileges: readonly string[];
}

interface EffectiveAssignment {
  readonly principal: string;
  readonly privileges: readonly {
    readonly privilege: string;
    /** Where it was granted; undefined: on the object itself. */
    readonly inheritedFrom: { readonly type: string; readonly name: string } | undefined;
  }[];
}

/**
 * Direct grants on a securable; never inherited ones, never the owner's rights. undefined if it does not exist.
 * `max_results=0` asks for the server's page size: missing is going away, and 1..149 is an error (facts: unity-catalog 1.1).
 */
export async function getGrants(
  workspace: Workspace,
  type: SecurableType,
  fullName: string,
): Promise<readonly PrivilegeAssignment[] | undefined> {
  const schema = v.looseObject({
    principal: v.optional(v.string(), ""),
    principal_id: v.optional(id),
    privileges: list(v.string()),
  });
  const request: ApiRequest = {
    method: "GET",
    path: `${root}/permissions/${type}/${encodePath(fullName)}`,
    query: { max_results: 0 },
  };
  const found = await orMissing(collect(items(workspace, request, "privilege_assignments", schema)));
  return found?.map((assignment) => ({
    principal: assignment.principal,
    principalId: assignment.principal_id,
    privileges: assignment.privileges.map(normalizePrivilege),
  }));
}

/**
 * Grants with where they come from. Not a proof: owners, admins, bindings and policies are not in it (facts:
 * unity-catalog 1.3).
 */
export async function getEffectiveGrants(
  workspace: Workspace,
  type: SecurableType,
  fullName: string,
  options: { readonly principal?: string } = {},
): Promise<readonly EffectiveAssignment[] | undefined> {
  const schema = v.looseObject({
    principal: v.optional(v.string(), ""),
    privileges: list(
      v.looseObject({ privilege: v.string(), inherited_from_type: optionalText, inherited_from_name: optionalText }),
    ),
  });
  const request: ApiRequest = {
    method: "GET",
    path: `${root}/effective-permissions/${type}/${encodePath(fullName)}`,
    query: { max_results: 0, principal: options.principal },
  };
  const found = await orMissing(collect(items(workspace, request, "privilege_assignments", schema)));
  return found?.map((assignment) => ({
    principal: assignment.principal,
    privileges: assignment.privileges.map((entry) => ({
      privilege: normalizePrivilege(entry.privilege),
      inheritedFrom:
        entry.inherited_from_type === undefined || entry.inherited_from_name === undefined
          ? undefined
          : { type: entry.inherited_from_type.toLowerCase(), name: entry.inherited_from_name },
    })),
  }));
}

/** `all privileges`, `ALL PRIVILEGES` and `ALL_PRIVILEGES` are one (facts: unity-catalog 1.1). */
export function normalizePrivilege(privilege: string): string {
  return privilege.trim().toUpperCase().replace(/\s+/g, "_");
}
