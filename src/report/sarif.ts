/**
 * Findings as SARIF 2.1.0, for code scanning. GitHub shows a result at a place in a file; a finding about a securable is
 * shown at the contract, and names the securable as a logical location.
 */
import { describeWhere, type Finding, type Severity } from "../findings.ts";
import type { JsonObject } from "../json.ts";
import { sha256 } from "../sha256.ts";
import { VERSION } from "../version.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const HOME = "https://github.com/four-tier/four-tier";
/** Code scanning shows 5,000 results of a run; the rest is in the report. */
const MOST_RESULTS = 5000;

const LEVEL: Readonly<Record<Severity, string>> = {
  error: "error",
  unknown: "error",
  warning: "warning",
  notice: "note",
};
const ORDER: readonly Severity[] = ["error", "unknown", "warning", "notice"];

/** One run of one tool; `file` is where findings without a place in a file are shown: the contract. */
export function sarifOf(
  findings: readonly Finding[],
  { file, category, help }: { readonly file: string; readonly category: string; readonly help: string },
): JsonObject {
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const shown = sorted.slice(0, MOST_RESULTS);
  const ids = [...new Set(shown.map(({ id }) => id))].sort();
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "Four-Tier",
            version: VERSION,
            informationUri: HOME,
            rules: ids.map((id) => ruleOf(id, shown, help)),
          },
        },
        automationDetails: { id: `four-tier/${category}/` },
        columnKind: "utf16CodeUnits",
        results: shown.map((finding) => resultOf(finding, ids.indexOf(finding.id), file)),
        properties: { findings: findings.length, notShown: findings.length - shown.length },
      },
    ],
  };
}

function ruleOf(id: string, findings: readonly Finding[], help: string): JsonObject {
  const worst = findings.find((finding) => finding.id === id)?.severity ?? "error";
  const words = id.split("/").at(-1)?.replaceAll("-", " ") ?? id;
  return {
    id,
    name: id.replace(/(?:^|[/-])([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
    shortDescription: { text: `${words.charAt(0).toUpperCase()}${words.slice(1)}` },
    helpUri: `${HOME}/blob/main/${help}`,
    defaultConfiguration: { level: LEVEL[worst] },
  };
}

function resultOf(finding: Finding, ruleIndex: number, file: string): JsonObject {
  const { where } = finding;
  const at = where?.kind === "file" ? where : undefined;
  const place = where === undefined ? "" : describeWhere(where);
  return {
    ruleId: finding.id,
    ruleIndex,
    level: LEVEL[finding.severity],
    message: { text: [finding.message, finding.why, finding.remedy].filter((part) => part !== undefined).join(" ") },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(at?.file ?? file), uriBaseId: "%SRCROOT%" },
          region: { startLine: at?.line ?? 1, ...(at?.column === undefined ? {} : { startColumn: at.column }) },
        },
        ...(where?.kind === "securable"
          ? { logicalLocations: [{ fullyQualifiedName: where.name, kind: where.type }] }
          : {}),
      },
    ],
    // The same finding in the next run is the same alert, wherever its line has moved.
    partialFingerprints: {
      "fourTierFinding/v1": sha256(JSON.stringify([finding.id, at?.file ?? place, finding.message])),
    },
  };
}
