/**
 * What a request to GitHub that failed means: whether to ask again, and what to say. What an answer says is cleaned of
 * the token first: whatever answers at GITHUB_API_URL saw it.
 */
import * as v from "valibot";
import { type Finding, FourTierError, messageOf } from "../findings.ts";
import { type Failure as Lost, sortFailure } from "../http/errors.ts";
import type { Redactor } from "../http/redact.ts";

/** The longest we wait for a rate limit before we say so instead: a job must not sleep for an hour (facts: github 6). */
const MAX_WAIT_SECONDS = 60;
const MAX_ATTEMPTS = 4;
/** Of what an answer says, in characters: enough for GitHub's sentences, too little for somebody's page. */
const SAID = 300;

/** A job's `permissions:` key, as a finding names it. */
export type Permission =
  | "actions: read"
  | "actions: write"
  | "checks: read"
  | "contents: read"
  | "contents: write"
  | "deployments: read"
  | "deployments: write"
  | "issues: write"
  | "pull-requests: read"
  | "pull-requests: write"
  | "statuses: read";

/** An answer that refuses, or none. */
type Failure =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly message: string;
      readonly headers: Readonly<Record<string, unknown>>;
    }
  | ({ readonly kind: "lost" } & Lost);

const Thrown = v.object({
  status: v.number(),
  message: v.string(),
  response: v.optional(v.object({ headers: v.record(v.string(), v.unknown()) })),
});

/** What octokit threw; undefined if it is nothing of octokit's. Without an answer it says 500, and why in its causes. */
export function readFailure(error: unknown): Failure | undefined {
  const thrown = v.safeParse(Thrown, error);
  if (!thrown.success) return undefined;
  const { status, message, response } = thrown.output;
  if (response === undefined) return { kind: "lost", ...sortFailure(error) };
  return { kind: "answer", status, message, headers: response.headers };
}

/** Seconds to wait before the next attempt, or undefined to give up (facts: github 6). */
export function waitBefore(failure: Failure, attempt: number, repeatable: boolean): number | undefined {
  if (attempt >= MAX_ATTEMPTS) return undefined;
  if (failure.kind === "lost") return failure.passing && (repeatable || !failure.sent) ? attempt ** 2 : undefined;
  if (isRateLimit(failure)) {
    // A refused request had no effect, so even a write may be repeated.
    const value = failure.headers["retry-after"];
    const wait = typeof value === "string" || typeof value === "number" ? Number(value) : Number.NaN;
    return wait >= 0 && wait <= MAX_WAIT_SECONDS ? wait : undefined;
  }
  return failure.status >= 500 && repeatable ? attempt ** 2 : undefined;
}

function isRateLimit(failure: Failure): boolean {
  if (failure.kind === "lost") return false;
  const { status, headers } = failure;
  if (status === 429) return true;
  return status === 403 && (headers["retry-after"] !== undefined || headers["x-ratelimit-remaining"] === "0");
}

/** A failure as a finding. `slug` is the repository as owner/name. */
export function explain(
  route: string,
  failure: Failure,
  needs: Permission,
  slug: string,
  redactor: Redactor,
): FourTierError {
  if (failure.kind === "lost") return unanswered(route, failure, redactor);
  const requestId = failure.headers["x-github-request-id"];
  const where = {
    ...place(route, redactor),
    status: failure.status,
    ...(typeof requestId === "string" ? { requestId: redactor.clean(requestId, 100) } : {}),
  };
  return new FourTierError({ ...refusal(failure, needs, slug, redactor), severity: "unknown", where });
}

