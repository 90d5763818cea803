/**
 * The external locations and storage credentials that a catalog's data hangs on: whoever may read files there needs no
 * grant on the tables (facts: unity-catalog 1.5, 1.11). Locations never overlap, so the one that covers an address is the
 * only way to it.
 */
import { collect } from "../databricks/parse.ts";
import {
  type ExternalLocation,
  getStorageCredential,
  listExternalLocations,
  type StorageCredential,
} from "../databricks/storage.ts";
import { getBindings } from "../databricks/unity.ts";
import { mapBounded } from "../http/pool.ts";
import { type Bindings, type Securable, type SecurableType, securableKey } from "./model.ts";
import { type Progress, type Reading, toBindings } from "./read.ts";
import { type Place, READS, withGrants } from "./read-rest.ts";

/** What was found of a catalog's storage. */
export interface StorageRead {
  readonly securables: readonly Securable[];
  /** By `securableKey`. */
  readonly bindings: ReadonlyMap<string, Bindings>;
  /** What was listed and holds none of these addresses, by `securableKey`; undefined if the list was refused. */
  readonly elsewhere: ReadonlySet<string> | undefined;
}

type Asked = Pick<Reading, "workspace" | "notes" | "counts"> & { readonly progress?: Progress | undefined };

/**
 * Reads what covers these addresses, and what reaches into the metastore's own storage where the catalog is kept there:
 * that one has a credential of its own, so no location need cover it.
 */
export async function readStorage(
  asked: Asked,
  addresses: readonly string[],
  metastoreRoot: string | undefined,
): Promise<StorageRead> {
  const wanted = [...new Set(addresses)];
  const reached = [...wanted, ...(metastoreRoot === undefined ? [] : [metastoreRoot])];
  const all = await asked.notes.attempt("the external locations", "MANAGE on the external locations", () =>
    collect(listExternalLocations(asked.workspace)),
  );
  const ours = (all ?? []).filter((location) => reached.some((address) => overlap(location.url, address)));
  for (const address of wanted.filter((one) => !ours.some((location) => covers(location.url, one)))) {
    asked.notes.miss(
      `the external location of ${address}`,
      "none of those that were listed holds it",
      "MANAGE on that external location",
    );
  }
  const securables: Securable[] = [];
  const bindings = new Map<string, Bindings>();
  const add = async (type: SecurableType, found: StorageCredential, more: Partial<Place>): Promise<void> => {
    const place: Place = { type, name: found.name, kind: undefined, owner: found.owner, ...more };
    const securable = await withGrants(asked, place);
    if (securable === undefined) return;
    securables.push(securable);
    asked.progress?.("external locations and storage credentials", securables.length, undefined);
    const reachedFrom = await bindingsOf(asked, type, found);
    if (reachedFrom !== undefined) bindings.set(securableKey(place), reachedFrom);
  };
  await mapBounded(ours, READS, (location) =>
    add("external_location", location, { storage: location.url, credential: location.credential }),
  );
  await mapBounded(credentialsOf(ours), READS, async (name) => {
    const what = `the storage credential ${name}`;
    const found = await asked.notes.attempt(what, `MANAGE on ${what}`, () =>
      getStorageCredential(asked.workspace, name),
    );
    if (found !== undefined) await add("storage_credential", found, {});
  });
  return {
    securables: securables.sort((a, b) => (securableKey(a) < securableKey(b) ? -1 : 1)),
    bindings,
    elsewhere: all === undefined ? undefined : new Set(keysOf(all).filter((key) => !keysOf(ours).includes(key))),
  };
}

function keysOf(locations: readonly ExternalLocation[]): string[] {
  return [
    ...locations.map(({ name }) => securableKey({ type: "external_location", name })),
    ...credentialsOf(locations).map((name) => securableKey({ type: "storage_credential", name })),
  ];
}

function credentialsOf(locations: readonly ExternalLocation[]): string[] {
  return [...new Set(locations.flatMap((location) => location.credential ?? []))];
}

async function bindingsOf(
  { workspace, notes }: Asked,
  type: SecurableType,
  found: StorageCredential,
): Promise<Bindings | undefined> {
  if (type !== "external_location" && type !== "storage_credential") return undefined;
  const what = `the workspace bindings of ${type.replaceAll("_", " ")} ${found.name}`;
  const needs = `ownership of it, or MANAGE`;
  if (found.isolated === undefined) {
    notes.miss(what, "the isolation mode was left out", needs);
    return undefined;
  }
  if (!found.isolated) return { isolated: false, workspaces: [] };
  const bindings = await notes.attempt(what, needs, () => getBindings(workspace, type, found.name));
  return bindings === undefined ? undefined : toBindings(bindings);
}

/** One lies in the other, or they are the same. */
function overlap(a: string, b: string): boolean {
  return covers(a, b) || covers(b, a);
}

/** An address is in a location: `s3://lake/prod` holds `s3://lake/prod/x` and not `s3://lake/prod2`. */
function covers(location: string, address: string): boolean {
  const whole = (url: string): string => `${url.trim().replace(/\/+$/, "")}/`;
  return whole(address).startsWith(whole(location));
}
