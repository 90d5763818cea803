/**
 * The permissions API of workspace objects (facts: databricks-api 8).
 */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import type { Account, Workspace } from "./account.ts";
import { type Entry, type Kind, LEVELS } from "./acls.ts";
import {
  type Answer,
  ApiError,
  badRequest,
  type Call,
  forbidden,
  notFound,
  type Route,
  route,
  Unmodelled,
} from "./api.ts";
import { noSuchJob } from "./job-store.ts";
import { noSuchPipeline } from "./pipeline-store.ts";
import { checkShape } from "./router.ts";

const TYPES: Readonly<Record<Kind, string>> = {
  jobs: "job",
  pipelines: "pipelines",
  directories: "directory",
  files: "file",
  notebooks: "notebook",
  experiments: "mlflowExperiment",
};

const Request = v.strictObject({
  user_name: v.optional(v.string()),
  group_name: v.optional(v.string()),
  service_principal_name: v.optional(v.string()),
  permission_level: v.string(),
});
const Body = v.strictObject({ access_control_list: v.optional(v.array(Request), []) });
type Body = v.InferOutput<typeof Body>;

export function permissionRoutes(): Route[] {
  const path = "/api/2.0/permissions/{type}/{id}";
  const facts = "databricks-api 8";
  return [
    route("GET", `${path}/permissionLevels`, {
      facts,
      handle: (call) => {
        const kind = kindOf(call);
        return {
          body: { permission_levels: LEVELS[kind].map((level) => ({ permission_level: level, description: level })) },
        };
      },
    }),
    route("GET", path, { facts, handle: (call) => show(call, target(call, "CAN_VIEW")) }),
    route("PUT", path, { facts, body: Body, handle: (call) => write(call, "replace") }),
    route("PATCH", path, { facts, body: Body, handle: (call) => write(call, "merge") }),
  ];
}

interface Target {
  readonly kind: Kind;
  readonly id: string;
}

/** The entries that a request names. The last of a principal wins. Throws for unknown principals and levels. */
export function fromRequests(
  account: Account,
  workspace: Workspace,
  kind: Kind,
  requests: readonly unknown[],
): Entry[] {
  const entries = new Map<string, Entry>();
  for (const one of requests) {
    const request = checkShape(Request, one, "access_control_list");
    const names = [request.user_name, request.group_name, request.service_principal_name].filter(
      (name) => name !== undefined,
    );
    const [name] = names;
    if (name === undefined || names.length > 1)
      throw badRequest("An entry of access_control_list names exactly one principal.");
    const { permission_level: level } = request;
    if (!LEVELS[kind].includes(level)) throw badRequest(`Permission level ${level} does not exist for ${TYPES[kind]}.`);
    if (level === "IS_OWNER" && request.group_name !== undefined) throw badRequest("A group cannot be the owner.");
    entries.set(name.toLowerCase(), { principal: known(account, workspace, request), level });
  }
  return [...entries.values()];
}

function known(account: Account, workspace: Workspace, request: v.InferOutput<typeof Request>): string {
  const { user_name, group_name, service_principal_name } = request;
  const { directory } = account;
  if (group_name !== undefined) {
    const group = directory.groups.get(group_name);
    const there = group !== undefined && (group.workspace ?? workspace.name) === workspace.name;
    if (there || group_name === "admins" || group_name === "users") return group_name;
  } else {
    const principal = directory.byName(user_name ?? service_principal_name ?? "");
    const kind = user_name === undefined ? "service-principal" : "user";
    if (principal?.kind === kind && principal.workspaces.has(workspace.name)) return principal.name;
  }
  // facts: databricks-api 8: the error for an unknown principal is not seen [?]
  const status = account.behaviours.unknown_acl_principal;
  const code = status === 404 ? "RESOURCE_DOES_NOT_EXIST" : "INVALID_PARAMETER_VALUE";
  throw new ApiError(
    status,
    code,
    `Principal: ${user_name ?? group_name ?? service_principal_name ?? ""} does not exist.`,
  );
}

function kindOf({ params }: Call<unknown>): Kind {
  const type = params["type"] ?? "";
  if (!(type in TYPES)) throw new Unmodelled(`the simulator does not model permissions of ${type}`);
  return type as Kind;
}

