/** The gate as a person sees it: one row a check; where some do not pass, those alone are open. */
import { sentence } from "../findings.ts";
import type { CheckResult } from "../gate/check.ts";
import { type GateResult, isMatterOfTime, passing, titleOf } from "../gate/evaluate.ts";
import type { JsonObject } from "../json.ts";
import { blocks, code, count, details, link, table, text } from "./markdown.ts";
import { findingsJson } from "./report.ts";

const ICON = { pass: "✅", fail: "❌", unknown: "❓" } as const;

/** The gate's table as Markdown. */
export function gateSummary(gate: GateResult): string {
  const waiting = new Map(gate.waiting.map((check) => [check.check, check]));
  const rows = gate.checks.map((check) => rowOf(check, waiting.get(check.check)));
  const fine = rows.filter(([icon]) => icon === ICON.pass);
  const doubtful = rows.filter(([icon]) => icon !== ICON.pass);
  const columns = ["", "Check", "Result", "Evidence"];
  const later = gate.later.map(({ id }) => code(id)).join(", ");
  return blocks(
    headlineOf(gate),
    table(columns, doubtful),
    doubtful.length === 0
      ? table(columns, fine)
      : fine.length === 0
        ? ""
        : details(`${count(fine.length, "check")} that pass${fine.length === 1 ? "es" : ""}`, table(columns, fine)),
    later === "" ? "" : `Checked again and further in the promotion itself: ${later}.`,
  );
}

function headlineOf(gate: GateResult): string {
  const passed = passing(gate).length;
  if (passed === gate.checks.length) return `### Gate to ${text(gate.tier)}: all ${passed} checks pass`;
  const later = gate.waiting.filter(isMatterOfTime).length;
  const stops = gate.waiting.length - later;
  const overridden = gate.checks.filter((check) => check.overridden !== undefined).length;
  const parts = [
    `${passed} of ${gate.checks.length} checks pass`,
    ...(later === 0 ? [] : [`${later} not yet`]),
    ...(stops === 0 ? [] : [`${stops} would stop the promotion`]),
    ...(overridden === 0 ? [] : [`${overridden} overridden`]),
  ];
  return `### Gate to ${text(gate.tier)}: ${parts.join(", ")}`;
}

/** `waits`: the same check as the promotion would make it now, if that would stop it. */
function rowOf(check: CheckResult, waits: CheckResult | undefined): string[] {
  return [
    iconOf(check, waits),
    code(check.check),
    check.overridden === undefined
      ? text(said(waits ?? check))
      : `**Overridden** by ${text(check.overridden.by)}: ${text(sentence(check.overridden.reason))} It says: ${text(said(check))}`,
    check.evidence.map(({ label, url }) => (url === undefined ? text(label) : link(label, url))).join("; "),
  ];
}

function iconOf({ verdict, overridden, findings }: CheckResult, waits: CheckResult | undefined): string {
  if (overridden !== undefined) return "🚨";
  if (waits !== undefined) return isMatterOfTime(waits) ? "⏳" : ICON.fail;
  return verdict === "pass" && findings.some(({ severity }) => severity === "warning") ? "⚠️" : ICON[verdict];
}

/** What a check says; with its first warning, which alone would pass unread. */
function said({ summary, findings, verdict }: CheckResult): string {
  const warnings = findings.filter(({ severity }) => severity === "warning").map(({ message }) => message);
  if (verdict !== "pass" || warnings.length === 0) return summary;
  const more = warnings.length === 1 ? "" : ` And ${warnings.length - 1} more of the kind.`;
  return [summary, `${warnings[0] ?? ""}${more}`].filter((part) => part !== "").join(" ");
}

/** The checks that stop it, as Markdown in brackets; empty if none does. */
export function stoppedBy({ checks }: GateResult): string {
  const failing = checks.filter(({ verdict, overridden }) => verdict !== "pass" && overridden === undefined);
  return failing.length === 0 ? "" : ` (${failing.map(({ check }) => code(check)).join(", ")})`;
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
