/** Who a connection acts as (facts: databricks-api 1.6). */
import * as v from "valibot";
import { id, list, optionalText, parse } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** The principal that a token belongs to, as the workspace says. */
export interface Identity {
  /** The SCIM id, numeric. */
  readonly id: string;
  /** A service principal's application id, or a user's e-mail address. */
  readonly userName: string;
  readonly displayName: string;
  readonly active: boolean;
  /** Display names of the groups it is directly in, as the workspace sees them. */
  readonly groups: readonly string[];
  /** The workspace that answered: header X-Databricks-Org-Id. */
  readonly workspaceId: string | undefined;
}

const meSchema = v.looseObject({
  id,
  userName: v.string(),
  displayName: optionalText,
  active: v.optional(v.boolean(), true),
  groups: list(v.looseObject({ display: optionalText })),
});

/** The workspace's own clock, by the Date of an answer; undefined if it gives none. */
export async function serverTime(workspace: Workspace): Promise<Date | undefined> {
  const answer = await workspace.call({ method: "GET", path: "/api/2.0/preview/scim/v2/Me" });
  const time = Date.parse(answer.header("date") ?? "");
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** Asks the workspace who this token belongs to and which workspace it is. */
export async function whoAmI(workspace: Workspace): Promise<Identity> {
  const request: ApiRequest = { method: "GET", path: "/api/2.0/preview/scim/v2/Me" };
  const answer = await workspace.call(request);
  const me = parse(meSchema, answer.json(), request);
  return {
    id: me.id,
    userName: me.userName,
    displayName: me.displayName ?? "",
    active: me.active,
    groups: me.groups.flatMap((group) => group.display ?? []),
    workspaceId: answer.header("x-databricks-org-id") || undefined,
  };
}