function target(call: Call<unknown>, level: "CAN_VIEW" | "CAN_MANAGE"): Target {
  const { workspace, principal, params } = call;
  const kind = kindOf(call);
  const id = params["id"] ?? "";
  const refuse = () => forbidden(`${principal.name} does not have ${level} permissions on ${TYPES[kind]} ${id}.`);
  if (kind === "jobs" || kind === "pipelines") {
    if (level === "CAN_VIEW" && keptFor(call, kind, id)) return { kind, id };
    if (kind === "jobs" && workspace.jobs.find(BigInt(/^\d+$/.test(id) ? id : 0)) === undefined) throw noSuchJob(id);
    if (kind === "pipelines" && workspace.pipelines.find(id) === undefined) throw noSuchPipeline(id);
    if (!workspace.acls.can(principal, level, kind, id)) throw refuse();
  } else if (kind === "experiments") {
    const experiment = workspace.experiments.byId(id);
    if (experiment === undefined) throw notFound(`Node ID ${id} does not exist.`);
    if (!workspace.experiments.can(principal, level === "CAN_VIEW" ? "CAN_READ" : level, experiment)) throw refuse();
  } else {
    const node = workspace.files.byId(id);
    if (node?.kind !== kind) throw notFound(`${TYPES[kind]} ${id} does not exist.`);
    if (!workspace.files.can(principal, level === "CAN_VIEW" ? "CAN_READ" : level, node.path)) throw refuse();
  }
  return { kind, id };
}

/**
 * May the permissions of a job or pipeline still be read that is deleted? The CLI's test server keeps them, as the
 * service does (its libs/testserver/permissions.go); the CLI's plan asks for them [?].
 */
function keptFor({ account, workspace, principal }: Call<unknown>, kind: Kind, id: string): boolean {
  const kept = workspace.acls.kept(kind, id);
  if (kept === undefined || account.behaviours.deleted_permissions === "gone") return false;
  return workspace.acls.allows(kind, kept, principal, "CAN_VIEW");
}

function write(call: Call<Body>, how: "replace" | "merge"): Answer {
  const { account, workspace, principal, body } = call;
  const at = target(call, "CAN_MANAGE");
  const { kind, id } = at;
  const given = fromRequests(account, workspace, kind, body.access_control_list);
  const old = workspace.acls.of(kind, id);
  const changed = new Set(given.map((entry) => entry.principal));
  const entries = how === "replace" ? given : [...old.filter((entry) => !changed.has(entry.principal)), ...given];
  if (kind === "jobs" || kind === "pipelines") {
    const owners = entries.filter((entry) => entry.level === "IS_OWNER");
    const noun = kind === "jobs" ? "job" : "pipeline";
    if (owners.length !== 1) throw badRequest(`The ${noun} must have exactly one owner.`);
    const before = old.find((entry) => entry.level === "IS_OWNER");
    // facts: databricks-api 8: giving it to somebody else needs an admin [?]
    const mayMove = () => account.behaviours.owner_change === "owner" || workspace.acls.isAdmin(principal);
    if (before?.principal !== owners[0]?.principal && !mayMove()) {
      throw forbidden(`Only an administrator can change the owner of the ${noun}.`);
    }
  }
  workspace.acls.set(kind, id, entries);
  return show(call, at);
}

function show({ account, workspace }: Call<unknown>, { kind, id }: Target): Answer {
  const direct = (workspace.acls.kept(kind, id) ?? workspace.acls.of(kind, id)).map((entry) =>
    shown(account, entry, []),
  );
  const experiment = kind === "experiments" ? workspace.experiments.byId(id) : undefined;
  const inherited = experiment === undefined ? workspace.files.inherited(id) : workspace.files.above(experiment.name);
  const above = (kind === "jobs" || kind === "pipelines" ? [] : inherited).map(({ entry, from }) =>
    shown(account, entry, [from]),
  );
  const admins = shown(account, { principal: "admins", level: "CAN_MANAGE" }, [`/${kind}/`]);
  return {
    body: { object_id: `/${kind}/${id}`, object_type: TYPES[kind], access_control_list: [...direct, ...above, admins] },
  };
}

/** facts: databricks-api 8: the answer's shape differs from the request's. */
function shown(account: Account, { principal, level }: Entry, from: readonly string[]): JsonObject {
  const person = account.directory.byName(principal);
  const field = person === undefined ? "group_name" : person.kind === "user" ? "user_name" : "service_principal_name";
  return {
    [field]: principal,
    display_name: person?.displayName ?? principal,
    all_permissions: [
      {
        permission_level: level,
        inherited: from.length > 0,
        ...(from.length > 0 ? { inherited_from_object: [...from] } : {}),
      },
    ],
  };
}
