/**
 * HTTP as the suite needs it: one origin, deadlines, retries, nothing followed, nothing leaked. Knows nothing of any
 * API: whether an answer is final is the caller's verdict.
 */
import { dispatcherFor, sendRequest } from "./agent.ts";
import { type Clock, realClock } from "./clock.ts";
import { AmbiguousError, NetworkError, type RequestLabel, sortFailure } from "./errors.ts";
import { waitBefore } from "./retry.ts";

/** A request as it is sent, each time that it is. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** An answer that was read to its last byte, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
  text(): string;
  /** A header by its lower-case name; several become one, joined by commas. */
  header(name: string): string | undefined;
}

/**
 * What an answer means: `final` is handed to the caller, `refused` took no effect and passes (429), `uncertain` may
 * have taken effect (5xx).
 */
export type Verdict = "final" | "refused" | "uncertain";

/** Where a client may go, and how long it tries. */
export interface HttpOptions {
  /** Requests to any other origin are refused before anything is sent. */
  readonly origins: readonly string[];
  readonly userAgent: string;
  /** One attempt, from connecting to the last byte, in milliseconds; a large body gets more. Default 60 s. */
  readonly attemptMs?: number;
  /** All attempts and waits of one request together, in milliseconds. Default 5 min. */
  readonly overallMs?: number;
  /**
   * Attempts at most when connections break or the server fails; what it refuses for now is tried until the deadline.
   * Default 5.
   */
  readonly attempts?: number;
  /** Once aborted, nothing new is sent and no wait goes on; a write in flight is still awaited, so that its end is known. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
  /** Told before each wait, for the log. */
  readonly onRetry?: (label: RequestLabel, reason: string, waitMs: number) => void;
  readonly proxyLoopback?: boolean;
}

/** Sends requests, and tries again what may be tried again. */
export interface HttpClient {
  /**
   * Sends until an answer is final or the deadline is near. What is not `repeatable` is never sent twice unless it is
   * certain that the first time had no effect. Throws NetworkError, AmbiguousError.
   */
  send(request: HttpRequest, judge: (answer: HttpAnswer) => Verdict, repeatable: boolean): Promise<HttpAnswer>;
}

/** More than any API answers with; a server that sends without end must not fill the memory. */
const ANSWER_LIMIT = 64 * 1024 * 1024;
const MINIMUM_RATE_BYTES_PER_MS = 100;
const UTF8 = new TextDecoder();

/** Makes a client for some origins; nothing is connected yet. */
export function createHttp(options: HttpOptions): HttpClient {
  const clock = options.clock ?? realClock;
  const attemptMs = options.attemptMs ?? 60_000;
  const overallMs = options.overallMs ?? 300_000;
  const attempts = options.attempts ?? 5;
  const origins = new Set(options.origins);

  return {
    send: async (request, judge, repeatable) => {
      const label: RequestLabel = {
        method: request.method,
        origin: request.url.origin,
        path: request.url.pathname,
      };
      if (!origins.has(request.url.origin)) {
        throw new NetworkError(label, "host-refused", `this connection is for ${[...origins].join(", ")} only`);
      }
      const deadline = clock.now() + overallMs;
      for (let attempt = 1; ; attempt += 1) {
        if (options.signal?.aborted === true) throw new NetworkError(label, "cancelled", "the run was cancelled");
        const outcome = await attemptOnce(request, label, options, attemptMs);
        const next = weigh(outcome, judge, repeatable, label);
        if (next.kind === "answer") return next.answer;
        const header = (name: string) => (outcome.kind === "answer" ? outcome.answer.header(name) : undefined);
        // a date is one of the server's clock, which need not be ours
        const serverNow = Date.parse(header("date") ?? "");
        const from = Number.isNaN(serverNow) ? clock.now() : serverNow;
        const waitMs = waitBefore(attempt, header("retry-after"), from, clock.random());
        const late = clock.now() + waitMs >= deadline;
        const often = next.limited && attempt >= attempts;
        if (late || often) return next.giveUp();
        options.onRetry?.(label, next.reason, waitMs);
        try {
          await clock.sleep(waitMs, options.signal);
        } catch (error) {
          throw new NetworkError(label, "cancelled", "the run was cancelled", { cause: error });
        }
      }
    },
  };
}

