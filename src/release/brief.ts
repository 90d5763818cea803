/** The page an approver reads before the click: what changes, what is risky, what proves it, what the way back is. */
import type { ResourceKey, TierName } from "../contract/model.ts";
import { type Finding, isFailure } from "../findings.ts";
import type { CheckId } from "../gate/check.ts";
import { type GateResult, isMatterOfTime, passing } from "../gate/evaluate.ts";
import type { Fact, GateFacts } from "../gate/facts.ts";
import { duration } from "../gate/wall-clock.ts";
import type { Site } from "../github/links.ts";
import { gateSummary, overrideNotice } from "../report/gate.ts";
import { leftSection } from "../report/left.ts";
import { blocks, code, count, details, link, table, text } from "../report/markdown.ts";
import { type Found, picture } from "../report/whereabouts.ts";
import { shortSha } from "../short-sha.ts";
import { approvers } from "./brief-approvers.ts";
import type { ChangedFile, FailedRun, WayBack } from "./brief-facts.ts";
import { changed, listed, risksOf, unique, worded } from "./brief-risk.ts";
import { scheduleSection } from "./brief-schedules.ts";
import {
  accessSection,
  changesSince,
  contractSection,
  driftSection,
  failedSection,
  paritySection,
  planSection,
  unaskedText,
} from "./brief-sections.ts";
import { verdictOf } from "./brief-verdict.ts";
import { commitLink, wayBackText } from "./brief-way-back.ts";
import type { Desired, Drift, FieldChange, Plan } from "./change.ts";
import type { History } from "./history.ts";
import type { Left } from "./left.ts";
import type { Move } from "./move.ts";

/** Everything that a brief says. */
export interface BriefFacts {
  readonly project: string;
  readonly tier: TierName;
  /** By its name. */
  readonly servicePrincipal: string;
  readonly catalog: string;
  /** The repository, for links to its pages. */
  readonly site: Site;
  readonly candidate: { readonly commit: string; readonly release: string };
  /** What the tier has now; undefined before the first deployment. */
  readonly current: { readonly commit: string; readonly release: string } | undefined;
  readonly history: Fact<History>;
  readonly plan: Plan;
  /** What the release wants, whole: a plan names only what changes of it. */
  readonly desired: readonly Pick<Desired, "key" | "settings">[];
  /** Unknown when nobody could look at the tier. */
  readonly drift: Fact<Drift>;
  readonly facts: GateFacts;
  readonly gate: GateResult;
  /** What a look at the tier found beside the gate; a failure stops the promotion. */
  readonly findings: readonly Finding[];
  /** What rollbacks left in the tier. */
  readonly left: readonly Left[];
  /** What stops a promotion and was not looked at, as clauses without a full stop: it is told only after the approval. */
  readonly unseen: readonly string[];
  readonly details: BriefDetails;
}

/** What a brief says beyond plan and gate (brief-facts.ts); what could not be read is said, and hides nothing else. */
export interface BriefDetails {
  readonly files: Fact<readonly ChangedFile[]>;
  readonly contract: Fact<readonly FieldChange[]>;
  /** What the changed contract does to the tier; undefined if it has no release. */
  readonly move: Fact<Move | undefined>;
  readonly failedRuns: Fact<readonly FailedRun[]>;
  /** Undefined: a rollback would choose nothing by itself. */
  readonly wayBack: Fact<WayBack | undefined>;
  /** Undefined where nobody asked GitHub. */
  readonly tiers: readonly Found[] | undefined;
  /** What the contract runs in the tier below to verify a release there. */
  readonly verifies: readonly ResourceKey[];
}

