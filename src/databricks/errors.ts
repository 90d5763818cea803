/**
 * What can go wrong with a Databricks call. Each is a FourTierError, so an error nobody handles still reaches the person
 * as a finding with the request, the status and what to do (design 14), never as a defect of the suite.
 */
import { FourTierError } from "../findings.ts";

/** How a request is named in errors: method and path, no query, no body, no headers. */
interface RequestName {
  readonly method: string;
  readonly path: string;
}

/** What a failed answer said, whatever form it came in (facts: databricks-api 2.1). */
export interface ApiFailure {
  readonly status: number;
  /** The service's code as text: `PERMISSION_DENIED`, `SCIM_404`, `403`; `HTTP_502` if it gave none. */
  readonly code: string;
  /** The service's own words, secrets removed. */
  readonly detail: string;
  readonly requestId: string | undefined;
}

/** The service answered, and the answer is an error. */
export class ApiError extends FourTierError {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** `GET /api/2.2/jobs/get` */
  readonly request: string;
  readonly requestId: string | undefined;

  constructor(request: RequestName, failure: ApiFailure) {
    super({
      id: isQuota(failure)
        ? "databricks/quota"
        : failure.status === 401 || failure.status === 403
          ? "databricks/refused"
          : "databricks/failed",
      severity: "error",
      where: {
        ...whereOf(request),
        status: failure.status,
        ...(failure.requestId === undefined ? {} : { requestId: failure.requestId }),
      },
      message: `Databricks answered ${request.method} ${request.path} with ${failure.status} ${failure.code}: ${sentence(failure.detail)}`,
      remedy: remedyFor(failure),
    });
    this.status = failure.status;
    this.code = failure.code;
    this.detail = failure.detail;
    this.request = `${request.method} ${request.path}`;
    this.requestId = failure.requestId;
  }
}

/**
 * A request that creates something was sent and its answer never came (reset, timeout, 5xx): it may have happened.
 * Look the thing up by name and tag before a second attempt; nothing below the caller sends it again.
 */
export class LostAnswer extends FourTierError {
  readonly request: string;

  constructor(request: RequestName, reason: string, options?: ErrorOptions) {
    super(
      {
        id: "databricks/lost-answer",
        severity: "error",
        where: whereOf(request),
        message: `The answer to ${request.method} ${request.path} was lost (${reason}), so it is not known whether it took effect.`,
        remedy: "Run this again: it first looks for what the lost request may have created.",
      },
      options,
    );
    this.request = `${request.method} ${request.path}`;
  }
}

/** The service answered something that is not what its API promises (not JSON, a required field missing). */
export class UnexpectedAnswer extends FourTierError {
  constructor(request: RequestName, what: string) {
    super({
      id: "databricks/unexpected-answer",
      severity: "error",
      where: whereOf(request),
      message: `Databricks answered ${request.method} ${request.path} in a form this client does not know: ${what}.`,
      remedy:
        "Check that the host is a Databricks workspace (not a proxy's page), then report this with the request's path.",
    });
  }
}

/**
 * Whether an error says that the thing asked for does not exist. Jobs and runs say so with
 * 400 INVALID_PARAMETER_VALUE "… does not exist" (facts: databricks-api 2.1), everything else with 404.
 */
export function isMissing(error: unknown): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  // Codes like ENDPOINT_NOT_FOUND and pages without any code are about the request, not about what it asks for.
  if (error.status === 404) {
    return (
      (/DOES_NOT_EXIST$|NOT_FOUND$|^SCIM_404$/.test(error.code) && error.code !== "ENDPOINT_NOT_FOUND") ||
      /\b(does not exist|doesn't exist)\b/.test(error.detail)
    );
  }
  return (
    error.status === 400 &&
    error.code === "INVALID_PARAMETER_VALUE" &&
    /\b(does not exist|doesn't exist)\b/.test(error.detail)
  );
}

/** Awaits a request; undefined instead of an error if what it asks for does not exist. */
export async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A limit of how many there are; one of what a single thing may hold ("more than 100 tasks") is another matter. */
const QUOTA =
  /\bquota\b|cannot create more than \d+|\b(maximum number|limit) of (\d+ )?(jobs|pipelines|catalogs|schemas|tables|volumes|functions|models|experiments)\b/i;

/**
 * Whether an error says that there are as many of something as there may be: no waiting helps, unlike with a limit of
 * requests, which some words of the service's share with it.
 */
export function isQuota({ code, detail }: Pick<ApiFailure, "code" | "detail">): boolean {
  if (/\brequests?\b|\brate\b|\bper (second|minute|hour)\b/i.test(detail)) return false;
  return code === "QUOTA_EXCEEDED" || QUOTA.test(detail);
}

/** Two fields and no more: what is passed as a name may be the whole request, with its query and body. */
function whereOf({ method, path }: RequestName): { kind: "request"; method: string; path: string } {
  return { kind: "request", method, path };
}

function remedyFor(failure: ApiFailure): string {
  const { status, code } = failure;
  if (isQuota(failure))
    return "Nothing is tried again, since it would not pass: remove what nobody needs, or have the limit raised; then run this again.";
  if (status === 401)
    return "The credential was not accepted: check the client id and secret, or the federation policy.";
  if (status === 403) return "Give the principal this run authenticates as the right that the message names.";
  if (status === 404) return "Check that it exists and that the principal of this run can see it.";
  if (status === 429 || code === "RESOURCE_EXHAUSTED") return "The service limits requests: run this again later.";
  if (status >= 500) return "The service has a problem: run this again; if it stays, give Databricks the request id.";
  return "Fix what the message names and run this again.";
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
