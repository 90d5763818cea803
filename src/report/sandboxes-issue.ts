/** The rolling issue about sandboxes that nobody uses. It mentions whom it asks, and nobody else: outside text is escaped. */
import type { DueSandbox } from "./carried-due.ts";
import { blocks, code, link, table, text } from "./markdown.ts";

/** GitHub refuses longer bodies (facts: github 8). */
const LONGEST_BODY = 65_536;
/** What GitHub lets a login be, an enterprise's managed one included. */
const LOGIN = /^[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?(?:_[a-z0-9]{1,20})?$/i;

/** The body, its mark first; empty of rows if nothing is due. */
export function sandboxesBody(
  sandboxes: readonly DueSandbox[],
  { marker, runUrl }: { readonly marker: string; readonly runUrl: string },
): string {
  const rows = sandboxes
    .filter(({ is }) => is !== "removed")
    .map((each) => [code(each.catalog), personOf(each), text(each.why), whenOf(each)]);
  for (let shown = rows.length; ; shown = Math.floor(shown / 2)) {
    const body = blocks(
      marker,
      `Nobody uses these sandboxes any more, as far as anybody can see; what is removed goes with its data. This issue is rewritten by each clean-up, and closed when nothing is due: what you write here belongs in a comment. Last looked at by ${link("this run", runUrl)}.`,
      shown === 0 ? "Nothing is due." : "",
      table(["Sandbox", "Developer", "Why", "Is removed"], rows.slice(0, shown)),
      shown === rows.length ? "" : `… and ${rows.length - shown} more, in the summary of the run.`,
      "To keep one, use it: any change of its data and any run of its jobs and pipelines counts. To keep it unused, have the property `keep_until` of its catalog set to a day such as `2027-06-30`.",
    );
    if (body.length <= LONGEST_BODY || shown === 0) return body;
  }
}

/** What this run warned of and removed, for a comment that notifies; undefined if it did neither. */
export function sandboxesNews(sandboxes: readonly DueSandbox[], runUrl: string): string | undefined {
  const lines = sandboxes
    .filter(({ is }) => is === "warned" || is === "removed")
    .map((each) => {
      const what = each.is === "removed" ? "was removed" : `is removed from ${each.from} on, unless it is used`;
      return `- ${personOf(each)}: ${code(each.catalog)} ${what} (${text(each.why)}).`;
    });
  if (lines.length === 0) return undefined;
  const most = 100;
  const more = lines.length > most ? `… and ${lines.length - most} more.` : "";
  return blocks(lines.slice(0, most).join("\n"), more, link("The run", runUrl));
}

/** Asked by name if still here; a login that none can be is shown as text. */
function personOf({ developer, here }: DueSandbox): string {
  return here && LOGIN.test(developer) ? `@${developer}` : text(developer);
}

function whenOf({ is, from }: DueSandbox): string {
  return is === "due" ? "by a next run" : `from ${text(from)} on`;
}
