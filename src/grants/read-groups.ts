/** Groups by name, with everybody in them, as the tier proof meets them (facts: unity-catalog 1.7, 1.9). */
import { collect } from "../databricks/parse.ts";
import {
  getGroup,
  getServicePrincipal,
  getUser,
  listGroups,
  listUsers,
  type Group as ScimGroup,
  type User,
} from "../databricks/scim.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded } from "../http/pool.ts";
import type { TierPrincipal } from "./expect.ts";
import { type Group, keyOf, type Principal } from "./model.ts";
import { shown } from "./notes.ts";
import { READS } from "./read-rest.ts";

/** Beyond as many users of one group, all users are listed: a page holds a hundred. */
const ONE_BY_ONE = 25;

type Member = ScimGroup["members"][number];

/** Reads groups, each once, and tells of every user and service principal it meets in them. */
export class GroupReader {
  readonly groups = new Map<string, Group>();
  readonly #seen = new Set<string>();
  readonly #users = new Map<string, Promise<User | undefined>>();
  #allUsers: Promise<ReadonlyMap<string, User>> | undefined;
  readonly #workspace: Workspace;
  readonly #tiers: readonly TierPrincipal[];
  readonly #met: (principal: Principal) => void;

  constructor(workspace: Workspace, tiers: readonly TierPrincipal[], met: (principal: Principal) => void) {
    this.#workspace = workspace;
    this.#tiers = tiers;
    this.#met = met;
  }

  /** Adds every account group of a name and what is nested in it; nothing if none is shown. */
  async readByName(name: string): Promise<void> {
    const found = await shown(() => collect(listGroups(this.#workspace, { displayName: name })), []);
    // Unity Catalog knows account groups only (facts: unity-catalog 1.7).
    for (const group of found) if (group.kind !== "workspace") await this.#read(group);
  }

  async #read(listed: ScimGroup): Promise<void> {
    if (this.#seen.has(listed.id)) return;
    this.#seen.add(listed.id);
    // A listing may leave members out, so a group that looks empty is asked for itself.
    const group = listed.members.length > 0 ? listed : await this.#get(listed.id);
    if (group === undefined) return this.#add(listed.displayName, [], false, false);
    const many = group.members.filter(({ kind }) => kind === "user").length > ONE_BY_ONE;
    const members = await mapBounded(group.members, READS, (member) => this.#nameOf(member, many));
    const known = members.filter((member) => member !== undefined);
    this.#add(
      group.displayName,
      known.map(({ name }) => name),
      known.length === members.length,
      known.some(({ vague }) => vague === true),
    );
  }

  /** What grants call a member; undefined if that is not known, and it could be a tier's principal. */
  async #nameOf(member: Member, many: boolean): Promise<{ name: string; vague?: boolean } | undefined> {
    const { id, kind, display = "" } = member;
    if (kind === "group") {
      const inner = await this.#get(id);
      const name = inner?.displayName ?? (display === "" ? id : display);
      if (inner === undefined) this.#add(name, [], false, false);
      else await this.#read(inner);
      return { name };
    }
    if (kind === "user") {
      const user = await this.#user(id, many);
      if (user === undefined) return { name: display === "" ? id : display, vague: true };
      this.#met({ kind: "user", name: user.userName, displayName: user.displayName });
      return { name: user.userName };
    }
    if (kind === "unknown") return undefined;
    const bot = await shown(() => getServicePrincipal(this.#workspace, id), undefined);
    if (bot !== undefined) {
      this.#met({ kind: "service-principal", name: bot.applicationId, displayName: bot.displayName });
      return { name: bot.applicationId };
    }
    // A display name is nobody's alone: only that of a tier's principal says enough, and then on the safe side.
    const tier = this.#tiers.find(({ name }) => keyOf(name) === keyOf(display));
    return tier === undefined ? undefined : { name: tier.key };
  }

  #get(id: string): Promise<ScimGroup | undefined> {
    return shown(() => getGroup(this.#workspace, id), undefined);
  }

  async #user(id: string, many: boolean): Promise<User | undefined> {
    if (many) {
      this.#allUsers ??= shown(() => collect(listUsers(this.#workspace)), []).then(
        (users) => new Map(users.map((user) => [user.id, user])),
      );
      return (await this.#allUsers).get(id);
    }
    const asked = this.#users.get(id) ?? shown(() => getUser(this.#workspace, id), undefined);
    this.#users.set(id, asked);
    return asked;
  }

  /** Two groups of one name are one here: a grant to the name could be to either. */
  #add(name: string, members: readonly string[], complete: boolean, vague: boolean): void {
    const before = this.groups.get(keyOf(name));
    this.groups.set(keyOf(name), {
      name: before?.name ?? name,
      members: [...(before?.members ?? []), ...members],
      complete: complete && (before?.complete ?? true),
      ...(vague || before?.vague === true ? { vague: true } : {}),
    });
  }
}
