/**
 * The tier proof: who can read and write what in one tier's catalog, shown with what the tier's own principal may see.
 * Read → close → judge → certify. It writes nothing. What lies outside its scope is named in its certificate; the proofs
 * of all tiers together give the whole matrix (design 8).
 */
import type { Contract, Tier, TierName } from "./contract/model.ts";
import { TIERS } from "./contract/model.ts";
import { type Identity, whoAmI } from "./databricks/identity.ts";
import { getEffectiveGrants, listCatalogs } from "./databricks/unity.ts";
import { sparing, type Workspace } from "./databricks/workspace.ts";
import type { Finding } from "./findings.ts";
import {
  authorityLacking,
  authorityOf,
  catalogUnseen,
  frameOf,
  noPrincipal,
  OUTSIDE_ALWAYS,
  type Proof,
  type ReaderUsed,
  unseenFindings,
} from "./grants/certify.ts";
import { type Expectation, mayHold, sandboxesOf, type TierPrincipal } from "./grants/expect.ts";
import type { Cell } from "./grants/matrix.ts";
import { ACCOUNT_USERS, type Estate, isApplicationId, keyOf, securableKey } from "./grants/model.ts";
import { resolveGrants } from "./grants/named.ts";
import { answerOf, isRefusal, type Refusal } from "./grants/notes.ts";
import { pathsInto } from "./grants/paths.ts";
import { checkPolicy } from "./grants/policy.ts";
import { type Directory, peopleOf, readDirectory, resolveTierPrincipals } from "./grants/principals.ts";
import { ALL_PRIVILEGES, effectOf } from "./grants/privileges.ts";
import { type CatalogRead, type ReadOptions, readCatalog } from "./grants/read.ts";
import { READS } from "./grants/read-rest.ts";
import { judge } from "./grants/rules.ts";
import { inWords, said } from "./grants/witness.ts";
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
    certificate: {
      kind: "tier",
      reader: seen.reader ?? "rest",
      tier: tier.name,
      catalog: tier.catalog,
      principal: { name: me.displayName, applicationId: me.userName },
      authority: authority.text,
      workspaceId: me.workspaceId,
      at: now.toISOString(),
      seen: { ...read.counts, groups: directory.groups.size, servicePrincipals: directory.principals.size },
      refused: [...read.refused, ...elsewhere.refused],
      outside: [
        ...(read.alone ? [`What is in catalog ${tier.catalog}: only the catalog itself was asked about.`] : []),
        ...outsideOf(estate, expected, elsewhere.visible, read.metastore !== undefined),
      ],
    },
  };
}

function estateOf(catalog: string, read: CatalogRead, directory: Directory): Estate {
  return {
    ...directory,
    securables: new Map(read.securables.map((securable) => [securableKey(securable), securable])),
    metastoreOwner: read.metastore?.owner,
    externalAccess: read.metastore?.externalAccess,
    bindings: new Map(
      read.bindings === undefined ? [] : [[securableKey({ type: "catalog", name: catalog }), read.bindings]],
    ),
    policies: [],
  };
}

interface Elsewhere {
  readonly findings: Finding[];
  readonly cells: Cell[];
  /** Other tiers' catalogs that this principal sees. */
  readonly visible: readonly string[];
  readonly refused: readonly Refusal[];
}

/** What the own principal holds on other tiers' catalogs, as far as it sees them at all; only the catalog's own level. */
async function seenElsewhere(
  workspace: Workspace,
  contract: Contract,
  own: TierPrincipal,
  me: Identity,
): Promise<Elsewhere> {
  const others = TIERS.filter((tier) => tier !== own.tier && tier !== "sandbox");
  const tierOf = new Map(others.map((tier) => [keyOf(contract.tiers[tier].catalog), tier]));
  const result = { findings: [] as Finding[], cells: [] as Cell[], visible: [] as string[], refused: [] as Refusal[] };
  if (keyOf(own.key) !== keyOf(me.userName)) return result; // A reader's view tells nothing of the tier's principal.
  for await (const catalog of listCatalogs(workspace)) {
    const tier = tierOf.get(keyOf(catalog.name));
    if (tier === undefined || catalog.browseOnly) continue;
    result.visible.push(catalog.name);
    const owns = catalog.owner !== undefined && keyOf(catalog.owner) === keyOf(me.userName);
    const held = await privilegesOn(workspace, catalog.name, me.userName);
    if (!held.shown) {
      result.refused.push({
        what: `what ${own.name} holds on catalog ${catalog.name}`,
        answer: held.answer,
        needs: `nothing on catalog ${catalog.name}, or a look at its own rights there`,
      });
      result.findings.push(unseenElsewhere(own, tier, catalog.name, held.answer));
      result.cells.push({ tier, catalog: catalog.name, principal: own, reach: "unknown", verdict: "unknown" });
      continue;
    }
    const wrong = held.privileges.filter(
      (privilege) => !mayHold(own.tier, tier, { type: "catalog", name: catalog.name }, privilege),
    );
    if (owns || wrong.length > 0) {
      result.findings.push({
        id: "grants/cross-tier",
        severity: "error",
        where: { kind: "securable", type: "catalog", name: catalog.name },
        message: `${own.name} (${me.userName}) ${owns ? "owns" : `has ${said(wrong)} on`} catalog ${catalog.name}, which is ${tier}'s.`,
        why: `The principal of ${own.tier} must be able to do nothing in ${catalog.name}.`,
        remedy: owns
          ? `Give catalog ${catalog.name} to ${tier}'s principal.`
          : `Revoke ${said(wrong)} on catalog ${catalog.name} from ${own.name} and its groups.`,
      });
    }
    const effects = held.privileges.map((privilege) => (privilege === ALL_PRIVILEGES ? "write" : effectOf(privilege)));
    const most = (["control", "write", "read"] as const).find((effect) => effects.includes(effect)) ?? "look";
    result.cells.push({
      tier,
      catalog: catalog.name,
      principal: own,
      reach: owns ? "owns" : most,
      verdict: owns || wrong.length > 0 ? "fail" : "pass",
    });
  }
  return result;
}

/** What a principal holds on a catalog by itself and its groups; a refusal is not the same as nothing. */
async function privilegesOn(
  workspace: Workspace,
  catalog: string,
  principal: string,
): Promise<
  { readonly shown: true; readonly privileges: readonly string[] } | { readonly shown: false; readonly answer: string }
> {
  try {
    const found = await getEffectiveGrants(workspace, "catalog", catalog, { principal });
    if (found === undefined) return { shown: false, answer: "listed, and then not found" };
    const privileges = found.flatMap((entry) => entry.privileges.map(({ privilege }) => privilege));
    return { shown: true, privileges: [...new Set(privileges)].sort() };
  } catch (error) {
    if (isRefusal(error)) return { shown: false, answer: answerOf(error) };
    throw error;
  }
}

function unseenElsewhere(own: TierPrincipal, tier: TierName, catalog: string, answer: string): Finding {
  return {
    id: "grants/unseen",
    severity: "unknown",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `${own.name} sees catalog ${catalog}, which is ${tier}'s, and what it may do there was not shown (${answer}).`,
    why: "Who sees a catalog holds something on it, and nobody looked what.",
    remedy: `Revoke what ${own.name} and its groups hold on catalog ${catalog}; a principal that holds nothing there does not see it.`,
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
