/** The GRANT policies of a catalog: rights that no list of grants shows (facts: unity-catalog 1.11). */
import { ApiError } from "../databricks/errors.ts";
import { type GrantPolicy, listGrantPolicies } from "../databricks/policies.ts";
import { StatementFailed, type StatementOptions } from "../databricks/statements.ts";
import { mapBounded } from "../http/pool.ts";
import { type Policy, type Securable, type SecurableType, securableKey } from "./model.ts";
import type { Reading } from "./read.ts";
import { READS } from "./read-rest.ts";
import { type PolicyPlace, policyPlaces } from "./read-sql.ts";

/** What was found, and where nobody looked, in a sentence each. */
export interface PoliciesRead {
  readonly policies: readonly Policy[];
  readonly outside: readonly string[];
}

type Asked = Pick<Reading, "workspace" | "catalog" | "notes">;

/**
 * Through REST: those of the catalog (and above it) and of each schema. With a warehouse one statement tells where in the
 * catalog any are attached, to single tables too; where that preview is missing, the catalog's own are read.
 */
export async function readPolicies(
  asked: Asked,
  securables: readonly Securable[],
  sql: StatementOptions | undefined,
): Promise<PoliciesRead> {
  const catalog: PolicyPlace = { type: "catalog", name: asked.catalog.name };
  const schemas = securables.flatMap(({ type, name }): PolicyPlace[] => (type === "schema" ? [{ type, name }] : []));
  const told = sql === undefined ? undefined : await toldBySql(asked, sql);
  const below = sql === undefined ? schemas : (told ?? []);
  const found = await mapBounded([catalog, ...below.filter((one) => one.type !== "catalog")], READS, (place) =>
    policiesOf(asked, place),
  );
  const policies = new Map(found.flat().map((policy) => [`${securableKey(policy.on)} ${policy.name}`, policy]));
  return {
    policies: [...policies.values()],
    outside:
      told === undefined
        ? [
            `ABAC GRANT policies that are attached to single ${sql === undefined ? "" : "schemas, "}tables, volumes, functions and models.`,
          ]
        : [],
  };
}

async function toldBySql(asked: Asked, sql: StatementOptions): Promise<PolicyPlace[] | undefined> {
  try {
    return await policyPlaces(asked, sql);
  } catch (error) {
    if (error instanceof StatementFailed) return undefined;
    throw error;
  }
}

async function policiesOf({ workspace, notes }: Asked, { type, name }: PolicyPlace): Promise<Policy[]> {
  const found: GrantPolicy[] | undefined = await notes.attempt(
    `the policies of ${type} ${name}`,
    `MANAGE on ${type} ${name}, or ownership`,
    async () => {
      const all: GrantPolicy[] = [];
      try {
        for await (const policy of listGrantPolicies(workspace, type, name)) all.push(policy);
      } catch (error) {
        // Where the feature is off there are none.
        if (!(error instanceof ApiError) || error.code !== "FEATURE_DISABLED") throw error;
      }
      return all;
    },
  );
  return (found ?? []).map((policy) => ({
    ...policy,
    on: { type: typeOf(policy.on.type) ?? "catalog", name: policy.on.name },
    forType: typeOf(policy.forType),
  }));
}

/** What the service calls a type; undefined if it says none, or one we do not know: then it counts for all. */
function typeOf(type: string | undefined): SecurableType | undefined {
  switch (type?.toLowerCase()) {
    case "catalog":
      return "catalog";
    case "schema":
      return "schema";
    case "table":
      return "table";
    case "volume":
      return "volume";
    case "function":
    case "model":
    case "registered_model":
      return "function";
    default:
      return undefined;
  }
}
