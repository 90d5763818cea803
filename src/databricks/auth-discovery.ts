/** What a host says about itself and where it gives out tokens (facts: databricks-api 1.1). */
import * as v from "valibot";
import { FourTierError } from "../findings.ts";
import type { HttpAnswer, HttpClient } from "../http/client.ts";
import { NetworkError } from "../http/errors.ts";
import type { Redactor } from "../http/redact.ts";
import { judge, readFailure, tryJson } from "./answer.ts";
import { ApiError } from "./errors.ts";
import { maySendCredentials } from "./hosts.ts";

/** What is needed of a host to sign in there. */
export interface Discovery {
  readonly tokenEndpoint: URL;
  /** What a federation policy of this account most likely names as audience. */
  readonly defaultAudience: string | undefined;
  readonly hostType: string | undefined;
}

const metadataSchema = v.looseObject({
  oidc_endpoint: v.optional(v.string()),
  account_id: v.optional(v.string()),
  host_type: v.optional(v.string()),
  token_federation_default_oidc_audiences: v.optional(v.array(v.string()), []),
});
type Metadata = v.InferOutput<typeof metadataSchema>;

const serverSchema = v.looseObject({ token_endpoint: v.string() });

/**
 * Asks a host for its metadata (best effort, as the SDKs do) and for its token endpoint.
 * Throws FourTierError (`auth/token-endpoint`) if that is on a host which must not see a credential.
 */
export async function discover(
  host: URL,
  httpFor: (origin: string) => HttpClient,
  redactor: Redactor,
): Promise<Discovery> {
  const metadata = await readMetadata(host, httpFor);
  const oidc = (metadata.oidc_endpoint ?? `${host.origin}/oidc`).replaceAll(
    "{account_id}",
    encodeURIComponent(metadata.account_id ?? ""),
  );
  const server = trusted(`${oidc.replace(/\/$/, "")}/.well-known/oauth-authorization-server`, host);
  const answer = await get(httpFor(server.origin), server);
  if (answer.status === 404) return result(new URL("/oidc/v1/token", host), metadata);
  if (answer.status !== 200) {
    throw new ApiError({ method: "GET", path: server.pathname }, readFailure(answer, redactor));
  }
  const parsed = v.safeParse(serverSchema, tryJson(answer.text()));
  if (!parsed.success) {
    throw refused(host, "its OAuth metadata names no token endpoint (is this a Databricks workspace?)");
  }
  return result(trusted(parsed.output.token_endpoint, host), metadata);
}

function result(tokenEndpoint: URL, metadata: Metadata): Discovery {
  return {
    tokenEndpoint,
    defaultAudience: metadata.token_federation_default_oidc_audiences[0] ?? metadata.account_id,
    hostType: metadata.host_type,
  };
}

/** Any failure means: no metadata. Older hosts have none. */
async function readMetadata(host: URL, httpFor: (origin: string) => HttpClient): Promise<Metadata> {
  const none: Metadata = { token_federation_default_oidc_audiences: [] };
  try {
    const answer = await get(httpFor(host.origin), new URL("/.well-known/databricks-config", host));
    if (answer.status !== 200) return none;
    const parsed = v.safeParse(metadataSchema, tryJson(answer.text()));
    return parsed.success ? parsed.output : none;
  } catch (error) {
    // what cannot be reached at all will not be reachable with the next request either
    if (error instanceof NetworkError && error.problem !== "timeout") throw error;
    return none;
  }
}

async function get(http: HttpClient, url: URL): Promise<HttpAnswer> {
  return http.send(
    { method: "GET", url, headers: { accept: "application/json" } },
    (answer) => judge(answer, true),
    true,
  );
}

function trusted(text: string, host: URL): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && maySendCredentials(url, host)) return url;
  throw refused(
    host,
    `it names ${url === undefined ? "no address" : url.origin} as the place to sign in, which is not Databricks`,
  );
}

function refused(host: URL, why: string): FourTierError {
  return new FourTierError({
    id: "auth/token-endpoint",
    severity: "error",
    message: `${host.origin} does not say where to sign in: ${why}. No credential was sent.`,
    remedy: "Check the workspace's address in the contract, and whether a proxy answers in its place.",
  });
}
