/** Who the names in grants are: groups with their members, service principals, and the principals the contract names. */
import type { Contract, TierName } from "../contract/model.ts";
import { TIERS } from "../contract/model.ts";
import { findServicePrincipals, findUser, getGroup, type Group as ScimGroup, listGroups } from "../databricks/scim.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import type { ExpectedGrant, TierPrincipal } from "./expect.ts";
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

/**
 * The tiers' principals: by the contract's `client_id`, else by display name as this workspace knows it. One that is not
 * assigned to this workspace stays unresolved; a name that two carry is a finding. Who asks is known by his own word.
 */
export async function resolveTierPrincipals(
  workspace: Workspace,
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
    const found = await findServicePrincipals(workspace, { displayName: name });
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) return { tier, name, key: only.applicationId, resolved: true };
    if (others.length > 0) {
      findings.push({
        id: "grants/principal-ambiguous",
        severity: "error",
        where: contract.at(["tiers", tier, "service_principal"]),
        message: `${found.length} service principals are called ${name}: ${found.map((one) => one.applicationId).join(", ")}.`,
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

/** The contract's grants with their principals as Unity Catalog calls them; a name with no or two bearers is a finding. */
export async function resolveGrants(
  workspace: Workspace,
  contract: Contract,
  catalog: string,
  principals: readonly TierPrincipal[],
  securables: readonly Securable[],
): Promise<{ grants: ExpectedGrant[]; findings: Finding[] }> {
  const granted = new Set(
    securables.flatMap((securable) => securable.grants.flatMap((grant) => grant.principal ?? [])).map(keyOf),
  );
  const findings: Finding[] = [];
  const rules = contract.grants.rules.map((rule, index) => ({
    ...rule,
    where: contract.at(["grants", "rules", index]),
  }));
  const own = rules.filter((rule) => keyOf(rule.on.name).split(".")[0] === keyOf(catalog));
  const resolved = await mapBounded(own, READS, async (rule): Promise<ExpectedGrant> => {
    const type = rule.on.type === "model" ? "function" : rule.on.type;
    const found = await bearersOf(workspace, rule.principal, principals);
    const [only, ...others] = found;
    if (others.length > 0) {
      findings.push({
        id: "grants/principal-ambiguous",
        severity: "error",
        where: rule.where,
        message: `${found.length} principals are called ${rule.principal}: ${found.join(", ")}.`,
        remedy: "Name a service principal by its application id; rename one of two groups.",
      });
      // Whom Unity Catalog has granted something by this name, it knows.
    } else if (only === undefined && !granted.has(keyOf(rule.principal))) {
      findings.push({
        id: "grants/principal-unknown",
        severity: "error",
        where: rule.where,
        message: `The contract grants to ${rule.principal}, which this workspace does not know as a user, an account group or a service principal.`,
        remedy: "Correct the name, or assign the principal to this workspace.",
      });
    }
    return {
      on: { type, name: rule.on.name },
      principal: only ?? rule.principal,
      privileges: rule.privileges,
      where: rule.where,
    };
  });
  return { grants: resolved, findings };
}

/** Everybody a name can mean, as Unity Catalog calls them (facts: unity-catalog 1.9). */
async function bearersOf(workspace: Workspace, name: string, principals: readonly TierPrincipal[]): Promise<string[]> {
  if (keyOf(name) === ACCOUNT_USERS || isApplicationId(name)) return [name];
  if (name.includes("@")) {
    const user = await findUser(workspace, name);
    return user === undefined ? [] : [user.userName];
  }
  const tier = principals.find((principal) => keyOf(principal.name) === keyOf(name));
  if (tier !== undefined) return [tier.key];
  const groups: string[] = [];
  for await (const group of listGroups(workspace, { displayName: name })) {
    if (group.kind !== "workspace") groups.push(group.displayName);
  }
  const bots = await findServicePrincipals(workspace, { displayName: name });
  return [...groups, ...bots.map((bot) => bot.applicationId)];
}
