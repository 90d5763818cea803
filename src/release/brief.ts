/** The page an approver reads before the click: what changes, what is risky, what proves it, what the way back is. */
import type { TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { CheckId } from "../gate/check.ts";
import type { GateResult } from "../gate/evaluate.ts";
import type { Fact, GateFacts } from "../gate/facts.ts";
import { duration } from "../gate/wall-clock.ts";
import { gateSummary, overrideNotice } from "../report/gate.ts";
import { blocks, code, details, link, table, text } from "../report/markdown.ts";
import { type Found, picture } from "../report/whereabouts.ts";
import type { ChangedFile, FailedRun, WayBack } from "./brief-facts.ts";
import {
  accessSection,
  changesSince,
  contractSection,
  count,
  driftSection,
  failedSection,
  paritySection,
  planSection,
  scheduleSection,
} from "./brief-sections.ts";
import { changed, listed, risksOf } from "./brief-risk.ts";
import { verdictOf } from "./brief-verdict.ts";
import type { History } from "./history.ts";
import type { Drift, FieldChange, Plan } from "./plan.ts";

export interface BriefFacts {
  readonly project: string;
  readonly tier: TierName;
  readonly catalog: string;
  /** owner/name, and GitHub's pages. */
  readonly repository: string;
  readonly serverUrl: string;
  readonly candidate: { readonly commit: string; readonly release: string };
  /** What the tier has now; undefined before the first deployment. */
  readonly current: { readonly commit: string; readonly release: string } | undefined;
  readonly history: Fact<History>;
  readonly plan: Plan;
  /** Unknown when nobody could look at the tier. */
  readonly drift: Fact<Drift>;
  readonly facts: GateFacts;
  readonly gate: GateResult;
  /** What a look at the tier found beside the gate; a failure stops the promotion. */
  readonly findings: readonly Finding[];
  readonly details: BriefDetails;
}

/** What a brief says beyond plan and gate (brief-facts.ts); what could not be read is said, and hides nothing else. */
export interface BriefDetails {
  readonly files: Fact<readonly ChangedFile[]>;
  readonly contract: Fact<readonly FieldChange[]>;
  /** Undefined where there is nothing to compare with. */
  readonly parity: { readonly findings: readonly Finding[]; readonly allowed: readonly string[] } | undefined;
  readonly failedRuns: Fact<readonly FailedRun[]>;
  /** Undefined: a rollback would choose nothing by itself. */
  readonly wayBack: Fact<WayBack | undefined>;
  /** Undefined where nobody asked GitHub. */
  readonly tiers: readonly Found[] | undefined;
}

/** The brief as Markdown for a job summary; outside text is escaped. */
export function renderBrief(brief: BriefFacts): string {
  const { tier, candidate, gate } = brief;
  const verdict = verdictOf(brief);
  const passes = gate.verdict === "pass" && gate.waiting.length === 0;
  return blocks(
    `## ${text(brief.project)} to ${text(tier)}: what you approve`,
    verdict.says,
    overrideNotice(gate),
    table(
      [
        "",
        `commit ${commitLink(brief, candidate.commit)}${brief.current === undefined ? "" : ` in place of ${commitLink(brief, brief.current.commit)}`}`,
      ],
      [
        ["**What**", what(brief)],
        ["**Risk**", risk(brief)],
        ["**Proof**", proof(brief)],
        ["**Way&nbsp;back**", wayBackText(brief)],
      ],
    ),
    verdict.kind === "stop" ? "" : approvers(brief),
    brief.details.tiers === undefined
      ? ""
      : picture({ name: "this release", commit: candidate.commit }, brief.details.tiers, brief.facts.now),
    passes ? "" : gateSummary(gate),
    driftSection(brief),
    failedSection(brief),
    planSection(brief.plan, tier),
    scheduleSection(brief.plan),
    accessSection(brief.plan),
    contractSection(brief),
    changesSince(brief),
    paritySection(brief),
    passes ? details(`The gate: all ${gate.checks.length} checks`, gateSummary(gate)) : "",
    details(
      "Digests: an approval is for these, and for nothing else",
      table(
        ["", ""],
        [
          ["release", code(candidate.release)],
          ["plan", code(brief.plan.digest)],
          ...(brief.drift.known && !brief.drift.value.empty ? [["drift", code(brief.drift.value.digest)]] : []),
        ],
      ),
    ),
  );
}

function what({ plan, history, current, tier, details: { files } }: BriefFacts): string {
  const changes = changed(plan);
  const sources = history.known
    ? `${count(history.value.pulls.length, "pull request")} by ${people(history.value)}`
    : "";
  const edited = files.known && current !== undefined ? count(files.value.length, "file") : "";
  const resources =
    current === undefined
      ? `${count(changes.length, "resource")} to create`
      : changes.length === 0
        ? "no resource changes"
        : `${count(changes.length, "resource")} of ${plan.changes.length} ${changes.length === 1 ? "changes" : "change"}`;
  const first = current === undefined ? [`The first release of ${text(tier)}`] : [];
  const titles = history.known
    ? history.value.pulls
        .slice(-SHOWN)
        .map(
          (pull) => `${link(`#${pull.number} ${pull.title}`, pull.url)} by ${text(pull.author ?? "a deleted account")}`,
        )
    : [];
  const hidden = history.known ? history.value.pulls.length - titles.length : 0;
  return [
    `${[...first, sources, edited, resources].filter((part) => part !== "").join("; ")}.`,
    ...titles,
    ...(hidden > 0 ? [`and ${hidden} more, below`] : []),
  ].join("<br>");
}

/** So many names stand in the table; all are below. */
const SHOWN = 5;

function people({ commits, pulls }: History): string {
  const authors = new Set([
    ...pulls.flatMap(({ author }) => (author === undefined ? [] : [author])),
    ...commits.map(({ author }) => author),
  ]);
  return authors.size === 0 ? "nobody known" : [...authors].map(text).join(", ");
}

function risk(brief: BriefFacts): string {
  const lines = risksOf(brief).map(
    ({ icon, says, of }) => `${icon} ${says}${of.length === 0 ? "" : `: ${listed(of)}`}`,
  );
  if (lines.length > 0) return lines.join("<br>");
  return brief.current === undefined ? "🟢 nothing is there yet that could break" : "🟢 nothing that runs is touched";
}

function proof({ gate, facts }: BriefFacts): string {
  const passed = gate.checks.filter(({ verdict: each }) => each === "pass").length - gate.waiting.length;
  const source = checkOf(gate, "source");
  const below =
    facts.previous === undefined || source === undefined
      ? []
      : source.verdict === "pass"
        ? [`✅ ${text(facts.previous)} runs this very release (${evidenceOf(source)})`]
        : [`❌ nothing proves that ${text(facts.previous)} runs it`];
  const failing = gate.checks.length - passed - gate.waiting.length;
  const rest = [
    ...(failing === 0 ? [] : [`${failing} not`]),
    ...(gate.waiting.length === 0 ? [] : [`${gate.waiting.length} not yet`]),
  ];
  return [
    ...below,
    ...verified(gate, facts),
    ...gate.waiting.filter(({ check }) => check !== "verification").map(({ summary }) => `⏳ ${text(summary)}`),
    `${failing > 0 ? "❌" : rest.length > 0 ? "⏳" : "✅"} ${passed} of ${gate.checks.length} checks of the gate pass${rest.length === 0 ? "" : `, ${rest.join(", ")}`}`,
  ].join("<br>");
}

/** How often it was verified there, and for how long it stood. */
function verified(gate: GateResult, facts: GateFacts): string[] {
  const check = checkOf(gate, "verification");
  if (check === undefined || facts.previous === undefined) return [];
  const links = check.evidence.length === 0 ? "" : ` (${evidenceOf(check)})`;
  const soak = facts.policy.known && facts.policy.value.soakMs > 0 ? facts.policy.value.soakMs : undefined;
  const asked = soak === undefined ? "" : ` Asked: ${duration(soak)} there.`;
  const later = gate.waiting.find((each) => each.check === "verification");
  const icon = check.verdict !== "pass" ? "❌" : later === undefined ? "✅" : "⏳";
  return [`${icon} ${text((later ?? check).summary)}${text(asked)}${links}`];
}

function checkOf(gate: GateResult, id: CheckId) {
  return gate.checks.find(({ check }) => check === id);
}

function evidenceOf({ evidence }: GateResult["checks"][number]): string {
  return evidence
    .slice(0, SHOWN)
    .map(({ label, url }) => (url === undefined ? text(label) : link(label, url)))
    .join(", ");
}

const STAYS = "Data, streaming checkpoints and trained models do not go back.";

function wayBackText(brief: BriefFacts): string {
  const { current, tier, details: more } = brief;
  if (current === undefined) return "There is no release to go back to yet: delete what was created.";
  const now = commitLink(brief, current.commit);
  if (!more.wayBack.known) return `${text(tier)} has ${now} now. ${text(more.wayBack.why)} ${STAYS}`;
  const back = more.wayBack.value;
  if (back === undefined) {
    return `⚠️ ${code("rollback.yml")} would choose nothing by itself: no release of ${text(tier)} was verified there. Name one: ${code(`to: ${current.commit.slice(0, 12)}`)} (what ${text(tier)} has now). ${STAYS}`;
  }
  const same =
    back.to.commit === current.commit ? ", what it has now" : `; it skips ${now}, which is not verified there`;
  const folders =
    back.folders === undefined
      ? "nobody looked whether its files are still there"
      : back.folders
        ? "its files are still there"
        : "⚠️ its files are **not** there any more: they would be uploaded again from the commit";
  return `${code("rollback.yml")} takes ${text(tier)} back to ${commitLink(brief, back.to.commit)}${same}, without a build; ${folders}. ${STAYS}`;
}

function commitLink({ serverUrl, repository }: BriefFacts, commit: string): string {
  return link(commit.slice(0, 12), `${serverUrl}/${repository}/commit/${commit}`);
}

function approvers({ facts, tier, plan, candidate }: BriefFacts): string {
  const policy = facts.policy.known ? facts.policy.value.approvers : undefined;
  const authors = facts.commit.known ? facts.commit.value.authors : [];
  const wrote = (login: string): boolean => authors.some((author) => author.toLowerCase() === login.toLowerCase());
  if (tier === "prod" && policy?.by === "dispatch") {
    const who = policy.from.length === 0 ? "whoever may write" : policy.from.map(text).join(", ");
    return `**Who may approve:** ${count(policy.count, "person")} of ${who}; not ${text(facts.run.actor)}, who started this run${policy.notAuthor ? ", and nobody who wrote it" : ""}. Each runs the caller of operate.yml by hand: operation ${code("approve")}, tier ${code(tier)}, release-digest ${code(candidate.release)}, plan-digest ${code(plan.digest)}. Then the failed job is run again.`;
  }
  const protection = facts.protection;
  if (!protection.known || protection.value.environment === undefined) return "";
  const { reviewers } = protection.value.environment;
  if (reviewers.length === 0) return "";
  const starters = [facts.run.actor, facts.run.triggeringActor].map((login) => login.toLowerCase());
  const named = (login: string): boolean =>
    policy === undefined || policy.from.length === 0 || policy.from.includes(login.toLowerCase());
  const able = reviewers.filter(
    (login) => !starters.includes(login.toLowerCase()) && named(login) && !(policy?.notAuthor === true && wrote(login)),
  );
  if (able.length === 0) {
    return `**Who may approve:** nobody. ${text(facts.run.actor)} started this run${policy?.notAuthor === true ? `, ${authors.map(text).join(", ")} wrote it` : ""}, and ${text(tier)} has no other reviewer.`;
  }
  const shown = able.map((login) => (wrote(login) ? `${text(login)} (wrote part of it)` : text(login)));
  return `**Who may approve:** ${shown.join(", ")}; not ${text(facts.run.actor)}, who started this run. The approval is for this run, this release and this plan: another attempt needs a new run.`;
}
