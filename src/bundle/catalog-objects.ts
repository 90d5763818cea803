/**
 * Schemas, volumes and registered models: in the tier's own catalog, with the names that Unity Catalog keeps, marked as
 * ours, and the grants that the bundle declares. Their catalog tells the tiers apart, so that no prefix is put before
 * their names (docs/adr/0711).
 */
import { GOLD, SOURCES } from "../contract/defaults.ts";
import { type Contract, TIERS, type Tier } from "../contract/model.ts";
import type { JsonObject } from "../json.ts";
import { markedComment, markTags } from "./marks.ts";
import { type CatalogKind, PRINCIPAL_SYMBOL } from "./model.ts";
import type { Problems } from "./problems.ts";
import {
  type Entry,
  fromJson,
  get,
  getMap,
  getString,
  isNull,
  type Mapping,
  mapping,
  type Node,
  scalar,
  withKey,
} from "./tree.ts";

interface CatalogObject {
  readonly tree: Mapping;
  /** `catalog.schema` or `catalog.schema.name`, lower case: Unity Catalog's id of it. */
  readonly fullName: string;
  /** Declared grants, by principal; undefined if the bundle declares none. */
  readonly grants: readonly JsonObject[] | undefined;
}

const NAMES: Readonly<Record<CatalogKind, readonly string[]>> = {
  schemas: ["catalog_name", "name"],
  volumes: ["catalog_name", "schema_name", "name"],
  registered_models: ["catalog_name", "schema_name", "name"],
};

/** What the service or the code that trains decides, and no bundle. */
const NOT_DECLARED: readonly (readonly [string, string])[] = [
  ["aliases", "Remove it: the code that registers a version sets the alias, in each tier its own."],
  ["owner", "Remove it: the tier's principal owns what it makes."],
  ["custom_max_retention_hours", "Remove it, and set it once by hand in each tier."],
  ...["created_at", "created_by", "updated_at", "updated_by", "full_name", "metastore_id"].map(
    (name) => [name, "Remove it: the service sets it."] as const,
  ),
];

/**
 * Checks a catalog object and gives it the names, marks and defaults that the tier has it with; undefined if a sandbox
 * has it already.
 */
export function renderCatalogObject(
  declared: Mapping,
  kind: CatalogKind,
  key: string,
  tier: Tier,
  contract: Contract,
  problems: Problems,
): CatalogObject | undefined {
  for (const [name, remedy] of NOT_DECLARED) {
    const entry = declared.entries.get(name);
    if (entry !== undefined) problems.error("unsupported", entry.key, `${key}: \`${name}\` is not deployed.`, remedy);
  }
  const grants = readGrants(get(declared, ["grants"]), tier, contract, problems);
  let tree = NAMES[kind].reduce((all, name) => withName(all, name, key, problems), {
    ...declared,
    entries: new Map([...declared.entries].filter(([name]) => name !== "grants")),
  } as Mapping);
  checkCatalog(tree, key, tier, contract, problems);
  if (isProvisioned(tree, kind, key, tier, problems)) return undefined;
  if (kind === "schemas") {
    tree = withProperties(tree, key, tier, problems);
  } else {
    if (kind === "volumes") tree = withVolumeType(tree, key, problems);
    const comment = getString(tree, ["comment"]) ?? "";
    const where = get(tree, ["comment"])?.where ?? tree.where;
    tree = withKey(tree, "comment", scalar(markedComment(comment, tier, key), where));
  }
  return { tree, fullName: NAMES[kind].map((name) => getString(tree, [name]) ?? "").join("."), grants };
}

/** A name as Unity Catalog keeps it, in lower case (facts: unity-catalog 1.4). */
function withName(tree: Mapping, field: string, key: string, problems: Problems): Mapping {
  const node = get(tree, [field]);
  const name = getString(node, []);
  if (node === undefined || name === undefined || name === "") {
    if (field === "catalog_name") return tree; // said with the catalog
    problems.error("nameless", node?.where ?? tree.where, `${key} has no \`${field}\`.`, `Add \`${field}\`.`);
    return tree;
  }
  // oxlint-disable-next-line no-control-regex -- the service's own rule
  if (name.length > 255 || /[\s./\u0000-\u001f\u007f]/.test(name)) {
    const remedy = "Write a name without blanks, periods and slashes.";
    problems.error("name", node.where, `${key}: ${JSON.stringify(name)} is no name in Unity Catalog.`, remedy);
  }
  return name === name.toLowerCase() ? tree : withKey(tree, field, scalar(name.toLowerCase(), node.where));
}

function checkCatalog(tree: Mapping, key: string, tier: Tier, contract: Contract, problems: Problems): void {
  const node = get(tree, ["catalog_name"]);
  const name = getString(node, []);
  const remedy = "Write `catalog_name: ${var.catalog}`.";
  if (node === undefined || name === undefined || name === "") {
    problems.error("catalog-missing", tree.where, `${key} names no catalog.`, remedy);
  } else if (name !== tier.catalog.toLowerCase()) {
    const other = TIERS.find(
      (each) => each !== tier.name && each !== "sandbox" && contract.tiers[each].catalog.toLowerCase() === name,
    );
    const whose = other === undefined ? `which is not the tier's catalog (${tier.catalog})` : `the catalog of ${other}`;
    const why = "A tier's principal writes to its own catalog and to nothing else.";
    problems.error(
      "catalog-contradicts",
      node.where,
      `In ${tier.name}, ${key} would be in ${name}, ${whose}.`,
      remedy,
      why,
    );
  }
}

