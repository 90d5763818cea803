/** The sections of a brief below its short table: what is new, what changes, field by field, who changed what by hand. */
import { shownAt } from "../gate/wall-clock.ts";
import { compareUrl } from "../github/links.ts";
import { type JsonValue, stringifyJson } from "../json.ts";
import { listed } from "../listed.ts";
import { blocks, code, count, details, link, table, text } from "../report/markdown.ts";
import { shortSha } from "../short-sha.ts";
import type { BriefFacts } from "./brief.ts";
import { ACCESS_FIELD, fieldChanges, rightsIn } from "./brief-changes.ts";
import { effectOf } from "./brief-risk.ts";
import { type Change, changed, type FieldChange } from "./change.ts";
import { inWords } from "./in-words.ts";

/** A page that is longer than this is read by nobody; the rest is in the report. */
const MOST_ROWS = 100;
const LONGEST_VALUE = 200;
/** What the pull requests were, commit by commit and file by file; folded, since the table above names them. */
export function changesSince(brief: BriefFacts): string {
  const { history, current, candidate, site, tier } = brief;
  const title = `### New in ${text(tier)}`;
  if (!history.known) return blocks(title, text(history.why), filesSection(brief));
  const { pulls, commits, unasked } = history.value;
  const { files } = brief.details;
  if (pulls.length + commits.length === 0 && (!files.known || files.value.length === 0)) return "";
  return blocks(
    title,
    current === undefined ? "" : link("Every line that changed", compareUrl(site, current.commit, candidate.commit)),
    details(
      `${unasked === 0 ? "" : "At least "}${count(pulls.length, "pull request")}`,
      blocks(
        table(
          ["Pull request", "Author"],
          pulls
            .slice(-MOST_ROWS)
            .map((pull) => [link(`#${pull.number} ${pull.title}`, pull.url), text(pull.author ?? "a deleted account")]),
        ) || (unasked === 0 ? "No pull request brought it." : ""),
        older(pulls.length),
        unasked === 0 ? "" : `${upper(unaskedText(unasked, commits.length))}: the list of commits has their titles.`,
      ),
    ),
    commits.length === 0
      ? ""
      : details(
          count(commits.length, "commit"),
          blocks(
            table(
              ["Commit", "Title", "Author"],
              commits
                .slice(-MOST_ROWS)
                .map((commit) => [
                  commit.url === undefined ? code(shortSha(commit.sha)) : link(shortSha(commit.sha), commit.url),
                  text(commit.title),
                  text(commit.author),
                ]),
            ),
            older(commits.length),
          ),
        ),
    filesSection(brief),
  );
}

function filesSection({ details: { files }, current }: BriefFacts): string {
  if (current === undefined) return "";
  if (!files.known) return `Which files changed is not known: ${text(files.why)}`;
  if (files.value.length === 0) return "";
  return details(
    count(files.value.length, "file"),
    blocks(
      table(
        ["File", ""],
        files.value.slice(0, MOST_ROWS).map(({ path, what }) => [code(path), what]),
      ),
      more(files.value.length),
    ),
  );
}

