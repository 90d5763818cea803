/** action-setup-env: says which tier this job is in, proves it, and hands what is not secret to later steps. */
import { blocks, code, link, table, text } from "../report/markdown.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { inputsOf } from "./inputs.ts";
import { accessTier, type TierAccess } from "./tier-access.ts";
import { core } from "./toolkit.ts";

/** Runs it. Throws FourTierError before anything is exported; nothing is exported unless everything was proved. */
export async function setupEnv(context: ActionContext): Promise<ActionResult> {
  const inputs = inputsOf(context);
  const provision = inputs.flag("provision");
  inputs.done();
  if (provision) return (await import("./provision.ts")).provisionSandboxes(context);
  const withCredentials = inputs.flag("export-credentials");
  inputs.done();
  const access = await accessTier(context);
  const variables = await variablesOf(access, withCredentials);
  for (const [name, value] of Object.entries(variables)) core.exportVariable(name, value);

  const { tier, identity, clientId, workspace, catalog } = access;
  const workspaceId = identity.workspaceId ?? tier.workspaceId ?? "";
  const names = Object.keys(variables);
  return {
    findings: access.findings,
    outputs: {
      tier: tier.name,
      catalog: tier.catalog,
      "source-catalog": tier.sourceCatalog,
      host: tier.host,
      "workspace-id": workspaceId,
      "service-principal": tier.servicePrincipal,
      "client-id": clientId,
    },
    summary: blocks(
      `This job is in **${text(tier.name)}**: the credential, the workspace and the catalog were checked before anything else ran.`,
      table(
        ["", "Proved"],
        [
          ["Workspace", `${link(tier.host, tier.host)} ${workspaceId === "" ? "" : `(${code(workspaceId)})`}`],
          ["Service principal", `${text(identity.displayName)} (${code(clientId)})`],
          [
            "Signed in with",
            workspace.authType === "github-oidc" ? "GitHub's OIDC token, no secret" : "a client secret",
          ],
          ["Catalog", `${code(tier.catalog)}, ${isolation(catalog.isolationMode)}`],
          ["Reads from", code(tier.sourceCatalog)],
          ["Schedules", tier.schedules === "running" ? "run" : "are paused"],
        ],
      ),
      `Later steps get ${names.map((name) => code(name)).join(", ")}.`,
    ),
    report: {
      tier: tier.name,
      catalog: tier.catalog,
      sourceCatalog: tier.sourceCatalog,
      host: tier.host,
      workspaceId,
      servicePrincipal: tier.servicePrincipal,
      clientId,
      authType: workspace.authType,
      exported: names,
    },
  };
}

/** What the Databricks CLI, SDKs and bundles read (facts: databricks-api 1.4). A secret only if it was asked for. */
async function variablesOf(access: TierAccess, withCredentials: boolean): Promise<Record<string, string>> {
  const { tier, clientId, workspace, inputs } = access;
  const audience = await workspace.audience();
  return {
    DATABRICKS_HOST: tier.host,
    DATABRICKS_CLIENT_ID: clientId,
    DATABRICKS_AUTH_TYPE: workspace.authType,
    ...(audience === undefined ? {} : { DATABRICKS_TOKEN_AUDIENCE: audience }),
    BUNDLE_VAR_catalog: tier.catalog,
    BUNDLE_VAR_source_catalog: tier.sourceCatalog,
    BUNDLE_VAR_tier: tier.name,
    ...(withCredentials && workspace.authType === "oauth-m2m" ? { DATABRICKS_CLIENT_SECRET: inputs.clientSecret } : {}),
  };
}

function isolation(mode: string | undefined): string {
  return mode === "ISOLATED" ? "bound to this workspace" : "open to every workspace";
}
