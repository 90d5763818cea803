/** Who a resource runs as, and who may do what with it. */
import { type Contract, type ResourceKind, TIERS, type Tier } from "../contract/model.ts";
import type { JsonArray, JsonObject } from "../json.ts";
import { type CatalogKind, PRINCIPAL_SYMBOL } from "./model.ts";
import type { Problems } from "./problems.ts";
import { get, getString, isNull, type Mapping, type Node } from "./tree.ts";

/** Which other tier a principal belongs to, by application id or display name. */
function otherTier(principal: string, tier: Tier, contract: Contract): string | undefined {
  return TIERS.find((name) => {
    const other = contract.tiers[name];
    if (name === tier.name || other.servicePrincipal === tier.servicePrincipal) return false;
    return principal === other.servicePrincipal || (other.clientId !== undefined && principal === other.clientId);
  });
}

function isOwn(principal: string, tier: Tier): boolean {
  return principal === PRINCIPAL_SYMBOL || principal === tier.clientId;
}

/** `run_as` may only name the tier's principal, which is who everything runs as: the entry itself is not sent. */
export function checkRunAs(node: Node | undefined, tier: Tier, contract: Contract, problems: Problems): void {
  if (node === undefined || isNull(node)) return;
  const why = "Jobs and pipelines run as the tier's service principal, which creates and owns them.";
  const remedy = "Remove `run_as`, or write `service_principal_name: ${workspace.current_user.userName}`.";
  const names = ["service_principal_name", "user_name", "group_name"].flatMap((key) => {
    const value = get(node, [key]);
    const name = getString(value, []);
    return value === undefined || name === undefined ? [] : [{ key, name, where: value.where }];
  });
  const [first, ...more] = names;
  if (first === undefined || more.length > 0) {
    problems.error("run-as", node.where, "`run_as` must name exactly one identity.", remedy, why);
    return;
  }
  if (isOwn(first.name, tier)) return;
  const other = otherTier(first.name, tier, contract);
  if (other !== undefined) {
    const message = `${tier.name} would run as the principal of ${other}, ${first.name}.`;
    problems.error("run-as-other-tier", first.where, message, remedy, why);
  } else if (first.key === "user_name") {
    problems.error("run-as-person", first.where, `It would run as a person, ${first.name}.`, remedy, why);
  } else {
    const known = tier.clientId === undefined ? " (the contract gives no client_id to compare with)" : "";
    const message = `It would run as ${first.name}, which is not known to be the principal of ${tier.name}${known}.`;
    problems.error("run-as-unknown", first.where, message, remedy, why);
  }
}

/** Kinds with an access control list; what is kept in Unity Catalog has grants. */
type ListedKind = Exclude<ResourceKind, CatalogKind>;

/** Weakest first (facts: databricks-api 8). */
const LEVELS: Readonly<Record<ListedKind, readonly string[]>> = {
  jobs: ["CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"],
  pipelines: ["CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER"],
  experiments: ["CAN_READ", "CAN_EDIT", "CAN_MANAGE"],
};
const SHARED_LEVELS = ["CAN_VIEW", "CAN_RUN", "CAN_MANAGE"];
/** What a level of the bundle's own `permissions` means for a kind; one that it lacks does not concern the kind. */
const BUNDLE_LEVELS: Readonly<Record<ListedKind, Readonly<Record<string, string>>>> = {
  jobs: { CAN_VIEW: "CAN_VIEW", CAN_RUN: "CAN_MANAGE_RUN", CAN_MANAGE: "CAN_MANAGE" },
  pipelines: { CAN_VIEW: "CAN_VIEW", CAN_RUN: "CAN_RUN", CAN_MANAGE: "CAN_MANAGE" },
  experiments: { CAN_VIEW: "CAN_READ", CAN_MANAGE: "CAN_MANAGE" },
};
const PRINCIPALS = ["user_name", "service_principal_name", "group_name"] as const;

interface Permission {
  readonly kind: (typeof PRINCIPALS)[number];
  readonly name: string;
  readonly level: string;
  readonly node: Mapping;
}

/**
 * The access control list to put, in the API's shape, with the tier's principal as owner (facts: databricks-api 8);
 * undefined if the bundle declares none, and access control is left alone.
 */
