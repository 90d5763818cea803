/** Who the names in grants are: groups with their members, service principals, and the principals the contract names. */
import type { Contract, TierName } from "../contract/model.ts";
import { TIERS } from "../contract/model.ts";
import { collect } from "../databricks/parse.ts";
import { findServicePrincipals, findUser, getGroup, type Group as ScimGroup, listGroups } from "../databricks/scim.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import type { TierPrincipal } from "./expect.ts";
import { ACCOUNT_USERS, type Group, isApplicationId, keyOf, type Principal, type Securable } from "./model.ts";
import { isRefusal } from "./notes.ts";
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
  return {
    bots: async (name) =>
      all.filter((one) => one.kind === "service-principal" && one.displayName === name).map((one) => one.name),
    user: async (name) => all.find((one) => one.kind === "user" && keyOf(one.name) === keyOf(name))?.name,
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

/** Looks up every group that holds something in the estate, what is nested in it, and every service principal. */
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
  await mapBounded(
    all.filter((name) => isApplicationId(name) && !known.has(keyOf(name))),
    READS,
    async (applicationId) => {
      const [found] = await findServicePrincipals(workspace, { applicationId });
      if (found !== undefined) bot(found.applicationId, found.displayName);
    },
  );
  const reader = new GroupReader(workspace, bot, principals);
  await mapBounded(
    all.filter((name) => !isApplicationId(name) && !name.includes("@")),
    READS,
    (name) => reader.readByName(name),
  );
  return { groups: reader.groups, localGroups: new Map(), principals: known };
}

class GroupReader {
  readonly groups = new Map<string, Group>();
  readonly #seen = new Set<string>();
  readonly #workspace: Workspace;
  readonly #met: (applicationId: string, displayName: string) => void;
  readonly #principals: readonly TierPrincipal[];

  constructor(
    workspace: Workspace,
    met: (applicationId: string, displayName: string) => void,
    principals: readonly TierPrincipal[],
  ) {
    this.#workspace = workspace;
    this.#met = met;
    this.#principals = principals;
  }

  async readByName(name: string): Promise<void> {
    const found: ScimGroup[] = [];
    try {
      for await (const group of listGroups(this.#workspace, { displayName: name })) {
        // Unity Catalog knows account groups only (facts: unity-catalog 1.7).
        if (group.kind !== "workspace") found.push(group);
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    if (found.length === 0) this.#add(name, [], false);
    for (const group of found) await this.#read(group);
  }

  async #read(listed: ScimGroup): Promise<void> {
    if (this.#seen.has(listed.id)) return;
    this.#seen.add(listed.id);
    // A listing may leave members out, so a group that looks empty is asked for itself.
    const group = listed.members.length > 0 ? listed : ((await this.#get(listed.id)) ?? listed);
    const members: string[] = [];
    let complete = true;
    for (const member of group.members) {
      switch (member.kind) {
        case "group": {
          const inner = await this.#get(member.id);
          members.push(inner?.displayName ?? member.display ?? member.id);
          if (inner === undefined) this.#add(member.display ?? member.id, [], false);
          else await this.#read(inner);
          break;
        }
        case "service-principal": {
          const key = await this.#applicationIdOf(member.id, member.display);
          if (key === undefined) complete = false;
          else members.push(key);
          break;
        }
        case "user":
          members.push(member.display ?? member.id);
          break;
        case "unknown":
          complete = false;
      }
    }
    this.#add(group.displayName, members, complete);
  }

  async #get(id: string): Promise<ScimGroup | undefined> {
    try {
      return await getGroup(this.#workspace, id);
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  /** Its application id; its name if it is not assigned to this workspace; undefined if there is not even a name. */
  async #applicationIdOf(id: string, display: string | undefined): Promise<string | undefined> {
    if (display === undefined || display === "") return undefined;
    const found = (await findServicePrincipals(this.#workspace, { displayName: display })).find((one) => one.id === id);
    if (found !== undefined) {
      this.#met(found.applicationId, found.displayName);
      return found.applicationId;
    }
    return this.#principals.find((principal) => principal.name === display)?.key ?? display;
  }

  /** Two groups of one name are one here: a grant to the name could be to either. */
  #add(name: string, members: readonly string[], complete: boolean): void {
    const before = this.groups.get(keyOf(name));
    this.groups.set(keyOf(name), {
      name: before?.name ?? name,
      members: [...(before?.members ?? []), ...members],
      complete: complete && (before?.complete ?? true),
    });
  }
}
