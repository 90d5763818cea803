/** What no resource may say, wherever it says it: the name of another tier's catalog. */
import { type Contract, TIERS, type Tier } from "../contract/model.ts";
import type { Problems } from "./problems.ts";
import { eachScalar, get, getString, type Mapping, type Node, type Path, showPath } from "./tree.ts";

/** The other tier that a catalog belongs to. */
export function catalogOwner(name: string, tier: Tier, contract: Contract): string | undefined {
  return TIERS.find((other) => other !== tier.name && other !== "sandbox" && contract.tiers[other].catalog === name);
}

/** Values that name another tier's catalog outright: as a field or parameter called catalog, or as catalog.schema.table. */
export function checkCatalogs(node: Mapping, key: string, tier: Tier, contract: Contract, problems: Problems): void {
  eachScalar(node, (leaf, path) => {
    if (typeof leaf.value !== "string" || (path.length === 1 && path[0] === "catalog")) return;
    const owner = catalogOwner(leaf.value, tier, contract);
    if (owner !== undefined && leaf.value !== tier.sourceCatalog && namesCatalog(node, path)) {
      const message = `In ${tier.name}, ${key} gives ${showPath(path)} the catalog of ${owner}, ${leaf.value}.`;
      problems.error(
        "catalog-contradicts",
        leaf.where,
        message,
        "Write `${var.catalog}`, or `${var.source_catalog}` to read.",
      );
      return;
    }
    for (const [, catalog = ""] of leaf.value.matchAll(/(?<![\w./-])([A-Za-z_]\w*)\.[A-Za-z_]\w*\.[A-Za-z_]\w*/g)) {
      const other = catalogOwner(catalog, tier, contract);
      if (other === undefined || catalog === tier.sourceCatalog) continue;
      const message = `In ${tier.name}, ${showPath(path)} of ${key} names a table in the catalog of ${other}, ${catalog}.`;
      problems.warning(
        "catalog-mentioned",
        leaf.where,
        message,
        "Write `${var.catalog}.…` if a table of the tier is meant.",
      );
    }
  });
}

/** `catalog`, `source_catalog`; a job parameter of that name; not `catalog_id`. */
function namesCatalog(node: Node, path: Path): boolean {
  const last = path.at(-1);
  if (last === "default" || last === "value") return isCatalogName(getString(get(node, path.slice(0, -1)), ["name"]));
  return typeof last === "string" && isCatalogName(last);
}

function isCatalogName(name: string | undefined): boolean {
  return name !== undefined && /(^|[_.-])catalog(_name)?$/i.test(name);
}
