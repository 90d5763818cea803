/**
 * OAuth: client credentials and token exchange, the tokens they give, and the door every API call passes.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from "jose";
import type { Account, Workspace } from "./account.ts";
import { ApiError, type Call, forbidden, type Route, rawRoute, Unmodelled } from "./api.ts";
import type { FederationPolicy, Principal } from "./principals.ts";

interface Token {
  readonly principal: Principal;
  /** The workspace whose token endpoint gave it; undefined: the account's, good in every workspace of the principal. */
  readonly workspace: string | undefined;
  readonly expires: number;
}

/** An error of the token endpoint (RFC 6749 section 5.2; facts: databricks-api 1.1). */
class OAuthError extends ApiError {}

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
/** What belongs to the other grant. */
const FIELDS_OF_GRANT: Readonly<Record<string, readonly string[]>> = {
  client_credentials: ["subject_token", "subject_token_type", "requested_token_type"],
  [EXCHANGE]: ["client_secret"],
};

/** Gives tokens, and knows whose each one is. */
export class Authority {
  readonly #account: Account;
  readonly #tokens = new Map<string, Token>();
  readonly #issuers = new Map<string, string>();
  /** Every token given so far, in order. */
  readonly given: string[] = [];

  constructor(account: Account) {
    this.#account = account;
    for (const [issuer, { jwks_url }] of Object.entries(account.scenario.issuers)) this.trust(issuer, jwks_url);
  }

  /** Where the keys of an issuer of federation tokens are. */
  trust(issuer: string, jwksUrl: string): void {
    this.#issuers.set(issuer, jwksUrl);
  }

  /** Who sends this request? Throws 401/403; `expired` makes the token one that has run out. */
  authenticate(authorization: string | undefined, workspace: Workspace, expired: boolean): Principal {
    const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined)
      throw new ApiError(401, 401, "Credential was not sent or was of an unsupported type for this API.");
    const holder = this.#holder(token);
    // facts: databricks-api 2.1: HTTP 403 with the integer 403 as error_code
    if (holder === undefined) throw new ApiError(403, 403, "Invalid access token.");
    if (expired || holder.expires <= this.#account.clock.now()) {
      throw new ApiError(this.#account.behaviours.expired_token, "UNAUTHENTICATED", "Access token is expired.");
    }
    if (holder.workspace !== undefined && holder.workspace !== workspace.name) {
      throw new ApiError(403, 403, "Invalid access token.");
    }
    const { principal } = holder;
    if (!principal.active) throw forbidden(`The principal ${principal.name} is deactivated.`);
    if (!principal.workspaces.has(workspace.name)) throw forbidden("User is not assigned to this workspace.");
    return principal;
  }

