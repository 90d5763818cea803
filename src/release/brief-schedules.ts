/** The section of a brief about what starts without anybody: by what before, by what then, and when it does next. */
import { isObject, type JsonObject, type JsonValue } from "../json.ts";
import { blocks, code, table, text } from "../report/markdown.ts";
import { nextStart } from "../schedules/next.ts";
import { type Starter, startersOfJob, startersOfPipeline } from "../schedules/starters.ts";
import type { BriefFacts } from "./brief.ts";
import { SCHEDULE_FIELD } from "./brief-changes.ts";
import { type Change, changed, type FieldChange } from "./change.ts";

/** A page that is longer than this is read by nobody; the rest is in the report. */
const MOST_ROWS = 100;

/** One row for each resource whose starts change, or that is new and starts by itself; empty if there is none. */
export function scheduleSection(brief: BriefFacts): string {
  const rows = changed(brief.plan).flatMap((change) => rowOf(change, brief));
  return rows.length === 0
    ? ""
    : blocks(
        "### What starts by itself",
        table(["Resource", "Now", "Then", "Next start"], rows.slice(0, MOST_ROWS)),
        rows.length > MOST_ROWS ? `… and ${rows.length - MOST_ROWS} more, in the JSON report.` : "",
      );
}

function rowOf(change: Change, { desired, findings, facts }: BriefFacts): string[][] {
  const fields = change.fields.filter(({ path }) => SCHEDULE_FIELD.test(path));
  if (fields.length === 0) return [];
  const settings = desired.find(({ key }) => key === change.key)?.settings ?? {};
  const then = startersOf(change, settings);
  if (change.action === "create" && then.length === 0) return [];
  const held = findings.some(
    ({ id, where }) => id === "schedules/held" && where?.kind === "resource" && where.key === change.key,
  );
  const next = then.filter(({ state }) => state === "running").map((each) => text(nextStart(each, facts.now)));
  return [
    [
      code(change.key),
      change.action === "create" ? "—" : nowText(change, settings, fields),
      startersText(then),
      held ? "⏸️ none while it is held, see the findings" : next.join("<br>") || "—",
    ],
  ];
}

/** What starts it today: what it is to be, with what changes taken back; of a list of triggers, the fields as they are. */
function nowText(change: Change, settings: JsonObject, fields: readonly FieldChange[]): string {
  const listed = fields.filter(({ path }) => path.startsWith("triggers"));
  if (listed.length > 0) return listed.map(({ path }) => `other ${code(path)}`).join("<br>");
  const before = fields.reduce((all, { path, old }) => withValue(all, path.split("."), old), settings);
  return startersText(startersOf(change, before));
}

function withValue(
  object: JsonObject,
  [first = "", ...rest]: readonly string[],
  value: JsonValue | undefined,
): JsonObject {
  const { [first]: inner, ...others } = object;
  const put: JsonValue | undefined = rest.length === 0 ? value : withValue(isObject(inner) ? inner : {}, rest, value);
  return put === undefined ? others : { ...others, [first]: put };
}

function startersOf({ kind }: Change, settings: JsonObject): Starter[] {
  return kind === "pipelines" ? startersOfPipeline(settings) : startersOfJob(settings);
}

function startersText(starters: readonly Starter[]): string {
  return starters.map(({ what, state }) => `${code(what)}${state === "paused" ? " (paused)" : ""}`).join("<br>") || "—";
}
