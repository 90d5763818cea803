/** Power in the hands of somebody who was not seen: it is unknown whose it is, so it never passes (P7). Pure. */
import type { Finding } from "../findings.ts";
import type { Expectation } from "./expect.ts";
import { ACCOUNT_USERS, type Estate, type Group, isApplicationId, keyOf } from "./model.ts";
import { ALL_PRIVILEGES, effectOf } from "./privileges.ts";

/**
 * Holders of rights that this workspace does not list, and groups through which rights flow and whose members were not
 * seen: a tier's principal could be among them. Who is named by an application id is one principal, known or not.
 */
export function unseenHolders(estate: Estate, expected: Expectation): Finding[] {
  const asked = asksForUsers(estate, expected);
  const open = new Map<string, Finding>();
  for (const holder of holdersOf(estate)) {
    if (!isKnown(estate, expected, holder)) open.set(keyOf(holder), unlisted(holder, expected));
    for (const group of groupsBelow(estate, holder)) {
      if (!group.complete) open.set(keyOf(group.name), incomplete(group, expected));
      else if (asked && group.vague === true) open.set(keyOf(group.name), vague(group, expected));
    }
  }
  const admins = expected.wholeEstate === true ? estate.metastoreOwner : undefined;
  if (admins !== undefined) {
    if (!isKnown(estate, expected, admins)) open.set(keyOf(admins), unlisted(admins, expected));
    for (const group of groupsBelow(estate, admins)) {
      if (!group.complete) open.set(keyOf(group.name), incomplete(group, expected));
    }
  }
  return [...open].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, finding]) => finding);
}

/** Owners, and everybody to whom a grant or a policy gives more than a look. */
function holdersOf(estate: Estate): Set<string> {
  const opens = (privileges: readonly string[]): boolean =>
    privileges.some((privilege) => privilege === ALL_PRIVILEGES || effectOf(privilege) !== "look");
  const holders = new Set<string>();
  for (const { grants, owner } of estate.securables.values()) {
    for (const { principal, privileges } of grants) {
      if (principal !== undefined && opens(privileges)) holders.add(principal);
    }
    if (owner !== undefined) holders.add(owner);
  }
  for (const { to, privileges } of estate.policies) if (opens(privileges)) for (const name of to) holders.add(name);
  return holders;
}

function isKnown(estate: Estate, expected: Expectation, name: string): boolean {
  const key = keyOf(name);
  return (
    key === ACCOUNT_USERS ||
    isApplicationId(name) ||
    estate.groups.has(key) ||
    estate.principals.has(key) ||
    expected.principals.some((tier) => keyOf(tier.key) === key || keyOf(tier.name) === key)
  );
}

/** True where it matters which user a member is: a rule forbids something to one, or sandboxes' developers are judged. */
function asksForUsers(estate: Estate, expected: Expectation): boolean {
  const isUser = (name: string): boolean =>
    name !== "*" && !isApplicationId(name) && keyOf(name) !== ACCOUNT_USERS && !estate.groups.has(keyOf(name));
  return (
    expected.grants.some(({ effect, principal }) => effect === "forbid" && isUser(principal)) ||
    (expected.developers?.users.length ?? 0) > 0
  );
}

/** A group and those inside it, at any depth. */
function groupsBelow(estate: Estate, principal: string): Group[] {
  const seen = new Set<string>();
  const queue = [principal];
  const found: Group[] = [];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const group = estate.groups.get(keyOf(next));
    if (group === undefined || seen.has(keyOf(next))) continue;
    seen.add(keyOf(next));
    found.push(group);
    queue.push(...group.members);
  }
  return found;
}

function finding(name: string, message: string, remedy: string): Finding {
  return {
    id: "grants/group-unseen",
    severity: "unknown",
    where: { kind: "securable", type: "group", name },
    message,
    why: "The principal of another tier could be a member.",
    remedy,
  };
}

function unlisted(name: string, { catalog }: Expectation): Finding {
  return finding(
    name,
    `${name} has rights in ${catalog}, and this workspace lists nobody of that name: if it is a group, its members could not be seen from here.`,
    `Assign ${name} to this workspace, so that it is listed, or take its rights away.`,
  );
}

function incomplete({ name }: Group, { catalog }: Expectation): Finding {
  return finding(
    name,
    `The group ${name} has rights in ${catalog}, directly or through another group, and its members could not be seen from here.`,
    `Assign ${name} and the service principals in it to this workspace, so that its members can be read, or take its rights away.`,
  );
}

function vague({ name }: Group, { catalog }: Expectation): Finding {
  return {
    ...finding(
      name,
      `The group ${name} has rights in ${catalog}, and some users in it are shown by display name only: which users they are is not known.`,
      `Assign the members of ${name} to this workspace, or take its rights away.`,
    ),
    why: "A user whom the contract speaks of could be a member.",
  };
}