  /** Every token given so far is expired from now on. */
  expireAll(): void {
    for (const [text, token] of this.#tokens) this.#tokens.set(text, { ...token, expires: 0 });
  }

  /** A token without asking the endpoint, for tests that are not about OAuth. */
  issue(principal: Principal, workspace: Workspace | undefined): string {
    // the shape says nothing: a token is opaque to whoever holds it
    const text = `sim-${randomBytes(24).toString("base64url")}`;
    const expires = this.#account.clock.now() + this.#account.scenario.token_lifetime_seconds * 1000;
    this.#tokens.set(text, { principal, workspace: workspace?.name, expires });
    this.given.push(text);
    return text;
  }

  /** POST …/v1/token: form in, token or OAuth error out. */
  async token(
    authorization: string | undefined,
    form: URLSearchParams,
    workspace: Workspace | undefined,
  ): Promise<Principal> {
    for (const name of form.keys()) {
      if (form.getAll(name).length > 1) throw new OAuthError(400, "invalid_request", `${name} is given twice`);
    }
    const grant = form.get("grant_type");
    if (grant === null) throw new OAuthError(400, "invalid_request", "grant_type is missing");
    const scope = form.get("scope") ?? "";
    if (scope !== "all-apis") throw new Unmodelled(`the simulator does not model the scope '${scope}'`, 400);
    const other = FIELDS_OF_GRANT[grant]?.find((name) => form.has(name));
    if (other !== undefined)
      throw new Unmodelled(`the simulator does not model ${other} with grant_type ${grant}`, 400);
    const wanted = form.get("requested_token_type") ?? ACCESS_TOKEN;
    if (wanted !== ACCESS_TOKEN)
      throw new Unmodelled(`the simulator does not model the requested_token_type ${wanted}`, 400);
    const principal =
      grant === "client_credentials"
        ? this.#byCredentials(authorization, form)
        : grant === EXCHANGE
          ? await this.#byExchange(form)
          : undefined;
    if (principal === undefined)
      throw new OAuthError(400, "unsupported_grant_type", `grant_type ${grant} is not supported`);
    if (!principal.active) throw new OAuthError(401, "invalid_client", "Client authentication failed");
    const assigned = workspace === undefined || principal.workspaces.has(workspace.name);
    if (!assigned && this.#account.behaviours.unassigned_principal === "token") {
      throw new OAuthError(401, "invalid_client", "The service principal is not assigned to this workspace");
    }
    return principal;
  }

  // facts: databricks-api 1.1: Basic authentication; RFC 6749 allows the body too
  #byCredentials(authorization: string | undefined, form: URLSearchParams): Principal {
    const basic = /^Basic (.+)$/i.exec(authorization ?? "")?.[1];
    const [id, secret] =
      basic === undefined
        ? [form.get("client_id"), form.get("client_secret")]
        : splitOnce(Buffer.from(basic, "base64").toString("utf8")).map(formDecode);
    // RFC 6749 2.3: one way to authenticate a request
    if (basic !== undefined && (form.has("client_secret") || (form.get("client_id") ?? id) !== id))
      throw new OAuthError(400, "invalid_request", "the client is named twice");
    const principal = this.#account.directory.byName(id ?? "");
    const known =
      principal?.kind === "service-principal" && [...principal.secrets].some((one) => same(one, secret ?? ""));
    if (!known) throw new OAuthError(401, "invalid_client", "Client authentication failed");
    return principal;
  }

  // facts: databricks-api 1.2: no Basic header; client_id names the service principal
  async #byExchange(form: URLSearchParams): Promise<Principal> {
    const subject = form.get("subject_token");
    if (form.get("subject_token_type") !== JWT || subject === null || subject === "") {
      throw new OAuthError(400, "invalid_request", `subject_token and subject_token_type ${JWT} are needed`);
    }
    const principal = this.#account.directory.byName(form.get("client_id") ?? "");
    if (principal?.kind !== "service-principal") {
      throw new OAuthError(
        401,
        "invalid_client",
        "client_id names no service principal; account-wide policies are not modelled",
      );
    }
    let claimed: { iss?: string };
    try {
      claimed = decodeJwt(subject);
    } catch {
      throw new OAuthError(400, "invalid_grant", "subject_token is not a JWT");
    }
    const policies = principal.federation.filter(({ issuer }) => issuer === claimed.iss);
    if (policies.length === 0)
      throw new OAuthError(
        400,
        "invalid_grant",
        "no federation policy of this service principal trusts the token's issuer",
      );
    const keys = await this.#keys(claimed.iss ?? "");
    const failures: string[] = [];
    for (const policy of policies) {
      const failure = await this.#refusal(subject, policy, keys);
      if (failure === undefined) return principal;
      failures.push(failure);
    }
    throw new OAuthError(400, "invalid_grant", failures.join("; "));
  }

  /** Why a token does not satisfy a policy. Signature, audience, expiry and nbf are jose's checks. */
  async #refusal(token: string, policy: FederationPolicy, keys: JSONWebKeySet): Promise<string | undefined> {
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
        issuer: policy.issuer,
        audience: [...policy.audiences],
        requiredClaims: ["exp", policy.subjectClaim],
        algorithms: ["RS256", "ES256"],
        currentDate: new Date(this.#account.clock.now()),
        clockTolerance: 5,
      });
      const subject = payload[policy.subjectClaim];
      return subject === policy.subject ? undefined : `the token's ${policy.subjectClaim} is not the policy's subject`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #keys(issuer: string): Promise<JSONWebKeySet> {
    const known = this.#issuers.get(issuer) ?? (isLoopback(issuer) ? await discover(issuer) : undefined);
    if (known === undefined) throw new OAuthError(400, "invalid_grant", "the issuer's keys cannot be fetched");
    const response = await fetch(known);
    if (!response.ok) throw new OAuthError(400, "invalid_grant", "the issuer's keys cannot be fetched");
    return (await response.json()) as JSONWebKeySet;
  }

  #holder(token: string): Token | undefined {
    const issued = this.#tokens.get(token);
    if (issued !== undefined) return issued;
    const owner = [...this.#account.directory.principals.values()].find(({ tokens }) => tokens.has(token));
    return owner === undefined
      ? undefined
      : { principal: owner, workspace: undefined, expires: Number.POSITIVE_INFINITY };
  }
}

