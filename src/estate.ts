/**
 * The estate proof: everything that decides who can read and write one tier's catalog, read by an audit principal that
 * runs no user code: the catalog, its storage, GRANT policies, and everybody the workspace knows. Read → close → judge →
 * certify. It writes nothing (design 8).
 */
import type { Contract, Tier } from "./contract/model.ts";
import { type Identity, whoAmI } from "./databricks/identity.ts";
import { StatementFailed, type StatementOptions, WarehouseUnusable } from "./databricks/statements.ts";
import { type Catalog, getCatalog } from "./databricks/unity.ts";
import { sparing, type Workspace } from "./databricks/workspace.ts";
import type { Finding } from "./findings.ts";
import {
  type Authority,
  authorityLacking,
  authorityOf,
  catalogUnseen,
  frameOf,
  noPrincipal,
  OUTSIDE_ALWAYS,
  type Proof,
  unseenFindings,
} from "./grants/certify.ts";
import { readWholeDirectory } from "./grants/directory.ts";
import { type Expectation, sandboxesOf, type TierPrincipal } from "./grants/expect.ts";
import { type Estate, keyOf, type Policy, type Securable, securableKey } from "./grants/model.ts";
import { resolveGrants } from "./grants/named.ts";
import { isRefusal, Notes, type Refusal } from "./grants/notes.ts";
import { pathsInto } from "./grants/paths.ts";
import { checkPolicy } from "./grants/policy.ts";
import { type Directory, peopleIn, resolveTierPrincipals } from "./grants/principals.ts";
import { type CatalogRead, metastoreOf, type Progress, readCatalog } from "./grants/read.ts";
import { readPolicies } from "./grants/read-policies.ts";
import { READS } from "./grants/read-rest.ts";
import { type PolicyPlace, SQL_BLIND, sqlContents } from "./grants/read-sql.ts";
import { readStorage, type StorageRead } from "./grants/read-storage.ts";
import { judge } from "./grants/rules.ts";
import { together } from "./http/pool.ts";

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

/** An estate proof, with the estate that was read. */
export interface EstateProof extends Proof {
  readonly estate: Estate;
}

/**
 * Proves the grants of one tier with everything that reaches it. `now` dates the certificate. Throws FourTierError where
 * the service fails, and WarehouseUnusable where `sql` was asked for and its warehouse cannot be used.
 */
export async function estateProof(
  connection: Workspace,
  contract: Contract,
  tier: Tier,
  now: Date,
  options: EstateOptions,
): Promise<EstateProof> {
  const workspace = sparing(connection, READS);
  const me = options.identity ?? (await whoAmI(workspace));
  const notes = new Notes();
  notes.refused.push(...(options.seen?.refused ?? []));
  const [read, directory] = await together([
    readTier(workspace, tier.catalog, me, options),
    options.seen?.directory ?? readWholeDirectory(workspace, notes, namedPrincipals(contract), options.progress),
  ]);
  const [storage, policies] = await together([
    readStorage(
      { workspace, notes, counts: read.counts, progress: options.progress },
      addressesOf(read.securables),
      metastoreRootOf(read),
    ),
    policiesOf(workspace, read, notes, owns(me, read.catalog?.owner), options.progress),
  ]);
  const estate = estateOf(tier.catalog, read, directory, storage, policies);

  const people = peopleIn(directory);
  const caller = { tier: tier.name, name: me.displayName, applicationId: me.userName };
  const { principals, findings: ambiguous } = await resolveTierPrincipals(people, contract, caller);
  // A sandbox without a principal of its own is dev's principal's, which owns it.
  const owner = tier.name === "sandbox" && !tier.hasPrincipal ? "dev" : tier.name;
  const own = principals.find((principal) => principal.tier === owner);
  if (own === undefined) throw noPrincipal(tier);
  const named = await resolveGrants(people, contract, tier.catalog, principals, read.securables, now);
  const expected: Expectation = {
    tier: tier.name,
    catalog: tier.catalog,
    workspaceId: tier.workspaceId ?? me.workspaceId,
    own,
    principals,
    grants: named.grants,
    wholeEstate: true,
    storageElsewhere: storage.elsewhere,
    ...sandboxesOf(contract, tier),
  };
  const judged =
    read.catalog === undefined ? { findings: [], cells: [] } : judge(withNames(estate, principals), expected);
  const authority = authorityOf(estate, tier.catalog, me);
  noteHoles(notes, tier.catalog, read, authority);
  const refused = [...read.refused, ...notes.refused];
  return {
    estate,
    findings: [
      ...read.findings,
      ...checkPolicy(contract, now),
      ...ambiguous,
      ...named.findings,
      ...(read.catalog === undefined ? [catalogUnseen("estate", tier, me, read.refused.length > 0)] : []),
      ...judged.findings,
      ...(authority.complete || read.catalog === undefined ? [] : [authorityLacking("estate", tier, me)]),
      ...unseenFindings(tier.catalog, me, refused),
    ],
    cells: judged.cells,
    frame: frameOf(contract, tier),
    paths: read.catalog === undefined ? [] : pathsInto(withNames(estate, principals), tier.catalog),
    certificate: {
      kind: "estate",
      reader: read.reader,
      tier: tier.name,
      catalog: tier.catalog,
      principal: { name: me.displayName, applicationId: me.userName },
      authority: authority.text,
      workspaceId: me.workspaceId,
      at: now.toISOString(),
      seen: seenOf(read, estate),
      refused,
      outside: [
        "Other tiers' catalogs: their own proofs show them.",
        "Delta shares, and GRANT policies that are attached to the metastore itself.",
        ...OUTSIDE_ALWAYS,
        ...ownStorageOf(read),
        ...(read.metastore !== undefined && read.metastore.owner === undefined ? [NO_ADMIN] : []),
        ...(read.reader === "sql" ? SQL_BLIND : []),
      ],
    },
  };
}

