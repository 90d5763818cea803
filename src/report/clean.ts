/** A clean-up of sandboxes as a page. */
import type { CleanResult, CleanRow } from "../clean.ts";
import type { JsonObject } from "../json.ts";
import { blocks, code, details, table, text } from "./markdown.ts";

/** Markdown for the job summary; the findings come below it. */
export function cleanSummary({ rows, dryRun }: CleanResult): string {
  const shown = rows.filter(({ decision }) => decision.do !== "nothing");
  const foreign = rows.filter(({ decision }) => decision.do === "nothing");
  return blocks(
    dryRun ? "**A dry run**: nothing was written. `dry-run: false` does what is said here." : "",
    shown.length === 0 ? "There are no sandboxes." : "",
    table(
      ["Sandbox", "Developer", dryRun ? "Would be" : "Result", "Why", "Last use"],
      shown.map((row) => [
        code(row.catalog),
        text(row.developer ?? ""),
        resultOf(row),
        text(row.decision.why),
        "lastUse" in row.decision ? dayOf(row.decision.lastUse) : "",
      ]),
    ),
    ...shown
      .filter(({ removed }) => removed.length > 0)
      .map(({ catalog, removed }) =>
        details(
          `Removed with ${code(catalog)}: ${removed.length}`,
          removed.map((each) => `- ${text(each)}`).join("\n"),
        ),
      ),
    foreign.length === 0
      ? ""
      : details(
          `Called like a sandbox or marked as one, and left alone: ${foreign.length}`,
          foreign.map(({ catalog, decision }) => `- ${code(catalog)}: ${text(decision.why)}`).join("\n"),
        ),
  );
}

function resultOf({ decision, outcome }: CleanRow): string {
  if (outcome === "failed") return decision.do === "remove" ? "❌ not removed whole" : "❌ not marked";
  if (outcome === "postponed") return "⏳ removed by a later run";
  switch (decision.do) {
    case "warn":
      return "⚠️ warned of";
    case "wait":
      return `⚠️ warned of, removed from ${dayOf(decision.until.getTime())} on`;
    case "remove":
      return "🗑️ removed";
    case "ask":
      return "❓ kept, a person must look";
    default:
      return decision.do === "keep" && decision.unwarn ? "✅ kept, no longer warned of" : "✅ kept";
  }
}

/** The machine-readable result. */
export function cleanReport({ rows, dryRun }: CleanResult): JsonObject {
  return {
    dryRun,
    sandboxes: rows.map(({ catalog, developer, decision, outcome, removed }) => ({
      catalog,
      developer: developer ?? null,
      decision: decision.do,
      why: decision.why,
      lastUse: "lastUse" in decision ? new Date(decision.lastUse).toISOString() : null,
      outcome,
      removed: [...removed],
    })),
  };
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
