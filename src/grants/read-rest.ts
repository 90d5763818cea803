/**
 * The reader that needs nothing but rights: listings from the top down, then the direct grants of everything that was
 * listed, a bounded number at a time (facts: unity-catalog 1.1, 1.4, 1.10).
 */
import {
  getSchema,
  type Securable as Listed,
  listFunctions,
  listModels,
  listSchemas,
  listTables,
  listVolumes,
} from "../databricks/unity.ts";
import { getGrants } from "../databricks/unity-grants.ts";
import { mapBounded, together } from "../http/pool.ts";
import { normaliseGrants, type Securable, type SecurableType } from "./model.ts";
import type { Reading } from "./read.ts";

/** Requests in flight of one proof, whoever sends them: below the service's limit (facts: unity-catalog 1.10). */
export const READS = 8;

/** The one schema that the platform fills itself, readable by design (facts: unity-catalog 1.4). */
const SYSTEM_SCHEMA = "information_schema";

/** A securable whose grants are still to be read. */
export type Place = Omit<Securable, "grants">;

/** Everything in a catalog, itself first; itself alone if nothing else is wanted. */
export async function restContents(reading: Reading): Promise<Securable[]> {
  const { catalog, within } = reading;
  const [own, below, wanted] = await together([
    withGrants(reading, { ...place("catalog", catalog, undefined), storage: catalog.storageRoot }),
    placesBelow(reading),
    within,
  ]);
  if (!wanted) return own === undefined ? [] : [own];
  const total = below.length;
  let read = 0;
  const found = await mapBounded(below, READS, async (one) => {
    const securable = await withGrants(reading, one);
    read += 1;
    reading.progress("lists of grants", read, total);
    return securable;
  });
  return [own, ...found].filter((securable) => securable !== undefined);
}

async function placesBelow(reading: Reading): Promise<Place[]> {
  const { workspace, catalog, counts, notes, within } = reading;
  let unwanted = false;
  const told = (): void => void (unwanted = true);
  void within.then((wanted) => (wanted ? undefined : told()), told);
  const schemas = await notes.list(`the schemas of catalog ${catalog.name}`, listingNeeds(catalog.name), () =>
    listSchemas(workspace, catalog.name),
  );
  const own = schemas.filter(({ name }) => name !== SYSTEM_SCHEMA);
  counts.schemas = own.length;
  let read = 0;
  // Four lists a schema at the same time.
  const objects = await mapBounded(own, READS / 4, async (schema) => {
    if (unwanted) return [];
    const found = await objectsOf(reading, schema.name);
    read += 1;
    reading.progress("schemas", read, own.length);
    return found;
  });
  return [
    ...own.map((schema) => ({ ...place("schema", schema, undefined), storage: schema.storageRoot })),
    ...objects.flat(),
  ];
}

async function objectsOf(
  { workspace, catalog: { name: catalog }, counts, notes }: Reading,
  schema: string,
): Promise<Place[]> {
  const from = `of schema ${catalog}.${schema}`;
  const needs = listingNeeds(catalog);
  const gone = async (): Promise<boolean> => (await getSchema(workspace, `${catalog}.${schema}`)) === undefined;
  const [tables, volumes, functions, models] = await together([
    notes.list(`the tables ${from}`, needs, () => listTables(workspace, catalog, schema), gone),
    notes.list(`the volumes ${from}`, needs, () => listVolumes(workspace, catalog, schema), gone),
    notes.list(`the functions ${from}`, needs, () => listFunctions(workspace, catalog, schema), gone),
    notes.list(`the models ${from}`, needs, () => listModels(workspace, catalog, schema), gone),
  ]);
  counts.tables += tables.length;
  counts.volumes += volumes.length;
  counts.functions += functions.length;
  counts.models += models.length;
  return [
    ...tables.map((one) => ({
      ...place("table", one, one.type),
      storage: externalStorage(one.type, one.storageLocation),
    })),
    ...volumes.map((one) => ({
      ...place("volume", one, undefined),
      storage: externalStorage(one.type, one.storageLocation),
    })),
    ...functions.map((one) => place("function", one, undefined)),
    ...models.map((model) => place("function", model, "MODEL")),
  ];
}

/** Where a table or volume keeps its files, if not in its catalog's own storage. */
export function externalStorage(type: string | undefined, location: string | undefined): string | undefined {
  return type?.startsWith("EXTERNAL") === true ? location : undefined;
}

/** A listed thing as a place. */
export function place(type: SecurableType, listed: Listed, kind: string | undefined): Place {
  return { type, name: listed.fullName, kind, owner: listed.owner };
}

/** What shows everything in a catalog. */
export function listingNeeds(catalog: string): string {
  return `ownership of catalog ${catalog}, or USE_CATALOG, USE_SCHEMA, BROWSE and MANAGE on it`;
}

/** Undefined if it was dropped since it was listed; without grants, and noted, if they were refused. */
export async function withGrants(
  { workspace, notes, counts }: Pick<Reading, "workspace" | "notes" | "counts">,
  one: Place,
): Promise<Securable | undefined> {
  const what = `the grants of ${one.type.replaceAll("_", " ")} ${one.name}`;
  const needs = `ownership of ${one.type.replaceAll("_", " ")} ${one.name} or of what contains it, or MANAGE`;
  const found = await notes.attempt(
    what,
    needs,
    async () => (await getGrants(workspace, one.type, one.name)) ?? "gone",
  );
  if (found === "gone") return undefined;
  if (found === undefined) return { ...one, grants: [] };
  const grants = normaliseGrants(found);
  counts.grantLists += 1;
  counts.grants += grants.length;
  return { ...one, grants };
}
