/**
 * Reads one catalog: what it is, what is in it, and who holds what. What it is comes through REST; what is in it by one of
 * two readers (`restContents`, `sqlContents`) that give the same (facts: unity-catalog 1.1, 1.4, 1.5, 2).
 */
import {
  type Binding,
  type Catalog,
  getBindings,
  getCatalog,
  getMetastoreSummary,
  type MetastoreSummary,
} from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { together } from "../http/pool.ts";
import { type Bindings, type Estate, type Securable, securableKey } from "./model.ts";
import { Notes, type Refusal, shown } from "./notes.ts";
import type { Directory } from "./principals.ts";
import { restContents } from "./read-rest.ts";

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
  /** The metastore; undefined if it would not say. One without an owner has no admin. */
  readonly metastore: MetastoreSummary | undefined;
  readonly counts: Counts;
  readonly refused: readonly Refusal[];
  /** True if only the catalog itself was read, since nothing else was wanted. */
  readonly alone: boolean;
}

/** What this run has read of the catalog already, and need not ask again. */
interface CatalogSeen {
  readonly catalog?: Catalog | undefined;
  readonly bindings?: readonly Binding[] | undefined;
}

/** `read` of `known` things are done; of a list that has no known end, undefined. */
export type Progress = (what: string, read: number, known: number | undefined) => void;

/** How a catalog is read. */
export interface ReadOptions extends CatalogSeen {
  /** The workspace that is asked; a catalog that is not bound to it shows nothing (facts: unity-catalog 1.5). */
  readonly workspaceId?: string | undefined;
  readonly progress?: Progress | undefined;
  /** The metastore's summary, if it is known already. */
  readonly metastore?: MetastoreSummary | undefined;
  /** Default: through REST. */
  readonly contents?: Contents | undefined;
  /**
   * Whether what is in the catalog is read at all; default: yes. Listing begins without waiting for it, since who asks
   * may not know yet.
   */
  readonly within?: Promise<boolean> | undefined;
}

/** What a reader is given to work with. */
export interface Reading {
  readonly workspace: Workspace;
  readonly catalog: Catalog;
  readonly counts: Counts;
  readonly notes: Notes;
  readonly progress: Progress;
  /** False: only the catalog itself is wanted. */
  readonly within: Promise<boolean>;
}

/** Reads the catalog's own grants and everything below it. The interface of the two readers. */
export type Contents = (reading: Reading) => Promise<Securable[]>;

/** Reads a catalog. Refusals are notes, every other failure of the service is thrown (ApiError). */
export async function readCatalog(workspace: Workspace, name: string, options: ReadOptions = {}): Promise<CatalogRead> {
  const notes = new Notes();
  const counts: Counts = { schemas: 0, tables: 0, volumes: 0, functions: 0, models: 0, grantLists: 0, grants: 0 };
  const catalog =
    options.catalog ??
    (await notes.attempt(`catalog ${name}`, `USE_CATALOG on catalog ${name}`, () => getCatalog(workspace, name)));
  const refused = notes.refused;
  if (catalog === undefined) {
    const metastore = await metastoreOf(workspace, options.metastore);
    return { catalog, securables: [], bindings: undefined, metastore, counts, refused, alone: false };
  }
  const contents = options.contents ?? restContents;
  const progress = options.progress ?? (() => {});
  const within = options.within ?? Promise.resolve(true);
  const [metastore, bindings, securables, wanted] = await together([
    metastoreOf(workspace, options.metastore),
    bindingsOf(workspace, catalog, notes, options.bindings),
    contents({ workspace, catalog, counts, notes, progress, within }),
    within,
  ]);
  const { workspaceId } = options;
  if (
    workspaceId !== undefined &&
    bindings?.isolated === true &&
    !bindings.workspaces.some((one) => one.id === workspaceId)
  ) {
    notes.miss(
      `what is in catalog ${catalog.name}`,
      `it is not bound to workspace ${workspaceId}, and Unity Catalog shows nothing of it from there`,
      `a workspace that catalog ${catalog.name} is bound to`,
    );
  }
  return { catalog, securables, bindings, metastore, counts, refused, alone: !wanted };
}

async function bindingsOf(
  workspace: Workspace,
  catalog: Catalog,
  notes: Notes,
  seen: CatalogSeen["bindings"],
): Promise<Bindings | undefined> {
  const needs = `ownership of catalog ${catalog.name}, or MANAGE and USE_CATALOG on it`;
  if (catalog.isolationMode === undefined) {
    notes.miss(`the isolation mode of catalog ${catalog.name}`, "it was left out", needs);
    return undefined;
  }
  if (catalog.isolationMode !== "ISOLATED") return { isolated: false, workspaces: [] };
  const found =
    seen ??
    (await notes.attempt(`the workspace bindings of catalog ${catalog.name}`, needs, () =>
      getBindings(workspace, "catalog", catalog.name),
    ));
  return found === undefined ? undefined : toBindings(found);
}

/** Bindings of what is isolated. */
export function toBindings(found: readonly Binding[]): Bindings {
  return {
    isolated: true,
    workspaces: found.map((binding) => ({
      id: binding.workspaceId,
      readOnly: binding.type === "BINDING_TYPE_READ_ONLY",
    })),
  };
}

/** Outside the tier proof's scope: a refusal is no finding, only something the certificate does not claim. */
export async function metastoreOf(
  workspace: Workspace,
  seen?: MetastoreSummary,
): Promise<MetastoreSummary | undefined> {
  return seen ?? shown(() => getMetastoreSummary(workspace), undefined);
}

/** What was read as one estate; `beside` is what an auditor reads of what the catalog hangs on. */
export function estateOf(
  catalog: string,
  read: CatalogRead,
  directory: Directory,
  beside: Pick<Estate, "policies"> & {
    readonly securables: readonly Securable[];
    readonly bindings: Iterable<readonly [string, Bindings]>;
  } = { securables: [], bindings: [], policies: [] },
): Estate {
  const own =
    read.bindings === undefined ? [] : [[securableKey({ type: "catalog", name: catalog }), read.bindings] as const];
  const securables = [...read.securables, ...beside.securables];
  return {
    ...directory,
    securables: new Map(securables.map((securable) => [securableKey(securable), securable])),
    metastoreOwner: read.metastore?.owner,
    externalAccess: read.metastore?.externalAccess,
    bindings: new Map([...own, ...beside.bindings]),
    policies: beside.policies,
  };
}
