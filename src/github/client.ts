/**
 * One door to GitHub's REST API: octokit with our transport, answers checked where they enter, errors that name the
 * missing permission. Ids are strings inside.
 */
import * as v from "valibot";
import { FourTierError, messageOf } from "../findings.ts";
import { proxyFetch } from "../http/agent.ts";

/** The longest we wait for a rate limit before we say so instead: a job must not sleep for an hour (facts: github 6). */
const MAX_WAIT_SECONDS = 60;
const MAX_ATTEMPTS = 4;
/** For one answer, in milliseconds. */
const TIMEOUT_MS = 30_000;
const PER_PAGE = 100;

export interface GitHubOptions {
  readonly token: string;
  /** GITHUB_API_URL, GITHUB_SERVER_URL. */
  readonly apiUrl: string;
  readonly serverUrl: string;
  readonly owner: string;
  readonly repository: string;
  readonly log: { debug(message: string): void };
  readonly signal?: AbortSignal;
  /** How long one answer may take, in milliseconds; 30,000 without it. */
  readonly timeoutMs?: number;
  /** Waits this many milliseconds; a test makes it short. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** A job's `permissions:` key, as a finding names it. */
export type Permission =
  | "actions: read"
  | "actions: write"
  | "checks: read"
  | "contents: read"
  | "deployments: read"
  | "deployments: write"
  | "issues: write"
  | "pull-requests: read";

/** Values of `{placeholders}` in a route, query parameters, or body fields. */
export type Parameters = Readonly<Record<string, unknown>>;

/** A repository seen with one token. */
export interface GitHub {
  readonly owner: string;
  readonly repository: string;
  readonly serverUrl: string;
  /** One object. Throws FourTierError `github/…`; a 404 is `github/not-found`. */
  read<S extends AnySchema>(
    route: string,
    parameters: Parameters,
    schema: S,
    needs: Permission,
  ): Promise<v.InferOutput<S>>;
  /** One object, or undefined for 404. GitHub also says 404 for what a token may not see at all. */
  find<S extends AnySchema>(
    route: string,
    parameters: Parameters,
    schema: S,
    needs: Permission,
  ): Promise<v.InferOutput<S> | undefined>;
  /** All items of a list, page by page; stop reading when you have what you need. `schema` is one item's. */
  list<S extends AnySchema>(
    route: string,
    parameters: Parameters,
    schema: S,
    needs: Permission,
  ): AsyncGenerator<v.InferOutput<S>>;
  /** Sends something. Never repeated when it may have been done. */
  send<S extends AnySchema>(
    route: string,
    parameters: Parameters,
    schema: S,
    needs: Permission,
  ): Promise<v.InferOutput<S>>;
}

type AnySchema = v.GenericSchema<unknown, unknown>;

/** GitHub's ids are numbers on the wire (octokit gives a bigint when they are large). */
export const Id = v.pipe(
  v.union([v.number(), v.bigint(), v.string()]),
  v.transform((id) => String(id)),
);

/** Who did something; null for a deleted account. */
export const Login = v.pipe(
  v.nullish(v.object({ login: v.string() })),
  v.transform((user) => user?.login),
);

/** `null` and absent are the same to us. */
export const OptionalText = v.pipe(
  v.nullish(v.string()),
  v.transform((text) => text ?? undefined),
);

/** Octokit is loaded with the first request: what ends before it need not wait for it. */
async function octokitFor(options: GitHubOptions) {
  const { getOctokit } = await import("@actions/github");
  return getOctokit(options.token, {
    baseUrl: options.apiUrl,
    userAgent: "four-tier",
    log: {
      debug() {},
      info() {},
      warn: (message) => options.log.debug(message),
      error: (message) => options.log.debug(message),
    },
    // Octokit would pick a proxy once, at import, from a variable; ours looks at each address (facts: toolchain).
    request: { fetch: proxyFetch },
  });
}

/** Connects; sends nothing yet. */
export function connectGitHub(options: GitHubOptions): GitHub {
  let connected: ReturnType<typeof octokitFor> | undefined;
  const { owner, repository } = options;

  async function once(route: string, parameters: Parameters, needs: Permission, repeatable: boolean): Promise<Answer> {
    const pause = options.pause ?? sleep(options.signal);
    for (let attempt = 1; ; attempt++) {
      try {
        connected ??= octokitFor(options);
        const octokit = await connected;
        const deadline = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
        const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
        const answer: unknown = await octokit.request(route, {
          // What a route has no place for would become a query parameter.
          ...(route.includes("{owner}") ? { owner, repo: repository } : {}),
          ...parameters,
          request: { signal },
        });
        return unmoved(route, v.parse(AnswerSchema, answer));
      } catch (error) {
        const failure = v.safeParse(FailureSchema, error);
        if (!failure.success || options.signal?.aborted === true) throw unreachable(route, error);
        const wait = waitBefore(failure.output, attempt, repeatable);
        if (wait === undefined) throw explain(route, failure.output, needs, `${owner}/${repository}`);
        options.log.debug(`${route}: ${failure.output.status}, trying again in ${wait} s`);
        await pause(wait * 1000);
      }
    }
  }

  return {
    owner,
    repository,
    serverUrl: options.serverUrl,
    async read(route, parameters, schema, needs) {
      return check(route, schema, (await once(route, parameters, needs, true)).data);
    },
    async find(route, parameters, schema, needs) {
      try {
        return check(route, schema, (await once(route, parameters, needs, true)).data);
      } catch (error) {
        if (error instanceof FourTierError && error.findings[0]?.id === "github/not-found") return undefined;
        throw error;
      }
    },
    async *list(route, parameters, schema, needs) {
      let next: { route: string; parameters: Parameters } | undefined = {
        route,
        parameters: { per_page: PER_PAGE, ...parameters },
      };
      while (next !== undefined) {
        const answer: Answer = await once(next.route, next.parameters, needs, true);
        for (const item of items(next.route, answer.data)) yield check(route, schema, item);
        const url = nextPage(answer.headers.link, options.apiUrl);
        next = url === undefined ? undefined : { route: `GET ${url}`, parameters: {} };
      }
    },
    async send(route, parameters, schema, needs) {
      return check(route, schema, (await once(route, parameters, needs, false)).data);
    },
  };
}

const AnswerSchema = v.object({
  status: v.number(),
  data: v.unknown(),
  headers: v.object({ link: v.optional(v.string()), location: v.optional(v.string()) }),
});
type Answer = v.InferOutput<typeof AnswerSchema>;

/** Throws for a redirect that was not followed. Only the host of where it leads is shown: the rest may be signed. */
function unmoved(route: string, answer: Answer): Answer {
  if (answer.status < 300) return answer;
  const { location } = answer.headers;
  const host = location !== undefined && URL.canParse(location) ? new URL(location).host : "somewhere else";
  throw new FourTierError({
    id: "github/redirect",
    severity: "unknown",
    message: `${route} is answered with ${answer.status}, a redirect to ${host}, which is not followed.`,
    remedy: "Find out what answers at GITHUB_API_URL: nothing is asked of another host.",
  });
}

const FailureSchema = v.object({
  status: v.number(),
  message: v.string(),
  response: v.optional(v.object({ headers: v.record(v.string(), v.unknown()) })),
});
type Failure = v.InferOutput<typeof FailureSchema>;

/**
 * Lists come bare or in an envelope `{ total_count, jobs: […] }`; compare's commits are in an envelope too. Anything else
 * is no list, and not an empty one.
 */
function items(route: string, data: unknown): readonly unknown[] {
  const found = Array.isArray(data) ? [data] : Object.values(typeof data === "object" && data !== null ? data : {});
  const list = found.find((value): value is unknown[] => Array.isArray(value));
  return list ?? check(route, v.array(v.unknown()), data);
}

/** The next page's address. Throws for one on another host: the token would go there, and half a list proves nothing. */
function nextPage(link: string | undefined, apiUrl: string): string | undefined {
  const url = /<([^<>]+)>;\s*rel="next"/.exec(link ?? "")?.[1];
  if (url === undefined) return undefined;
  if (new URL(url).origin === new URL(apiUrl).origin) return url;
  throw new FourTierError({
    id: "github/foreign-page",
    severity: "unknown",
    message: `A list of ${new URL(apiUrl).host} goes on at another host, ${new URL(url).host}.`,
    remedy: "Find out what answers at GITHUB_API_URL: the token is not sent to another host.",
  });
}

/** Seconds to wait before the next attempt, or undefined to give up (facts: github 6). */
function waitBefore(failure: Failure, attempt: number, repeatable: boolean): number | undefined {
  if (attempt >= MAX_ATTEMPTS) return undefined;
  const header = (name: string): string | undefined => {
    const value = failure.response?.headers[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  if (isRateLimit(failure)) {
    // A refused request had no effect, so even a write may be repeated.
    const wait = Number(header("retry-after") ?? "NaN");
    return wait >= 0 && wait <= MAX_WAIT_SECONDS ? wait : undefined;
  }
  // octokit reports a broken connection as 500 without a response.
  return failure.status >= 500 && repeatable ? attempt ** 2 : undefined;
}

function isRateLimit(failure: Failure): boolean {
  if (failure.status === 429) return true;
  const headers = failure.response?.headers ?? {};
  return failure.status === 403 && (headers["retry-after"] !== undefined || headers["x-ratelimit-remaining"] === "0");
}

function explain(route: string, failure: Failure, needs: Permission, slug: string): FourTierError {
  const [method = "GET", path = route] = route.split(" ");
  const requestId = failure.response?.headers["x-github-request-id"];
  const where = {
    kind: "request" as const,
    method,
    path,
    status: failure.status,
    ...(typeof requestId === "string" ? { requestId } : {}),
  };
  if (isRateLimit(failure)) {
    return new FourTierError({
      id: "github/rate-limit",
      severity: "unknown",
      where,
      message: `GitHub's rate limit for ${slug} is used up.`,
      remedy: "Wait until it resets (within the hour), then start a new run.",
    });
  }
  if (failure.status === 401) {
    return new FourTierError({
      id: "github/credentials",
      severity: "unknown",
      where,
      message: "GitHub does not accept the token.",
      remedy: "Leave `github-token` at its default, the job's own token.",
    });
  }
  if (failure.status === 403) {
    const missing = /not accessible by integration/i.test(failure.message);
    return new FourTierError({
      id: "github/permission",
      severity: "unknown",
      where,
      message: missing
        ? `The job's token may not do this: it lacks the permission \`${needs}\`.`
        : `GitHub refuses: ${failure.message}`,
      remedy: `Add \`${needs}\` under \`permissions:\` of the job, and of the caller's job if this is a reusable workflow.`,
    });
  }
  if (failure.status === 404) {
    return new FourTierError({
      id: "github/not-found",
      severity: "unknown",
      where,
      message: `GitHub has nothing there in ${slug}, or the token may not see it.`,
      remedy: `Check that it exists and that the job has \`${needs}\`.`,
    });
  }
  return new FourTierError({
    id: "github/api",
    severity: "unknown",
    where,
    message: `GitHub answered ${failure.status}: ${failure.message}`,
    remedy: failure.status >= 500 ? "Try again; see https://www.githubstatus.com." : "Open an issue with this message.",
  });
}

function unreachable(route: string, error: unknown): Error {
  if (error instanceof FourTierError) return error;
  return new FourTierError(
    {
      id: "github/unreachable",
      severity: "unknown",
      message: `${route} got no answer from GitHub: ${messageOf(error)}`,
      remedy: "Check the runner's network, its proxy variables and NODE_EXTRA_CA_CERTS.",
    },
    { cause: error },
  );
}

function check<S extends AnySchema>(route: string, schema: S, data: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, data);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new FourTierError({
    id: "github/unexpected-answer",
    severity: "unknown",
    message: `${route} answered something unexpected at ${v.getDotPath(issue) ?? "its top"}: ${issue.message}`,
    remedy: "Open an issue with this message.",
  });
}

function sleep(signal: AbortSignal | undefined): (milliseconds: number) => Promise<void> {
  return async (milliseconds) => {
    const { setTimeout } = await import("node:timers/promises");
    await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal });
  };
}
