/**
 * Schemas, volumes and registered models. Unity Catalog knows them by their full names, so that nothing has to be
 * searched: what has a wanted name is ours if it carries our mark, and somebody else's if it does not.
 */
import {
  type CatalogEntry,
  type CatalogType,
  createCatalogObject,
  deleteCatalogObject,
  getCatalogObject,
  listCatalogObjects,
  updateCatalogObject,
} from "../../databricks/catalog-objects.ts";
import { ApiError } from "../../databricks/errors.ts";
import { getGrants, type SecurableType } from "../../databricks/unity-grants.ts";
import { changeGrants } from "../../databricks/unity-write.ts";
import { mapBounded } from "../../http/pool.ts";
import { isObject, type JsonObject } from "../../json.ts";
import { grantChanges } from "../access.ts";
import type { Kind, Live } from "./kind.ts";

/** Requests in flight. */
const PARALLEL = 8;

/** Schemas: marked by their properties. */
export const schemas = catalogKind("schemas", "schemas", "schema");
/** Volumes: marked in their comments. */
export const volumes = catalogKind("volumes", "volumes", "volume");
/** Their grants are read and written as those of functions (facts: unity-catalog 1.1). */
export const registeredModels = catalogKind("registered_models", "models", "function");

function catalogKind(kind: string, type: CatalogType, securable: SecurableType): Kind {
  const toLive = ({ fullName, owner, settings }: CatalogEntry): Live => ({
    id: fullName,
    kind,
    name: fullName,
    settings: { ...settings, ...namesOf(fullName) },
    runAs: undefined,
    creator: owner,
    permissions: undefined,
    lastModified: undefined,
  });
  const depth = type === "schemas" ? 2 : 3;
  return {
    read: async (workspace, id) => {
      const found = await getCatalogObject(workspace, type, id);
      return found === undefined ? undefined : toLive(found);
    },
    census: async (workspace, { names }) => {
      const mine = [...names].filter((name) => /^[^/]+$/.test(name) && name.split(".").length === depth);
      const found = await mapBounded(mine, PARALLEL, (name) => getCatalogObject(workspace, type, name));
      return found.flatMap((entry) => (entry === undefined ? [] : [toLive(entry)]));
    },
    list: async (workspace, { ids }) => {
      const containers = [...new Set([...ids].map((id) => id.slice(0, id.lastIndexOf("."))))];
      const found = await mapBounded(containers, PARALLEL, (name) => {
        const [catalog = "", schema] = name.split(".");
        return listCatalogObjects(workspace, type, schema === undefined ? { catalog } : { catalog, schema });
      });
      return found
        .flat()
        .filter(({ fullName }) => ids.has(fullName))
        .map(toLive);
    },
    create: (workspace, settings) => createCatalogObject(workspace, type, settings),
    update: (workspace, id, settings, live) =>
      updateCatalogObject(workspace, type, id, {
        comment: typeof settings["comment"] === "string" ? settings["comment"] : "",
        ...(type === "schemas" ? { properties: { ...servicesOwn(live), ...objectAt(settings, "properties") } } : {}),
      }),
    // Never with force: the service refuses to drop a schema that holds something.
    remove: (workspace, id) => deleteCatalogObject(workspace, type, id),
    readAccess: async (workspace, id) => {
      const grants = await getGrants(workspace, securable, id).catch(refused);
      return grants
        ?.filter(({ principal }) => principal !== "")
        .map(({ principal, privileges }) => ({ principal, privileges: [...privileges].sort() }));
    },
    writeAccess: (workspace, id, { declared, before, live, principal }) =>
      changeGrants(workspace, securable, id, grantChanges(declared, before, live, principal)),
  };
}

/** Whoever only looks at a tier may not see grants: they are then not compared (facts: unity-catalog 1.6). */
function refused(error: unknown): undefined {
  if (error instanceof ApiError && error.status === 403) return undefined;
  throw error;
}

/** The names in lower case, as they are declared after rendering (facts: unity-catalog 1.4). */
function namesOf(fullName: string): JsonObject {
  const [catalog_name = "", second = "", third] = fullName.split(".");
  return third === undefined ? { catalog_name, name: second } : { catalog_name, schema_name: second, name: third };
}

/** What the service keeps among a schema's properties: an update that leaves it out would take it away. */
function servicesOwn(live: Live | undefined): JsonObject {
  const properties = objectAt(live?.settings ?? {}, "properties");
  return Object.fromEntries(Object.entries(properties).filter(([name]) => name.startsWith("unity.catalog.")));
}

function objectAt(settings: JsonObject, name: string): JsonObject {
  const value = settings[name];
  return value !== undefined && isObject(value) ? value : {};
}