interface TierRead extends CatalogRead {
  readonly reader: "rest" | "sql";
  /** A warehouse that can be asked about policies. */
  readonly sql: StatementOptions | undefined;
  /** Where there are policies, if a statement has told. */
  readonly places?: readonly PolicyPlace[] | undefined;
  readonly findings: readonly Finding[];
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

/** The tiers' principals by their names, those of other workspaces as well: a finding speaks of `ml-pipelines-dev (1111…)`. */
function withNames(estate: Estate, tiers: readonly TierPrincipal[]): Estate {
  const known = tiers
    .filter(({ resolved }) => resolved)
    .map(({ key, name }) => [keyOf(key), { kind: "service-principal", name: key, displayName: name }] as const);
  return { ...estate, principals: new Map([...known, ...estate.principals]) };
}

/** The contract's ids of the tiers' principals, for members that this workspace shows by name only. */
export function namedPrincipals(contract: Contract): { readonly name: string; readonly key: string }[] {
  return Object.values(contract.tiers).flatMap(({ servicePrincipal: name, clientId }) =>
    clientId === undefined ? [] : [{ name, key: clientId }],
  );
}

/** The metastore's own storage, if managed data of the catalog is kept there. */
function metastoreRootOf({ catalog, metastore }: CatalogRead): string | undefined {
  return catalog === undefined || catalog.storageRoot !== undefined ? undefined : metastore?.storageRoot;
}

const NO_ADMIN =
  "A metastore admin: the metastore's summary names none. An account admin can make one at any time, and the next proof names it.";

/** Nobody can be granted the metastore's own credential; what is known of it is that the catalog hangs on it. */
function ownStorageOf(read: CatalogRead): string[] {
  if (read.catalog === undefined || read.catalog.storageRoot !== undefined) return [];
  const where = metastoreRootOf(read);
  return [
    `The metastore's own storage${where === undefined ? "" : ` (${where})`}, where ${read.catalog.name} keeps managed data: its credential is the metastore's, which no list of grants shows. Give the catalog storage of its own, and this proof speaks of that.`,
  ];
}

function addressesOf(securables: readonly Securable[]): string[] {
  return securables.flatMap(({ storage }) => storage ?? []);
}

function estateOf(
  catalog: string,
  read: CatalogRead,
  directory: Directory,
  storage: StorageRead,
  policies: readonly Policy[],
): Estate {
  const all = [...read.securables, ...storage.securables];
  const own =
    read.bindings === undefined ? [] : [[securableKey({ type: "catalog", name: catalog }), read.bindings] as const];
  return {
    ...directory,
    securables: new Map(all.map((securable) => [securableKey(securable), securable])),
    metastoreOwner: read.metastore?.owner,
    externalAccess: read.metastore?.externalAccess,
    bindings: new Map([...own, ...storage.bindings]),
    policies,
  };
}

/** What nobody refused in so many words, and was not shown all the same (facts: unity-catalog 1.6, 2). */
function noteHoles(notes: Notes, catalog: string, read: TierRead, authority: Authority): void {
  if (read.catalog !== undefined && read.reader === "sql" && !authority.owns) {
    notes.miss(
      `what others hold in catalog ${catalog}`,
      "information_schema shows all grants to owners only, and to a holder of MANAGE its own",
      `ownership of catalog ${catalog}, or use \`reader: rest\``,
    );
  }
  if (read.metastore === undefined)
    notes.miss("the owner of the metastore", "the metastore's summary was not shown", "access to this workspace");
}

function seenOf(read: CatalogRead, estate: Estate): Proof["certificate"]["seen"] {
  const people = [...estate.principals.values()];
  const storage = [...estate.securables.values()].map((securable) => securable.type);
  return {
    ...read.counts,
    groups: estate.groups.size + estate.localGroups.size,
    servicePrincipals: people.filter((one) => one.kind === "service-principal").length,
    users: people.filter((one) => one.kind === "user").length,
    locations: storage.filter((type) => type === "external_location").length,
    credentials: storage.filter((type) => type === "storage_credential").length,
    policies: estate.policies.length,
  };
}
