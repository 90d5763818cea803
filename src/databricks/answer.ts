/** What an answer means: errors in all the forms they come in, and whether to try again (facts: databricks-api 2.1, 2.2). */
import type { HttpAnswer, Verdict } from "../http/client.ts";
import type { Redactor } from "../http/redact.ts";
import { isArray, isObject, type JsonObject, type JsonValue, parseJson } from "../json.ts";
import { type ApiFailure, isQuota } from "./errors.ts";

/** Messages after which the SDKs try again whatever the status is. */
const PASSING =
  /UnknownWorkerEnvironmentException|does not have any associated worker environments|There is no worker environment with id|Unknown worker environment|ClusterNotReadyException|worker env .* not found|REQUEST_LIMIT_EXCEEDED|RPC token bucket limit has been exceeded|Please try again later or try a faster operation/;
/** These too, but the work may have been done when they were written. */
const PASSING_UNCERTAIN = /Timed out after |deadline exceeded/;

/** How to go on after an answer. A request that is not repeatable takes every 5xx as uncertain. */
export function judge(answer: HttpAnswer, repeatable: boolean): Verdict {
  const { status } = answer;
  if (status < 400) return "final";
  if (status === 429) return isQuota(toldBy(answer)) ? "final" : "refused";
  if (status === 503 || status === 504) return repeatable ? "refused" : "uncertain";
  const text = answer.text();
  if (status >= 500 || status === 408) return status === 501 ? "final" : "uncertain";
  if (PASSING.test(text)) return "refused";
  return PASSING_UNCERTAIN.test(text) ? "uncertain" : "final";
}

/** The error that an answer of status 300 or more carries. Its text is cleaned of credentials. */
export function readFailure(answer: HttpAnswer, redactor: Redactor): ApiFailure {
  const { status } = answer;
  const json = tryJson(answer.text());
  const told: Told = status < 400 ? fromRedirect(answer) : toldIn(json, answer);
  const reason = answer.header("x-databricks-reason-phrase");
  return {
    status: told.status ?? status,
    code: redactor.clean(told.code ?? `HTTP_${status}`, 100),
    detail: redactor.clean(told.detail || reason || "the answer has no text"),
    requestId:
      requestIdOf(json) ?? (answer.header("x-request-id") || answer.header("x-databricks-request-id") || undefined),
  };
}

/** Code and words of an answer, for ourselves: not cleaned of credentials. */
function toldBy(answer: HttpAnswer): Pick<ApiFailure, "code" | "detail"> {
  const { code = "", detail } = toldIn(tryJson(answer.text()), answer);
  return { code, detail };
}

function toldIn(json: JsonValue | undefined, answer: HttpAnswer): Told {
  return fromJson(json, answer.status) ?? fromText(answer.text());
}

/** Whether an answer says that the token itself is not (or no longer) accepted: nothing was done. */
export function isTokenRefused(answer: HttpAnswer): boolean {
  if (answer.status === 401) return true;
  if (answer.status !== 403) return false;
  const json = tryJson(answer.text());
  const told = fromJson(json, 403);
  if (told?.code === "UNAUTHENTICATED") return true;
  return /invalid (access )?token|token (is|has) (expired|invalid)|expired token/i.test(told?.detail ?? "");
}

interface Told {
  readonly status?: number;
  readonly code?: string;
  readonly detail: string;
}

/** Envelope, integer code, legacy 1.2, SCIM, OAuth. */
function fromJson(json: JsonValue | undefined, status: number): Told | undefined {
  if (!isObject(json)) return undefined;
  const error = json["error"];
  if (isObject(error)) return fromJson(error, status);
  const code = textOf(json["error_code"]) ?? textOf(json["code"]);
  const message = textOf(json["message"]);
  if (code !== undefined || message !== undefined) {
    return { ...(code === undefined ? {} : { code }), detail: message ?? textOf(error) ?? "" };
  }
  if (json["detail"] !== undefined || json["scimType"] !== undefined) {
    const detail = textOf(json["detail"]) ?? "";
    const type = textOf(json["scimType"]);
    return {
      code: `SCIM_${textOf(json["status"]) ?? status}`,
      detail: type === undefined ? detail : `${detail} (${type})`,
    };
  }
  const description = textOf(json["error_description"]);
  const name = textOf(error);
  if (description !== undefined) return { ...(name === undefined ? {} : { code: name }), detail: description };
  // legacy: the whole message is under `error`; OAuth: a word is
  if (name !== undefined) return /^[a-z_]+$/.test(name) ? { code: name, detail: name } : { detail: name };
  return undefined;
}

/** `CODE: message`, a proxy's or the service's HTML page, or nothing. */
function fromText(body: string): Told {
  const text = body.trim();
  if (/^<(!doctype|html|head|body)/i.test(text)) {
    const pre = /<pre[^>]*>([\s\S]*?)<\/pre>/i.exec(text)?.[1] ?? /<title[^>]*>([\s\S]*?)<\/title>/i.exec(text)?.[1];
    const detail = (pre ?? "").replace(/<[^>]*>/g, " ").trim();
    return { detail: detail === "" ? "an HTML page, as a proxy or a login would send" : detail };
  }
  const plain = /^([A-Z][A-Z_]{2,}):\s*([\s\S]+)$/.exec(text);
  return plain?.[1] === undefined ? { detail: text } : { code: plain[1], detail: plain[2] ?? "" };
}

/** No Databricks API redirects. A private link does, to its login page, which means 403. */
function fromRedirect(answer: HttpAnswer): Told {
  const to = answer.header("location") ?? "";
  if (to.includes("error=private-link-validation-error")) {
    return {
      status: 403,
      code: "PRIVATE_LINK_VALIDATION_ERROR",
      detail: "this workspace accepts connections through its private link only",
    };
  }
  // the address may carry a token in its query: only the host is shown
  const host = URL.canParse(to) ? new URL(to).host : "another page";
  return { code: "REDIRECT", detail: `the answer redirects to ${host}, which is never followed` };
}

function requestIdOf(json: JsonValue | undefined): string | undefined {
  const details = isObject(json) ? json["details"] : undefined;
  if (!isArray(details)) return undefined;
  for (const detail of details) {
    if (!isObject(detail) || textOf(detail["@type"])?.endsWith("RequestInfo") !== true) continue;
    const id = textOf(detail["request_id"]);
    if (id !== undefined) return id;
  }
  return undefined;
}

/** JSON, or undefined if it is not. */
export function tryJson(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Text as it is and numbers written out; an empty text counts as absent. */
function textOf(value: JsonObject[string] | undefined): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}
