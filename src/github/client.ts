/**
 * One door to GitHub's REST API: octokit with our transport, answers checked where they enter, errors that name the
 * missing permission. Ids are strings inside.
 */
import * as v from "valibot";
import { FourTierError, hasFinding } from "../findings.ts";
import { proxyFetch } from "../http/agent.ts";
import { Redactor } from "../http/redact.ts";
import { explain, type Permission, readFailure, unexpected, unsent, waitBefore } from "./failure.ts";

/** For one answer, in milliseconds. */
const TIMEOUT_MS = 30_000;
const PER_PAGE = 100;
/** Two clocks that are less apart are taken for the same, in milliseconds: an answer is on its way, and says whole seconds. */
const SAME_CLOCK_MS = 60_000;

interface GitHubOptions {
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
  /** This machine's clock; a test has another. */
  readonly now?: () => Date;
  /** Called before each request that changes something. */
  readonly onWrite?: () => void;
}

/** Values of `{placeholders}` in a route, query parameters, or body fields. */
type Parameters = Readonly<Record<string, unknown>>;

/** A repository seen with one token. */
export interface GitHub {
  readonly owner: string;
  readonly repository: string;
  readonly serverUrl: string;
  /**
   * How far GitHub's clock is ahead of this machine's by its last answer, in milliseconds: 0 before the first, and where
   * the two are less than a minute apart.
   */
  skewMs(): number;
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
async function octokitFor(options: GitHubOptions, redactor: Redactor) {
  if (options.token === "") {
    throw new FourTierError({
      id: "github/no-token",
      severity: "error",
      message: "There is no token to ask GitHub with.",
      remedy: "Leave the input `github-token` at its default, the job's own token.",
    });
  }
  const { getOctokit } = await import("@actions/github");
  return getOctokit(options.token, {
    baseUrl: options.apiUrl,
    userAgent: "four-tier",
    log: {
      debug() {},
      info() {},
      warn: (message) => options.log.debug(redactor.clean(message)),
      error: (message) => options.log.debug(redactor.clean(message)),
    },
    // Octokit would pick a proxy once, at import, from a variable; ours looks at each address (facts: toolchain).
    request: { fetch: proxyFetch },
  });
}

/** Connects; sends nothing yet. */
export function connectGitHub(options: GitHubOptions): GitHub {
  let connected: ReturnType<typeof octokitFor> | undefined;
  let skew = 0;
  const { owner, repository } = options;
  // Whatever answers at GITHUB_API_URL saw the token, and what it says is shown.
  const redactor = new Redactor();
  redactor.add(options.token);

  const check = <S extends AnySchema>(route: string, schema: S, data: unknown): v.InferOutput<S> => {
    const result = v.safeParse(schema, data);
    if (result.success) return result.output;
    throw unexpected(route, result.issues[0], redactor);
  };

  async function once(route: string, parameters: Parameters, needs: Permission, repeatable: boolean): Promise<Answer> {
    const pause = options.pause ?? sleep(options.signal);
    for (let attempt = 1; ; attempt++) {
      try {
        connected ??= octokitFor(options, redactor);
        const octokit = await connected;
        const deadline = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
        const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
        const answer: unknown = await octokit.request(route, {
          // What a route has no place for would become a query parameter.
          ...(route.includes("{owner}") ? { owner, repo: repository } : {}),
          ...parameters,
          request: { signal },
        });
        const answered = check(route, AnswerSchema, answer);
        skew = skewOf(answered.headers.date, options.now?.() ?? new Date()) ?? skew;
        return unmoved(route, answered, redactor);
      } catch (error) {
        if (error instanceof FourTierError) throw error;
        const failure = readFailure(error);
        const cancelled = options.signal?.aborted === true;
        if (failure === undefined || cancelled) throw unsent(route, error, cancelled, redactor);
        const wait = waitBefore(failure, attempt, repeatable);
        if (wait === undefined) throw explain(route, failure, needs, `${owner}/${repository}`, redactor);
        const why = failure.kind === "answer" ? String(failure.status) : failure.reason;
        options.log.debug(redactor.clean(`${route}: ${why}, trying again in ${wait} s`));
        await pause(wait * 1000);
      }
    }
  }

  return {
    owner,
    repository,
    serverUrl: options.serverUrl,
    skewMs: () => skew,
    async read(route, parameters, schema, needs) {
      return check(route, schema, (await once(route, parameters, needs, true)).data);
    },
    async find(route, parameters, schema, needs) {
      try {
        return check(route, schema, (await once(route, parameters, needs, true)).data);
      } catch (error) {
        if (hasFinding(error, "github/not-found")) return undefined;
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
        const list = itemsOf(answer.data) ?? check(next.route, v.array(v.unknown()), answer.data);
        for (const item of list) yield check(route, schema, item);
        const url = nextPage(answer.headers.link, options.apiUrl, redactor);
        next = url === undefined ? undefined : { route: `GET ${url}`, parameters: {} };
      }
    },
    async send(route, parameters, schema, needs) {
      options.onWrite?.();
      return check(route, schema, (await once(route, parameters, needs, false)).data);
    },
  };
}

const AnswerSchema = v.object({
  status: v.number(),
  data: v.unknown(),
  headers: v.object({ date: v.optional(v.string()), link: v.optional(v.string()), location: v.optional(v.string()) }),
});
type Answer = v.InferOutput<typeof AnswerSchema>;

/** Undefined where an answer does not tell its time. */
function skewOf(date: string | undefined, now: Date): number | undefined {
  const ahead = Date.parse(date ?? "") - now.getTime();
  if (Number.isNaN(ahead)) return undefined;
  return Math.abs(ahead) < SAME_CLOCK_MS ? 0 : ahead;
}

/** Throws for a redirect that was not followed. Only the host of where it leads is shown: the rest may be signed. */
function unmoved(route: string, answer: Answer, redactor: Redactor): Answer {
  if (answer.status < 300) return answer;
  const host = hostOf(answer.headers.location, redactor);
  throw new FourTierError({
    id: "github/redirect",
    severity: "unknown",
    message: `${redactor.clean(route)} is answered with ${answer.status}, a redirect to ${host}, which is not followed.`,
    remedy: "Find out what answers at GITHUB_API_URL: nothing is asked of another host.",
  });
}

/** The host of an address that an answer names; the rest of it may be signed. */
function hostOf(address: string | undefined, redactor: Redactor): string {
  if (address === undefined || !URL.canParse(address)) return "somewhere else";
  return redactor.clean(new URL(address).host, 100);
}

/**
 * Lists come bare or in an envelope `{ total_count, jobs: […] }`; compare's commits are in an envelope too. Anything else
 * is no list, and not an empty one.
 */
function itemsOf(data: unknown): readonly unknown[] | undefined {
  const found = Array.isArray(data) ? [data] : Object.values(typeof data === "object" && data !== null ? data : {});
  return found.find((value): value is unknown[] => Array.isArray(value));
}

/** The next page's address. Throws for one on another host: the token would go there, and half a list proves nothing. */
function nextPage(link: string | undefined, apiUrl: string, redactor: Redactor): string | undefined {
  const url = /<([^<>]+)>;\s*rel="next"/.exec(link ?? "")?.[1];
  if (url === undefined) return undefined;
  if (URL.canParse(url) && new URL(url).origin === new URL(apiUrl).origin) return url;
  throw new FourTierError({
    id: "github/foreign-page",
    severity: "unknown",
    message: `A list of ${new URL(apiUrl).host} goes on at another host, ${hostOf(url, redactor)}.`,
    remedy: "Find out what answers at GITHUB_API_URL: the token is not sent to another host.",
  });
}

/** Waits; ends early when the signal aborts, and the request that follows says that the run was cancelled. */
function sleep(signal: AbortSignal | undefined): (milliseconds: number) => Promise<void> {
  return async (milliseconds) => {
    const { setTimeout } = await import("node:timers/promises");
    await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error;
    });
  };
}
