/** A schema that goes is empty, or the promotion does not begin: the service would refuse it half way. */
import { mayGo } from "../contract/destructive.ts";
import type { Tier } from "../contract/model.ts";
import { listFunctions, listModels, listTables, listVolumes } from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { together } from "../http/pool.ts";
import { listed } from "../listed.ts";
import type { Desired } from "./change.ts";
import type { Observed } from "./observe.ts";

/** At most this many objects are named. */
const NAMED = 5;

/**
 * Findings for schemas of ours that would be dropped and are not empty: the release has them no more, or under another
 * name, the contract lets them go, and something in them stays. Asks the tier only about such schemas.
 */
export async function filledSchemas(
  workspace: Workspace,
  tier: Tier,
  desired: readonly Desired[],
  live: ReadonlyMap<string, Observed | undefined>,
): Promise<readonly Finding[]> {
  const wanted = new Map(desired.map(({ key, name }) => [key, name]));
  const going = new Map<string, string>();
  for (const [key, found] of live) {
    if (found !== undefined && wanted.get(key) !== found.name && mayGo(tier.destructive, key)) going.set(found.id, key);
  }
  const schemas = [...live].filter(([, found]) => found?.kind === "schemas" && going.has(found.id));
  const findings = schemas.map(async ([key, found]): Promise<Finding[]> => {
    const [catalog = "", schema = ""] = (found?.id ?? "").split(".");
    const lists = await together(
      [listTables, listVolumes, listFunctions, listModels].map(async (list) => {
        const names: string[] = [];
        for await (const { fullName } of list(workspace, catalog, schema)) names.push(fullName.toLowerCase());
        return names;
      }),
    );
    const left = lists.flat().filter((name) => !going.has(name));
    return left.length === 0 ? [] : [filled(tier, key, left.sort())];
  });
  return (await together(findings)).flat();
}

function filled(tier: Tier, key: string, left: readonly string[]): Finding {
  return {
    id: "release/schema-not-empty",
    severity: "error",
    where: { kind: "resource", tier: tier.name, key },
    message: `${key} would be dropped, and holds ${listed(left, NAMED)}.`,
    why: "A schema with something in it is never dropped: that would be data.",
    remedy: "Move or drop what it holds by hand, or keep the schema in the bundle.",
  };
}
