/** Schedules as a page: tier × job, before → after, and why. */
import type { JsonObject } from "../json.ts";
import type { ScheduleRow, SchedulesResult } from "../schedules.ts";
import { blocks, code, table, text } from "./markdown.ts";

const OUTCOME = {
  right: "✅ as wanted",
  foreign: "➖ left as it is",
  drift: "❌ not as wanted",
  held: "⏸️ another hold keeps it",
  changed: "✅ changed",
  gone: "➖ deleted meanwhile",
  failed: "❌ not changed",
} as const;

/** Markdown for the job summary; the findings come below it. */
export function schedulesSummary({ tier, scope, rows, seen }: SchedulesResult): string {
  const what = scope === "project" ? "of this project" : "that this principal can see in the workspace";
  const lead = `${seen} jobs and pipelines ${what} in ${code(tier)}; ${rows.length} can start by themselves.`;
  const stopped = rows.some((row) => row.outcome === "changed" && row.decision.wanted === "paused");
  return blocks(
    lead,
    table(
      ["Job or pipeline", "Starts by", "Before → after", "Result", "Why"],
      rows.map((row) => [
        nameOf(row),
        row.decision.resource.starters.map((starter) => code(starter.what)).join("<br>"),
        `${before(row)} → ${after(row)}`,
        OUTCOME[row.outcome],
        text(row.decision.why),
      ]),
    ),
    stopped ? "Pausing a job stops no run that is active; it starts no new one." : "",
  );
}

function nameOf({ decision: { resource } }: ScheduleRow): string {
  return resource.key === undefined ? code(resource.name) : `${code(resource.key)} ${text(resource.name)}`;
}

function before({ decision }: ScheduleRow): string {
  return [...new Set(decision.resource.starters.map((starter) => starter.state))].sort().join(" and ");
}

function after(row: ScheduleRow): string {
  return row.outcome === "changed"
    ? (row.decision.wanted ?? before(row))
    : row.outcome === "gone"
      ? "gone"
      : before(row);
}

/** The machine-readable result. */
export function schedulesReport({ tier, scope, rows, seen }: SchedulesResult): JsonObject {
  return {
    tier,
    scope,
    seen,
    schedules: rows.map((row) => ({
      kind: row.decision.resource.kind,
      id: row.decision.resource.id,
      name: row.decision.resource.name,
      key: row.decision.resource.key ?? null,
      starters: row.decision.resource.starters.map((starter) => ({ ...starter })),
      wanted: row.decision.wanted ?? null,
      outcome: row.outcome,
      why: row.decision.why,
    })),
  };
}