/** The one schema of a sandbox, which is provisioned with it; the others it reads from dev (design: sandboxes). */

/**
 * True for a schema that a sandbox has already, or reads from dev: there it is not deployed, and that is said. What would
 * need another schema is an error.
 */
function isProvisioned(tree: Mapping, kind: CatalogKind, key: string, tier: Tier, problems: Problems): boolean {
  if (tier.name !== "sandbox") return false;
  const node = get(tree, [kind === "schemas" ? "name" : "schema_name"]);
  const schema = getString(node, []) ?? "";
  if (schema === "" || (schema === GOLD && kind !== "schemas")) return false;
  const why = "A sandbox writes to gold, and reads bronze and silver from dev; provisioning makes its schema.";
  if (kind === "schemas" && [GOLD, ...SOURCES].includes(schema)) {
    const where = schema === GOLD ? "is there already" : "is read from dev";
    problems.notice(
      "sandbox-schema",
      node?.where ?? tree.where,
      `${key} ${where}: a sandbox does not deploy it.`,
      "Nothing to do.",
      why,
    );
    return true;
  }
  const remedy = `Put it into gold (\`targets.sandbox\`), or declare ${key} for the other targets only.`;
  problems.error(
    "sandbox-schema",
    node?.where ?? tree.where,
    `${key}: a sandbox has no schema ${schema}.`,
    remedy,
    why,
  );
  return false;
}

function withProperties(tree: Mapping, key: string, tier: Tier, problems: Problems): Mapping {
  const declared = getMap(tree, ["properties"]) ?? mapping([], tree.where);
  const entries = new Map<string, Entry>(declared.entries);
  for (const [name, value] of Object.entries(markTags(tier, key))) {
    const taken = entries.get(name);
    if (taken !== undefined) {
      const message = `${key}: the property ${name} belongs to the suite.`;
      problems.error("reserved", taken.key, message, "Remove it: the suite sets it.");
    }
    entries.set(name, { key: tree.where, value: scalar(value, tree.where) });
  }
  return withKey(tree, "properties", mapping(entries, declared.where), tree.where);
}

function withVolumeType(tree: Mapping, key: string, problems: Problems): Mapping {
  const type = getString(tree, ["volume_type"]);
  const place = tree.entries.get("storage_location");
  if (type === "EXTERNAL" && place === undefined) {
    problems.error("volume-place", tree.where, `${key} is external and has no place.`, "Add `storage_location`.");
  } else if (type !== "EXTERNAL" && place !== undefined) {
    const remedy = "Write `volume_type: EXTERNAL`, or remove `storage_location`.";
    problems.error("volume-place", place.key, `${key} is managed: the service decides where its files are.`, remedy);
  }
  return type === undefined ? withKey(tree, "volume_type", fromJson("MANAGED", tree.where), tree.where) : tree;
}

/**
 * Grants as they are compared and given: privileges in the form of the API, sorted; entries of one principal together
 * (facts: unity-catalog 1.1). The list of privileges stays open: the service knows more than any list of ours.
 */
function readGrants(
  node: Node | undefined,
  tier: Tier,
  contract: Contract,
  problems: Problems,
): readonly JsonObject[] | undefined {
  if (node === undefined || isNull(node) || node.kind !== "list") return undefined;
  const byPrincipal = new Map<string, Set<string>>();
  for (const item of node.items) {
    const principal = getString(item, ["principal"]) ?? "";
    const list = get(item, ["privileges"]);
    const privileges = (list?.kind === "list" ? list.items : []).map((each) => getString(each, []) ?? "");
    if (principal === "" || privileges.length === 0 || privileges.includes("")) {
      const remedy = "Write `principal` and a list of `privileges`.";
      problems.error("grants", item.where, "This grant does not name a principal and privileges.", remedy);
      continue;
    }
    checkGrantee(principal, item, tier, contract, problems);
    const name = principal === tier.clientId ? PRINCIPAL_SYMBOL : principal;
    const known = byPrincipal.get(name) ?? new Set();
    for (const each of privileges) known.add(each.trim().toUpperCase().replaceAll(/\s+/g, "_"));
    byPrincipal.set(name, known);
  }
  return [...byPrincipal]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([principal, privileges]) => ({ principal, privileges: [...privileges].sort() }));
}

function checkGrantee(principal: string, item: Node, tier: Tier, contract: Contract, problems: Problems): void {
  const names = TIERS.filter((name) => contract.tiers[name].servicePrincipal === principal);
  const other = TIERS.find(
    (name) =>
      name !== tier.name &&
      contract.tiers[name].servicePrincipal !== tier.servicePrincipal &&
      (contract.tiers[name].clientId === principal || contract.tiers[name].servicePrincipal === principal),
  );
  // dev's bronze and silver are what a sandbox reads
  if (other !== undefined && !(tier.name === "dev" && other === "sandbox")) {
    const why = "A tier's principal has nothing on another tier.";
    const message = `The principal of ${other}, ${principal}, would have privileges in ${tier.name}.`;
    problems.error("permission-other-tier", item.where, message, "Remove the entry.", why);
  } else if (names.length > 0) {
    const remedy = "Write its application id.";
    const why = "Unity Catalog knows a service principal by its application id.";
    problems.error("grants", item.where, `${principal} is the display name of a service principal.`, remedy, why);
  }
}
