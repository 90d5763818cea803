/** GitHub's OIDC token of a job (facts: github 4, databricks-api 1.2). */
import * as v from "valibot";
import { FourTierError } from "../findings.ts";
import { isLoopback } from "../hosts.ts";
import type { HttpClient } from "../http/client.ts";
import type { Redactor } from "../http/redact.ts";
import { judge, readFailure, tryJson } from "./answer.ts";
import type { ClientLog } from "./workspace.ts";

/** The claims that a federation policy looks at, and those its advice needs. Never the token itself. */
export interface Claims {
  readonly iss?: string;
  readonly aud?: readonly string[];
  readonly sub?: string;
  readonly repository?: string;
  readonly repositoryId?: string;
  readonly ownerId?: string;
  /** `iat` and `exp`, as ISO times. */
  readonly issued?: string;
  readonly expires?: string;
}

interface GitHubTokenRequest {
  /** ACTIONS_ID_TOKEN_REQUEST_URL: the runner sets it, so the request goes to that host and to no other. */
  readonly url: string;
  readonly token: string;
  readonly audience: string;
  readonly log: ClientLog;
  readonly redactor: Redactor;
  readonly httpFor: (origin: string) => HttpClient;
}

/** Asks GitHub for a token with this audience. Throws FourTierError (`auth/oidc-request`). */
export async function requestGitHubToken(request: GitHubTokenRequest): Promise<string> {
  const { log, redactor } = request;
  redactor.add(request.token);
  log.secret(request.token);
  const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
  if (url === undefined || (url.protocol !== "https:" && !isLoopback(url.hostname))) {
    throw failed("ACTIONS_ID_TOKEN_REQUEST_URL is not an https address");
  }
  url.searchParams.set("audience", request.audience);
  const answer = await request
    .httpFor(url.origin)
    .send(
      { method: "GET", url, headers: { authorization: `Bearer ${request.token}`, accept: "application/json" } },
      (answer) => judge(answer, true),
      true,
    );
  if (answer.status !== 200) {
    const { status, code, detail } = readFailure(answer, redactor);
    throw failed(`GitHub answered ${status} ${code}: ${detail}`);
  }
  const parsed = v.safeParse(v.looseObject({ value: v.pipe(v.string(), v.nonEmpty()) }), tryJson(answer.text()));
  if (!parsed.success) throw failed("GitHub's answer has no token in it");
  redactor.add(parsed.output.value);
  log.secret(parsed.output.value);
  return parsed.output.value;
}

const text = v.fallback(v.optional(v.string()), undefined);
/** Seconds since 1970 on the wire. */
const time = v.fallback(
  v.optional(
    v.pipe(
      v.number(),
      v.check((seconds) => Math.abs(seconds) < 1e11),
      v.transform((seconds) => new Date(seconds * 1_000).toISOString().replace(".000Z", "Z")),
    ),
  ),
  undefined,
);
const claimsSchema = v.looseObject({
  iss: text,
  aud: v.fallback(
    v.optional(
      v.union([
        v.array(v.string()),
        v.pipe(
          v.string(),
          v.transform((one) => [one]),
        ),
      ]),
    ),
    undefined,
  ),
  sub: text,
  repository: text,
  repository_id: text,
  repository_owner_id: text,
  iat: time,
  exp: time,
});

/** What a token says, unverified: for showing to a person only. Nothing if it is not a JWT. */
export function decodeClaims(token: string): Claims {
  const payload = token.split(".")[1] ?? "";
  const parsed = v.safeParse(claimsSchema, tryJson(Buffer.from(payload, "base64url").toString()));
  if (!parsed.success) return {};
  const { iss, aud, sub, repository, repository_id, repository_owner_id, iat, exp } = parsed.output;
  return {
    ...(iss === undefined ? {} : { iss }),
    ...(aud === undefined ? {} : { aud }),
    ...(sub === undefined ? {} : { sub }),
    ...(repository === undefined ? {} : { repository }),
    ...(repository_id === undefined ? {} : { repositoryId: repository_id }),
    ...(repository_owner_id === undefined ? {} : { ownerId: repository_owner_id }),
    ...(iat === undefined ? {} : { issued: iat }),
    ...(exp === undefined ? {} : { expires: exp }),
  };
}

function failed(why: string): FourTierError {
  return new FourTierError({
    id: "auth/oidc-request",
    severity: "error",
    message: `GitHub gave this job no OIDC token: ${why}.`,
    remedy: "Grant the job (and the job that calls this workflow) `permissions: id-token: write`, and run it again.",
  });
}