/** The plan as a table, with the fields folded below. */
export function planSection(brief: BriefFacts): string {
  const { plan, tier } = brief;
  const changes = changed(plan);
  if (changes.length === 0) return blocks("### Plan", `No change: ${text(tier)} has what this release declares.`);
  const rows = changes
    .slice(0, MOST_ROWS)
    .map((change) => [code(change.key), text(change.action), effectOf(change), fieldNames(change)]);
  const fields = changes.flatMap((change) => change.fields.map((field) => fieldRow(change.key, field, brief)));
  return blocks(
    "### Plan",
    table(["Resource", "Action", "What happens", "Fields"], rows),
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
  const shown = fields.slice(0, 5).map(({ path }) => (path === CONTENT ? "its code" : code(path)));
  return [...shown, ...(fields.length > 5 ? [`and ${fields.length - 5} more`] : [])].join(", ");
}

/** The field of a plan that says which folder a resource's code is in. */
const CONTENT = "release";

function fieldRow(key: string, field: FieldChange, brief: BriefFacts): string[] {
  if (field.path === CONTENT) return [code(key), "its code", ...codeRow(field, brief)];
  const named = (shown: JsonValue | undefined): string => {
    const rights = ACCESS_FIELD.test(field.path) ? rightsIn(shown) : [];
    if (rights.length === 0) return value(shown, brief);
    return listed(rights.map(({ says }) => code(inWords(says, brief.servicePrincipal))));
  };
  return [code(key), code(inWords(field.path, brief.servicePrincipal)), named(field.old), named(field.new)];
}

/** Two digests say nothing to a person: the files do. */
function codeRow({ old, new: now }: FieldChange, { details: { files } }: BriefFacts): [string, string] {
  const [before, after] = [componentOf(old), componentOf(now)];
  if (after === undefined) return [before === undefined ? "—" : `component ${code(before)}`, "—"];
  if (before === undefined) return ["—", `component ${code(after)}`];
  const changes = files.known ? files.value.filter(({ components }) => components.includes(after)) : [];
  const told = listed(
    changes.map(({ path, what }) => `${code(path)} ${what}`),
    5,
  );
  const same = after === before ? "the same" : `component ${code(after)}`;
  return [`component ${code(before)}`, `${same}, with ${changes.length === 0 ? "other files or wheels" : told}`];
}

/** `scoring-<64 hex>`, as a plan names a folder. */
function componentOf(folder: JsonValue | undefined): string | undefined {
  return typeof folder === "string" ? folder.replace(/-[0-9a-f]{64}$/, "") : undefined;
}

function value(shown: JsonValue | undefined, brief: BriefFacts): string {
  if (shown === undefined) return "—";
  const written = inWords(stringifyJson(shown), brief.servicePrincipal);
  return code(written.length <= LONGEST_VALUE ? written : `${written.slice(0, LONGEST_VALUE)}…`);
}

/** What decides who may do what with it. */
export function accessSection(brief: BriefFacts): string {
  const rows = fieldChanges(brief.plan, ACCESS_FIELD).map(([key, field]) => fieldRow(key, field, brief));
  return rows.length === 0
    ? ""
    : blocks(
        "### Who may do what",
        table(["Resource", "Field", "Now", "Then"], rows.slice(0, MOST_ROWS)),
        more(rows.length),
      );
}

/** Grants, schedules, the gate: what the contract says from now on. */
export function contractSection(brief: BriefFacts): string {
  const {
    details: { contract },
    facts,
    current,
  } = brief;
  if (current === undefined) return "";
  if (!contract.known) return `What changes in ${code(facts.contractFile)} is not known: ${text(contract.why)}`;
  if (contract.value.length === 0) return "";
  return blocks(
    `### The contract ${code(facts.contractFile)} changes`,
    table(
      ["Field", "Now", "Then"],
      contract.value
        .slice(0, MOST_ROWS)
        .map((field) => [code(field.path), value(field.old, brief), value(field.new, brief)]),
    ),
    more(contract.value.length),
    "Grants and the gate follow the default branch, whatever this release holds.",
  );
}

/** How what staging verified differs from what prod would run; the gate stops at it. */
export function paritySection({ tier, facts }: BriefFacts): string {
  if (tier !== "prod" || !facts.parity.known) return "";
  const parity = facts.parity.value;
  const allowed =
    parity.allowed.length === 0
      ? "The contract lists no exception."
      : `The contract lets differ: ${parity.allowed.map(code).join(", ")}.`;
  if (parity.findings.length === 0) {
    return details(
      "Staging against prod: alike",
      `Rendered for both, the bundle differs only in catalog, names, hosts, principals and schedules. ${allowed}`,
    );
  }
  return blocks(
    "### Staging is not like prod",
    parity.findings
      .slice(0, MOST_ROWS)
      .map(({ message }) => `- ❌ ${text(message)}`)
      .join("\n"),
    more(parity.findings.length),
    allowed,
  );
}

/** Failed runs of jobs that the release changes: their repair would mix two releases. Empty if there are none. */
export function failedSection({ details: { failedRuns }, tier, plan }: BriefFacts): string {
  if (!failedRuns.known) {
    const jobs = changed(plan).some(({ kind, action }) => kind === "jobs" && action === "update");
    return jobs ? `❓ Failed runs whose repair would mix two releases: ${text(failedRuns.why)}` : "";
  }
  if (failedRuns.value.length === 0) return "";
  return blocks(
    `### Failed in ${text(tier)}, and not repaired`,
    "Repaired after this promotion, what is left of these runs would use the new release, and what succeeded had used the old one. Repair them before, or start new ones after.",
    table(
      ["Job", "Run", "Ended"],
      failedRuns.value
        .slice(0, MOST_ROWS)
        .map(({ key, runId, url, code: how, endedAt }) => [
          code(key),
          url === undefined ? code(runId) : link(`run ${runId}`, url),
          `${text(how)}${endedAt === undefined ? "" : `, ${shownAt("UTC", endedAt)}`}`,
        ]),
    ),
    more(failedRuns.value.length),
  );
}

/** What somebody changed by hand, or why nobody knows; empty if nothing was. */
export function driftSection(brief: BriefFacts): string {
  const { drift, tier, facts } = brief;
  const title = "### Changed by hand";
  if (!drift.known) return blocks(title, `${text(drift.why)} ${text(drift.remedy)}`);
  if (drift.value.empty) return "";
  const rows = drift.value.entries.flatMap((entry) =>
    entry.what === "missing"
      ? [[code(entry.key), "(the whole resource)", "there", "gone"]]
      : entry.fields.map((field) => fieldRow(entry.key, field, brief)),
  );
  return blocks(
    title,
    facts.acceptedDrift === drift.value.digest
      ? "This run accepts it: the promotion goes over it, and deletes what this release does not have."
      : `The promotion stops at it. To overwrite it, start a run with ${code("accept-drift")} set to ${code(drift.value.digest)}; to keep it, bring it into the repository.`,
    table(["Resource", "Field", "As promoted", `In ${text(tier)} now`], rows.slice(0, MOST_ROWS)),
    more(rows.length),
  );
}

/** Which commits' pull requests the page does not know. */
export function unaskedText(unasked: number, commits: number): string {
  return `pull requests of the oldest ${unasked} of ${commits} commits were not looked up`;
}

function upper(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Of lists of which the newest are shown; the report has them no more than this page. */
function older(total: number): string {
  return total > MOST_ROWS ? `… and ${total - MOST_ROWS} older, behind the link to every line that changed.` : "";
}

function more(total: number): string {
  return total > MOST_ROWS ? `… and ${total - MOST_ROWS} more, in the JSON report.` : "";
}
