/** Schedules as a page: tier × job, before → after, when it starts next, and why; what is held; what runs where it should not. */
import { isFailure } from "../findings.ts";
import { inUtc } from "../gate/wall-clock.ts";
import type { HoldResult } from "../holds.ts";
import type { JsonObject } from "../json.ts";
import { nextStart } from "../schedules/next.ts";
import type { Starter } from "../schedules/starters.ts";
import type { ScheduleRow, SchedulesResult } from "../schedules.ts";
import { shortSha } from "../short-sha.ts";
import { blocks, code, table, text } from "./markdown.ts";

const OUTCOME = {
  right: "✅ as wanted",
  foreign: "➖ left as it is",
  drift: "❌ not as wanted",
  held: "⏸️ another hold keeps it",
  changed: "✅ changed",
  "still-running": "❌ paused, still running",
  gone: "➖ deleted meanwhile",
  failed: "❌ not changed",
} as const;

/** A summary has an end (1 MiB): what matters comes first, the rest is in the report. */
const MOST_ROWS = 500;
const WORST_FIRST: readonly ScheduleRow["outcome"][] = [
  "failed",
  "still-running",
  "drift",
  "changed",
  "held",
  "gone",
  "foreign",
  "right",
];

/** Markdown for the job summary of a check or an enforcement; the findings come below it. */
export function schedulesSummary(result: SchedulesResult): string {
  const { tier, scope, rows, seen } = result;
  const what = scope === "project" ? "of this project" : "that this principal can see in the workspace";
  const stopped = rows.some((row) => row.outcome === "changed" && row.decision.wanted === "paused");
  return blocks(
    `${seen} jobs and pipelines ${what} in ${code(tier)}; ${rows.length} can start by themselves.`,
    heldTable(result),
    rowsTable(result),
    stopped ? "Pausing a job stops no run that is active; it starts no new one." : "",
    costTable(result),
  );
}

/** The same for a hold that was made, or holds that were lifted. */
export function holdsSummary(result: HoldResult, mode: "hold" | "resume"): string {
  const { tier, touched } = result;
  const failed = result.rows.filter(({ outcome }) => outcome === "failed" || outcome === "still-running").length;
  const those = failed === 1 ? "one of them that is" : `${failed} of them that are`;
  const held = `Schedules in ${code(tier)} are held. What is paused stays so, through deploys too, until somebody gives back what was before: ${code("operate.yml")}, operation ${code("unpause")} (${code("mode: resume")}).`;
  const stands = result.findings.some(({ id }) => id === "schedules/hold-stands");
  const lifted = `${touched.length === 1 ? "A hold" : `${touched.length} holds`} in ${code(tier)} lifted`;
  const whole = failed === 0 && !stands && !result.findings.some(isFailure);
  const lead =
    mode === "hold"
      ? `${held}${failed === 0 ? "" : ` **But for ${those} not quiet yet:** see below.`}`
      : whole
        ? `${lifted}: everything is as it was before, not simply on.`
        : `${lifted} **in part:** what could be given back is as it was before; the rest is below.`;
  return blocks(lead, heldTable({ ...result, holds: touched }), rowsTable(result));
}

function rowsTable({ tier, rows, now }: SchedulesResult): string {
  const rank = (row: ScheduleRow): number => WORST_FIRST.indexOf(row.outcome);
  const shown = rows.toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST_ROWS);
  return blocks(
    table(
      ["Tier", "Job or pipeline", "Starts by", "Before → after", "Next start", "Result", "Why"],
      shown.map((row) => [
        text(tier),
        nameOf(row),
        row.decision.resource.starters.map((starter) => code(starter.what)).join("<br>"),
        `${before(row)} → ${after(row)}`,
        nextOf(row, now).map(text).join("<br>") || "—",
        OUTCOME[row.outcome],
        text(row.decision.why),
      ]),
    ),
    rows.length > shown.length ? `… and ${rows.length - shown.length} more, in the JSON report.` : "",
  );
}

function nameOf({ decision: { resource } }: ScheduleRow): string {
  return resource.key === undefined ? code(resource.name) : `${code(resource.key)} ${text(resource.name)}`;
}

function before({ decision: { resource } }: ScheduleRow): string {
  const states = [...new Set(resource.starters.map((starter) => starter.state))].sort().join(" and ");
  if (!resource.goesOn) return states || "paused";
  return resource.kind === "jobs" ? `${states}, started by hand` : `${states}, still running`;
}

