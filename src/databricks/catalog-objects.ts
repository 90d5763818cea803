/**
 * Schemas, volumes and registered models as a bundle declares them (facts: unity-catalog 1.4, 1.10). They are known by
 * their full names, so that a create whose answer was lost is looked up by its name.
 */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import { orMissing } from "./errors.ts";
import { ask, encodePath, items, jsonObject, optionalText } from "./parse.ts";
import { root } from "./unity.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** What is listed in a catalog or schema, by the word in its API's path. */
export type CatalogType = "schemas" | "volumes" | "models";

/** A schema, volume or model as its API gives it. */
export interface CatalogEntry {
  /** `catalog.schema` or `catalog.schema.name`. */
  readonly fullName: string;
  readonly owner: string | undefined;
  /** The whole answer. */
  readonly settings: JsonObject;
}

const LISTS = { schemas: "schemas", volumes: "volumes", models: "registered_models" } as const;
const entrySchema = v.intersect([jsonObject, v.looseObject({ full_name: v.string(), owner: optionalText })]);

/** One object, browsable ones too; undefined if it does not exist (one the caller may not see is a 403 ApiError). */
export async function getCatalogObject(
  workspace: Workspace,
  type: CatalogType,
  fullName: string,
): Promise<CatalogEntry | undefined> {
  const path = `${root}/${type}/${encodePath(fullName)}`;
  const found = await orMissing(ask(workspace, { method: "GET", path, query: { include_browse: true } }, entrySchema));
  return found === undefined ? undefined : toEntry(found);
}

/** What is in a catalog (schemas) or in a schema (the others); nothing if that does not exist. */
export async function listCatalogObjects(
  workspace: Workspace,
  type: CatalogType,
  container: { readonly catalog: string; readonly schema?: string },
): Promise<readonly CatalogEntry[]> {
  const request: ApiRequest = {
    method: "GET",
    path: `${root}/${type}`,
    query: { catalog_name: container.catalog, schema_name: container.schema, include_browse: true, max_results: 0 },
  };
  const found = await orMissing(
    (async () => {
      const all: CatalogEntry[] = [];
      for await (const one of items(workspace, request, LISTS[type], entrySchema)) all.push(toEntry(one));
      return all;
    })(),
  );
  return found ?? [];
}

/** Creates an object and gives its full name. Throws LostAnswer if it may have happened. */
export async function createCatalogObject(
  workspace: Workspace,
  type: CatalogType,
  settings: JsonObject,
): Promise<string> {
  const request: ApiRequest = { method: "POST", path: `${root}/${type}`, json: settings, repeatable: false };
  return toEntry(await ask(workspace, request, entrySchema)).fullName;
}

/** Replaces comment and properties; nothing else of such an object can be changed in place. */
export async function updateCatalogObject(
  workspace: Workspace,
  type: CatalogType,
  fullName: string,
  changes: { readonly comment: string; readonly properties?: JsonObject },
): Promise<void> {
  await workspace.call({
    method: "PATCH",
    path: `${root}/${type}/${encodePath(fullName)}`,
    json: { ...changes },
    repeatable: true,
  });
}

/** Deletes an object; that it is already gone is fine. A schema that holds something is refused by the service. */
export async function deleteCatalogObject(workspace: Workspace, type: CatalogType, fullName: string): Promise<void> {
  await orMissing(
    workspace.call({ method: "DELETE", path: `${root}/${type}/${encodePath(fullName)}`, repeatable: true }),
  );
}

function toEntry(found: v.InferOutput<typeof entrySchema>): CatalogEntry {
  return { fullName: found.full_name.toLowerCase(), owner: found.owner, settings: found };
}
