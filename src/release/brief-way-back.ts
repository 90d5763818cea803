/** What a brief says of the way back: what a rollback would choose, and what it does not bring back. */
import { commitUrl } from "../github/links.ts";
import { listed } from "../listed.ts";
import { code, link, text } from "../report/markdown.ts";
import { shortSha } from "../short-sha.ts";
import type { BriefFacts } from "./brief.ts";
import { changed, type Plan } from "./change.ts";

const STAYS = "Data, streaming checkpoints and trained models do not go back.";

/** Where a rollback after this promotion would lead. */
export function wayBackText(brief: BriefFacts): string {
  const { current, tier, plan, candidate, details: more } = brief;
  const name = text(tier);
  if (current === undefined) return withoutRelease(name);
  const now = commitLink(brief, current.commit);
  if (changed(plan).length === 0 && current.release === candidate.release) {
    return `Nothing changes, so there is nothing to go back from: ${name} keeps ${now}.`;
  }
  const where = more.move.known ? (more.move.value?.where ?? []) : [];
  if (where.length > 0) {
    return `⚠️ Not by ${code("rollback.yml")}: today's release ${now} was made for another ${listed(where.map(code))} (${code("release/contract-differs")}). The way back is to revert the contract and promote that. ${STAYS}`;
  }
  if (!more.wayBack.known) return `${name} has ${now} now. ${text(more.wayBack.why)} ${STAYS}`;
  const back = more.wayBack.value;
  if (back === undefined) {
    return `⚠️ ${code("rollback.yml")} would choose nothing by itself: no release that ${name} had before this one was verified there. Name one: ${code(`to: ${shortSha(current.commit)}`)} (what ${name} has now). ${STAYS}`;
  }
  const to = commitLink(brief, back.to.commit);
  const release =
    back.to.commit === current.commit
      ? `today's release ${to}`
      : `${to}; it skips today's release ${now}, which ${current.release === candidate.release ? "has the same content" : "is not verified there, or is what this one takes back"}`;
  const folders =
    back.folders === undefined
      ? "nobody looked whether its files are still there"
      : back.folders
        ? "its files are still there"
        : "⚠️ its files are **not** there any more: they would be uploaded again from the commit";
  return [
    `${code("rollback.yml")} takes ${name} back to ${release}, without a build; ${folders}. Run it by hand, or: ${code(`gh workflow run rollback.yml -f tier=${tier} -f reason="…"`)}.`,
    ...unlike(plan),
    STAYS,
  ].join(" ");
}

/** What is not again as it was, of what this promotion makes, deletes and replaces. */
function unlike(plan: Plan): string[] {
  const [created, deleted, replaced] = (["create", "delete", "replace"] as const).map((action) =>
    changed(plan).flatMap((change) => (change.action === action ? [change.key] : [])),
  );
  const named = (keys: readonly string[] | undefined): string => listed((keys ?? []).map(code), 5);
  return [
    ...(replaced?.length
      ? [`⚠️ It needs ${code(`delete: ${replaced.join(",")}`)}, since it replaces them once more.`]
      : []),
    ...(deleted?.length ? [`⚠️ ${named(deleted)}: made anew, without what is lost here.`] : []),
    ...(created?.length ? [`${named(created)}: left there, paused.`] : []),
  ];
}

/** Who can take a first release away again, and how. */
function withoutRelease(name: string): string {
  return `No release was here before this one, so ${code("rollback.yml")} has nowhere to go. To stop it, whoever operates ${name} runs the caller of operate.yml: operation ${code("pause")}, tier ${code(name)}. To take it away, promote a release that no longer declares its resources, with their keys under ${code(`tiers.${name}.destructive`)}. What its runs wrote stays.`;
}

/** A commit by its first digits, as a link. */
export function commitLink({ site }: Pick<BriefFacts, "site">, commit: string): string {
  return link(shortSha(commit), commitUrl(site, commit));
}
