/**
 * What else starts by itself: SQL alerts and quality monitors. Only shown, as the scenario says; nothing writes them
 * (read in the public SDKs; a monitor's pause_status is read only).
 */
import { type Answer, ApiError, badRequest, type Call, integer, notFound, type Route, route } from "./api.ts";
import { pageOf } from "./pages.ts";
import { Rights } from "./unity-rights.ts";

export function watcherRoutes(): Route[] {
  return [
    route("GET", "/api/2.0/alerts", { facts: "SDK", query: ["page_size", "page_token"], handle: alerts }),
    route("GET", "/api/2.1/unity-catalog/tables/{name}/monitor", { facts: "SDK", handle: monitor }),
  ];
}

/** Those that the caller can see: all, unless the scenario names who can. */
function alerts({ account, workspace, principal, query }: Call<unknown>): Answer {
  if (!account.behaviours.alerts_listed) throw notFound("No API found for 'GET /alerts'.", "ENDPOINT_NOT_FOUND");
  const names = account.directory.identities(principal);
  const seen = (account.scenario.alerts[workspace.name] ?? []).flatMap(({ users, ...alert }, index) =>
    users === undefined || users.some((name) => names.has(account.directory.nameOf(name).toLowerCase()))
      ? [{ id: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`, lifecycle_state: "ACTIVE", ...alert }]
      : [],
  );
  const size = integer(query, "page_size") ?? 20;
  if (size < 1) throw badRequest("page_size must be at least 1.");
  const { items, next } = pageOf(seen, size, query.get("page_token"), "alerts");
  return { body: { alerts: [...items], ...(next === undefined ? {} : { next_page_token: next }) } };
}

/** Who may read the table sees its monitor. */
function monitor(call: Call<unknown>): Answer {
  const table = call.account.metastore.find("table", call.params["name"] ?? "");
  const rights = new Rights(call);
  const refusal = rights.unreachable(table);
  if (refusal !== undefined) throw refusal;
  if (!rights.sees(table)) throw rights.missing(table);
  const found = call.account.scenario.monitors[table.fullName];
  if (found === undefined)
    throw new ApiError(
      call.account.behaviours.no_monitor,
      "RESOURCE_DOES_NOT_EXIST",
      `Monitor of ${table.fullName} is not there.`,
    );
  return { body: { table_name: table.fullName, status: "MONITOR_STATUS_ACTIVE", ...found } };
}
