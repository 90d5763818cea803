/** What proves a release, in a cell of a brief's table: that the tier below had it and verified it, and the gate. */
import { isFailure } from "../findings.ts";
import type { CheckId } from "../gate/check.ts";
import { type GateResult, isMatterOfTime, passing } from "../gate/evaluate.ts";
import { duration } from "../gate/wall-clock.ts";
import { listed } from "../listed.ts";
import { code, count, link, text } from "../report/markdown.ts";
import type { BriefFacts } from "./brief.ts";

/** At most this many links stand in a line; all are below. */
const SHOWN = 5;

/** What the tier below shows, and how much of the gate passes. */
export function proofText(brief: BriefFacts): string {
  const { gate, facts } = brief;
  const passed = passing(gate).length;
  const source = checkOf(gate, "source");
  const below =
    facts.previous === undefined || source === undefined
      ? []
      : source.verdict === "pass"
        ? [`✅ ${text(source.summary)} (${evidenceOf(source)})`]
        : [`❌ nothing proves that ${text(facts.previous)} runs it`];
  const later = gate.waiting.filter(isMatterOfTime);
  const overridden = gate.checks.filter((check) => check.overridden !== undefined).length;
  const failing = gate.checks.length - passed - later.length - overridden;
  const rest = [
    ...(failing === 0 ? [] : [`${failing} not`]),
    ...(later.length === 0 ? [] : [`${later.length} not yet`]),
    ...(overridden === 0 ? [] : [`${overridden} overridden`]),
  ];
  const icon = failing > 0 ? "❌" : later.length > 0 ? "⏳" : overridden > 0 ? "🚨" : "✅";
  const amiss = brief.findings.filter(isFailure).length;
  return [
    ...below,
    ...verified(brief),
    ...keptEvidence(brief),
    ...(amiss === 0
      ? []
      : [`❌ a look at ${text(brief.tier)} found what stops the promotion: ${count(amiss, "finding")} below`]),
    `${icon} ${passed} of ${gate.checks.length} checks of the gate pass${rest.length === 0 ? "" : `, ${rest.join(", ")}`}`,
  ].join("<br>");
}

/** Where the document of that deployment is kept, if the contract asks for it; a link that stays right. */
function keptEvidence({ gate }: BriefFacts): string[] {
  const check = checkOf(gate, "evidence");
  return check?.verdict === "pass" && check.evidence.length > 0
    ? [`✅ its evidence is kept (${evidenceOf(check)})`]
    : [];
}

/** How often it was verified there, by what, and for how long it stood. */
function verified({ gate, facts, details }: BriefFacts): string[] {
  const check = checkOf(gate, "verification");
  if (check === undefined || facts.previous === undefined) return [];
  // that nothing more is asked for proves nothing of a release that the tier below may not have
  const there = checkOf(gate, "source")?.verdict === "pass";
  if (!there && check.verdict === "pass") return [];
  const links = check.evidence.length === 0 ? "" : ` (${evidenceOf(check)})`;
  const soak = facts.policy.known && facts.policy.value.soakMs > 0 ? facts.policy.value.soakMs : undefined;
  const asked = soak === undefined ? "" : ` Asked: ${duration(soak)} there.`;
  const later = gate.waiting.find((each) => each.check === "verification");
  const icon = check.verdict !== "pass" ? "❌" : later === undefined ? "✅" : "⏳";
  const ran =
    details.verifies.length === 0
      ? `no test was run, since ${code(`tiers.${facts.previous}.gate.verify`)} names none`
      : `${listed(details.verifies.map(code))} ${details.verifies.length === 1 ? "was" : "were"} run`;
  const how = icon === "✅" ? ` What lives there is what was released; ${ran}.` : "";
  return [`${icon} ${text((later ?? check).summary)}${how}${text(asked)}${links}`];
}

function checkOf(gate: GateResult, id: CheckId) {
  return gate.checks.find(({ check }) => check === id);
}

function evidenceOf({ evidence }: GateResult["checks"][number]): string {
  const shown = evidence.slice(0, SHOWN).map(({ label, url }) => (url === undefined ? text(label) : link(label, url)));
  const more = evidence.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? ` and ${more} more` : ""}`; // a label may have commas
}
