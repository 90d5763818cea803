/**
 * Who may let jobs and pipelines run as whom (facts: databricks-api 4, 5, 11.7).
 */
import { isObject, type JsonObject } from "../json.ts";
import { badRequest, type Call, forbidden } from "./api.ts";

/** Throws unless the caller may name what `settings.run_as` names. */
export function checkRunAs({ account, workspace, principal: caller }: Call<unknown>, settings: JsonObject): void {
  const { run_as } = settings;
  if (!isObject(run_as)) return;
  const { directory, behaviours } = account;
  const { user_name, service_principal_name, group_name } = run_as as Record<string, string | undefined>;
  if (group_name !== undefined) {
    if (!directory.groups.has(group_name)) throw badRequest(`Group '${group_name}' does not exist.`);
    return;
  }
  const name = user_name ?? service_principal_name ?? "";
  const target = directory.byName(name);
  const kind = user_name === undefined ? "service-principal" : "user";
  if (target?.kind !== kind || !target.workspaces.has(workspace.name)) {
    throw badRequest(`Principal '${name}' of run_as does not exist in this workspace.`);
  }
  // even a service principal that names itself may lack the right
  const itself = target === caller && (target.kind === "user" || behaviours.run_as_itself === "allowed");
  const groups = directory.groupsOf(caller.key);
  const granted = target.users.has(caller.key) || groups.some((group) => target.users.has(group.name));
  if (!itself && !granted) {
    throw forbidden(`User ${caller.name} does not have the role servicePrincipal.user on ${target.name}.`);
  }
}
