/** Issues, and comments on them and on pull requests, which share their numbers (facts: github 5, 8). */
import * as v from "valibot";
import { ActionShapes } from "../action-shapes.ts";
import { type Answer, bodyOf, type Call, hasRole, type Partly, route, type Schemas } from "../http.ts";
import { timestamp } from "../text.ts";
import { type Comment, type Issue, Refusal } from "../world.ts";

const REPO = "/repos/{owner}/{repo}";
const READ = ["issues", "read"] as const;
const WRITE = ["issues", "write"] as const;
const COMMENT = [WRITE, ["pull-requests", "write"]] as const;

const shapes = (call: Call): ActionShapes => new ActionShapes(call.world, call.apiUrl);
const text = v.pipe(v.string(), v.maxLength(65_536, "body is too long (maximum is 65536 characters)"));

function shapeIssue(call: Call, issue: Issue): Partly<Schemas["issue"]> {
  return {
    id: issue.id,
    number: issue.number,
    title: issue.title,
    body: issue.body,
    state: issue.state,
    state_reason: issue.stateReason,
    user: shapes(call).user(issue.user),
    labels: issue.labels.map((name) => ({ name })),
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    html_url: `https://github.com/${call.world.scenario.repository}/issues/${issue.number}`,
  };
}

/**
 * Newest first, or the one that changed last (`sort`). The service lists pull requests here too; they are left out, since
 * nobody follows them.
 */
function listIssues(call: Call): Answer {
  const { state = "open", labels = "", sort = "created" } = call.query;
  const wanted = labels === "" ? [] : labels.split(",");
  const list = call.world.issues
    .filter((issue) => state === "all" || issue.state === state)
    .filter((issue) => wanted.every((label) => issue.labels.includes(label)))
    .reverse();
  // Stable: what changed in the same second stays in the order of creation.
  if (sort === "updated") list.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
  return { list: list.map((issue) => shapeIssue(call, issue)) };
}

const newIssue = v.strictObject({
  title: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
  body: v.optional(text, ""),
  labels: v.optional(v.array(v.string()), []),
});

/** Labels that do not exist are made (by who may push); who may not has them dropped silently. */
function createIssue(call: Call): Answer {
  const given = bodyOf(newIssue, call);
  const now = timestamp();
  const issue: Issue = {
    id: call.world.id(),
    number: call.world.nextNumber(),
    user: call.login,
    labels: given.labels,
    createdAt: now,
    title: given.title,
    body: given.body,
    state: "open",
    stateReason: null,
    updatedAt: now,
  };
  call.world.issues.push(issue);
  return { status: 201, body: shapeIssue(call, issue) };
}

function issueOf(call: Call): Issue {
  const found = call.world.issues.find((issue) => String(issue.number) === call.params["number"]);
  if (found === undefined) throw new Refusal(404, "Not Found");
  return found;
}

const changedIssue = v.strictObject({
  title: v.optional(v.pipe(v.string(), v.nonEmpty(), v.maxLength(256))),
  body: v.optional(text),
  state: v.optional(v.picklist(["open", "closed"])),
  state_reason: v.optional(v.picklist(["completed", "not_planned", "reopened"])),
});

function changeIssue(call: Call): Answer {
  const issue = issueOf(call);
  const given = bodyOf(changedIssue, call);
  issue.title = given.title ?? issue.title;
  issue.body = given.body ?? issue.body;
  issue.state = given.state ?? issue.state;
  issue.stateReason = given.state_reason ?? issue.stateReason;
  issue.updatedAt = timestamp();
  return { body: shapeIssue(call, issue) };
}

const comment = v.strictObject({ body: text });

function shapeComment(call: Call, one: Comment): Partly<Schemas["issue-comment"]> {
  const base = `${call.apiUrl}/repos/${call.world.scenario.repository}/issues`;
  return {
    id: one.id,
    body: one.body,
    user: shapes(call).user(one.user),
    created_at: one.createdAt,
    updated_at: one.updatedAt,
    url: `${base}/comments/${one.id}`,
    html_url: `https://github.com/${call.world.scenario.repository}/issues/${one.issue}#issuecomment-${one.id}`,
    issue_url: `${base}/${one.issue}`,
  };
}

/** The issue's or pull request's number, if there is one. */
function numberOf(call: Call): number {
  const { issues, pulls } = call.world;
  const found = [...issues, ...pulls].find(({ number }) => String(number) === call.params["number"]);
  if (found === undefined) throw new Refusal(404, "Not Found");
  return found.number;
}

/**
 * A locked conversation takes new words from people with write access alone; a job's token is none of them, whatever it
 * may (issues of renovate 6215, probot/stale 25). GraphQL's CommentCannotUpdateReason LOCKED says the same of a change.
 */
function refuseLocked(call: Call, number: number): void {
  const locked = call.world.pulls.some((pull) => pull.number === number && pull.locked === true);
  if (!locked || (call.token?.kind === "user" && hasRole(call.world, call.login, "write"))) return;
  throw new Refusal(403, "Unable to create comment because issue is locked.");
}

/** Oldest first; `since`: only those that changed then or later. */
function listComments(call: Call): Answer {
  const number = numberOf(call);
  const { since } = call.query;
  const from = since === undefined ? 0 : Date.parse(since);
  if (Number.isNaN(from)) throw new Refusal(422, "Validation Failed: since");
  const list = call.world.comments.filter(({ issue, updatedAt }) => issue === number && Date.parse(updatedAt) >= from);
  return { list: list.map((one) => shapeComment(call, one)) };
}

function createComment(call: Call): Answer {
  const issue = numberOf(call);
  refuseLocked(call, issue);
  const now = timestamp();
  const { body } = bodyOf(comment, call);
  const made = { id: call.world.id(), issue, user: call.login, createdAt: now, updatedAt: now, body };
  call.world.comments.push(made);
  return { status: 201, body: shapeComment(call, made) };
}

function updateComment(call: Call): Answer {
  const found = call.world.comments.find((one) => String(one.id) === call.params["id"]);
  if (found === undefined) throw new Refusal(404, "Not Found");
  if (found.user !== call.login && !hasRole(call.world, call.login, "write")) {
    throw new Refusal(403, "Resource not accessible by integration");
  }
  refuseLocked(call, found.issue);
  found.body = bodyOf(comment, call).body;
  found.updatedAt = timestamp();
  return { body: shapeComment(call, found) };
}

export const issueRoutes = [
  route(`GET ${REPO}/issues`, READ, listIssues, {
    query: ["labels"],
    choices: { state: ["open", "closed", "all"], sort: ["created", "updated"] },
  }),
  route(`POST ${REPO}/issues`, WRITE, createIssue, { body: newIssue }),
  route(`PATCH ${REPO}/issues/{number}`, WRITE, changeIssue, { body: changedIssue }),
  route(`GET ${REPO}/issues/{number}/comments`, [READ, ["pull-requests", "read"]], listComments, { query: ["since"] }),
  route(`POST ${REPO}/issues/{number}/comments`, COMMENT, createComment, { body: comment }),
  route(`PATCH ${REPO}/issues/comments/{id}`, COMMENT, updateComment, { body: comment }),
];
