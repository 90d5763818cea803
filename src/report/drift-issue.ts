/** The rolling issue about drift, and the same for the job summary. Findings are outside text: escaped here. */
import type { CarriedFinding } from "./carried-findings.ts";
import { blocks, code, count, link, table, text } from "./markdown.ts";

/** What one check of one tier came to. */
export interface Look {
  /** `dev`. */
  readonly tier: string;
  /** `grants`, `schedules`, `drift`. */
  readonly check: string;
  /** Undefined: it was not made, or its result did not arrive. */
  readonly findings: readonly CarriedFinding[] | undefined;
  /** More than were carried. */
  readonly more: number;
}

/**
 * What of a look opens the issue and keeps it open: all but warnings about grants, which are advice (a grant that nobody
 * made yet). A warning about schedules is something that has ended.
 */
export function drifted({ check, findings = [] }: Look): readonly CarriedFinding[] {
  return findings.filter(({ severity }) => severity !== "warning" || check !== "grants");
}

/** GitHub refuses longer bodies (facts: github 8). */
const LONGEST_BODY = 65_536;

/** The issue's body, its mark first. */
export function driftBody(
  looks: readonly Look[],
  { marker, runUrl }: { readonly marker: string; readonly runUrl: string },
): string {
  const lead = `Scheduled checks compare the tiers with the contract and with what was promoted. This issue is rewritten by each, and closed when all is clean: what you write here belongs in a comment. Last looked at by ${link("this run", runUrl)}.`;
  let rows = rowsOf(looks);
  for (;;) {
    const cut = rowsOf(looks).length - rows.length;
    const body = blocks(
      marker,
      lead,
      overview(looks),
      table(["Tier", "Finding", "Where", "What", "What to do"], rows),
      cut === 0 ? "" : `… and ${cut} more, in the reports of the run.`,
    );
    if (body.length <= LONGEST_BODY || rows.length === 0) return body;
    rows = rows.slice(0, Math.floor(rows.length / 2));
  }
}

/** For the job summary. */
export function driftSummary(looks: readonly Look[], issueUrl: string | undefined): string {
  return blocks(overview(looks), issueUrl === undefined ? "" : `${link("The issue", issueUrl)} has the details.`);
}

/** Tier × check. */
function overview(looks: readonly Look[]): string {
  const checks = [...new Set(looks.map(({ check }) => check))];
  const tiers = [...new Set(looks.map(({ tier }) => tier))];
  return table(
    ["Tier", ...checks.map(text)],
    tiers.map((tier) => [
      text(tier),
      ...checks.map((check) => mark(looks.find((look) => look.tier === tier && look.check === check))),
    ]),
  );
}

function mark(look: Look | undefined): string {
  if (look === undefined) return "not asked";
  if (look.findings === undefined) return "❓ not looked at";
  const found = drifted(look).length;
  const advice = look.findings.length + look.more - found;
  if (found > 0) return `❌ ${found + look.more}`;
  return advice > 0 ? `✅ ${count(advice, "warning")}` : "✅";
}

/** What fails comes first: warnings are advice, and of a long page the end is not read. */
function rowsOf(looks: readonly Look[]): string[][] {
  const rows = looks.flatMap(({ tier, findings = [], more, check }) => [
    ...findings.map(({ id, severity, where, message, remedy }) => ({
      fails: severity !== "warning",
      row: [text(tier), `${ICON[severity] ?? "❌"} ${code(id)}`, code(where), text(message), text(remedy)],
    })),
    ...(more === 0
      ? []
      : [
          {
            fails: true,
            row: [text(tier), "", "", text(`${more} more about ${check}, in the report of the job.`), ""],
          },
        ]),
  ]);
  return [...rows.filter(({ fails }) => fails), ...rows.filter(({ fails }) => !fails)].map(({ row }) => row);
}

const ICON: Readonly<Record<string, string>> = { error: "❌", unknown: "❓", warning: "⚠️" };
