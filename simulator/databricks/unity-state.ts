/**
 * The metastore: securables, who owns them, and what was granted directly (facts: unity-catalog 1).
 */
import { createHash, randomUUID } from "node:crypto";
import type { Account } from "./account.ts";
import { ApiError, notFound } from "./api.ts";
import { type ParsedScenario, ScenarioError } from "./scenario.ts";
import { GRANTABLE, normalized, type SecurableType } from "./unity-privileges.ts";

/** What was granted to one principal on one securable. */
export interface Assignment {
  /** Empty for a principal that was deleted: only its id is left. */
  readonly principal: string;
  readonly principalId: string | undefined;
  readonly privileges: ReadonlySet<string>;
}

/** Anything that can be granted on, with what is below it. */
export interface Securable {
  readonly id: string;
  readonly type: SecurableType;
  readonly name: string;
  readonly fullName: string;
  readonly parent: Securable | undefined;
  readonly created: number;
  /** When it was last changed, data included. */
  updated: number;
  comment: string | undefined;
  properties: Readonly<Record<string, string>> | undefined;
  /** Where its files are, if whoever made it said so; undefined: below the metastore's storage. */
  storageRoot: string | undefined;
  /** table_type, catalog_type, volume_type. */
  readonly variant: string | undefined;
  readonly columns: Readonly<Record<string, string>>;
  /** Of an external location: its storage credential. */
  readonly credential: string | undefined;
  readonly children: Map<string, Securable>;
  owner: string;
  isolation: "OPEN" | "ISOLATED";
  /** Workspace name -> binding. */
  readonly bindings: Map<string, "READ_WRITE" | "READ_ONLY">;
  grants: ReadonlyMap<string, Assignment>;
  /** What they were before the last write. */
  previous: ReadonlyMap<string, Assignment>;
}

interface Given {
  readonly owner?: string | undefined;
  readonly comment?: string | undefined;
  /** ISO time. */
  readonly updated?: string | undefined;
  readonly properties?: Record<string, string> | undefined;
  readonly storage?: string | undefined;
  /** Of an external location. */
  readonly url?: string | undefined;
  readonly credential?: string | undefined;
  readonly type?: string | undefined;
  readonly columns?: Record<string, string> | undefined;
  readonly grants?: Record<string, string[]> | undefined;
  readonly orphans?: { principal_id: string; privileges: string[] }[] | undefined;
}

/** facts: unity-catalog 1.4: its grants come from the system and are readable by design. */
const INFORMATION_SCHEMA = "information_schema";
const SYSTEM_USER = "System user";

/** The one metastore of the account, and everything in it. */
export class Metastore {
  readonly root: Securable;
  readonly name: string;
  readonly storageRoot: string;
  readonly externalAccess: boolean;
  readonly #account: Account;

  constructor(account: Account, scenario: ParsedScenario) {
    this.#account = account;
    const { metastore, catalogs } = scenario;
    this.name = metastore.name ?? "metastore";
    this.storageRoot = metastore.storage_root ?? "s3://metastore";
    this.externalAccess = metastore.external_access_enabled ?? false;
    const ownerKey = metastore.owner ?? "metastore-admins";
    const { directory } = account;
    const known = directory.groups.has(ownerKey) || directory.principals.has(ownerKey);
    // an owner nobody belongs to is fine: the metastore then has no admin
    const owner = known ? directory.nameOf(ownerKey) : ownerKey;
    this.root = this.#make("metastore", this.name, undefined, owner, { grants: metastore.grants });
    for (const [name, catalog] of Object.entries(catalogs)) this.#addCatalog(name, catalog);
    for (const [name, one] of Object.entries(scenario.storage_credentials))
      this.#addStorage("storage_credential", name, one);
    for (const [name, one] of Object.entries(scenario.external_locations))
      this.#addStorage("external_location", name, one);
  }

  get catalogs(): Securable[] {
    return this.children(this.root, "catalog");
  }

