/** The closure again, slow and obvious, for the tests to compare with. */
import { type Estate, type Securable } from "../../src/grants/model.ts";

const CREATES = "CREATE_FUNCTION CREATE_MATERIALIZED_VIEW CREATE_MODEL CREATE_MODEL_VERSION CREATE_TABLE CREATE_VOLUME";
const SCHEMA = `APPLY_TAG ${CREATES} EXECUTE EXTERNAL_USE_SCHEMA MANAGE MODIFY READ_VOLUME REFRESH SELECT USE_SCHEMA WRITE_VOLUME`;
const FITS: Record<string, string[]> = {
  catalog: `${SCHEMA} BROWSE CREATE_SCHEMA USE_CATALOG`.split(" "),
  schema: SCHEMA.split(" "),
  table: ["APPLY_TAG", "MANAGE", "MODIFY", "REFRESH", "SELECT"],
  volume: ["APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"],
  function: ["APPLY_TAG", "CREATE_MODEL_VERSION", "EXECUTE", "MANAGE"],
  external_location: [
    "BROWSE",
    "CREATE_EXTERNAL_TABLE",
    "CREATE_EXTERNAL_VOLUME",
    "CREATE_MANAGED_STORAGE",
    "EXTERNAL_USE_LOCATION",
    "MANAGE",
    "READ_FILES",
    "WRITE_FILES",
  ],
};
const OUTSIDE_ALL = ["MANAGE", "EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"];
const NOT_OWNED = ["EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"];

/**
 * The reference: everything is derived again from the whole estate, nothing is indexed, nothing is remembered, and there
 * are no paths. Each line is a sentence of facts unity-catalog 1.6–1.9.
 */
export function reference(estate: Estate, principal: string, target: Securable): Set<string> {
  const am = new Set([principal, ...(estate.groups.has(principal) ? [] : ["account users"])]);
  for (let size = -1; size !== am.size; ) {
    size = am.size;
    for (const group of estate.groups.values()) if (group.members.some((member) => am.has(member))) am.add(group.name);
  }
  const gives = (privileges: readonly string[], fit: string): boolean =>
    privileges.includes(fit) || (privileges.includes("ALL_PRIVILEGES") && !OUTSIDE_ALL.includes(fit));
  const all = [...estate.securables.values()];
  const isBelow = (name: string, above: string): boolean => name === above || name.startsWith(`${above}.`);
  const granted = (place: Securable): Set<string> => {
    const result = new Set<string>();
    for (const above of all.filter((one) => isBelow(place.name, one.name))) {
      for (const grant of above.grants.filter((one) => am.has(one.principal ?? ""))) {
        for (const fit of FITS[place.type] ?? []) {
          if (gives(grant.privileges, fit)) result.add(fit);
        }
      }
    }
    for (const policy of estate.policies) {
      if (policy.forType !== undefined && policy.forType !== place.type) continue;
      const attached = all.some((one) => isBelow(place.name, one.name) && one.name === policy.on.name);
      const meant = policy.to.some((to) => am.has(to)) && !policy.except.some((out) => am.has(out));
      for (const fit of FITS[place.type] ?? []) if (attached && meant && gives(policy.privileges, fit)) result.add(fit);
    }
    return result;
  };
  const owns = (place: Securable | undefined): boolean => place?.owner !== undefined && am.has(place.owner);
  const catalog = all.find((one) => one.type === "catalog" && isBelow(target.name, one.name));
  const schema = all.find((one) => one.type === "schema" && isBelow(target.name, one.name));
  const useCatalog = catalog === undefined || granted(catalog).has("USE_CATALOG") || owns(catalog);
  const useSchema = schema === undefined || granted(schema).has("USE_SCHEMA") || owns(schema);
  const works = new Map<string, boolean>();
  const add = (privilege: string, now: boolean): void => {
    works.set(privilege, now || (works.get(privilege) ?? false));
  };
  const has = granted(target);
  for (const privilege of has) {
    if (privilege === "BROWSE" || privilege === "USE_CATALOG") add(privilege, true);
    else if (privilege === "USE_SCHEMA") add(privilege, useCatalog);
    else if (privilege === "MODIFY") add(privilege, useCatalog && useSchema && (has.has("SELECT") || owns(target)));
    else if (privilege === "WRITE_FILES") add(privilege, has.has("READ_FILES") || owns(target));
    else add(privilege, useCatalog && useSchema);
  }
  if (owns(target)) for (const fit of FITS[target.type] ?? []) if (!NOT_OWNED.includes(fit)) add(fit, true);
  if (target !== catalog && owns(catalog)) add("MANAGE", true);
  if (target !== schema && owns(schema)) add("MANAGE", useCatalog);
  if (am.has(estate.metastoreOwner ?? "")) add("MANAGE", true);
  return new Set([...works].map(([privilege, now]) => `${privilege} ${now ? "works" : "latent"}`));
}