function after(row: ScheduleRow): string {
  if (row.outcome === "gone") return "gone";
  if (row.outcome === "still-running") return "paused, still running";
  const states = [...new Set(startersAfter(row).map(({ state }) => state))].sort().join(" and ");
  return row.outcome === "changed" ? states || (row.decision.wanted ?? "") : before(row);
}

function startersAfter({ decision, outcome }: ScheduleRow): readonly Starter[] {
  const { resource, drifted, wanted } = decision;
  if (outcome === "still-running") return [];
  if (outcome !== "changed") return resource.starters;
  if (wanted !== undefined) return resource.starters.map((starter) => ({ ...starter, state: wanted }));
  const other = { running: "paused", paused: "running" } as const;
  return resource.starters.map((starter) =>
    drifted.includes(starter) ? { ...starter, state: other[starter.state] } : starter,
  );
}

/** When it will start by itself next, one a starter; nothing for what is paused. */
function nextOf(row: ScheduleRow, now: Date): string[] {
  if (row.outcome === "gone") return [];
  const { resource, wanted } = row.decision;
  const givenBack = resource.kind === "pipelines" && wanted === "running" && row.outcome === "changed";
  if (givenBack || (resource.goesOn && row.outcome !== "changed" && row.outcome !== "still-running")) return ["always"];
  const running = startersAfter(row).filter(({ state }) => state === "running");
  return running.map((starter) => nextStart(starter, now));
}

function heldTable({ holds, now }: Pick<SchedulesResult, "holds" | "now">): string {
  const ours = holds.filter(({ kind }) => kind === "schedules");
  if (ours.length === 0) return "";
  return blocks(
    "### Held",
    table(
      ["Hold", "Names", "Why", "By", "Since", "Until"],
      ours.map(({ id, selector, scope, reason, by, at, until }) => [
        code(shortSha(id)),
        `${code(selector)}${scope === "workspace" ? " of the whole workspace" : ""}`,
        text(reason),
        text(by),
        text(inUtc(at)),
        until === undefined
          ? "lifted by hand"
          : `${text(inUtc(until))}${Date.parse(until) <= now.getTime() ? " ⌛ over" : ""}`,
      ]),
    ),
  );
}

/** What ran by itself in a tier that should be quiet. */
function costTable({ tier, rows, history, notLookedAt, now }: SchedulesResult): string {
  const costly = rows.flatMap((row) => {
    const ran = history.get(row.decision.resource.id);
    return ran?.since === undefined ? [] : [{ row, ...ran, since: ran.since }];
  });
  if (costly.length === 0 && notLookedAt === 0) return "";
  return blocks(
    `### What ran by itself in ${text(tier)}`,
    table(
      ["Job or pipeline", "Since", "Runs nobody started", "Hours"],
      costly.map(({ row, since, runs, busyMs, more }) => {
        const days = Math.floor((now.getTime() - since) / 86_400_000);
        return [
          nameOf(row),
          text(`${new Date(since).toISOString().slice(0, 10)} (${more ? "at least " : ""}${days} days)`),
          `${runs}${more ? " or more" : ""}`,
          (busyMs / 3_600_000).toFixed(1),
        ];
      }),
    ),
    costly.length === 0 ? "No such run is among the newest of the jobs that were looked at." : "",
    notLookedAt === 0
      ? ""
      : `${notLookedAt} more jobs were not looked at: those that were run all the time, on events, or most often. Of each its newest runs count.`,
  );
}

/** The machine-readable result. */
export function schedulesReport({ tier, scope, rows, seen, holds, history, now }: SchedulesResult): JsonObject {
  return {
    tier,
    scope,
    seen,
    holds: holds.map(({ id, kind, selector, scope, reason, by, at, until }) => ({
      id,
      kind,
      selector,
      scope,
      reason,
      by,
      at,
      until: until ?? null,
    })),
    schedules: rows.map((row) => {
      const { resource, wanted, why } = row.decision;
      const ran = history.get(resource.id);
      return {
        kind: resource.kind,
        id: resource.id,
        name: resource.name,
        key: resource.key ?? null,
        starters: resource.starters.map(({ field, what, state }) => ({ field, what, state })),
        wanted: wanted ?? null,
        outcome: row.outcome,
        why,
        next: nextOf(row, now),
        ...(ran === undefined ? {} : { ran: { ...ran, since: ran.since ?? null } }),
      };
    }),
  };
}