type Outcome =
  | { readonly kind: "answer"; readonly answer: HttpAnswer }
  | { readonly kind: "failure"; readonly error: unknown };

type Next =
  | { readonly kind: "answer"; readonly answer: HttpAnswer }
  | {
      readonly kind: "retry";
      readonly reason: string;
      /** Whether attempts are counted, or only the deadline ends them. */
      readonly limited: boolean;
      readonly giveUp: () => HttpAnswer;
    };

function weigh(
  outcome: Outcome,
  judge: (answer: HttpAnswer) => Verdict,
  repeatable: boolean,
  label: RequestLabel,
): Next {
  if (outcome.kind === "answer") {
    const { answer } = outcome;
    const verdict = judge(answer);
    if (verdict === "final") return outcome;
    if (verdict === "uncertain" && !repeatable) throw new AmbiguousError(label, `status ${answer.status}`);
    return {
      kind: "retry",
      reason: `status ${answer.status}`,
      limited: verdict === "uncertain",
      giveUp: () => answer,
    };
  }
  const { error } = outcome;
  if (error instanceof NetworkError) throw error;
  const failure = sortFailure(error);
  if (failure.sent && !repeatable) throw new AmbiguousError(label, failure.reason, { cause: error });
  const giveUp = (): never => {
    throw new NetworkError(label, failure.problem, failure.reason, { cause: error });
  };
  return failure.passing ? { kind: "retry", reason: failure.reason, limited: true, giveUp } : giveUp();
}

async function attemptOnce(
  request: HttpRequest,
  label: RequestLabel,
  options: HttpOptions,
  attemptMs: number,
): Promise<Outcome> {
  const size = request.body?.length ?? 0;
  const stop = request.method === "GET" ? options.signal : undefined;
  const deadline = deadlineOf(attemptMs + Math.ceil(size / MINIMUM_RATE_BYTES_PER_MS), stop);
  try {
    const answer = await sendRequest(request.url, {
      method: request.method,
      headers: { ...request.headers, "user-agent": options.userAgent },
      body: request.body ?? null,
      dispatcher: await dispatcherFor(
        request.url,
        options.proxyLoopback === undefined ? {} : { proxyLoopback: options.proxyLoopback },
      ),
      signal: deadline.signal,
    });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > ANSWER_LIMIT) {
        throw new NetworkError(label, "too-large", `the answer has more than ${ANSWER_LIMIT / 1024 / 1024} MiB`);
      }
      chunks.push(chunk);
    }
    return { kind: "answer", answer: toAnswer(answer.statusCode, answer.headers, Buffer.concat(chunks)) };
  } catch (error) {
    return { kind: "failure", error };
  } finally {
    deadline.over();
  }
}

/**
 * A signal that aborts after a time, or with `stop`. `over` lets go of both: a signal of AbortSignal.timeout lives until
 * its time has come, and ten thousand requests would keep ten thousand of them.
 */
function deadlineOf(milliseconds: number, stop: AbortSignal | undefined): { signal: AbortSignal; over(): void } {
  const controller = new AbortController();
  const late = (): void => controller.abort(new DOMException("it took too long", "TimeoutError"));
  const stopped = (): void => controller.abort(stop?.reason);
  const timer = setTimeout(late, milliseconds).unref();
  if (stop?.aborted === true) stopped();
  stop?.addEventListener("abort", stopped, { once: true });
  return {
    signal: controller.signal,
    over: () => {
      clearTimeout(timer);
      stop?.removeEventListener("abort", stopped);
    },
  };
}

function toAnswer(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  bytes: Uint8Array,
): HttpAnswer {
  return {
    status,
    bytes,
    text: () => UTF8.decode(bytes),
    header: (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
  };
}
