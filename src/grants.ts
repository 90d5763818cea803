/**
 * The tier proof: who can read and write what in one tier's catalog, shown with what the tier's own principal may see.
 * Read → close → judge → certify. It writes nothing. What lies outside its scope is named in its certificate; the proofs
 * of all tiers together give the whole matrix (design 8).
 */
import type { Contract, Tier } from "./contract/model.ts";
import { type Identity, whoAmI } from "./databricks/identity.ts";
import { sparing, type Workspace } from "./databricks/workspace.ts";
import {
  authorityLacking,
  authorityOf,
  catalogUnseen,
  certificateOf,
  frameOf,
  noPrincipal,
  OUTSIDE_ALWAYS,
  type Proof,
  type ReaderUsed,
  unseenFindings,
} from "./grants/certify.ts";
import { seenElsewhere } from "./grants/elsewhere.ts";
import { type Expectation, sandboxesOf } from "./grants/expect.ts";
import { ACCOUNT_USERS, type Estate, isApplicationId, keyOf } from "./grants/model.ts";
import { resolveGrants } from "./grants/named.ts";
import { pathsInto } from "./grants/paths.ts";
import { checkPolicy } from "./grants/policy.ts";
import { peopleOf, readDirectory, resolveTierPrincipals } from "./grants/principals.ts";
import { estateOf, type ReadOptions, readCatalog } from "./grants/read.ts";
import { READS } from "./grants/read-rest.ts";
import { judge } from "./grants/rules.ts";
import { inWords } from "./grants/witness.ts";
import { together } from "./http/pool.ts";

/** A tier proof, with what was read and what it was held against. */
export interface TierProof extends Proof {
  readonly estate: Estate;
  readonly expected: Expectation;
}

/**
 * Proves the grants of one tier as the tier's own principal, or as one that may see as much. `now` dates the certificate;
 * `seen` is what this run knows already: whose connection it is, and what proving the tier read of its catalog. Throws
 * FourTierError where the service fails (not where it refuses: that is `unknown`).
 */
export async function tierProof(
  connection: Workspace,
  contract: Contract,
  tier: Tier,
  now: Date,
  seen: Omit<ReadOptions, "workspaceId"> & ReaderUsed & { readonly identity?: Identity | undefined } = {},
): Promise<TierProof> {
  const workspace = sparing(connection, READS);
  const me = seen.identity ?? (await whoAmI(workspace));
  const caller = { tier: tier.name, name: me.displayName, applicationId: me.userName };
  const people = peopleOf(workspace);
  const resolving = resolveTierPrincipals(people, contract, caller).then((resolved) => {
    const own = resolved.principals.find((principal) => principal.tier === tier.name);
    if (own === undefined) throw noPrincipal(tier);
    return { ...resolved, own };
  });
  const [{ principals, own: ownPrincipal, findings: ambiguous }, read, elsewhere] = await together([
    resolving,
    readCatalog(workspace, tier.catalog, { ...seen, workspaceId: me.workspaceId }),
    resolving.then(({ own }) => seenElsewhere(workspace, contract, own, me)),
  ]);

  const [directory, named] = await together([
    readDirectory(workspace, read.securables, read.metastore?.owner, principals),
    resolveGrants(people, contract, tier.catalog, principals, read.securables, now),
  ]);
  const estate = estateOf(tier.catalog, read, directory);
  const expected: Expectation = {
    tier: tier.name,
    catalog: tier.catalog,
    workspaceId: tier.workspaceId ?? me.workspaceId,
    own: ownPrincipal,
    principals,
    grants: named.grants,
    ...sandboxesOf(contract, tier),
  };

  const all = read.catalog === undefined ? { findings: [], cells: [] } : judge(estate, expected);
  // Where only the catalog itself was read, nothing is said of what the contract names in it.
  const judged = read.alone
    ? { ...all, findings: all.findings.filter(({ id }) => id !== "grants/rule-unmatched") }
    : all;
  const authority = authorityOf(estate, tier.catalog, me);
  return {
    estate,
    expected,
    findings: [
      ...checkPolicy(contract, now),
      ...ambiguous,
      ...(read.alone ? [] : named.findings),
      ...(read.catalog === undefined ? [catalogUnseen("tier", tier, me, read.refused.length > 0)] : []),
      ...judged.findings,
      ...elsewhere.findings,
      ...(authority.complete || read.catalog === undefined ? [] : [authorityLacking("tier", tier, me)]),
      ...unseenFindings(tier.catalog, me, read.refused),
    ],
    cells: [...judged.cells, ...elsewhere.cells],
    frame: frameOf(contract, tier),
    paths: read.catalog === undefined ? [] : pathsInto(estate, tier.catalog),
    certificate: certificateOf(
      { kind: "tier", tier, me, authority, now },
      {
        reader: seen.reader ?? "rest",
        seen: { ...read.counts, groups: directory.groups.size, servicePrincipals: directory.principals.size },
        refused: [...read.refused, ...elsewhere.refused],
        outside: [
          ...(read.alone ? [`What is in catalog ${tier.catalog}: only the catalog itself was asked about.`] : []),
          ...outsideOf(estate, expected, elsewhere.visible, read.metastore !== undefined),
        ],
      },
    ),
  };
}

function outsideOf(
  estate: Estate,
  expected: Expectation,
  visible: readonly string[],
  metastoreShown: boolean,
): string[] {
  const unresolved = expected.principals.filter((principal) => !principal.resolved).map((principal) => principal.name);
  const admins = estate.metastoreOwner;
  const seenAdmins =
    admins === undefined
      ? metastoreShown
      : estate.groups.get(keyOf(admins))?.complete === true ||
        estate.principals.has(keyOf(admins)) ||
        isApplicationId(admins);
  return [
    `Other tiers' catalogs: their own proofs show them${visible.length === 0 ? "" : ` (of ${inWords(visible)}, only grants on the catalog itself were seen)`}.`,
    "External locations, storage credentials, Delta shares and ABAC GRANT policies: the estate proof shows them.",
    ...OUTSIDE_ALWAYS,
    ...(seenAdmins
      ? []
      : ["Members of the metastore's owner, who can change every grant: not shown to this principal."]),
    ...(unresolved.length === 0
      ? []
      : [
          `The application id of ${inWords(unresolved)}, not assigned to this workspace: judged by exclusion, since everybody who holds a right here is known (${ACCOUNT_USERS} included).`,
        ]),
  ];
}
