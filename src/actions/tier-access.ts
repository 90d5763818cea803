/**
 * What every action that touches a tier does first: read the inputs, load the contract, resolve the tier, authenticate,
 * and prove that the credential belongs to the tier's principal and the host to the tier's workspace (design 5).
 */
import type { Contract, RecordedTier, Tier } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import type { Credentials } from "../databricks/auth.ts";
import { CredentialRefused } from "../databricks/auth-advice.ts";
import type { Identity } from "../databricks/identity.ts";
import type { Binding, Catalog } from "../databricks/unity.ts";
import { connect, type Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import { loadTransport } from "../http/agent.ts";
import { clientIdFor } from "../identity/client-id.ts";
import { explainRefusal } from "../identity/refused-secret.ts";
import { proveTier } from "../setup-env.ts";
import { beginning } from "./begun.ts";
import type { ActionContext } from "./frame.ts";
import { wrongInput } from "./inputs.ts";
import { contractOfRun, trustedContract } from "./tier-contract.ts";
import { NO_OIDC, readTierInputs, type TierInputs } from "./tier-inputs.ts";

/** The tier of this run, from the contract alone: nothing was sent anywhere. */
export interface ResolvedTier {
  readonly inputs: TierInputs;
  readonly contract: Contract;
  readonly tier: Tier;
}

/** A tier with a proven connection to it. */
export interface TierAccess extends ResolvedTier {
  /** Host, workspace and principal are those that were proven: for a pull request its base branch's. */
  readonly tier: Tier;
  readonly workspace: Workspace;
  readonly identity: Identity;
  /** The application id that was authenticated and proven. */
  readonly clientId: string;
  readonly catalog: Catalog;
  /** To which workspaces the catalog is bound; undefined if it is open, or if it was not shown. */
  readonly bindings: readonly Binding[] | undefined;
  /** What does not stop the run but should be known; for the result's findings. */
  readonly findings: readonly Finding[];
}

/**
 * Reads the shared inputs and resolves the tier from the contract at the run's commit. Sends nothing, so it is safe in
 * a pull request from anybody. Throws FourTierError with every finding.
 */
export async function resolveTierOfRun(
  context: ActionContext,
  inputs: TierInputs = readTierInputs(context),
): Promise<ResolvedTier> {
  const contract = await contractOfRun(context.run, inputs);
  return { inputs, contract, tier: resolveTier(contract, inputs.tier, { developer: inputs.developer }) };
}

/** `resolveTierOfRun`, then authenticates and proves identity, workspace and catalog. Throws FourTierError. */
export async function accessTier(context: ActionContext): Promise<TierAccess> {
  const resolving = resolveTierOfRun(context);
  loadTransport(); // while git reads the contract
  const resolved = await resolving;
  const { inputs, contract } = resolved;
  const trusted = await trustedContract(context, inputs, contract);
  const tier = { ...resolved.tier, ...whereAndWho(resolveTier(trusted, inputs.tier, { developer: inputs.developer })) };
  const clientId = clientIdFor(trusted, tier, inputs.clientId);
  const [first, ...others] = credentialsFor(context, inputs, clientId);
  const sign = async (credentials: Credentials) => {
    const way = credentials.kind === "oidc" ? "GitHub's OIDC token" : "a client secret";
    context.log.info(`Signing in to ${tier.host} as ${tier.servicePrincipal} (${clientId}) with ${way}`);
    const workspace = connect({
      host: tier.host,
      workspaceId: tier.workspaceId,
      credentials,
      log: context.log,
      signal: context.cancelled,
      ...beginning(context.run),
    });
    return { workspace, ...(await proveTier(workspace, trusted, tier, clientId)) };
  };
  const proved = await sign(first).catch(async (error: unknown) => {
    const [second] = others;
    if (!(error instanceof CredentialRefused)) throw error;
    if (second === undefined) throw await explainRefusal(error, trusted, tier, first, context);
    context.log.info("Databricks does not take GitHub's token for this principal; signing in with the client secret.");
    return sign(second).catch(async (secondError: unknown) => {
      if (!(secondError instanceof CredentialRefused)) throw secondError;
      const explained = await explainRefusal(secondError, trusted, tier, second, context);
      throw new FourTierError([...explained.findings, ...error.findings], { cause: secondError });
    });
  });
  if (proved.identity === undefined || proved.catalog === undefined || proved.findings.some(isFailure)) {
    throw new FourTierError(proved.findings);
  }
  const { workspace, identity, catalog, bindings, findings } = proved;
  const where = identity.workspaceId === undefined ? "" : ` in workspace ${identity.workspaceId}`;
  context.log.info(`Proved: ${identity.displayName} (${identity.userName})${where}, catalog ${catalog.name}`);
  return { inputs, contract, tier, clientId, workspace, identity, catalog, bindings, findings };
}

/** The part of a tier that decides where a credential goes and whose it must be. */
export function whereAndWho(
  tier: Tier,
): Pick<Tier, "host" | "workspaceId" | "servicePrincipal" | "clientId" | "hasPrincipal"> {
  const { host, workspaceId, servicePrincipal, clientId, hasPrincipal } = tier;
  return { host, workspaceId, servicePrincipal, clientId, hasPrincipal };
}

/**
 * The ways to sign in, best first. A workflow that serves both kinds of users always has `id-token: write`, so with
 * `auto` a secret that is given stands in when federation is refused.
 */
export function credentialsFor(
  context: ActionContext,
  inputs: TierInputs,
  clientId: string,
): readonly [Credentials, ...Credentials[]] {
  const { oidc } = context.run;
  const ways: Credentials[] = [];
  if (inputs.auth !== "secret" && oidc !== undefined) {
    ways.push({ kind: "oidc", clientId, request: oidc, audience: inputs.oidcAudience });
  }
  if (inputs.auth !== "oidc" && inputs.clientSecret !== "") {
    ways.push({ kind: "secret", clientId, clientSecret: inputs.clientSecret });
  }
  const [first, ...others] = ways;
  if (first !== undefined) return [first, ...others];
  throw new FourTierError({
    id: "auth/no-credentials",
    severity: "error",
    message: `There is nothing to sign in with: ${NO_OIDC.message} And the input client-secret is empty.`,
    remedy: `${NO_OIDC.remedy} Or pass the input client-secret; an unset secret is empty, so check its name and that the job names its environment.`,
  });
}

/** The tier of a mode that reads or leaves records. Throws FourTierError for a sandbox, which has none. */
export function recordedTier({ tier }: Pick<ResolvedTier, "tier">): RecordedTier {
  const { name } = tier;
  if (name !== "sandbox") return { ...tier, name };
  throw wrongInput("tier", "A sandbox has no records.", "Use this mode with tier: dev, staging or prod.");
}
