/**
 * Everybody the workspace knows: users, service principals, groups with their members, account groups apart from
 * workspace-local ones (facts: unity-catalog 1.7, 1.9). For the estate proof; the tier proof looks up only whom it meets.
 */
import { getGroup, listGroups, listServicePrincipals, listUsers, type Group as ScimGroup } from "../databricks/scim.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { mapBounded, together } from "../http/pool.ts";
import type { TierPrincipal } from "./expect.ts";
import { ACCOUNT_USERS, type Group, keyOf, type Principal } from "./model.ts";
import type { Notes } from "./notes.ts";
import type { Directory } from "./principals.ts";
import type { Progress } from "./read.ts";
import { READS } from "./read-rest.ts";

const NEEDS = "the role of a workspace admin, or of an account admin";

/**
 * Reads all of it. A group whose members came back empty is asked for itself; one that is not shown then is incomplete.
 * Users that are not assigned to this workspace keep the name they are shown by; a service principal that is not makes the
 * group incomplete, unless `tiers` tells that it is a tier's.
 */
export async function readWholeDirectory(
  workspace: Workspace,
  notes: Notes,
  tiers: readonly Pick<TierPrincipal, "name" | "key">[],
  progress: Progress = () => {},
): Promise<Directory> {
  const [users, bots, listed] = await together([
    notes.list("the users", NEEDS, () => counted(listUsers(workspace), "users", progress)),
    notes.list("the service principals", NEEDS, () =>
      counted(listServicePrincipals(workspace), "service principals", progress),
    ),
    notes.list("the groups", NEEDS, () => counted(listGroups(workspace), "groups", progress)),
  ]);
  const byId = new Map<string, Principal>();
  for (const { id, userName, displayName } of users) byId.set(id, { kind: "user", name: userName, displayName });
  for (const { id, applicationId, displayName } of bots) {
    byId.set(id, { kind: "service-principal", name: applicationId, displayName });
  }
  const groups = await withMembers(workspace, listed, notes, progress);
  const names = new Map(groups.map(({ group }) => [group.id, group.displayName]));
  const elsewhere = ({ id, kind, display = "" }: Member): string | undefined => {
    if (kind === "user") return display === "" ? id : display;
    // A display name is nobody's alone: only that of a tier's principal says enough, and then on the safe side.
    if (kind === "service-principal") return tiers.find(({ name }) => keyOf(name) === keyOf(display))?.key;
    return undefined;
  };
  const result = { groups: new Map<string, Group>(), localGroups: new Map<string, Group>() };
  for (const { group, seen } of groups) {
    const members = group.members.map(
      (member) => names.get(member.id) ?? byId.get(member.id)?.name ?? elsewhere(member),
    );
    const known = members.filter((member) => member !== undefined);
    const vague = group.members.some(({ id, kind }) => kind === "user" && !byId.has(id));
    const target = group.kind === "workspace" ? result.localGroups : result.groups;
    if (keyOf(group.displayName) === ACCOUNT_USERS) continue; // Everybody is a member, whatever the list says.
    const before = target.get(keyOf(group.displayName));
    // Two groups of one name are one here: a grant to the name could be to either.
    target.set(keyOf(group.displayName), {
      name: before?.name ?? group.displayName,
      members: [...(before?.members ?? []), ...known],
      complete: seen && known.length === members.length && (before?.complete ?? true),
      ...(vague || before?.vague === true ? { vague: true } : {}),
    });
  }
  return { ...result, principals: new Map([...byId.values()].map((one) => [keyOf(one.name), one])) };
}

type Member = ScimGroup["members"][number];

interface Seen {
  readonly group: ScimGroup;
  /** False if its members could not be read. */
  readonly seen: boolean;
}

/** Passes a list on, and tells how far it is. */
async function* counted<Item>(list: AsyncIterable<Item>, what: string, progress: Progress): AsyncGenerator<Item> {
  let read = 0;
  for await (const item of list) {
    read += 1;
    progress(what, read, undefined);
    yield item;
  }
}

/** Listed groups, and those that are nested in them and were not listed, at any depth. */
async function withMembers(
  workspace: Workspace,
  listed: readonly ScimGroup[],
  notes: Notes,
  progress: Progress,
): Promise<Seen[]> {
  let done = 0;
  const read = async (id: string, name: string): Promise<ScimGroup | undefined> =>
    notes.attempt(`the members of group ${name}`, NEEDS, () => getGroup(workspace, id));
  const all = await mapBounded(listed, READS, async (group): Promise<Seen> => {
    if (group.members.length > 0) return { group, seen: true };
    const itself = await read(group.id, group.displayName);
    done += 1;
    progress("groups without members in the list", done, undefined);
    return { group: itself ?? group, seen: itself !== undefined };
  });
  const met = new Set(listed.map((group) => group.id));
  for (let index = 0; index < all.length; index += 1) {
    for (const member of all[index]?.group.members ?? []) {
      if (member.kind !== "group" || met.has(member.id)) continue;
      met.add(member.id);
      const name = member.display ?? member.id;
      const inner = await read(member.id, name);
      all.push({
        group: inner ?? { id: member.id, displayName: name, kind: "unknown", members: [] },
        seen: inner !== undefined,
      });
    }
  }
  return all;
}
