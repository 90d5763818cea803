/** Errors that carry the cure: what to do when Databricks does not accept a credential. */
import { FourTierError } from "../findings.ts";
import type { Claims } from "./auth-github.ts";
import type { ApiFailure } from "./errors.ts";

/** Databricks answered, and does not accept the credential. Whoever knows more of the tiers may say more. */
export class CredentialRefused extends FourTierError {
  readonly credential: "secret" | "oidc";
  /** The service's own words. */
  readonly detail: string;

  constructor(credential: "secret" | "oidc", detail: string, finding: ConstructorParameters<typeof FourTierError>[0]) {
    super(finding);
    this.credential = credential;
    this.detail = detail;
  }
}

/** The client id and secret do not belong together, or the secret has expired. */
export function secretRefused(facts: {
  readonly clientId: string;
  readonly host: string;
  readonly failure: ApiFailure;
}): CredentialRefused {
  const { clientId, host, failure } = facts;
  return new CredentialRefused("secret", failure.detail, {
    id: "auth/secret-refused",
    severity: "error",
    message: `${host} does not accept the client secret as one of service principal ${clientId} (${failure.code}: ${failure.detail}).`,
    remedy:
      "Put an OAuth secret of exactly that service principal into this environment's DATABRICKS_CLIENT_SECRET " +
      "(secrets live at most two years), or use federation and no secret at all.",
  });
}

/** No federation policy of the principal matches GitHub's token. */
export function federationRefused(facts: {
  readonly clientId: string;
  readonly host: string;
  readonly failure: ApiFailure;
  readonly claims: Claims;
}): CredentialRefused {
  const { clientId, host, failure, claims } = facts;
  const shown = [
    `iss ${claims.iss ?? "(none)"}`,
    `aud ${(claims.aud ?? []).join(", ") || "(none)"}`,
    `sub ${claims.sub ?? "(none)"}`,
    // a clock that is wrong, the runner's excepted, shows here
    ...(claims.issued === undefined ? [] : [`issued ${claims.issued}`]),
    ...(claims.expires === undefined ? [] : [`expires ${claims.expires}`]),
  ].join(", ");
  const forms = subjectForms(claims);
  const both =
    forms === undefined
      ? ""
      : ` The classic form of this subject is ${forms.classic}, the immutable one ${forms.immutable}; ` +
        `this repository sends ${claims.sub === forms.immutable ? "the immutable one" : claims.sub === forms.classic ? "the classic one" : "neither, it customizes its claims"}, and a policy must match it exactly.`;
  return new CredentialRefused("oidc", failure.detail, {
    id: "auth/federation-refused",
    severity: "error",
    message: `${host} does not accept GitHub's token for service principal ${clientId} (${failure.code}: ${failure.detail}). The token says: ${shown}.${both}`,
    why: "A federation policy of that service principal must have this issuer, one of these audiences and exactly this subject.",
    remedy:
      `If this job is the one that should act as it, an account admin creates the policy: ${policyCommand(clientId, claims)} ` +
      `The same as JSON, POST /api/2.0/accounts/ACCOUNT_ID/servicePrincipals/NUMERIC_ID/federationPolicies: ${policyJson(claims)}`,
  });
}

/** The policy that accepts this token, as the account API takes it. */
function policyJson(claims: Claims): string {
  return JSON.stringify({
    oidc_policy: {
      issuer: claims.iss ?? "https://token.actions.githubusercontent.com",
      audiences: claims.aud ?? [],
      subject: claims.sub ?? "",
      subject_claim: "sub",
    },
  });
}

function policyCommand(clientId: string, claims: Claims): string {
  const quoted = policyJson(claims).replaceAll("'", `'\\''`);
  return (
    `databricks account service-principal-federation-policy create NUMERIC_ID --json '${quoted}' ` +
    `(NUMERIC_ID is the id that databricks account service-principals-v2 list --filter 'applicationId eq "${clientId}"' shows.)`
  );
}

/**
 * Both ways GitHub writes the same subject: with names, and with names and ids (repositories made or renamed since
 * 2026-07-15, facts: github 4). Undefined if the token lacks the ids or has a subject of its own making.
 */
function subjectForms(claims: Claims): { classic: string; immutable: string } | undefined {
  const { sub, repository, repositoryId, ownerId } = claims;
  const [owner, name] = repository?.split("/") ?? [];
  const rest = /^repo:[^:]+(:.+)$/.exec(sub ?? "")?.[1];
  if (!owner || !name || rest === undefined || repositoryId === undefined || ownerId === undefined) return undefined;
  return {
    classic: `repo:${owner}/${name}${rest}`,
    immutable: `repo:${owner}@${ownerId}/${name}@${repositoryId}${rest}`,
  };
}
