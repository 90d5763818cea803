/**
 * One issue of ours that goes on from run to run: opened when there is something to say, rewritten while there is, closed
 * when there is nothing, and opened again. Whatever people did to it, it is found again, and nothing in it is believed.
 */
import type { Finding } from "./findings.ts";
import type { GitHub } from "./github/client.ts";
import { commentOnIssue, createIssue, type Issue, listIssues, updateIssue } from "./github/issues.ts";
import { isWorkflow } from "./login.ts";
import { ANY_MARK, markOf } from "./own-mark.ts";

/** Issues that are looked at: somebody may have put our label on many. */
const MOST_ISSUES = 200;

/** Which issue. */
interface Rolling {
  readonly github: GitHub;
  readonly title: string;
  readonly label: string;
  readonly about: "drift" | "sandboxes";
  /** Tells apart the issues of several contracts of one repository. */
  readonly key: string;
}

/** What a run that keeps one is given. */
export interface RollingReport extends Omit<Rolling, "about"> {
  /** The run's page. */
  readonly runUrl: string;
  readonly log: { info(message: string): void };
}

/** What it shall say and be. */
interface Page {
  /** With the mark in it. */
  readonly body: string;
  /** There is something to say: it is opened, or stays open. */
  readonly open: boolean;
  /** Comments: an issue that is rewritten notifies nobody. */
  readonly closed: string;
  readonly reopened: string;
  /** Told whenever there is an issue; undefined: nothing is new. */
  readonly news: string | undefined;
}

interface Kept {
  /** As it is afterwards; undefined if there is none and none is needed. */
  readonly issue: Issue | undefined;
  readonly opened: boolean;
  /** Too many issues were there to look at all of them, and ours was not among them. */
  readonly partly: boolean;
}

/** Opens, rewrites or closes it; of several of ours the newest goes on. */
export async function keepIssue(rolling: Rolling, page: Page): Promise<Kept> {
  const { found, partly } = await findOwn(rolling);
  const [standing, ...doubles] = found;
  const issue = await bring(rolling, standing, page);
  for (const double of doubles) await closeDouble(rolling, double, issue);
  return { issue, opened: standing === undefined && issue !== undefined, partly };
}

/** What is to be said of how it was found. */
export function issueWarnings({ opened, partly }: Kept): Finding[] {
  if (!opened || !partly) return [];
  return [
    {
      id: "issue/not-found",
      severity: "warning",
      message: `An issue was opened, since none of ours is among the ${MOST_ISSUES} open ones that changed last. If somebody took the label off an older one, there are two now.`,
      remedy: "Close the older one, or give it its label back.",
    },
  ];
}

async function bring({ github, title, label }: Rolling, standing: Issue | undefined, page: Page) {
  const { body, open, news } = page;
  if (standing === undefined) return open ? createIssue(github, { title, body, label }) : undefined;
  if (!open && standing.state === "closed") return standing;
  const issue = await updateIssue(github, standing.number, { body, state: open ? "open" : "closed" });
  if (news !== undefined) await commentOnIssue(github, issue.number, news);
  if (!open) await commentOnIssue(github, issue.number, page.closed);
  else if (standing.state === "closed") await commentOnIssue(github, issue.number, page.reopened);
  return issue;
}

/** Two runs at once may each have opened one: the older ones are closed, so that one is left to look at. */
async function closeDouble({ github }: Rolling, double: Issue, issue: Issue | undefined): Promise<void> {
  if (double.state === "closed" || issue === undefined) return;
  await updateIssue(github, double.number, { body: double.body, state: "closed" });
  await commentOnIssue(github, double.number, `Goes on in #${issue.number}.`);
}

/**
 * Ours: opened by a job of this repository (an issue of anybody else is not ours, whatever it says), newest first. Anybody
 * with triage rights may edit an issue, so it is known by our mark anywhere in it; without any mark by its label and title;
 * and without its label among those that are open, of which the ones that changed last are looked at: it is rewritten by
 * each run.
 */
async function findOwn(rolling: Rolling): Promise<{ readonly found: readonly Issue[]; readonly partly: boolean }> {
  const { github, label, title } = rolling;
  const marker = markOf(rolling);
  const labelled = await own(listIssues(github, { label }));
  const marked = labelled.found.filter(({ body }) => body.includes(marker));
  if (marked.length > 0) return { found: marked, partly: false };
  const bare = labelled.found.filter((issue) => issue.title === title && !issue.body.includes(ANY_MARK));
  if (bare.length > 0) return { found: bare, partly: false };
  const open = await own(listIssues(github, "open"));
  const found = open.found.filter(({ body }) => body.includes(marker));
  return { found, partly: found.length === 0 && open.partly };
}

async function own(issues: AsyncGenerator<Issue>): Promise<{ readonly found: Issue[]; readonly partly: boolean }> {
  const found: Issue[] = [];
  let seen = 0;
  for await (const issue of issues) {
    if (seen === MOST_ISSUES) return { found, partly: true };
    seen += 1;
    if (isWorkflow(issue.author)) found.push(issue);
  }
  return { found, partly: false };
}
