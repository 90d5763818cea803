/**
 * How a run proves to Databricks who it is: OAuth client credentials, or GitHub's OIDC token exchanged for one of
 * Databricks (facts: databricks-api 1.1, 1.2). Tokens are asked for once, kept, and renewed before they expire.
 */
import * as v from "valibot";
import type { HttpAnswer, HttpClient, Verdict } from "../http/client.ts";
import type { Clock } from "../http/clock.ts";
import type { Redactor } from "../http/redact.ts";
import { judge, readFailure, tryJson } from "./answer.ts";
import { federationRefused, secretRefused } from "./auth-advice.ts";
import { type Discovery, discover } from "./auth-discovery.ts";
import { decodeClaims, requestGitHubToken } from "./auth-github.ts";
import { ApiError, UnexpectedAnswer } from "./errors.ts";
import type { ClientLog } from "./workspace.ts";

/** OAuth client credentials of a service principal. */
interface SecretCredentials {
  readonly kind: "secret";
  /** The service principal's application id. */
  readonly clientId: string;
  readonly clientSecret: string;
}

/** GitHub's OIDC token, exchanged for a Databricks token (workload identity federation). */
interface OidcCredentials {
  readonly kind: "oidc";
  /** The service principal's application id. */
  readonly clientId: string;
  /** ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN of the job. */
  readonly request: { readonly url: string; readonly token: string };
  /** Empty: what the host's metadata names, else the token endpoint's URL. */
  readonly audience?: string | undefined;
}

/** One way to sign in. */
export type Credentials = SecretCredentials | OidcCredentials;

/** A source of bearer tokens for one host. */
export interface Authenticator {
  /** A token that is good for now; many callers at once cause one request. Throws CredentialRefused. */
  token(): Promise<string>;
  /** The service did not accept this token: it is not handed out again. */
  refused(token: string): void;
  /** What the host says of itself. */
  discovery(): Promise<Discovery>;
  /** The audience of GitHub's token; undefined with a client secret. */
  audience(): Promise<string | undefined>;
}

interface AuthOptions {
  readonly host: URL;
  readonly credentials: Credentials;
  readonly log: ClientLog;
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** A client for one origin, with the token endpoint's short deadline. */
  readonly httpFor: (origin: string) => HttpClient;
}

/** Used if the service does not say; far below the documented hour. */
const ASSUMED_LIFETIME_S = 600;
/** A token is renewed when a quarter of its life or this is left, whichever is less. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** An old token still serves if renewing fails and this much is left. */
const LAST_USE_MS = 30_000;

interface Token {
  readonly value: string;
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** Makes an authenticator; nothing is sent before the first token is asked for. */
export function createAuthenticator(options: AuthOptions): Authenticator {
  const { clock, credentials, log, redactor } = options;
  let current: Token | undefined;
  let pending: Promise<Token> | undefined;
  let found: Promise<Discovery> | undefined;

  if (credentials.kind === "secret") hide(credentials.clientSecret, log, redactor);

  const discovery = async (): Promise<Discovery> => {
    found ??= discover(options.host, options.httpFor, redactor);
    try {
      return await found;
    } catch (error) {
      found = undefined;
      throw error;
    }
  };

  const renew = async (): Promise<Token> => {
    const place = await discovery();
    // Counted from before the request: the answer's own way here must not make a token look younger.
    const asked = clock.now();
    const answer = await exchange(options, place);
    const lifetimeMs = answer.lifetimeS * 1_000;
    return {
      value: answer.value,
      renewAt: asked + lifetimeMs - Math.min(lifetimeMs / 4, RENEW_BEFORE_MS),
      expiresAt: asked + lifetimeMs,
    };
  };

  const renewOnce = async (): Promise<Token> => {
    pending ??= renew().finally(() => {
      pending = undefined;
    });
    current = await pending;
    return current;
  };

  return {
    discovery,
    audience: async () => (credentials.kind === "oidc" ? audienceFor(credentials, await discovery()) : undefined),
    token: async () => {
      if (current !== undefined && clock.now() < current.renewAt) return current.value;
      const old = current;
      try {
        return (await renewOnce()).value;
      } catch (error) {
        if (old === undefined || clock.now() > old.expiresAt - LAST_USE_MS) throw error;
        log.debug("The Databricks token could not be renewed yet; the old one is still good.");
        return old.value;
      }
    },
    refused: (token) => {
      if (current?.value === token) current = undefined;
    },
  };
}

/** RFC 6749: what a token endpoint answers; `expires_in` is a number, and in some servers a text. */
const tokenSchema = v.looseObject({
  access_token: v.pipe(v.string(), v.nonEmpty()),
  expires_in: v.optional(v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))])),
});

