/** What each privilege is for, and where it applies: the table of facts unity-catalog 1.8. */
import type { SecurableType } from "./model.ts";

/** Everything but MANAGE and the EXTERNAL_USE_ pair, evaluated when access is checked (facts: unity-catalog 1.7). */
export const ALL_PRIVILEGES = "ALL_PRIVILEGES";
/** Granting, giving away, dropping: no right on data by itself, but who has it can grant that (facts: unity-catalog 1.6). */
export const MANAGE = "MANAGE";

/** What holding a privilege lets one do. */
type Effect = "read" | "write" | "control" | "look";

const OBJECTS = ["table", "volume", "function"] as const;
const STORAGE = ["external_location", "storage_credential"] as const;
const CREATES = [
  "CREATE_TABLE",
  "CREATE_VOLUME",
  "CREATE_FUNCTION",
  "CREATE_MODEL",
  "CREATE_MATERIALIZED_VIEW",
  "CREATE_MODEL_VERSION",
] as const;

/** Privilege → the types it can be held on. A privilege granted above a type reaches it if it applies there. */
const APPLIES: ReadonlyMap<string, readonly SecurableType[]> = new Map<string, readonly SecurableType[]>([
  [MANAGE, ["catalog", "schema", ...OBJECTS, ...STORAGE]],
  ["APPLY_TAG", ["catalog", "schema", ...OBJECTS]],
  ["BROWSE", ["catalog", "external_location"]],
  ["USE_CATALOG", ["catalog"]],
  ["USE_SCHEMA", ["catalog", "schema"]],
  ["CREATE_SCHEMA", ["catalog"]],
  ...CREATES.map((privilege): [string, SecurableType[]] => [
    privilege,
    privilege === "CREATE_MODEL_VERSION" ? ["catalog", "schema", "function"] : ["catalog", "schema"],
  ]),
  ["SELECT", ["catalog", "schema", "table"]],
  ["MODIFY", ["catalog", "schema", "table"]],
  ["REFRESH", ["catalog", "schema", "table"]],
  ["READ_VOLUME", ["catalog", "schema", "volume"]],
  ["WRITE_VOLUME", ["catalog", "schema", "volume"]],
  ["EXECUTE", ["catalog", "schema", "function"]],
  ["EXTERNAL_USE_SCHEMA", ["catalog", "schema"]],
  ["READ_FILES", STORAGE],
  ["WRITE_FILES", STORAGE],
  ["CREATE_EXTERNAL_TABLE", STORAGE],
  ["CREATE_EXTERNAL_VOLUME", ["external_location"]],
  ["CREATE_MANAGED_STORAGE", ["external_location"]],
  ["EXTERNAL_USE_LOCATION", ["external_location"]],
  ["CREATE_EXTERNAL_LOCATION", ["metastore", "storage_credential"]],
  ["CREATE_CATALOG", ["metastore"]],
  ["CREATE_STORAGE_CREDENTIAL", ["metastore"]],
  ["CREATE_CONNECTION", ["metastore"]],
  ["CREATE_SHARE", ["metastore"]],
]);

/** Privileges of things that are not looked at here (shares, connections, secrets), and names that the enum has kept. */
const ELSEWHERE: readonly string[] = [
  "ACCESS",
  "CREATE",
  "CREATE_CLEAN_ROOM",
  "CREATE_EXTERNAL_METADATA",
  "CREATE_FEATURE",
  "CREATE_FOREIGN_CATALOG",
  "CREATE_FOREIGN_SECURABLE",
  "CREATE_PROVIDER",
  "CREATE_RECIPIENT",
  "CREATE_SERVICE_CREDENTIAL",
  "CREATE_STAGING_TABLE",
  "CREATE_VIEW",
  "EXECUTE_CLEAN_ROOM_TASK",
  "MANAGE_ALLOWLIST",
  "MODIFY_CLEAN_ROOM",
  "READ_METADATA",
  "READ_PRIVATE_FILES",
  "READ_SECRET",
  "SET_SHARE_PERMISSION",
  "USAGE",
  "USE_CONNECTION",
  "USE_MARKETPLACE_ASSETS",
  "USE_PROVIDER",
  "USE_RECIPIENT",
  "USE_SHARE",
  "WRITE_PRIVATE_FILES",
  "WRITE_SECRET",
];

/** Every privilege whose name is known here. */
export const KNOWN_PRIVILEGES: readonly string[] = [ALL_PRIVILEGES, ...APPLIES.keys(), ...ELSEWHERE];

/** True if a privilege of this name is known. */
export function isNamed(privilege: string): boolean {
  return KNOWN_PRIVILEGES.includes(privilege);
}

/** The types a privilege can be held on; undefined if that is not known here. */
export function typesOf(privilege: string): readonly SecurableType[] | undefined {
  return APPLIES.get(privilege);
}

/** Left out of ALL PRIVILEGES, and outliving its removal (facts: unity-catalog 1.2, 1.7). */
const OUTSIDE_ALL: ReadonlySet<string> = new Set([MANAGE, "EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"]);

/** The privileges that can be held on a type, sorted. */
export function applicableTo(type: SecurableType): string[] {
  return [...APPLIES]
    .filter(([, types]) => types.includes(type))
    .map(([privilege]) => privilege)
    .sort();
}

/**
 * True if a privilege can be held on a type. A privilege we do not know (the list is open, facts: unity-catalog 1.1)
 * is taken to reach everything: better a path too many than one unseen.
 */
export function applies(privilege: string, type: SecurableType): boolean {
  return APPLIES.get(privilege)?.includes(type) ?? true;
}

/** What a privilege does nothing without (facts: unity-catalog 1.8). */
export const NEEDS_BESIDE: ReadonlyMap<string, string> = new Map([
  ["MODIFY", "SELECT"],
  ["WRITE_FILES", "READ_FILES"],
]);

/** True if ALL PRIVILEGES implies it. */
export function impliedByAll(privilege: string): boolean {
  return !OUTSIDE_ALL.has(privilege);
}

/** What an owner lacks by default (facts: unity-catalog 1.6). */
export function impliedByOwnership(privilege: string): boolean {
  return privilege !== "EXTERNAL_USE_SCHEMA" && privilege !== "EXTERNAL_USE_LOCATION";
}

/** `look` alone opens no data: BROWSE and the USE_ pair. A privilege we do not know counts as control. */
export function effectOf(privilege: string): Effect {
  switch (privilege) {
    case "BROWSE":
    case "USE_CATALOG":
    case "USE_SCHEMA":
      return "look";
    case "SELECT":
    case "READ_VOLUME":
    case "EXECUTE":
    case "READ_FILES":
      return "read";
    case "MODIFY":
    case "WRITE_VOLUME":
    case "REFRESH":
    case "CREATE_SCHEMA":
    case "WRITE_FILES":
    case "CREATE_EXTERNAL_TABLE":
    case "CREATE_EXTERNAL_VOLUME":
    case "CREATE_MANAGED_STORAGE":
      return "write";
    default:
      return CREATES.some((create) => create === privilege) ? "write" : "control";
  }
}
