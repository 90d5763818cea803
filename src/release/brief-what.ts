/** What a brief is about, in a cell of its table: whose changes, how many, and whether by the shorter path. */
import { listed } from "../listed.ts";
import { isAmong } from "../login.ts";
import { code, count, link, text } from "../report/markdown.ts";
import { shortSha } from "../short-sha.ts";
import type { BriefFacts } from "./brief.ts";
import { unaskedText } from "./brief-sections.ts";
import { changed } from "./change.ts";
import type { History } from "./history.ts";

/** At most this many pull requests are named; all are below. */
const SHOWN = 5;

/** Whose changes a release brings, and to how much of the tier. */
export function whatText(brief: BriefFacts): string {
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

/** Who opened the pull requests, and who wrote the commits where that is somebody else. */
function sources({ commits, pulls, unasked }: History): string[] {
  const openers = [...new Set(pulls.map(({ author }) => author ?? "a deleted account"))];
  const writers = [...new Set(commits.map(({ author }) => author))].filter((author) => !isAmong(openers, author));
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
