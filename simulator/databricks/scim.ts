/**
 * SCIM 2.0: who am I, and who is there. Pages are 1-based (facts: databricks-api 1.6, 2.4, 7; unity-catalog 1.9).
 */
import type { JsonObject } from "../json.ts";
import type { Account } from "./account.ts";
import { ApiError, type Call, integer, type Route, route, Unmodelled } from "./api.ts";
import type { Group, Principal } from "./principals.ts";

const BASE = "/api/2.0/preview/scim/v2";
const CORE = "urn:ietf:params:scim:schemas:core:2.0";

export function scimRoutes(): Route[] {
  const style = "scim" as const;
  const projection = ["attributes", "excludedAttributes"];
  const query = ["filter", "startIndex", "count", ...projection];
  const lists: [string, (call: Call<unknown>) => Resource[]][] = [
    ["ServicePrincipals", (call) => people(call, "service-principal")],
    ["Users", (call) => people(call, "user")],
    ["Groups", groups],
  ];
  return [
    route("GET", `${BASE}/Me`, {
      facts: "databricks-api 1.6",
      style,
      query: projection,
      handle: ({ account, principal, query }) => ({
        body: projected(
          { ...person(account, principal), schemas: [`${CORE}:User`], userName: userNameOf(account, principal) },
          query,
        ),
      }),
    }),
    ...lists.flatMap(([name, all]) => [
      route("GET", `${BASE}/${name}`, {
        facts: "databricks-api 7",
        style,
        query,
        handle: (call) => {
          const found = filtered(all(call), call.query.get("filter"));
          // a listing may leave members out, and then the group itself tells
          const whole = name !== "Groups" || call.account.behaviours.group_members_listed;
          return { body: page(whole ? found : found.map(withoutMembers), call.query) };
        },
      }),
      route("GET", `${BASE}/${name}/{id}`, {
        facts: "databricks-api 7",
        style,
        query: projection,
        handle: (call) => {
          const found = all(call).find((resource) => resource["id"] === call.params["id"]);
          if (found === undefined)
            throw new ApiError(404, "SCIM_404", `${name.slice(0, -1)} with id ${call.params["id"]} not found.`);
          return { body: projected(found, call.query) };
        },
      }),
    ]),
  ];
}

type Resource = JsonObject;

// facts: databricks-api 1.6
function userNameOf({ behaviours }: Account, { kind, name, displayName }: Principal): string {
  return kind === "service-principal" && behaviours.me_user_name === "display-name" ? displayName : name;
}

function withoutMembers(group: Resource): Resource {
  return Object.fromEntries(Object.entries(group).filter(([name]) => name !== "members"));
}

function people(call: Call<unknown>, kind: Principal["kind"]): Resource[] {
  const { account, workspace, principal: caller } = call;
  // facts: databricks-api 7: without an administrator's rights results can be partial
  if (
    kind === "user" &&
    account.behaviours.users_listed === "admins" &&
    !account.directory.isWorkspaceAdmin(caller, workspace.name)
  )
    return [];
  const all = kind === "service-principal" && account.behaviours.principals_listed === "all";
  return [...account.directory.principals.values()]
    .filter((principal) => principal.kind === kind && (all || principal.workspaces.has(workspace.name)))
    .map((principal) => person(account, principal));
}

function groups({ account, workspace }: Call<unknown>): Resource[] {
  return (
    [...account.directory.groups.values()]
      // an account group is shown where it is assigned (facts: unity-catalog 1.9, 4 pain 3)
      .filter((group) => group.workspaces.has(workspace.name))
      .map((group) => ({
        schemas: [`${CORE}:Group`],
        id: group.id,
        displayName: group.name,
        ...(group.externalId === undefined ? {} : { externalId: group.externalId }),
        members: [...group.members].map((key) => member(account, key)),
        groups: account.directory.groupsOf(group.name).map(reference),
        meta: { resourceType: group.workspace === undefined ? "Group" : "WorkspaceGroup" },
      }))
  );
}

