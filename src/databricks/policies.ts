/** ABAC policies: only those that grant (facts: unity-catalog 1.11). */
import * as v from "valibot";
import { encodePath, items, list, optionalText } from "./parse.ts";
import { normalizePrivilege } from "./unity-grants.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** A policy that grants privileges on whatever it matches, beside all grants. */
export interface GrantPolicy {
  readonly name: string;
  readonly on: { readonly type: string; readonly name: string };
  readonly privileges: readonly string[];
  readonly to: readonly string[];
  readonly except: readonly string[];
  /** As the service writes it: `TABLE`, `FUNCTION`, …; undefined if it does not say. */
  readonly forType: string | undefined;
  readonly condition: string | undefined;
}

const policySchema = v.looseObject({
  name: v.string(),
  on_securable_type: v.string(),
  on_securable_fullname: v.string(),
  policy_type: v.string(),
  to_principals: list(v.string()),
  except_principals: list(v.string()),
  for_securable_type: optionalText,
  when_condition: optionalText,
  grant: v.optional(v.looseObject({ privileges: list(v.string()) }), {}),
});

/** GRANT policies attached to a securable or above it; needs MANAGE on it, or ownership. */
export async function* listGrantPolicies(
  workspace: Workspace,
  type: "catalog" | "schema" | "table",
  fullName: string,
): AsyncGenerator<GrantPolicy> {
  const request: ApiRequest = {
    method: "GET",
    path: `/api/2.1/unity-catalog/policies/${type}/${encodePath(fullName)}`,
    query: { include_inherited: true, max_results: 0 },
  };
  for await (const found of items(workspace, request, "policies", policySchema)) {
    if (!found.policy_type.toUpperCase().endsWith("GRANT")) continue;
    yield {
      name: found.name,
      on: { type: found.on_securable_type.toLowerCase(), name: found.on_securable_fullname },
      privileges: found.grant.privileges.map(normalizePrivilege),
      to: found.to_principals,
      except: found.except_principals,
      forType: found.for_securable_type,
      condition: found.when_condition,
    };
  }
}
