/** Users, groups and service principals of a workspace (facts: databricks-api 7, unity-catalog 1.9). */
import * as v from "valibot";
import { orMissing } from "./errors.ts";
import { ask, encodePath, id, integer, jsonObject, list, optionalText, parse } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

interface ServicePrincipal {
  readonly id: string;
  readonly applicationId: string;
  readonly displayName: string;
  readonly active: boolean;
}

/** A person of the workspace. */
export interface User {
  readonly id: string;
  readonly userName: string;
  readonly displayName: string;
  readonly active: boolean;
}

/** What a member is; "unknown" if the service did not say. */
type MemberKind = "user" | "group" | "service-principal" | "unknown";

/** A group of the workspace or of its account. */
export interface Group {
  readonly id: string;
  readonly displayName: string;
  /** Account groups can be granted on Unity Catalog, workspace groups cannot. */
  readonly kind: "account" | "workspace" | "unknown";
  /** Direct members only. */
  readonly members: readonly { readonly id: string; readonly display: string | undefined; readonly kind: MemberKind }[];
}

const principalSchema = v.looseObject({
  id,
  applicationId: v.string(),
  displayName: v.optional(v.string(), ""),
  active: v.optional(v.boolean(), true),
});
const userSchema = v.looseObject({
  id,
  userName: v.string(),
  displayName: v.optional(v.string(), ""),
  active: v.optional(v.boolean(), true),
});
const groupSchema = v.looseObject({
  id,
  displayName: v.optional(v.string(), ""),
  meta: v.optional(v.looseObject({ resourceType: optionalText })),
  members: list(v.looseObject({ value: id, display: optionalText, $ref: optionalText, type: optionalText })),
});

const root = "/api/2.0/preview/scim/v2";
const PAGE = 100;

/**
 * Service principals by display name (not unique: check for exactly one) or application id. Needs admin rights to be
 * complete.
 */
export async function findServicePrincipals(
  workspace: Workspace,
  by: { readonly displayName: string } | { readonly applicationId: string },
): Promise<readonly ServicePrincipal[]> {
  const filter =
    "displayName" in by ? equals("displayName", by.displayName) : equals("applicationId", by.applicationId);
  const found: ServicePrincipal[] = [];
  for await (const principal of resources(workspace, "ServicePrincipals", filter, principalSchema)) {
    const { id, applicationId, displayName, active } = principal;
    const same = "displayName" in by ? equal(displayName, by.displayName) : equal(applicationId, by.applicationId);
    if (same) found.push({ id, applicationId, displayName, active });
  }
  return found;
}

/** Groups the caller can see, all or of one display name. */
export async function* listGroups(
  workspace: Workspace,
  options: { readonly displayName?: string } = {},
): AsyncGenerator<Group> {
  const name = options.displayName;
  const filter = name === undefined ? undefined : equals("displayName", name);
  for await (const group of resources(workspace, "Groups", filter, groupSchema)) {
    if (name === undefined || equal(group.displayName, name)) yield toGroup(group);
  }
}

/** One group with its direct members; undefined if it does not exist. */
export async function getGroup(workspace: Workspace, groupId: string): Promise<Group | undefined> {
  const group = await orMissing(ask(workspace, byId("Groups", groupId), groupSchema));
  return group === undefined ? undefined : toGroup(group);
}

/** Every service principal the caller can see. */
export async function* listServicePrincipals(workspace: Workspace): AsyncGenerator<ServicePrincipal> {
  for await (const one of resources(workspace, "ServicePrincipals", undefined, principalSchema)) yield one;
}

/** A service principal by its id; undefined if this workspace does not have it. */
export async function getServicePrincipal(workspace: Workspace, id: string): Promise<ServicePrincipal | undefined> {
  return orMissing(ask(workspace, byId("ServicePrincipals", id), principalSchema));
}

/** A user by its id; undefined if this workspace does not have it. */
export async function getUser(workspace: Workspace, id: string): Promise<User | undefined> {
  return orMissing(ask(workspace, byId("Users", id), userSchema));
}

/** Every user the caller can see. */
export async function* listUsers(workspace: Workspace): AsyncGenerator<User> {
  for await (const one of resources(workspace, "Users", undefined, userSchema)) yield one;
}

/** A user by e-mail address (case does not matter); undefined if there is none. */
export async function findUser(workspace: Workspace, userName: string): Promise<User | undefined> {
  for await (const user of resources(workspace, "Users", equals("userName", userName), userSchema)) {
    if (!equal(user.userName, userName)) continue;
    return { id: user.id, userName: user.userName, displayName: user.displayName, active: user.active };
  }
  return undefined;
}

/** SCIM counts from 1 and may give fewer than asked: the next page starts after what came (facts: databricks-api 2.4). */
async function* resources<const Schema extends v.GenericSchema>(
  workspace: Workspace,
  kind: string,
  filter: string | undefined,
  schema: Schema,
): AsyncGenerator<v.InferOutput<Schema>> {
  const page = v.looseObject({ totalResults: v.optional(integer), Resources: list(jsonObject) });
  for (let start = 1; ; ) {
    const request: ApiRequest = {
      method: "GET",
      path: `${root}/${kind}`,
      query: { filter, startIndex: start, count: PAGE },
    };
    const answer = await ask(workspace, request, page);
    for (const resource of answer.Resources) yield parse(schema, resource, request);
    start += answer.Resources.length;
    if (answer.Resources.length === 0) return;
    if (answer.totalResults !== undefined && start > answer.totalResults) return;
  }
}

function byId(kind: string, resourceId: string): ApiRequest {
  return { method: "GET", path: `${root}/${kind}/${encodePath(resourceId)}` };
}

/** As Unity Catalog compares principals: without case (facts: unity-catalog 1.2). */
function equal(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

function equals(attribute: string, value: string): string {
  return `${attribute} eq "${value.replace(/[\\"]/g, "\\$&")}"`;
}

function toGroup(group: v.InferOutput<typeof groupSchema>): Group {
  const type = group.meta?.resourceType;
  return {
    id: group.id,
    displayName: group.displayName,
    kind: type === "Group" ? "account" : type === "WorkspaceGroup" ? "workspace" : "unknown",
    members: group.members.map((member) => ({
      id: member.value,
      display: member.display,
      kind: kindOf(member.$ref, member.type),
    })),
  };
}

function kindOf(ref: string | undefined, type: string | undefined): MemberKind {
  const told = ref?.split("/").at(-2) ?? type;
  if (told === "Users" || told === "User") return "user";
  if (told === "Groups" || told === "Group") return "group";
  if (told === "ServicePrincipals" || told === "ServicePrincipal") return "service-principal";
  return "unknown";
}
