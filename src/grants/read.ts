/**
 * Reads one catalog through REST: listings from the top down, then the direct grants of everything that was listed.
 * What is refused is noted with the right that would show it, and what was seen is counted (facts: unity-catalog 1.1, 1.4, 1.5).
 */
import { ApiError } from "../databricks/errors.ts";
import {
  type Binding,
  type Catalog,
  getBindings,
  getCatalog,
  getGrants,
  getMetastoreSummary,
  listFunctions,
  listModels,
  listSchemas,
  listTables,
  listVolumes,
  type Securable as Listed,
} from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded, together } from "../http/pool.ts";
import { type Bindings, normaliseGrants, type Securable, type SecurableType } from "./model.ts";

/** Something inside the scope that could not be seen. */
export interface Refusal {
  /** `the grants of table prod.gold.scores` */
  readonly what: string;
  /** What the service said. */
  readonly answer: string;
  /** The right that would show it. */
  readonly needs: string;
}

/** What was listed and counted. */
export interface Counts {
  schemas: number;
  tables: number;
  volumes: number;
  functions: number;
  models: number;
  /** Securables whose direct grants were read. */
  grantLists: number;
  grants: number;
}

/** A catalog as read, before its principals are looked up. */
export interface CatalogRead {
  readonly catalog: Catalog | undefined;
  readonly securables: readonly Securable[];
  readonly bindings: Bindings | undefined;
  /** Undefined if the metastore would not say. */
  readonly metastoreOwner: string | undefined;
  readonly counts: Counts;
  readonly refused: readonly Refusal[];
}

/** Requests in flight: below the service's limit (facts: unity-catalog 1.10). */
export const READS = 8;

/** Readable by design, and filled by the platform itself (facts: unity-catalog 1.4). */
const SYSTEM_SCHEMA = "information_schema";
const INTERNAL = "__databricks_internal";

interface Place {
  readonly type: SecurableType;
  readonly name: string;
  readonly kind: string | undefined;
  readonly owner: string | undefined;
}

/** What this run has read of the catalog already, and need not ask again. */
export interface CatalogSeen {
  readonly catalog?: Catalog | undefined;
  readonly bindings?: readonly Binding[] | undefined;
}

/** Reads a catalog. Refusals are notes, every other failure of the service is thrown (ApiError). */
export async function readCatalog(workspace: Workspace, name: string, seen: CatalogSeen = {}): Promise<CatalogRead> {
  const reader = new Reader(workspace, name);
  return reader.read(seen);
}

class Reader {
  readonly #workspace: Workspace;
  readonly #catalog: string;
  readonly #refused: Refusal[] = [];
  readonly #counts: Counts = { schemas: 0, tables: 0, volumes: 0, functions: 0, models: 0, grantLists: 0, grants: 0 };

  constructor(workspace: Workspace, catalog: string) {
    this.#workspace = workspace;
    this.#catalog = catalog;
  }

