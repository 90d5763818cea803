/**
 * What every action that touches a tier does first: read the inputs, load the contract, resolve the tier, authenticate,
 * and prove that the credential belongs to the tier's principal and the host to the tier's workspace (design 5).
 */
import type { Contract, Tier, TierName } from "../contract/model.ts";
import type { Identity } from "../databricks/identity.ts";
import type { Catalog } from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { ActionContext } from "./frame.ts";

/** The inputs that all actions share, checked. */
export interface TierInputs {
  readonly tier: TierName;
  /** The contract's file, a path from the repository root. */
  readonly contract: string;
  /** The folder of databricks.yml from the repository root, `""` for the root itself. */
  readonly bundle: string;
  readonly auth: "auto" | "oidc" | "secret";
  /** Application id; empty if not given. */
  readonly clientId: string;
  /** Empty if not given. */
  readonly clientSecret: string;
  readonly oidcAudience: string;
  readonly allowedHosts: readonly string[];
  /** Sandbox only: a GitHub login; default: who started the run. */
  readonly developer: string;
}

/** The tier of this run, from the contract alone: nothing was sent anywhere. */
export interface ResolvedTier {
  readonly inputs: TierInputs;
  readonly contract: Contract;
  readonly tier: Tier;
}

/** A tier with a proven connection to it. */
export interface TierAccess extends ResolvedTier {
  readonly workspace: Workspace;
  readonly identity: Identity;
  /** The application id that was authenticated and proven. */
  readonly clientId: string;
  readonly catalog: Catalog;
}

/**
 * Reads the shared inputs and resolves the tier from the contract (a pull request's hosts come from its base branch).
 * Sends nothing. Throws FourTierError with every finding.
 */
export async function resolveTierOfRun(_context: ActionContext): Promise<ResolvedTier> {
  throw new Error("not built yet");
}

/** `resolveTierOfRun`, then authenticates and proves identity, workspace and catalog. Throws FourTierError. */
export async function accessTier(_context: ActionContext): Promise<TierAccess> {
  throw new Error("not built yet");
}
