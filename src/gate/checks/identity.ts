/** The credential in hand is the tier's, and so are the workspace and the catalog behind it. */
import { type Check, conclude, withFact } from "../check.ts";

export const identity: Check = {
  id: "identity",
  title: "principal, workspace and catalog are the tier's",
  evaluate: (facts) =>
    withFact("identity", facts.identity, (identity) =>
      conclude("identity", {
        summary: `${identity.servicePrincipal} in workspace ${identity.workspaceId}, on catalog ${identity.catalog}.`,
        findings: identity.findings,
      }),
    ),
};
