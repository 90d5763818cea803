/**
 * ABAC policies: rights that no list of grants shows (facts: unity-catalog 1.11). They are shown, not enforced: the
 * simulator knows no tags.
 */
import type { JsonObject } from "../json.ts";
import type { Account } from "./account.ts";
import { type Call, flag, forbidden, type Route, route, Unmodelled } from "./api.ts";
import type { ParsedScenario } from "./scenario.ts";
import { paged } from "./unity-catalogs.ts";
import { chainOf, Rights } from "./unity-rights.ts";
import type { Securable } from "./unity-state.ts";

const BASE = "/api/2.1/unity-catalog";

type Policy = ParsedScenario["policies"][number];

export function policyRoutes(): Route[] {
  return [
    route("GET", `${BASE}/policies/{type}/{name}`, {
      facts: "unity-catalog 1.11",
      query: ["include_inherited", "max_results", "page_token"],
      handle: (call) => {
        const securable = securableOf(call);
        const rights = new Rights(call);
        const refusal = rights.unreachable(securable);
        if (refusal !== undefined) throw refusal;
        // as DESCRIBE POLICY: MANAGE on what it is attached to, or ownership
        if (!rights.manages(securable)) {
          throw forbidden(`User does not have MANAGE on ${securable.type} '${securable.fullName}'.`);
        }
        const places = flag(call.query, "include_inherited") ? chainOf(securable) : [securable];
        const rows = places.flatMap((place) => policiesOn(call.account, place).map((policy) => show(policy, place)));
        return { body: paged(call, "policies", rows, "page") };
      },
    }),
  ];
}

/** Those that are attached to a securable itself. */
export function policiesOn(account: Account, { type, fullName }: Securable): Policy[] {
  return account.scenario.policies.filter(({ on }) => on.toLowerCase() === `${type} ${fullName}`.toLowerCase());
}

function securableOf({ account, params }: Call<unknown>): Securable {
  const type = (params["type"] ?? "").toLowerCase();
  if (type !== "catalog" && type !== "schema" && type !== "table")
    throw new Unmodelled(`the simulator does not model policies of ${params["type"]}`);
  return account.metastore.find(type, params["name"] ?? "");
}

function show(policy: Policy, on: Securable): JsonObject {
  return {
    name: policy.name,
    on_securable_type: on.type.toUpperCase(),
    on_securable_fullname: on.fullName,
    policy_type: `POLICY_TYPE_${policy.type}`,
    to_principals: [...policy.to],
    ...(policy.except.length === 0 ? {} : { except_principals: [...policy.except] }),
    for_securable_type: policy.for,
    ...(policy.when === undefined ? {} : { when_condition: policy.when }),
    ...(policy.type === "GRANT" ? { grant: { privileges: [...policy.privileges] } } : {}),
  };
}