  /** Throws the 404 of its kind (facts: unity-catalog 1.10). */
  find(type: SecurableType, fullName: string): Securable {
    if (type === "metastore") {
      if (fullName !== this.root.id)
        throw notFound(`Metastore '${fullName}' does not exist.`, "METASTORE_DOES_NOT_EXIST");
      return this.root;
    }
    if (type === "external_location" || type === "storage_credential") {
      const found = childOf(this.root, type, fullName);
      if (found === undefined) throw notFound(`${type} '${fullName}' does not exist.`);
      return found;
    }
    const [catalogName = "", schemaName, leafName, ...more] = fullName.split(".");
    const depth = type === "catalog" ? 1 : type === "schema" ? 2 : 3;
    if (more.length > 0 || fullName.split(".").length !== depth) {
      throw new ApiError(400, "INVALID_PARAMETER_VALUE", `'${fullName}' is not a name of a ${type}.`);
    }
    const catalog = childOf(this.root, "catalog", catalogName);
    if (catalog === undefined) throw notFound(`Catalog '${catalogName}' does not exist.`, "CATALOG_DOES_NOT_EXIST");
    if (schemaName === undefined) return catalog;
    const schema = childOf(catalog, "schema", schemaName);
    if (schema === undefined)
      throw notFound(`Schema '${catalogName}.${schemaName}' does not exist.`, "SCHEMA_DOES_NOT_EXIST");
    if (leafName === undefined) return schema;
    // facts: unity-catalog 1.1: a registered model is a `function` to the permissions API
    const leaf =
      childOf(schema, type, leafName) ?? (type === "function" ? childOf(schema, "model", leafName) : undefined);
    const noun = `${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    const code = type === "table" ? "TABLE_DOES_NOT_EXIST" : "RESOURCE_DOES_NOT_EXIST";
    if (leaf === undefined) throw notFound(`${noun} '${fullName}' does not exist.`, code);
    return leaf;
  }

  /** Any securable by its full name, whatever its type; for the world. */
  named(fullName: string): Securable {
    const find = (from: Securable): Securable | undefined =>
      from.fullName === fullName && from.type !== "metastore"
        ? from
        : [...from.children.values()].map(find).find((found) => found !== undefined);
    const found = fullName === "metastore" ? this.root : find(this.root);
    if (found === undefined) throw new Error(`no securable is called ${fullName}`);
    return found;
  }

  children(parent: Securable, type: SecurableType): Securable[] {
    return [...parent.children.values()].filter((child) => child.type === type);
  }

  add(type: SecurableType, name: string, parent: Securable, owner: string, given: Given = {}): Securable {
    const made = this.#make(type, name, parent, owner, given);
    if (type === "catalog") {
      const grants = { "account users": ["USE_SCHEMA", "SELECT"] };
      this.#make("schema", INFORMATION_SCHEMA, made, SYSTEM_USER, { grants });
    }
    return made;
  }

  remove(securable: Securable): void {
    securable.parent?.children.delete(keyOf(securable.type, securable.name));
  }

  #addCatalog(name: string, given: ParsedScenario["catalogs"][string]): void {
    const owner = this.#ownerOf(given, this.root.owner);
    const catalog = this.add("catalog", name, this.root, owner, given);
    this.#bind(catalog, given);
    for (const [schemaName, schema] of Object.entries(given.schemas)) {
      const at = this.add("schema", schemaName, catalog, this.#ownerOf(schema, owner), schema);
      for (const [type, leaves] of [
        ["table", schema.tables],
        ["volume", schema.volumes],
        ["function", schema.functions],
        ["model", schema.models],
      ] as const) {
        for (const [leaf, one] of Object.entries(leaves)) this.add(type, leaf, at, this.#ownerOf(one, at.owner), one);
      }
    }
  }

  #addStorage(
    type: "external_location" | "storage_credential",
    name: string,
    given: ParsedScenario["storage_credentials"][string],
  ): void {
    this.#bind(this.add(type, name, this.root, this.#ownerOf(given, this.root.owner), given), given);
  }

  #bind(
    securable: Securable,
    given: Pick<ParsedScenario["storage_credentials"][string], "isolation" | "bindings">,
  ): void {
    securable.isolation = given.isolation;
    for (const [workspace, binding] of Object.entries(given.bindings)) {
      if (!this.#account.workspaces.has(workspace)) {
        throw new ScenarioError(`databricks: ${securable.name} is bound to ${workspace}, which is no workspace`);
      }
      securable.bindings.set(workspace, binding);
    }
  }

  #ownerOf({ owner }: Given, otherwise: string): string {
    return owner === undefined ? otherwise : this.#account.directory.nameOf(owner);
  }

  #make(type: SecurableType, name: string, parent: Securable | undefined, owner: string, given: Given): Securable {
    const fullName = parent === undefined || parent.type === "metastore" ? name : `${parent.fullName}.${name}`;
    const grants = this.#grants(type, fullName, given);
    const { type: variant, columns = {} } = given;
    const made: Securable = {
      id: type === "metastore" ? stableId(name) : randomUUID(),
      type,
      name,
      fullName,
      parent,
      created: this.#account.clock.now(),
      updated: given.updated === undefined ? this.#account.clock.now() : Date.parse(given.updated),
      comment: given.comment,
      properties: given.properties,
      storageRoot: given.storage ?? given.url,
      variant,
      columns,
      credential: given.credential,
      children: new Map(),
      owner,
      isolation: "OPEN",
      bindings: new Map(),
      grants,
      previous: grants,
    };
    parent?.children.set(keyOf(type, name), made);
    return made;
  }

  #grants(type: SecurableType, fullName: string, { grants = {}, orphans = [] }: Given): Map<string, Assignment> {
    const result = new Map<string, Assignment>();
    for (const [key, privileges] of Object.entries(grants)) {
      const principal = this.#account.directory.nameOf(key);
      result.set(principal.toLowerCase(), {
        principal,
        principalId: undefined,
        privileges: known(type, fullName, privileges),
      });
    }
    for (const { principal_id, privileges } of orphans) {
      result.set(`#${principal_id}`, {
        principal: "",
        principalId: principal_id,
        privileges: known(type, fullName, privileges),
      });
    }
    return result;
  }
}

function known(type: SecurableType, fullName: string, privileges: readonly string[]): Set<string> {
  const wanted = privileges.map(normalized);
  const wrong = wanted.find((privilege) => !GRANTABLE[type].has(privilege));
  if (wrong !== undefined) throw new ScenarioError(`databricks: ${wrong} cannot be granted on the ${type} ${fullName}`);
  return new Set(wanted);
}

const keyOf = (type: SecurableType, name: string) => `${type} ${name.toLowerCase()}`;

function childOf(parent: Securable, type: SecurableType, name: string): Securable | undefined {
  return parent.children.get(keyOf(type, name));
}

function stableId(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
