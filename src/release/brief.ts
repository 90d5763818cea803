/** The page an approver reads before the click: what changes, what is risky, what proves it, what the way back is. */
import type { TierName } from "../contract/model.ts";
import type { GateResult } from "../gate/evaluate.ts";
import type { Fact, GateFacts } from "../gate/facts.ts";
import { type JsonValue, stringifyJson } from "../json.ts";
import { gateSummary, overrideNotice } from "../report/gate.ts";
import { blocks, code, details, link, table, text } from "../report/markdown.ts";
import type { History } from "./history.ts";
import type { Change, ChangeClass, Drift, FieldChange, Plan } from "./plan.ts";

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
}

/** What a class of change does to what runs, in the words of somebody who is woken by it; worst first. */
const RISK: readonly { readonly class: ChangeClass; readonly icon: string; readonly says: string }[] = [
  { class: "data-losing", icon: "🔴", says: "loses data" },
  { class: "deletes", icon: "🔴", says: "deletes" },
  { class: "replaces", icon: "🔴", says: "deletes and makes anew" },
  { class: "restarts", icon: "🟠", says: "restarts" },
  { class: "re-point", icon: "🟢", says: "takes new code from its next run" },
  { class: "next-run", icon: "🟢", says: "takes new settings from its next run" },
  { class: "metadata", icon: "🟢", says: "changes name or labels only" },
];