function person(account: Account, principal: Principal): Resource {
  const common = {
    id: principal.id,
    displayName: principal.displayName,
    active: principal.active,
    entitlements: [{ value: "workspace-access" }],
    groups: account.directory.groupsOf(principal.key).map(reference),
    roles: [],
  };
  if (principal.kind === "service-principal") {
    return { schemas: [`${CORE}:ServicePrincipal`], applicationId: principal.name, ...common };
  }
  const emails = [{ type: "work", value: principal.name, primary: true }];
  return {
    schemas: [`${CORE}:User`],
    userName: principal.name,
    emails,
    name: { givenName: principal.displayName },
    ...common,
  };
}

function member(account: Account, key: string): Resource {
  const { principals, groups } = account.directory;
  const principal = principals.get(key);
  // facts: unity-catalog 1.9: the kind of a member is the prefix of its $ref
  if (principal !== undefined) {
    const folder = principal.kind === "user" ? "Users" : "ServicePrincipals";
    return { value: principal.id, display: principal.displayName, $ref: `${folder}/${principal.id}`, type: "direct" };
  }
  const group = groups.get(key);
  if (group === undefined) throw new Error(`no member is called ${key}`);
  return reference(group);
}

function reference(group: Group): Resource {
  return { value: group.id, display: group.name, $ref: `Groups/${group.id}`, type: "direct" };
}

/** `attribute eq "value"`, the only operator that is modelled; text compares without regard to case (RFC 7644 3.4.2.2). */
function filtered(resources: Resource[], filter: string | null): Resource[] {
  if (filter === null || filter === "") return resources;
  const parts =
    /^\s*(\w+)\s+eq\s+"((?:[^"\\]|\\.)*)"\s*$/i.exec(filter) ?? /^\s*(\w+)\s+eq\s+([^\s"]+)\s*$/i.exec(filter);
  const [, attribute = "", raw = ""] = parts ?? [];
  const known = ["applicationId", "displayName", "userName", "id", "externalId"].find(
    (name) => name.toLowerCase() === attribute.toLowerCase(),
  );
  if (known === undefined) throw new Unmodelled(`the simulator does not model the SCIM filter ${filter}`, 400);
  const wanted = raw.replaceAll(/\\(.)/g, "$1").toLowerCase();
  return resources.filter((resource) => {
    const value = resource[known];
    return typeof value === "string" && value.toLowerCase() === wanted;
  });
}

/** What a resource of any kind can have. */
const ATTRIBUTES =
  "id schemas displayname applicationid username emails name active entitlements groups roles members externalid meta".split(
    " ",
  );

function attributesOf(query: URLSearchParams, parameter: string): readonly string[] | undefined {
  const given = query.get(parameter);
  if (given === null || given === "") return undefined;
  const all = given.split(",").map((name) => name.trim());
  const unknown = all.find((name) => !ATTRIBUTES.includes(name.toLowerCase()));
  if (unknown !== undefined)
    throw new Unmodelled(`the simulator does not model the SCIM attribute ${unknown} in ${parameter}`, 400);
  return all.map((name) => name.toLowerCase());
}

/** Only the attributes that were asked for; id and schemas always (RFC 7644 3.9). */
function projected(resource: Resource, query: URLSearchParams): Resource {
  const wanted = attributesOf(query, "attributes");
  const unwanted = attributesOf(query, "excludedAttributes") ?? [];
  return Object.fromEntries(
    Object.entries(resource).filter(
      ([name]) =>
        name === "id" ||
        name === "schemas" ||
        ((wanted?.includes(name.toLowerCase()) ?? true) && !unwanted.includes(name.toLowerCase())),
    ),
  );
}

/** Pages of at most 100, whatever is asked: clients must go on until the page is empty. */
function page(resources: Resource[], query: URLSearchParams): Resource {
  for (const parameter of ["attributes", "excludedAttributes"]) attributesOf(query, parameter);
  const start = Math.max(1, integer(query, "startIndex") ?? 1);
  const count = Math.min(100, Math.max(0, integer(query, "count") ?? 100));
  const found = resources.slice(start - 1, start - 1 + count);
  return {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
    totalResults: resources.length,
    startIndex: start,
    itemsPerPage: found.length,
    Resources: found.map((resource) => projected(resource, query)),
  };
}
