/** Reads what an estate proof is about: a tier's catalog by whichever reader can, its storage, GRANT policies, everybody. */
import type { Contract } from "../contract/model.ts";
import type { Identity } from "../databricks/identity.ts";
import { StatementFailed, type StatementOptions, WarehouseUnusable } from "../databricks/statements.ts";
import { type Catalog, getCatalog } from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { together } from "../http/pool.ts";
import { readWholeDirectory } from "./directory.ts";
import { type Estate, keyOf, type Policy, type Securable } from "./model.ts";
import { isRefusal, type Notes, type Refusal } from "./notes.ts";
import type { Directory } from "./principals.ts";
import { type CatalogRead, estateOf, metastoreOf, type Progress, readCatalog } from "./read.ts";
import { readPolicies } from "./read-policies.ts";
import { type PolicyPlace, sqlContents } from "./read-sql.ts";
import { readStorage, type StorageRead } from "./read-storage.ts";

/** Which reader to use: `auto` is SQL where there is a warehouse and the asker owns the catalog, else REST. */
export type ReaderChoice = "auto" | "rest" | "sql";

/** How an estate is read. */
export interface EstateOptions {
  /** Whose connection it is, if that is known already. */
  readonly identity?: Identity | undefined;
  readonly reader: ReaderChoice;
  /** The warehouse to ask; required for `sql`. */
  readonly sql?: StatementOptions | undefined;
  readonly progress?: Progress | undefined;
  /** Everybody, if this run has read them already, and what of that was refused. */
  readonly seen?: { readonly directory: Directory; readonly refused: readonly Refusal[] };
}

/** A tier's catalog as read, and by which reader. */
export interface TierRead extends CatalogRead {
  readonly reader: "rest" | "sql";
  /** A warehouse that can be asked about policies. */
  readonly sql: StatementOptions | undefined;
  /** Where there are policies, if a statement has told. */
  readonly places?: readonly PolicyPlace[] | undefined;
  readonly findings: readonly Finding[];
}

/** What was read: the catalog by itself, and with it the whole estate. */
interface EstateRead {
  readonly read: TierRead;
  readonly directory: Directory;
  readonly estate: Estate;
  /** Of the catalog's storage: what was listed and holds none of its addresses. */
  readonly elsewhere: StorageRead["elsewhere"];
}

/** Reads it. What is refused is noted; throws FourTierError where the service fails, or the warehouse that was asked for. */
export async function readEstate(
  workspace: Workspace,
  contract: Contract,
  catalog: string,
  me: Identity,
  notes: Notes,
  options: EstateOptions,
): Promise<EstateRead> {
  const { seen, progress } = options;
  const [read, directory] = await together([
    readTier(workspace, catalog, me, options),
    seen?.directory ?? readWholeDirectory(workspace, notes, namedPrincipals(contract), progress),
  ]);
  const [storage, policies] = await together([
    readStorage(
      { workspace, notes, counts: read.counts, progress },
      addressesOf(read.securables),
      metastoreRootOf(read),
    ),
    policiesOf(workspace, read, notes, owns(me, read.catalog?.owner), progress),
  ]);
  const estate = estateOf(catalog, read, directory, { ...storage, policies });
  return { read, directory, estate, elsewhere: storage.elsewhere };
}

async function readTier(workspace: Workspace, name: string, me: Identity, options: EstateOptions): Promise<TierRead> {
  const { sql, progress } = options;
  const shared = { workspaceId: me.workspaceId, progress };
  const catalog = await seenCatalog(workspace, name);
  const rest = async (findings: readonly Finding[], usable?: StatementOptions): Promise<TierRead> => ({
    ...(await readCatalog(workspace, name, { ...shared, catalog })),
    reader: "rest",
    sql: usable,
    findings,
  });
  if (sql === undefined || options.reader === "rest") return rest([]);
  const metastore = options.reader === "auto" ? await metastoreOf(workspace) : undefined;
  if (options.reader === "auto" && !owns(me, catalog?.owner, metastore?.owner)) return rest([], sql);
  try {
    let places: readonly PolicyPlace[] | undefined;
    const contents = sqlContents(sql, (told) => {
      places = told;
    });
    const read = await readCatalog(workspace, name, { ...shared, catalog, metastore, contents });
    // Without the preview a second statement about policies would fail, too.
    return { ...read, reader: "sql", sql: undefined, places, findings: [] };
  } catch (error) {
    const unusable = error instanceof WarehouseUnusable || error instanceof StatementFailed;
    if (options.reader === "sql" || !unusable) throw error;
    return rest(error.findings.map((finding) => ({ ...finding, severity: "notice" })));
  }
}

/** Undefined if it is not shown; `readCatalog` then asks again, and notes why. */
async function seenCatalog(workspace: Workspace, name: string): Promise<Catalog | undefined> {
  try {
    return await getCatalog(workspace, name);
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** As far as the asker's direct groups tell: only to choose a reader. */
function owns(me: Identity, ...owners: readonly (string | undefined)[]): boolean {
  const names = new Set([me.userName, ...me.groups].map(keyOf));
  return owners.some((owner) => owner !== undefined && names.has(keyOf(owner)));
}

async function policiesOf(
  workspace: Workspace,
  read: TierRead,
  notes: Notes,
  ownsIt: boolean,
  progress: Progress = () => {},
): Promise<readonly Policy[]> {
  const { catalog } = read;
  if (catalog === undefined) return [];
  const { sql, places } = read;
  return readPolicies({ workspace, catalog, notes, progress }, read.securables, { sql, places, shownAll: ownsIt });
}

/** The contract's ids of the tiers' principals, for members that this workspace shows by name only. */
export function namedPrincipals(contract: Contract): { readonly name: string; readonly key: string }[] {
  return Object.values(contract.tiers).flatMap(({ servicePrincipal: name, clientId }) =>
    clientId === undefined ? [] : [{ name, key: clientId }],
  );
}

/** The metastore's own storage, if managed data of the catalog is kept there. */
export function metastoreRootOf({ catalog, metastore }: CatalogRead): string | undefined {
  return catalog === undefined || catalog.storageRoot !== undefined ? undefined : metastore?.storageRoot;
}

function addressesOf(securables: readonly Securable[]): string[] {
  return securables.flatMap(({ storage }) => storage ?? []);
}
