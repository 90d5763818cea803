/** The inputs that every action shares, read once into a typed object. */
import { TIERS, type TierName } from "../contract/model.ts";
import { FourTierError } from "../findings.ts";
import type { ActionContext } from "./frame.ts";
import { inputsOf, listOf } from "./inputs.ts";

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

const AUTH = ["auto", "oidc", "secret"] as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads them; an action may not have all. Throws FourTierError with everything that is wrong with them. */
export function readTierInputs(context: ActionContext): TierInputs {
  const inputs = inputsOf(context);
  const clientSecret = inputs.text("client-secret");
  // First of all: whatever goes wrong below, it must not show.
  if (clientSecret !== "") context.log.secret(clientSecret);

  const tier = inputs.needed("tier", TIERS);
  const auth = inputs.oneOf("auth", AUTH, "auto");
  const clientId = inputs.text("client-id");
  if (clientId !== "" && !UUID.test(clientId)) {
    // Not shown: people put secrets into the wrong field.
    inputs.wrong(
      "client-id",
      "The input client-id is not an application id.",
      "Give the service principal's application id (a UUID), not its name, its numeric id or its secret.",
    );
  }
  if (auth === "secret" && clientSecret === "") {
    inputs.wrong(
      "client-secret",
      "The input auth is secret, and the input client-secret is empty.",
      "Pass the environment's secret: client-secret: ${{ secrets.DATABRICKS_CLIENT_SECRET }}. An unset secret is empty, so check its name and that the job names its environment.",
    );
  }
  if (auth === "oidc" && context.run.oidc === undefined) inputs.wrong("auth", NO_OIDC.message, NO_OIDC.remedy);
  const contract = repositoryPath(inputs.text("contract") || "four-tier.yml");
  if (contract === undefined || contract === "") {
    inputs.wrong("contract", "The input contract leaves the repository.", "Give a path from the repository's root.");
  }
  const bundle = repositoryPath(inputs.text("bundle"));
  if (bundle === undefined) {
    inputs.wrong("bundle", "The input bundle leaves the repository.", "Give a folder from the repository's root.");
  }
  if (tier === undefined || !contract || bundle === undefined || inputs.findings.length > 0) {
    throw new FourTierError(inputs.findings);
  }
  return {
    tier,
    contract,
    bundle,
    auth,
    clientId: clientId.toLowerCase(),
    clientSecret,
    oidcAudience: inputs.text("oidc-audience"),
    allowedHosts: listOf(inputs.text("allowed-hosts")),
    developer: inputs.text("developer") || context.run.actor,
  };
}

/** What is missing when a job cannot have an OIDC token. */
export const NO_OIDC = {
  message: "This job can have no OIDC token: it was not granted `id-token: write`.",
  remedy:
    "Add `permissions: { id-token: write, contents: read }` to the job and to the job that calls this workflow. A pull request from a fork never gets one.",
} as const;

/** `./a//b/` → `a/b`, `.` → ``; undefined for what is absolute or leaves the repository. */
function repositoryPath(path: string): string | undefined {
  if (/^([/\\]|[A-Za-z]:)/.test(path)) return undefined;
  const parts = path.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? undefined : parts.join("/");
}
