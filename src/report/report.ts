/** How a result is shown: job summary, annotations, outputs, JSON report. Knows nothing of what was decided. */
import { describeWhere, type Finding, isFailure, sentence } from "../findings.ts";
import type { JsonObject } from "../json.ts";
import { blocks, code, table, text } from "./markdown.ts";

/** What every action's use case returns. */
export interface ActionResult {
  readonly findings: readonly Finding[];
  /** Values for later steps. Never a secret: GitHub drops an output with masked text (facts: github 1). */
  readonly outputs: Readonly<Record<string, string>>;
  /** Markdown for the job summary, outside text already escaped; the findings are added below it. */
  readonly summary: string;
  /** The machine-readable report. */
  readonly report: JsonObject;
  /** Findings as SARIF, for actions that give it; the frame writes it beside the report. */
  readonly sarif?: JsonObject;
}

/** GitHub keeps ten annotations a type a step (facts: github 1); what is cut is in the summary and the report. */
export const ANNOTATIONS_PER_TYPE = 10;

/** A job summary takes 1 MiB. */
const MOST_ROWS = 300;

const ICON = { error: "❌", unknown: "❓", warning: "⚠️", notice: "ℹ️" } as const;

/** The findings as a table, worst first; an empty string for none. */
export function findingsSummary(findings: readonly Finding[]): string {
  if (findings.length === 0) return "";
  const order = ["error", "unknown", "warning", "notice"];
  const sorted = [...findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  const more = sorted.length - MOST_ROWS;
  const rows = sorted
    .slice(0, MOST_ROWS)
    .map((finding) => [
      `${ICON[finding.severity]} ${code(finding.id)}`,
      finding.where === undefined ? "" : code(describeWhere(finding.where)),
      text(finding.why === undefined ? finding.message : `${sentence(finding.message)} ${finding.why}`),
      text(finding.remedy),
    ]);
  const columns = ["Finding", "Where", "What", "What to do"];
  // an empty column takes the width that the others need
  const shown = [columns, ...rows].map((row) => row.filter((_, index) => index !== 1 || rows.some((each) => each[1])));
  return blocks(
    "### Findings",
    table(shown[0] ?? [], shown.slice(1)),
    more > 0 ? `And ${more} more, in the report.` : "",
  );
}

/**
 * The whole job summary of an action; `name` says its mode, too, since what is only planned is not done. A run that threw has
 * no text of its own: `begun` says whether it had asked anybody to change anything.
 */
export function stepSummary(
  name: string,
  { findings, summary }: Pick<ActionResult, "findings" | "summary">,
  begun: boolean,
): string {
  const failed = conclusionOf(findings) === "failure";
  const stopped = summary === "" && failed ? howItStopped(name, findings, begun) : "";
  return blocks(`## ${failed ? "❌" : "✅"} ${text(name)}`, stopped, summary, findingsSummary(findings));
}

function howItStopped(name: string, findings: readonly Finding[], begun: boolean): string {
  if (begun) return `${code(name)} stopped before its end. What it did until then is in the log.`;
  return findings.filter(isFailure).every(({ id }) => id.startsWith("input/"))
    ? "**Nothing was done:** what it was given is not as it must be."
    : `**Nothing was changed:** ${code(name)} stopped before it had begun to change anything.`;
}

/** A result's findings as JSON, for the report. */
export function findingsJson(findings: readonly Finding[]): JsonObject[] {
  return findings.map((finding) => ({
    id: finding.id,
    severity: finding.severity,
    ...(finding.where === undefined ? {} : { where: whereJson(finding.where) }),
    message: finding.message,
    ...(finding.why === undefined ? {} : { why: finding.why }),
    remedy: finding.remedy,
  }));
}

function whereJson(where: NonNullable<Finding["where"]>): JsonObject {
  return Object.fromEntries(Object.entries(where).filter(([, value]) => value !== undefined));
}

/** One of the two conclusions a step can have. */
export function conclusionOf(findings: readonly Finding[]): "success" | "failure" {
  return findings.some(isFailure) ? "failure" : "success";
}
