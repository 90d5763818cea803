/** The GRANT policies of a catalog: rights that no list of grants shows (facts: unity-catalog 1.11). */
import { ApiError, orMissing } from "../databricks/errors.ts";
import { collect } from "../databricks/parse.ts";
import { type GrantPolicy, listGrantPolicies } from "../databricks/policies.ts";
import { StatementFailed, type StatementOptions, WarehouseUnusable } from "../databricks/statements.ts";
import { mapBounded } from "../http/pool.ts";
import { type Policy, type Securable, type SecurableType, securableKey } from "./model.ts";
import type { Reading } from "./read.ts";
import { READS } from "./read-rest.ts";
import { type PolicyPlace, policyPlaces } from "./read-sql.ts";

/**
 * Policies are attached to catalogs, schemas and tables, and a list of them shows what stands above and nothing below
 * (facts: unity-catalog 1.11), so tables cost a request each. Beyond as many, one statement has to tell where there are any.
 */
const MOST_TABLES = 1000;

type Asked = Pick<Reading, "workspace" | "catalog" | "notes" | "progress">;

/** How policies are looked for. */
interface PolicyAsking {
  /** A warehouse that can be asked where there are any. */
  readonly sql: StatementOptions | undefined;
  /** Where there are any, if a statement has told already. */
  readonly places: readonly PolicyPlace[] | undefined;
  /**
   * Whoever asks owns the catalog, to whom no place is hidden. The view shows what one has MANAGE on; of a metastore's
   * admin its page says nothing.
   */
  readonly shownAll: boolean;
}

/**
 * All of a catalog's. With a warehouse one statement tells where any are attached; where that preview is missing, or
 * without a warehouse, the catalog, its schemas and its tables are asked one by one. What was not looked at is noted.
 */
export async function readPolicies(
  asked: Asked,
  securables: readonly Securable[],
  { sql, places, shownAll }: PolicyAsking,
): Promise<readonly Policy[]> {
  const { catalog, notes, progress } = asked;
  const told = places ?? (sql === undefined ? undefined : await toldBySql(asked, sql));
  // To an owner the statement tells of all there are. To anybody else the service says itself whether it shows them.
  const onCatalog = !shownAll || told === undefined || told.some(({ type }) => type === "catalog");
  const own = onCatalog ? await policiesOf(asked, { type: "catalog", name: catalog.name }) : [];
  if (own === "off") return [];
  const below = (told ?? placesIn(securables)).filter((place) => place.type !== "catalog");
  const tables = below.filter(({ type }) => type === "table");
  const tooMany = told === undefined && tables.length > MOST_TABLES;
  if (tooMany) {
    notes.miss(
      `the GRANT policies of the ${tables.length} tables of catalog ${catalog.name}`,
      `each table needs a request of its own, and ${MOST_TABLES} are asked at most`,
      "a SQL warehouse (input warehouse-id, not reader: rest), where abac_policy_definitions of information_schema tells which tables have any",
    );
  }
  const wanted = tooMany ? below.filter(({ type }) => type !== "table") : below;
  let read = 0;
  const found = await mapBounded(wanted, READS, async (place) => {
    const policies = await policiesOf(asked, place);
    read += 1;
    progress("lists of policies", read, wanted.length);
    return policies === "off" ? [] : policies;
  });
  const policies = [...own, ...found.flat()];
  return [...new Map(policies.map((policy) => [`${securableKey(policy.on)} ${policy.name}`, policy])).values()];
}

function placesIn(securables: readonly Securable[]): PolicyPlace[] {
  return securables.flatMap(({ type, name }): PolicyPlace[] =>
    type === "schema" || type === "table" ? [{ type, name }] : [],
  );
}

async function toldBySql(asked: Asked, sql: StatementOptions): Promise<PolicyPlace[] | undefined> {
  try {
    return await policyPlaces(asked, sql);
  } catch (error) {
    if (error instanceof StatementFailed || error instanceof WarehouseUnusable) return undefined;
    throw error;
  }
}

/** `off` where the workspace does not have the feature: then there are none anywhere. */
async function policiesOf({ workspace, notes }: Asked, { type, name }: PolicyPlace): Promise<Policy[] | "off"> {
  const found = await notes.attempt(
    `the policies of ${type} ${name}`,
    `MANAGE on ${type} ${name}, or ownership`,
    async (): Promise<GrantPolicy[] | "off"> => {
      try {
        // Dropped since it was listed: what is gone has none.
        return (await orMissing(collect(listGrantPolicies(workspace, type, name)))) ?? [];
      } catch (error) {
        if (error instanceof ApiError && error.code === "FEATURE_DISABLED") return "off";
        throw error;
      }
    },
  );
  if (found === "off") return "off";
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