export function permissions(
  ofBundle: Node | undefined,
  ofResource: Node | undefined,
  kind: ListedKind,
  tier: Tier,
  contract: Contract,
  problems: Problems,
): JsonArray | undefined {
  // who owns jobs and pipelines; an experiment has no owner in its list, only who manages it
  const most = kind === "experiments" ? "CAN_MANAGE" : "IS_OWNER";
  const own = read(ofResource, tier, problems).filter((entry) => hasLevel(entry, LEVELS[kind], problems));
  const shared = read(ofBundle, tier, problems).filter(
    (entry) => hasLevel(entry, SHARED_LEVELS, problems) && BUNDLE_LEVELS[kind][entry.level] !== undefined,
  );
  const inherited = shared
    .filter((entry) => !own.some((other) => other.kind === entry.kind && other.name === entry.name))
    .map((entry) => ({ ...entry, level: BUNDLE_LEVELS[kind][entry.level] ?? entry.level }));
  const all = [...own, ...inherited];
  if (all.length === 0) return undefined;
  for (const entry of all) checkPermission(entry, tier, contract, problems);
  const strongest = new Map<string, JsonObject>();
  const rank = (level: unknown): number => LEVELS[kind].indexOf(String(level));
  for (const { kind: principal, name, level } of all) {
    const isPrincipal = name === PRINCIPAL_SYMBOL;
    const id = `${principal}:${name}`;
    const before = strongest.get(id)?.["permission_level"];
    const strongestLevel = isPrincipal ? most : before !== undefined && rank(before) > rank(level) ? before : level;
    strongest.set(id, { [principal]: name, permission_level: strongestLevel });
  }
  const owner = `service_principal_name:${PRINCIPAL_SYMBOL}`;
  if (!strongest.has(owner)) {
    strongest.set(owner, { service_principal_name: PRINCIPAL_SYMBOL, permission_level: most });
  }
  return [...strongest.values()];
}

function read(node: Node | undefined, tier: Tier, problems: Problems): Permission[] {
  if (node === undefined || isNull(node)) return [];
  if (node.kind !== "list") {
    problems.error(
      "permissions",
      node.where,
      "`permissions` must be a list.",
      "Write `- group_name: …` and `level: …`.",
    );
    return [];
  }
  return node.items.flatMap((item) => {
    const level = getString(item, ["level"]);
    const named = PRINCIPALS.filter((key) => getString(item, [key]) !== undefined);
    const [kind, ...more] = named;
    if (item.kind !== "map" || level === undefined || kind === undefined || more.length > 0) {
      const remedy = `Write \`level\` and one of ${PRINCIPALS.join(", ")}.`;
      problems.error("permissions", item.where, "This permission does not name one principal and one level.", remedy);
      return [];
    }
    const name = getString(item, [kind]) ?? "";
    const own = kind !== "group_name" && isOwn(name, tier);
    return [
      { kind: own ? "service_principal_name" : kind, name: own ? PRINCIPAL_SYMBOL : name, level, node: item } as const,
    ];
  });
}

function hasLevel(entry: Permission, levels: readonly string[], problems: Problems): boolean {
  if (levels.includes(entry.level)) return true;
  const where = entry.node.entries.get("level")?.value.where ?? entry.node.where;
  problems.error("permissions", where, `There is no level ${entry.level} here.`, `Use one of ${levels.join(", ")}.`);
  return false;
}

function checkPermission(entry: Permission, tier: Tier, contract: Contract, problems: Problems): void {
  const { name, level, node } = entry;
  if (name === PRINCIPAL_SYMBOL) return;
  const other = entry.kind === "service_principal_name" ? otherTier(name, tier, contract) : undefined;
  if (other !== undefined) {
    const message = `The principal of ${other}, ${name}, would have ${level} in ${tier.name}.`;
    const why = "A tier's principal has nothing on another tier.";
    problems.error("permission-other-tier", node.where, message, "Remove the entry.", why);
  } else if (level === "IS_OWNER") {
    const message = `${name} would own it; the owner is the tier's principal.`;
    problems.error("permission-owner", node.where, message, "Give CAN_MANAGE instead, or remove the entry.");
  } else if (level === "CAN_MANAGE" && entry.kind === "user_name" && tier.name === "prod") {
    const message = `A person, ${name}, may change this in prod by hand.`;
    problems.warning("permission-person", node.where, message, "Give a group CAN_VIEW or a right to run instead.");
  } else if (level === "CAN_MANAGE" && entry.kind === "group_name" && tier.name === "prod") {
    const message = `Everybody in the group ${name} may change this in prod by hand.`;
    problems.warning("permission-group", node.where, message, "Give it CAN_VIEW or a right to run instead.");
  }
}
