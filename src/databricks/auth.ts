/** How a run proves to Databricks who it is (facts: databricks-api 1.1, 1.2). */

/** OAuth client credentials of a service principal. */
export interface SecretCredentials {
  readonly kind: "secret";
  /** The service principal's application id. */
  readonly clientId: string;
  readonly clientSecret: string;
}

/** GitHub's OIDC token, exchanged for a Databricks token (workload identity federation). */
export interface OidcCredentials {
  readonly kind: "oidc";
  /** The service principal's application id. */
  readonly clientId: string;
  /** ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN of the job. */
  readonly request: { readonly url: string; readonly token: string };
  /** Empty: what the host's metadata names, else the token endpoint's URL. */
  readonly audience?: string | undefined;
}

export type Credentials = SecretCredentials | OidcCredentials;