/** A page that is longer than this is read by nobody; the rest is in the report. */
const MOST_ROWS = 100;
const LONGEST_VALUE = 200;
/** Fields that decide whether something starts by itself. */
const SCHEDULE_FIELD = /^(schedule|continuous|trigger|triggers)(\.|\[|$)/;

/** The brief as Markdown for a job summary; outside text is escaped. */
export function renderBrief(brief: BriefFacts): string {
  const { tier, candidate, repository, gate } = brief;
  return blocks(
    `## Brief: ${text(repository)} to ${text(tier)}, commit ${code(candidate.commit.slice(0, 12))}`,
    gate.verdict === "pass" ? "" : "**The gate does not let this release in.** What is wrong is in its table below.",
    overrideNotice(gate),
    table(
      ["", ""],
      [
        ["**What**", what(brief)],
        ["**Risk**", risk(brief)],
        ["**Proof**", proof(brief)],
        ["**Way back**", wayBack(brief)],
      ],
    ),
    changesSince(brief),
    planSection(brief.plan, tier),
    scheduleSection(brief.plan),
    driftSection(brief),
    gateSummary(gate),
    approvers(brief),
    details(
      "Digests",
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

function what({ plan, history, current, tier }: BriefFacts): string {
  const changed = plan.changes.filter(({ action }) => action !== "none");
  const sources = history.known
    ? `${count(history.value.pulls.length, "pull request")} by ${people(history.value)}; `
    : "";
  if (current === undefined) {
    return `The first release of ${text(tier)}: ${sources}${count(changed.length, "resource")} to create.`;
  }
  if (changed.length === 0) return `${sources}no resource changes.`;
  return `${sources}${count(changed.length, "resource")} of ${plan.changes.length} ${changed.length === 1 ? "changes" : "change"}.`;
}

function people({ commits, pulls }: History): string {
  const authors = new Set([
    ...pulls.flatMap(({ author }) => (author === undefined ? [] : [author])),
    ...commits.map(({ author }) => author),
  ]);
  return authors.size === 0 ? "nobody known" : [...authors].map(text).join(", ");
}

function risk({ plan, drift, tier }: BriefFacts): string {
  const lines = RISK.flatMap(({ class: kind, icon, says }) => {
    const keys = changed(plan).filter((change) => change.class === kind && change.action !== "create");
    return keys.length === 0 ? [] : [`${icon} ${says}: ${keys.map(({ key }) => code(key)).join(", ")}`];
  });
  if (!drift.known) lines.unshift(`❓ nobody could look whether ${text(tier)} was changed by hand`);
  else if (!drift.value.empty) {
    lines.unshift(`🟠 changed by hand in ${text(tier)}: ${drift.value.entries.map(({ key }) => code(key)).join(", ")}`);
  }
  return lines.length === 0 ? "🟢 nothing that runs is touched" : lines.join("<br>");
}

function proof({ gate, facts }: BriefFacts): string {
  const source = gate.checks.find(({ check }) => check === "source");
  const links = (source?.evidence ?? []).map(({ label, url }) => (url === undefined ? text(label) : link(label, url)));
  const passed = gate.checks.filter(({ verdict }) => verdict === "pass").length;
  const below =
    facts.previous === undefined || source === undefined
      ? ""
      : source.verdict === "pass"
        ? `✅ ${text(facts.previous)} runs this very release (${links.join(", ")})<br>`
        : `❌ nothing proves that ${text(facts.previous)} runs it<br>`;
  return `${below}${passed === gate.checks.length ? "✅" : "❌"} ${passed} of ${gate.checks.length} checks of the gate pass`;
}

function wayBack({ current, serverUrl, repository, tier }: BriefFacts): string {
  if (current === undefined) return "There is no release to go back to yet: delete what was created.";
  const before = link(current.commit.slice(0, 12), `${serverUrl}/${repository}/commit/${current.commit}`);
  return `Revert the pull requests and promote the revert: ${text(tier)} has ${before} now, and its files stay in their folder. Data and streaming checkpoints do not go back.`;
}

function changesSince({ history, current, candidate, repository, serverUrl, tier }: BriefFacts): string {
  const since =
    current === undefined
      ? ""
      : ` (${link("every line", `${serverUrl}/${repository}/compare/${current.commit}...${candidate.commit}`)})`;
  const title = `### New in ${text(tier)}${since}`;
  if (!history.known) return blocks(title, text(history.why));
  const { pulls, commits } = history.value;
  return blocks(
    title,
    table(
      ["Pull request", "Author"],
      pulls
        .slice(-MOST_ROWS)
        .map((pull) => [link(`#${pull.number} ${pull.title}`, pull.url), text(pull.author ?? "a deleted account")]),
    ) || "No pull request brought it.",
    commits.length === 0
      ? ""
      : details(
          count(commits.length, "commit"),
          table(
            ["Commit", "Title", "Author"],
            commits
              .slice(-MOST_ROWS)
              .map((commit) => [
                commit.url === undefined ? code(commit.sha.slice(0, 12)) : link(commit.sha.slice(0, 12), commit.url),
                text(commit.title),
                text(commit.author),
              ]),
          ),
        ),
  );
}

/** The plan as a table, with the fields folded below. */
export function planSection(plan: Plan, tier: TierName): string {
  const changes = changed(plan);
  if (changes.length === 0) return blocks("### Plan", `No change: ${text(tier)} has what this release declares.`);
  const rows = changes
    .slice(0, MOST_ROWS)
    .map((change) => [code(change.key), text(change.action), text(change.class), fieldNames(change)]);
  const fields = changes.flatMap((change) => change.fields.map((field) => fieldRow(change.key, field)));
  return blocks(
    "### Plan",
    table(["Resource", "Action", "Effect", "Fields"], rows),
    more(changes.length),
    fields.length === 0
      ? ""
      : details(
          `${count(fields.length, "field")}, old and new`,
          blocks(table(["Resource", "Field", "Now", "Then"], fields.slice(0, MOST_ROWS)), more(fields.length)),
        ),
  );
}

function fieldNames({ action, fields }: Change): string {
  if (action !== "update") return "";
  const shown = fields.slice(0, 5).map(({ path }) => code(path));
  return [...shown, ...(fields.length > 5 ? [`and ${fields.length - 5} more`] : [])].join(", ");
}

function fieldRow(key: string, field: FieldChange): string[] {
  return [code(key), code(field.path), value(field.old), value(field.new)];
}

function value(shown: JsonValue | undefined): string {
  if (shown === undefined) return "—";
  const written = stringifyJson(shown);
  return code(written.length <= LONGEST_VALUE ? written : `${written.slice(0, LONGEST_VALUE)}…`);
}

function scheduleSection(plan: Plan): string {
  const rows = changed(plan).flatMap((change) =>
    change.fields.filter(({ path }) => SCHEDULE_FIELD.test(path)).map((field) => fieldRow(change.key, field)),
  );
  return rows.length === 0
    ? ""
    : blocks("### What starts by itself", table(["Resource", "Field", "Now", "Then"], rows.slice(0, MOST_ROWS)));
}

function driftSection({ drift, tier, facts }: BriefFacts): string {
  const title = "### Changed by hand";
  if (!drift.known) return blocks(title, `${text(drift.why)} ${text(drift.remedy)}`);
  if (drift.value.empty) return "";
  const rows = drift.value.entries.flatMap((entry) =>
    entry.what === "missing"
      ? [[code(entry.key), "(the whole resource)", "there", "gone"]]
      : entry.fields.map((field) => fieldRow(entry.key, field)),
  );
  return blocks(
    title,
    facts.acceptedDrift === drift.value.digest
      ? "This run accepts it: the promotion overwrites it."
      : `The promotion stops at it. To overwrite it, start a run with ${code("accept-drift")} set to ${code(drift.value.digest)}; to keep it, bring it into the repository.`,
    table(["Resource", "Field", "As promoted", `In ${text(tier)} now`], rows.slice(0, MOST_ROWS)),
    more(rows.length),
  );
}

function approvers({ facts, tier, plan, candidate }: BriefFacts): string {
  const policy = facts.policy.known ? facts.policy.value.approvers : undefined;
  if (tier === "prod" && policy?.by === "dispatch") {
    const who = policy.from.length === 0 ? "whoever may write" : policy.from.map(text).join(", ");
    return blocks(
      "### Who may approve",
      `${count(policy.count, "person")} of ${who}; not ${text(facts.run.actor)}, who started this run${policy.notAuthor ? ", and nobody who wrote it" : ""}. Each runs the caller of operate.yml by hand: operation ${code("approve")}, tier ${code(tier)}, release-digest ${code(candidate.release)}, plan-digest ${code(plan.digest)}. Then the failed job is run again.`,
    );
  }
  const protection = facts.protection;
  if (!protection.known || protection.value.environment === undefined) return "";
  const { reviewers } = protection.value.environment;
  if (reviewers.length === 0) return "";
  const starters = [facts.run.actor, facts.run.triggeringActor].map((login) => login.toLowerCase());
  const able = reviewers.filter((login) => !starters.includes(login.toLowerCase()));
  return blocks(
    "### Who may approve",
    able.length === 0
      ? `Nobody: ${text(facts.run.actor)} started this run and is the only reviewer of ${text(tier)}.`
      : `${able.map(text).join(", ")}; not ${text(facts.run.actor)}, who started this run. The approval is for this run, this release and this plan: a new attempt needs a new run.`,
  );
}

function changed(plan: Plan): Change[] {
  return plan.changes.filter(({ action }) => action !== "none");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function more(total: number): string {
  return total > MOST_ROWS ? `… and ${total - MOST_ROWS} more, in the JSON report.` : "";
}
