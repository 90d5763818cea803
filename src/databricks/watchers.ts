/**
 * SQL alerts and quality monitors, only looked at. Alerts: `GET /api/2.0/alerts`, whose page is under `alerts`, in older
 * answers under `results`. Monitors have no list: one request a table.
 */
import * as v from "valibot";
import { isArray, type JsonValue } from "../json.ts";
import { orMissing } from "./errors.ts";
import { ask, encodePath, optionalText, pages, parse } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** Something that runs by a clock. */
export interface Watcher {
  readonly name: string;
  /** Absent for what runs only when it is asked to. */
  readonly cron: { readonly expression: string; readonly zone: string } | undefined;
  readonly paused: boolean;
}

const alertSchema = v.looseObject({
  display_name: v.optional(v.string(), ""),
  lifecycle_state: optionalText,
  schedule: v.optional(
    v.looseObject({ quartz_cron_schedule: optionalText, timezone_id: optionalText, pause_status: optionalText }),
  ),
});

/** Alerts that the caller can see; those in the trash are left out. */
export async function* listAlerts(workspace: Workspace): AsyncGenerator<Watcher> {
  const request: ApiRequest = { method: "GET", path: "/api/2.0/alerts", query: { page_size: 100 } };
  for await (const page of pages(workspace, request)) {
    const listed: JsonValue | undefined = page["alerts"] ?? page["results"];
    for (const item of isArray(listed) ? listed : []) {
      const { display_name: name, lifecycle_state: state, schedule } = parse(alertSchema, item, request);
      if (state !== undefined && state !== "ACTIVE") continue;
      yield watcher(name, schedule?.quartz_cron_schedule, schedule?.timezone_id, schedule?.pause_status);
    }
  }
}

const monitorSchema = v.looseObject({
  schedule: v.optional(
    v.looseObject({ quartz_cron_expression: optionalText, timezone_id: optionalText, pause_status: optionalText }),
  ),
});

/** The quality monitor of a table, by its full name; undefined if it has none. */
export async function getMonitor(workspace: Workspace, table: string): Promise<Watcher | undefined> {
  const path = `/api/2.1/unity-catalog/tables/${encodePath(table)}/monitor`;
  const found = await orMissing(ask(workspace, { method: "GET", path }, monitorSchema));
  if (found === undefined) return undefined;
  const { schedule } = found;
  return watcher(table, schedule?.quartz_cron_expression, schedule?.timezone_id, schedule?.pause_status);
}

function watcher(name: string, expression: string | undefined, zone: string | undefined, status: string | undefined) {
  return {
    name,
    cron: expression === undefined ? undefined : { expression, zone: zone ?? "UTC" },
    paused: status === "PAUSED",
  };
}