/** What an answer that refuses means. */
function refusal(
  failure: Extract<Failure, { readonly kind: "answer" }>,
  needs: Permission,
  slug: string,
  redactor: Redactor,
): Pick<Finding, "id" | "message" | "remedy"> {
  const { status, message } = failure;
  if (isRateLimit(failure)) {
    return {
      id: "github/rate-limit",
      message: `GitHub's rate limit for ${slug} is used up.`,
      remedy: "Wait until it resets (within the hour), then start a new run.",
    };
  }
  if (status === 401) {
    return {
      id: "github/credentials",
      message: "GitHub does not accept the token.",
      remedy: "Leave `github-token` at its default, the job's own token.",
    };
  }
  if (status === 403 && /\bissue is locked\b/i.test(message)) {
    return {
      id: "github/locked",
      message: "The conversation is locked, and takes comments of people with write access only.",
      remedy: "Unlock it, or leave it as it is.",
    };
  }
  if (status === 403) {
    return {
      id: "github/permission",
      message: /not accessible by integration/i.test(message)
        ? `The job's token may not do this: it lacks the permission \`${needs}\`.`
        : `GitHub refuses: ${saidBy(message, redactor)}`,
      remedy: `Add \`${needs}\` under \`permissions:\` of the job, and of the caller's job if this is a reusable workflow.`,
    };
  }
  if (status === 404) {
    return {
      id: "github/not-found",
      message: `GitHub has nothing there in ${slug}, or the token may not see it.`,
      remedy: `Check that it exists and that the job has \`${needs}\`.`,
    };
  }
  return {
    id: "github/api",
    message: `GitHub answered ${status}: ${saidBy(message, redactor)}`,
    remedy: status >= 500 ? "Try again; see https://www.githubstatus.com." : "Open an issue with this message.",
  };
}

/** GitHub answers in JSON: a page is somebody else's, and says nothing to whoever reads a log. */
function saidBy(message: string, redactor: Redactor): string {
  return /^\s*</.test(message) ? "a page of HTML, as a proxy would send." : redactor.clean(message, SAID);
}

function unanswered(route: string, lost: Lost, redactor: Redactor): FourTierError {
  const where = place(route, redactor);
  const reason = redactor.clean(lost.reason, SAID);
  if (lost.problem === "proxy") {
    return new FourTierError({
      id: "github/proxy",
      severity: "unknown",
      where,
      message: `GitHub was not reached: ${reason}.`,
      remedy: "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the runner, and the proxy's own log.",
    });
  }
  if (lost.problem === "certificate") {
    return new FourTierError({
      id: "github/certificate",
      severity: "unknown",
      where,
      message: `What answers for GitHub has a certificate that is not trusted: ${reason}.`,
      remedy:
        "If a proxy or a private CA signs GitHub's certificate, give it to the runner in NODE_EXTRA_CA_CERTS; if not, find out what answers.",
    });
  }
  return new FourTierError({
    id: "github/unreachable",
    severity: "unknown",
    where,
    message: `GitHub did not answer: ${reason}.${lost.sent && where.method !== "GET" ? " Whether it was done is not known." : ""}`,
    remedy:
      "Check the runner's network, its proxy variables and NODE_EXTRA_CA_CERTS; see https://www.githubstatus.com.",
  });
}

/** For what octokit never sent, or a run that was cancelled meanwhile. */
export function unsent(route: string, error: unknown, cancelled: boolean, redactor: Redactor): FourTierError {
  const where = place(route, redactor);
  const finding = cancelled
    ? {
        id: "http/cancelled",
        message: "GitHub was not waited for: the run was cancelled.",
        remedy: "Nothing to fix: the run was cancelled.",
      }
    : {
        id: "github/unreachable",
        message: `GitHub was not asked: ${redactor.clean(messageOf(error), SAID)}.`,
        remedy: "Open an issue with this message.",
      };
  return new FourTierError({ ...finding, severity: "unknown", where }, { cause: error });
}

/** An answer of another shape. Its values are not shown: they may be a proxy's page, or what was sent. */
export function unexpected(route: string, issue: v.BaseIssue<unknown>, redactor: Redactor): FourTierError {
  const at = redactor.clean(v.getDotPath(issue) ?? "its top", 100);
  const wanted = issue.expected === null ? "" : `, not ${issue.expected}`;
  return new FourTierError({
    id: "github/unexpected-answer",
    severity: "unknown",
    where: place(route, redactor),
    message: `GitHub answered something unexpected: ${at} is ${issue.input === undefined ? "missing" : `${kindOf(issue.input)}${wanted}`}.`,
    remedy: "Find out whether a proxy answers in GitHub's place; if it does not, open an issue with this message.",
  });
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return /^\s*</.test(value) ? "a page of HTML" : "a text";
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}

/** A page's route is what the answer before it said. */
function place(route: string, redactor: Redactor): { kind: "request"; method: string; path: string } {
  const [method = "GET", path = route] = route.split(" ");
  return { kind: "request", method, path: redactor.clean(path) };
}