/** What a token may be asked for with (facts: databricks-api 1.1, 1.2). */
const FORM_FIELDS = [
  "grant_type",
  "scope",
  "client_id",
  "client_secret",
  "subject_token",
  "subject_token_type",
  "requested_token_type",
];

/** The doors that need no token. `workspace` is undefined on the account's own host. */
export function authRoutes(authority: Authority): Route[] {
  const token = async (call: Call, workspace: Workspace | undefined) => {
    const form = new URLSearchParams(call.bytes.toString("utf8"));
    const unknown = [...form.keys()].find((name) => !FORM_FIELDS.includes(name));
    if (unknown !== undefined)
      throw new Unmodelled(`the simulator does not model the form field ${unknown} of the token endpoint`, 400);
    const type = call.headers["content-type"] ?? "none";
    if (!type.startsWith("application/x-www-form-urlencoded"))
      throw new Unmodelled(`the simulator does not model the content type ${type} of the token endpoint`, 400);
    const principal = await authority.token(call.headers["authorization"], form, workspace);
    const { expires_in } = call.account.behaviours;
    const lifetime = call.account.scenario.token_lifetime_seconds;
    const scope = form.get("scope") ?? "all-apis";
    return {
      // the log names the principal, never the token
      principal,
      body: {
        access_token: authority.issue(principal, workspace),
        token_type: "Bearer",
        scope,
        expires_in: expires_in === "number" ? lifetime : String(lifetime),
      },
      headers: { "cache-control": "no-store" },
    };
  };
  return [
    rawRoute("GET", "/.well-known/databricks-config", {
      facts: "databricks-api 1.1",
      open: true,
      handle: ({ account, workspace }) => {
        if (!account.behaviours.host_metadata) throw new ApiError(404, "NOT_FOUND", "Not Found");
        const onAccount = workspace.url === account.url;
        return {
          body: {
            oidc_endpoint: onAccount ? `${account.url}/oidc/accounts/{account_id}` : `${workspace.url}/oidc`,
            account_id: account.id,
            ...(onAccount ? {} : { workspace_id: workspace.id }),
            cloud: "AWS",
            host_type: onAccount ? "unified" : "workspace",
            token_federation_default_oidc_audiences: account.scenario.default_audiences ?? [account.id],
          },
        };
      },
    }),
    rawRoute("GET", "/oidc/.well-known/oauth-authorization-server", {
      facts: "databricks-api 1.1",
      open: true,
      handle: ({ workspace }) => ({
        body: {
          issuer: `${workspace.url}/oidc`,
          authorization_endpoint: `${workspace.url}/oidc/v1/authorize`,
          token_endpoint: `${workspace.url}/oidc/v1/token`,
        },
      }),
    }),
    rawRoute("GET", "/oidc/accounts/{account}/.well-known/oauth-authorization-server", {
      facts: "databricks-api 1.1",
      open: true,
      handle: ({ account, params }) => {
        const base = `${account.url}/oidc/accounts/${params["account"]}`;
        return {
          body: { issuer: base, authorization_endpoint: `${base}/v1/authorize`, token_endpoint: `${base}/v1/token` },
        };
      },
    }),
    rawRoute("POST", "/oidc/v1/token", {
      facts: "databricks-api 1.1, 1.2",
      open: true,
      style: "oauth",
      handle: (call) => token(call, call.workspace),
    }),
    rawRoute("POST", "/oidc/accounts/{account}/v1/token", {
      facts: "databricks-api 1.1",
      open: true,
      style: "oauth",
      handle: (call) => {
        if (call.params["account"] !== call.account.id) throw new ApiError(404, "invalid_request", "no such account");
        return token(call, undefined);
      },
    }),
  ];
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(":");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** RFC 6749 2.3.1: both halves are form-encoded. What is no encoding is taken as it stands. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function isLoopback(issuer: string): boolean {
  return /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/.test(issuer);
}

async function discover(issuer: string): Promise<string | undefined> {
  const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const document = (await response.json()) as { jwks_uri?: unknown };
  return typeof document.jwks_uri === "string" ? document.jwks_uri : undefined;
}
