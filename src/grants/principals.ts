/** Who the names in grants are: groups with their members, service principals, and the principals the contract names. */
import { type Contract, TIERS, type TierName } from "../contract/model.ts";
import { collect } from "../databricks/parse.ts";
import { findServicePrincipals, findUser, listGroups } from "../databricks/scim.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import type { TierPrincipal } from "./expect.ts";
import { ACCOUNT_USERS, type Group, isApplicationId, keyOf, type Principal, type Securable } from "./model.ts";
import { shown } from "./notes.ts";
import { GroupReader } from "./read-groups.ts";
import { READS } from "./read-rest.ts";

/** Everybody who is met in an estate. */
export interface Directory {
  /** By key, as in an estate. */
  readonly groups: ReadonlyMap<string, Group>;
  readonly localGroups: ReadonlyMap<string, Group>;
  readonly principals: ReadonlyMap<string, Principal>;
}

/** Whom the names of a contract can mean. */
export interface People {
  /** Application ids of service principals of a display name. */
  bots(displayName: string): Promise<readonly string[]>;
  /** The application id as the workspace writes it. */
  bot(applicationId: string): Promise<string | undefined>;
  /** The user name as the workspace writes it. */
  user(userName: string): Promise<string | undefined>;
  /** Groups of a name; those that are local to the workspace are marked. */
  groups(displayName: string): Promise<readonly { readonly name: string; readonly local: boolean }[]>;
}

/** Asks the workspace about each name. */
export function peopleOf(workspace: Workspace): People {
  return {
    bots: async (displayName) =>
      (await findServicePrincipals(workspace, { displayName })).map((one) => one.applicationId),
    bot: async (applicationId) => (await findServicePrincipals(workspace, { applicationId }))[0]?.applicationId,
    user: async (userName) => (await findUser(workspace, userName))?.userName,
    groups: async (displayName) => {
      const found = await collect(listGroups(workspace, { displayName }));
      return found.map((group) => ({ name: group.displayName, local: group.kind === "workspace" }));
    },
  };
}

/** Looks names up in a directory that was read whole. */
export function peopleIn(directory: Directory): People {
  const all = [...directory.principals.values()];
  const named = (kind: Principal["kind"], name: string): string | undefined =>
    all.find((one) => one.kind === kind && keyOf(one.name) === keyOf(name))?.name;
  return {
    bots: async (name) =>
      all
        .filter((one) => one.kind === "service-principal" && keyOf(one.displayName) === keyOf(name))
        .map((one) => one.name),
    bot: async (name) => named("service-principal", name),
    user: async (name) => named("user", name),
    groups: async (name) =>
      [directory.groups, directory.localGroups].flatMap((groups, index) => {
        const group = groups.get(keyOf(name));
        return group === undefined ? [] : [{ name: group.name, local: index === 1 }];
      }),
  };
}

/**
 * The tiers' principals: by the contract's `client_id`, else by display name as this workspace knows it. One that is not
 * assigned to this workspace stays unresolved; a name that two carry is a finding. Who asks is known by his own word.
 */
export async function resolveTierPrincipals(
  people: Pick<People, "bots">,
  contract: Contract,
  caller: { readonly tier: TierName; readonly name: string; readonly applicationId: string },
): Promise<{ principals: TierPrincipal[]; findings: Finding[] }> {
  const findings: Finding[] = [];
  const tiers = TIERS.filter((tier) => tier !== "sandbox" || contract.tiers.sandbox.hasPrincipal);
  const principals = await mapBounded(tiers, READS, async (tier): Promise<TierPrincipal> => {
    const { servicePrincipal: name, clientId } = contract.tiers[tier];
    const isCaller = tier === caller.tier && name === caller.name;
    const known = clientId ?? (isCaller ? caller.applicationId : undefined);
    if (known !== undefined) return { tier, name, key: known, resolved: true };
    const found = await people.bots(name);
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) return { tier, name, key: only, resolved: true };
    if (others.length > 0) {
      findings.push({
        id: "grants/principal-ambiguous",
        severity: "error",
        where: contract.at(["tiers", tier, "service_principal"]),
        message: `${found.length} service principals are called ${name}: ${found.join(", ")}.`,
        remedy: `Say which one is ${tier}'s: tiers.${tier}.client_id.`,
      });
    }
    return { tier, name, key: name, resolved: false };
  });
  return { principals, findings };
}

/**
 * Looks up everybody who holds something in the estate: groups with what is nested in them, service principals, users. A
 * name says by its shape what it is most likely, never what it is: a group can be called like an e-mail address. Whom
 * nobody lists is in neither map.
 */
export async function readDirectory(
  workspace: Workspace,
  securables: readonly Securable[],
  metastoreOwner: string | undefined,
  principals: readonly TierPrincipal[],
): Promise<Directory> {
  const holders = new Map<string, string>();
  const meet = (name: string | undefined): void => {
    if (name !== undefined && keyOf(name) !== ACCOUNT_USERS) holders.set(keyOf(name), name);
  };
  for (const securable of securables) {
    meet(securable.owner);
    for (const grant of securable.grants) meet(grant.principal);
  }
  meet(metastoreOwner);
  const all = [...holders.values()];
  const known = new Map<string, Principal>();
  const bot = (applicationId: string, displayName: string): void => {
    known.set(keyOf(applicationId), { kind: "service-principal", name: applicationId, displayName });
  };
  for (const principal of principals) if (principal.resolved) bot(principal.key, principal.name);
  const reader = new GroupReader(workspace, principals, (principal) => known.set(keyOf(principal.name), principal));
  await mapBounded(all, READS, async (name) => {
    if (known.has(keyOf(name))) return;
    if (isApplicationId(name)) {
      const [found] = await shown(() => findServicePrincipals(workspace, { applicationId: name }), []);
      if (found !== undefined) return bot(found.applicationId, found.displayName);
    }
    if (name.includes("@")) {
      const user = await shown(() => findUser(workspace, name), undefined);
      if (user !== undefined) known.set(keyOf(user.userName), { ...user, kind: "user", name: user.userName });
    }
    await reader.readByName(name);
  });
  return { groups: reader.groups, localGroups: new Map(), principals: known };
}