/** The brief as Markdown for a job summary; outside text is escaped. */
export function renderBrief(brief: BriefFacts): string {
  const { tier, candidate, gate } = brief;
  const verdict = verdictOf(brief);
  const passes = passing(gate).length === gate.checks.length;
  return blocks(
    `## ${text(brief.project)} to ${text(tier)}: what you approve`,
    verdict.says,
    overrideNotice(gate),
    table(
      ["", headingOf(brief)],
      [
        ["**What**", what(brief)],
        ["**Risk**", risk(brief)],
        ["**Proof**", proof(brief)],
        ["**Way&nbsp;back**", wayBackText(brief)],
      ],
    ),
    verdict.kind === "stop" ? "" : approvers(brief),
    driftSection(brief),
    brief.details.tiers === undefined
      ? ""
      : picture({ name: "this release", commit: candidate.commit }, brief.details.tiers, brief.facts.now),
    passes ? "" : gateSummary(gate),
    failedSection(brief),
    planSection(brief),
    leftSection(brief.left, tier),
    scheduleSection(brief),
    accessSection(brief),
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

function headingOf(brief: BriefFacts): string {
  const { current, candidate, tier } = brief;
  const commit = `commit ${commitLink(brief, candidate.commit)}`;
  if (current === undefined) return commit;
  return current.commit === candidate.commit
    ? `${commit}, which ${text(tier)} has`
    : `${commit} in place of ${commitLink(brief, current.commit)}`;
}

function what(brief: BriefFacts): string {
  const { plan, history, current, tier, details, left } = brief;
  const goes = left.filter((each) => each.goes).length;
  const changes = changed(plan).length;
  const files = details.files.known && current !== undefined ? details.files.value.length : 0;
  const { pulls } = history.known ? history.value : { pulls: [] };
  const parts = [
    ...(current === undefined ? [`The first release of ${text(tier)}`] : []),
    ...(history.known ? sources(history.value) : []),
    ...(files === 0 ? [] : [`${count(files, "file")} changed`]),
    ...(current === undefined
      ? [`${count(changes, "resource")} to create`]
      : changes === 0
        ? goes === 0
          ? []
          : [`${count(goes, "resource")} that a rollback left ${goes === 1 ? "is" : "are"} deleted`]
        : [`${count(changes, "resource")} of ${plan.changes.length} ${changes === 1 ? "changes" : "change"}`]),
  ];
  const told = parts.length === 0 ? "Nothing changes" : parts.join("; ");
  const none = parts.length > 0 && changes === 0 && current !== undefined;
  const still = none ? `; no resource ${goes === 0 ? "" : "of the release "}changes` : "";
  const titles = pulls
    .slice(-SHOWN)
    .map((pull) => `${link(`#${pull.number} ${pull.title}`, pull.url)} by ${text(pull.author ?? "a deleted account")}`);
  const hidden = pulls.length - titles.length;
  return [...hotfix(brief), `${told}${still}.`, ...titles, ...(hidden > 0 ? [`and ${hidden} more, below`] : [])].join(
    "<br>",
  );
}

/** What comes past the tiers below is no ordinary release, and has to be brought back. */
function hotfix({ facts }: BriefFacts): string[] {
  if (!facts.commit.known || facts.commit.value.hotfix === undefined) return [];
  const { onDefaultBranch, hotfix: found } = facts.commit.value;
  const main = facts.repository.known ? code(facts.repository.value.defaultBranch) : "the default branch";
  return [
    onDefaultBranch
      ? `**A hotfix** from ${code(found.branch)}, which dev never had; ${main} has it already.`
      : `**A hotfix** from ${code(found.branch)}, which dev never had. Once it is in, merge it back into ${main}: until then no other release gets in.`,
    ...(found.other === undefined
      ? []
      : [
          `**Another hotfix**, ${code(shortSha(found.other))}, is not in it: once this one is in, that one is refused.`,
        ]),
  ];
}

/** At most this many names stand in the table; all are below. */
const SHOWN = 5;

/** Who opened the pull requests, and who wrote the commits where that is somebody else. */
function sources({ commits, pulls, unasked }: History): string[] {
  const openers = unique(pulls.map(({ author }) => author ?? "a deleted account"));
  const writers = unique(commits.map(({ author }) => author)).filter((author) => !openers.includes(author));
  const by = (names: readonly string[]): string => listed(names.map(text));
  if (pulls.length === 0) {
    if (commits.length === 0) return [];
    const without = unasked === 0 ? "without a pull request" : unaskedText(unasked, commits.length);
    return [`${count(commits.length, "commit")} by ${by(writers)}, ${without}`];
  }
  const more = writers.length === 0 ? "" : `, with commits by ${by(writers)}`;
  const all = unasked === 0 ? "" : `at least `;
  const rest = unasked === 0 ? "" : ` (${unaskedText(unasked, commits.length)})`;
  return [`${all}${count(pulls.length, "pull request")} by ${by(openers)}${more}${rest}`];
}

function risk(brief: BriefFacts): string {
  const lines = risksOf(brief).map((each) => `${each.icon} ${worded(each)}`);
  if (lines.length > 0) return lines.join("<br>");
  return brief.current === undefined ? "🟢 nothing is there yet that could break" : "🟢 nothing that runs is touched";
}

function proof(brief: BriefFacts): string {
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
