/**
 * The estate proof: everything that decides who can read and write one tier's catalog, read by an audit principal that
 * runs no user code: the catalog, its storage, GRANT policies, and everybody the workspace knows. Read → close → judge →
 * certify. It writes nothing (design 8).
 */
import type { Contract, Tier } from "./contract/model.ts";
import { whoAmI } from "./databricks/identity.ts";
import { sparing, type Workspace } from "./databricks/workspace.ts";
import {
  type Authority,
  authorityLacking,
  authorityOf,
  catalogUnseen,
  certificateOf,
  frameOf,
  noPrincipal,
  OUTSIDE_ALWAYS,
  type Proof,
  unseenFindings,
} from "./grants/certify.ts";
import { type Expectation, sandboxesOf, type TierPrincipal } from "./grants/expect.ts";
import { type Estate, keyOf } from "./grants/model.ts";
import { resolveGrants } from "./grants/named.ts";
import { Notes } from "./grants/notes.ts";
import { pathsInto } from "./grants/paths.ts";
import { checkPolicy } from "./grants/policy.ts";
import { peopleIn, resolveTierPrincipals } from "./grants/principals.ts";
import type { CatalogRead } from "./grants/read.ts";
import { type EstateOptions, metastoreRootOf, readEstate, type TierRead } from "./grants/read-estate.ts";
import { READS } from "./grants/read-rest.ts";
import { SQL_BLIND } from "./grants/read-sql.ts";
import { judge } from "./grants/rules.ts";

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
  const { read, directory, estate, elsewhere } = await readEstate(
    workspace,
    contract,
    tier.catalog,
    me,
    notes,
    options,
  );

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
    storageElsewhere: elsewhere,
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
    certificate: certificateOf(
      { kind: "estate", tier, me, authority, now },
      { reader: read.reader, seen: seenOf(read, estate), refused, outside: outsideOf(read) },
    ),
  };
}

/** The tiers' principals by their names, those of other workspaces as well: a finding speaks of `ml-pipelines-dev (1111…)`. */
function withNames(estate: Estate, tiers: readonly TierPrincipal[]): Estate {
  const known = tiers
    .filter(({ resolved }) => resolved)
    .map(({ key, name }) => [keyOf(key), { kind: "service-principal", name: key, displayName: name }] as const);
  return { ...estate, principals: new Map([...known, ...estate.principals]) };
}

const NO_ADMIN =
  "A metastore admin: the metastore's summary names none. An account admin can make one at any time, and the next proof names it.";

/** What this proof says nothing about. */
function outsideOf(read: TierRead): string[] {
  return [
    "Other tiers' catalogs: their own proofs show them.",
    "Delta shares, and GRANT policies that are attached to the metastore itself.",
    ...OUTSIDE_ALWAYS,
    ...ownStorageOf(read),
    ...(read.metastore !== undefined && read.metastore.owner === undefined ? [NO_ADMIN] : []),
    ...(read.reader === "sql" ? SQL_BLIND : []),
  ];
}

/** Nobody can be granted the metastore's own credential; what is known of it is that the catalog hangs on it. */
function ownStorageOf(read: CatalogRead): string[] {
  if (read.catalog === undefined || read.catalog.storageRoot !== undefined) return [];
  const where = metastoreRootOf(read);
  return [
    `The metastore's own storage${where === undefined ? "" : ` (${where})`}, where ${read.catalog.name} keeps managed data: its credential is the metastore's, which no list of grants shows. Give the catalog storage of its own, and this proof speaks of that.`,
  ];
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
