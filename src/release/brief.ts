/** The page an approver reads before the click: what changes, what is risky, what proves it, what the way back is. */
import type { ResourceKey, TierName } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import { type GateResult, passing } from "../gate/evaluate.ts";
import type { Fact, GateFacts } from "../gate/facts.ts";
import type { Site } from "../github/links.ts";
import { gateSummary, overrideNotice } from "../report/gate.ts";
import { leftSection } from "../report/left.ts";
import { blocks, code, details, table, text } from "../report/markdown.ts";
import { type Found, picture } from "../report/whereabouts.ts";
import { approvers } from "./brief-approvers.ts";
import type { ChangedFile, FailedRun, WayBack } from "./brief-facts.ts";
import { proofText } from "./brief-proof.ts";
import { risksOf, worded } from "./brief-risk.ts";
import { scheduleSection } from "./brief-schedules.ts";
import {
  accessSection,
  changesSince,
  contractSection,
  driftSection,
  failedSection,
  paritySection,
  planSection,
} from "./brief-sections.ts";
import { verdictOf } from "./brief-verdict.ts";
import { commitLink, wayBackText } from "./brief-way-back.ts";
import { whatText } from "./brief-what.ts";
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
        ["**What**", whatText(brief)],
        ["**Risk**", risk(brief)],
        ["**Proof**", proofText(brief)],
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

function risk(brief: BriefFacts): string {
  const lines = risksOf(brief).map((each) => `${each.icon} ${worded(each)}`);
  if (lines.length > 0) return lines.join("<br>");
  return brief.current === undefined ? "🟢 nothing is there yet that could break" : "🟢 nothing that runs is touched";
}
