/** The gate as a person sees it: one row a check, the doubtful ones first to the eye. */
import type { CheckResult } from "../gate/check.ts";
import { type GateResult, titleOf } from "../gate/evaluate.ts";
import type { JsonObject } from "../json.ts";
import { blocks, code, link, table, text } from "./markdown.ts";
import { findingsJson } from "./report.ts";

const ICON = { pass: "✅", fail: "❌", unknown: "❓" } as const;

/** The gate's table as Markdown. */
export function gateSummary(gate: GateResult): string {
  const waiting = new Map(gate.waiting.map((check) => [check.check, check]));
  const passed = gate.checks.filter(({ check, verdict }) => verdict === "pass" && !waiting.has(check)).length;
  const overridden = gate.checks.filter((check) => check.overridden !== undefined);
  const besides = [
    ...(waiting.size === 0 ? [] : [`${waiting.size} not yet`]),
    ...(overridden.length === 0 ? [] : [`${overridden.length} overridden`]),
  ];
  const headline =
    passed === gate.checks.length
      ? `### Gate to ${text(gate.tier)}: all ${passed} checks pass`
      : `### Gate to ${text(gate.tier)}: ${[`${passed} of ${gate.checks.length} checks pass`, ...besides].join(", ")}`;
  const rows = gate.checks.map((check) => [
    iconOf(check, waiting.has(check.check)),
    code(check.check),
    check.overridden === undefined
      ? text(said(waiting.get(check.check) ?? check))
      : `**Overridden** by ${text(check.overridden.by)}: ${text(check.overridden.reason)} It says: ${text(said(check))}`,
    check.evidence.map(({ label, url }) => (url === undefined ? text(label) : link(label, url))).join(", "),
  ]);
  const later = gate.later.map(({ id }) => code(id)).join(", ");
  return blocks(
    headline,
    table(["", "Check", "Result", "Evidence"], rows),
    later === "" ? "" : `Checked again and further in the promotion itself: ${later}.`,
  );
}

function iconOf({ verdict, overridden, findings }: CheckResult, waits: boolean): string {
  if (overridden !== undefined) return "🚨";
  if (waits) return "⏳";
  return verdict === "pass" && findings.some(({ severity }) => severity === "warning") ? "⚠️" : ICON[verdict];
}

/** What a check says; with its first warning, which alone would pass unread. */
function said({ summary, findings, verdict }: CheckResult): string {
  const warnings = findings.filter(({ severity }) => severity === "warning").map(({ message }) => message);
  if (verdict !== "pass" || warnings.length === 0) return summary;
  const more = warnings.length === 1 ? "" : ` And ${warnings.length - 1} more of the kind.`;
  return [summary, `${warnings[0] ?? ""}${more}`].filter((part) => part !== "").join(" ");
}

/** A broken glass, for the top of a page; empty if there is none. */
export function overrideNotice({ checks, stage }: GateResult): string {
  const lines = checks.flatMap(({ check, overridden }) =>
    overridden === undefined
      ? []
      : [
          `> 🚨 **Break-glass:** ${text(overridden.by)} ${stage === "promote" ? "overrode" : "asks to override"} ${code(check)}: ${text(overridden.reason)}`,
        ],
  );
  return lines.join("\n>\n");
}

/** The gate for the JSON report. */
export function gateJson(gate: GateResult): JsonObject {
  return {
    tier: gate.tier,
    stage: gate.stage,
    verdict: gate.verdict,
    checks: gate.checks.map(checkJson),
    waiting: gate.waiting.map(({ check, notBefore }) => ({
      check,
      not_before: notBefore === undefined ? null : new Date(notBefore).toISOString(),
    })),
    later: gate.later.map(({ id }) => id),
  };
}

function checkJson(check: CheckResult): JsonObject {
  return {
    check: check.check,
    title: titleOf(check.check),
    verdict: check.verdict,
    ...(check.overridden === undefined ? {} : { overridden: { ...check.overridden } }),
    summary: check.summary,
    evidence: check.evidence.map(({ label, url }) => ({ label, ...(url === undefined ? {} : { url }) })),
    findings: findingsJson(check.findings),
  };
}
