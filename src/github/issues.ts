/**
 * Issues, and comments on them and on pull requests, which share their numbers. Whatever stands in one may have been written
 * by anybody who can edit it: nothing in it is believed.
 */
import * as v from "valibot";
import { type GitHub, Id, Login } from "./client.ts";
import type { Permission } from "./failure.ts";

/** An issue, no pull request. */
export interface Issue {
  readonly number: string;
  readonly state: "open" | "closed";
  /** Who opened it. */
  readonly author: string | undefined;
  readonly title: string;
  readonly body: string;
  readonly url: string;
}

const ISSUES = "/repos/{owner}/{repo}/issues";

const IssueSchema = v.object({
  number: Id,
  state: v.picklist(["open", "closed"]),
  user: Login,
  title: v.optional(v.string(), ""),
  body: v.nullish(v.string()),
  html_url: v.string(),
  /** Pull requests are issues too. */
  pull_request: v.optional(v.unknown()),
});

/** Issues with a label, open and closed, newest first; or all that are open, the one that changed last first. */
export async function* listIssues(github: GitHub, which: { readonly label: string } | "open"): AsyncGenerator<Issue> {
  const filter = which === "open" ? { state: "open", sort: "updated" } : { state: "all", labels: which.label };
  for await (const found of github.list(`GET ${ISSUES}`, filter, IssueSchema, "issues: write")) {
    if (found.pull_request === undefined) yield toIssue(found);
  }
}

/** Opens an issue; a label that does not exist is made. */
export async function createIssue(
  github: GitHub,
  issue: { readonly title: string; readonly body: string; readonly label: string },
): Promise<Issue> {
  const { title, body, label } = issue;
  return toIssue(await github.send(`POST ${ISSUES}`, { title, body, labels: [label] }, IssueSchema, "issues: write"));
}

/** Replaces the body, and opens or closes the issue. */
export async function updateIssue(
  github: GitHub,
  number: string,
  change: { readonly body: string; readonly state: "open" | "closed" },
): Promise<Issue> {
  const reason = change.state === "closed" ? { state_reason: "completed" } : {};
  const parameters = { issue_number: number, ...change, ...reason };
  return toIssue(await github.send(`PATCH ${ISSUES}/{issue_number}`, parameters, IssueSchema, "issues: write"));
}

/** Adds a comment to an issue, or to a pull request, for which `pull-requests: write` is enough. */
export async function commentOnIssue(
  github: GitHub,
  number: string,
  body: string,
  needs: Permission = "issues: write",
): Promise<void> {
  await github.send(
    `POST ${ISSUES}/{issue_number}/comments`,
    { issue_number: number, body },
    v.object({ id: Id }),
    needs,
  );
}

/** A comment on a pull request. */
export interface Comment {
  readonly id: string;
  /** Who wrote it. */
  readonly author: string | undefined;
  readonly body: string;
  readonly url: string;
}

const CommentSchema = v.object({ id: Id, user: Login, body: v.optional(v.string(), ""), html_url: v.string() });

/** Comments on a pull request, oldest first; of those with a `since` (ISO) only what was written or changed from then on. */
export async function* listComments(
  github: GitHub,
  number: string,
  since: string | undefined,
): AsyncGenerator<Comment> {
  const parameters = { issue_number: number, ...(since === undefined ? {} : { since }) };
  const route = `GET ${ISSUES}/{issue_number}/comments`;
  for await (const found of github.list(route, parameters, CommentSchema, "pull-requests: write")) {
    const { id, user: author, body, html_url: url } = found;
    yield { id, author, body, url };
  }
}

/** Replaces what a comment on a pull request says. */
export async function updateComment(github: GitHub, id: string, body: string): Promise<void> {
  const route = `PATCH ${ISSUES}/comments/{comment_id}`;
  await github.send(route, { comment_id: id, body }, v.object({ id: Id }), "pull-requests: write");
}

function toIssue(found: v.InferOutput<typeof IssueSchema>): Issue {
  const { number, state, user, title, body, html_url: url } = found;
  return { number, state, author: user, title, body: body ?? "", url };
}