async function exchange(options: AuthOptions, place: Discovery): Promise<{ value: string; lifetimeS: number }> {
  const { credentials, log, redactor } = options;
  const endpoint = place.tokenEndpoint;
  const form: Record<string, string> = {};
  const headers: Record<string, string> = {
    "content-type": "application/x-www-form-urlencoded",
    accept: "application/json",
  };
  let githubToken: string | undefined;
  if (credentials.kind === "secret") {
    // RFC 6749 2.3.1: each half is form-encoded first
    const halves = [credentials.clientId, credentials.clientSecret].map(encodeURIComponent);
    const pair = Buffer.from(halves.join(":")).toString("base64");
    hide(pair, log, redactor);
    headers["authorization"] = `Basic ${pair}`;
    form["grant_type"] = "client_credentials";
    form["scope"] = "all-apis";
  } else {
    const audience = audienceFor(credentials, place);
    githubToken = await requestGitHubToken({ ...credentials.request, audience, ...options });
    form["grant_type"] = "urn:ietf:params:oauth:grant-type:token-exchange";
    form["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt";
    form["subject_token"] = githubToken;
    form["scope"] = "all-apis";
    form["client_id"] = credentials.clientId;
  }
  const answer = await options
    .httpFor(endpoint.origin)
    .send({ method: "POST", url: endpoint, headers, body: new URLSearchParams(form).toString() }, judgeToken, true);
  const request = { method: "POST", path: endpoint.pathname };
  if (answer.status !== 200) {
    const failure = readFailure(answer, redactor);
    if (![400, 401, 403].includes(answer.status)) throw new ApiError(request, failure);
    throw credentials.kind === "secret"
      ? secretRefused({ clientId: credentials.clientId, host: options.host.origin, failure })
      : federationRefused({
          clientId: credentials.clientId,
          host: options.host.origin,
          failure,
          claims: githubToken === undefined ? {} : decodeClaims(githubToken),
        });
  }
  const parsed = v.safeParse(tokenSchema, tryJson(answer.text()));
  if (!parsed.success) throw new UnexpectedAnswer(request, "there is no access_token in it");
  hide(parsed.output.access_token, log, redactor);
  const lifetimeS = parsed.output.expires_in;
  return {
    value: parsed.output.access_token,
    lifetimeS: lifetimeS !== undefined && lifetimeS > 0 ? lifetimeS : ASSUMED_LIFETIME_S,
  };
}

/** The server's default is the account id, older clients' default the endpoint: what is said wins (facts: databricks-api 1.2). */
function audienceFor(credentials: OidcCredentials, place: Discovery): string {
  return credentials.audience || place.defaultAudience || place.tokenEndpoint.href;
}

/** Asking for a token twice is harmless; 502 passes here too (facts: databricks-api 1.1). */
function judgeToken(answer: HttpAnswer): Verdict {
  return answer.status === 502 ? "refused" : judge(answer, true);
}

function hide(secret: string, log: ClientLog, redactor: Redactor): void {
  redactor.add(secret);
  log.secret(secret);
}