  async read(seen: CatalogSeen): Promise<CatalogRead> {
    const refused = this.#refused;
    const counts = this.#counts;
    const catalog =
      seen.catalog ??
      (await this.#attempt(`catalog ${this.#catalog}`, `USE_CATALOG on catalog ${this.#catalog}`, () =>
        getCatalog(this.#workspace, this.#catalog),
      ));
    if (catalog === undefined) {
      const metastoreOwner = await this.#metastoreOwner();
      return { catalog, securables: [], bindings: undefined, metastoreOwner, counts, refused };
    }
    const [metastoreOwner, bindings, own, below] = await together([
      this.#metastoreOwner(),
      this.#bindings(catalog, seen.bindings),
      this.#withGrants(this.#place("catalog", catalog, undefined)),
      this.#below(),
    ]);
    const securables = [own, ...(await mapBounded(below, READS, (place) => this.#withGrants(place)))];
    return {
      catalog,
      securables: securables.filter((securable) => securable !== undefined),
      bindings,
      metastoreOwner,
      counts,
      refused,
    };
  }

  async #below(): Promise<Place[]> {
    const schemas = await this.#list(`the schemas of catalog ${this.#catalog}`, () =>
      listSchemas(this.#workspace, this.#catalog),
    );
    const own = schemas.filter(({ name }) => name !== SYSTEM_SCHEMA && !name.startsWith(INTERNAL));
    this.#counts.schemas = own.length;
    // Four lists a schema at the same time.
    const objects = await mapBounded(own, READS / 4, (schema) => this.#objectsOf(schema.name));
    return [...own.map((schema) => this.#place("schema", schema, undefined)), ...objects.flat()];
  }

  async #objectsOf(schema: string): Promise<Place[]> {
    const from = `of schema ${this.#catalog}.${schema}`;
    const [workspace, catalog] = [this.#workspace, this.#catalog];
    const [tables, volumes, functions, models] = await together([
      this.#list(`the tables ${from}`, () => listTables(workspace, catalog, schema)),
      this.#list(`the volumes ${from}`, () => listVolumes(workspace, catalog, schema)),
      this.#list(`the functions ${from}`, () => listFunctions(workspace, catalog, schema)),
      this.#list(`the models ${from}`, () => listModels(workspace, catalog, schema)),
    ]);
    this.#counts.tables += tables.length;
    this.#counts.volumes += volumes.length;
    this.#counts.functions += functions.length;
    this.#counts.models += models.length;
    return [
      ...tables
        .filter(({ name }) => !name.startsWith(INTERNAL))
        .map((table) => this.#place("table", table, table.type)),
      ...volumes.map((volume) => this.#place("volume", volume, undefined)),
      ...functions.map((one) => this.#place("function", one, undefined)),
      ...models.map((model) => this.#place("function", model, "MODEL")),
    ];
  }

  #place(type: SecurableType, listed: Listed, kind: string | undefined): Place {
    return { type, name: listed.fullName, kind, owner: listed.owner };
  }

  /** Undefined if it was dropped since it was listed; without grants, and noted, if they were refused. */
  async #withGrants(place: Place): Promise<Securable | undefined> {
    const what = `the grants of ${place.type} ${place.name}`;
    const needs = `ownership of ${place.type} ${place.name} or of what contains it, or MANAGE`;
    const before = this.#refused.length;
    const found = await this.#attempt(what, needs, () => getGrants(this.#workspace, place.type, place.name));
    if (found === undefined) return this.#refused.length > before ? { ...place, grants: [] } : undefined;
    const grants = normaliseGrants(found);
    this.#counts.grantLists += 1;
    this.#counts.grants += grants.length;
    return { ...place, grants };
  }

  async #bindings(catalog: Catalog, seen: CatalogSeen["bindings"]): Promise<Bindings | undefined> {
    const { isolationMode } = catalog;
    if (isolationMode === undefined) {
      const needs = `ownership of catalog ${catalog.name}, or MANAGE and USE_CATALOG on it`;
      this.#refused.push({ what: `the isolation mode of catalog ${catalog.name}`, answer: "it was left out", needs });
      return undefined;
    }
    if (isolationMode !== "ISOLATED") return { isolated: false, workspaces: [] };
    const found =
      seen ??
      (await this.#attempt(
        `the workspace bindings of catalog ${catalog.name}`,
        `ownership of catalog ${catalog.name}, or MANAGE and USE_CATALOG on it`,
        () => getBindings(this.#workspace, "catalog", catalog.name),
      ));
    return found === undefined
      ? undefined
      : {
          isolated: true,
          workspaces: found.map((binding) => ({
            id: binding.workspaceId,
            readOnly: binding.type === "BINDING_TYPE_READ_ONLY",
          })),
        };
  }

  /** Outside the tier proof's scope: a refusal is no finding, only something the certificate does not claim. */
  async #metastoreOwner(): Promise<string | undefined> {
    try {
      return (await getMetastoreSummary(this.#workspace)).owner;
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  async #list<Item>(what: string, list: () => AsyncIterable<Item>): Promise<Item[]> {
    const needs = `ownership of catalog ${this.#catalog}, or USE_CATALOG, USE_SCHEMA, SELECT, EXECUTE and READ_VOLUME on it`;
    const found = await this.#attempt(what, needs, async () => {
      const items: Item[] = [];
      for await (const item of list()) items.push(item);
      return items;
    });
    return found ?? [];
  }

  async #attempt<Answer>(what: string, needs: string, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refused.push({ what, answer: `${error.request}: ${error.status} ${error.code}`, needs });
      return undefined;
    }
  }
}

/** The service knows it and does not show it to us. */
export function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}
