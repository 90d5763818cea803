/**
 * Unity Catalog: direct and effective grants, with their traps (facts: unity-catalog 1.1 to 1.3, 1.6, 6).
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import type { Account } from "./account.ts";
import { type Answer, badRequest, type Call, forbidden, notFound, type Route, route, Unmodelled } from "./api.ts";
import { paged } from "./unity-catalogs.ts";
import { GRANTABLE, normalized, OUTSIDE_ALL, type SecurableType } from "./unity-privileges.ts";
import { chainOf, Rights } from "./unity-rights.ts";
import type { Assignment, Securable } from "./unity-state.ts";

const BASE = "/api/2.1/unity-catalog";

const Change = v.strictObject({
  principal: v.optional(v.string()),
  principal_id: v.optional(v.union([v.string(), v.number(), v.bigint()])),
  add: v.optional(v.array(v.string()), []),
  remove: v.optional(v.array(v.string()), []),
});
const Patch = v.strictObject({
  changes: v.optional(v.array(Change), []),
  omit_permissions_in_response: v.optional(v.boolean(), false),
});

export function grantRoutes(): Route[] {
  const query = ["principal", "max_results", "page_token"];
  return [
    route("GET", `${BASE}/permissions/{type}/{name}`, { facts: "unity-catalog 1.1", query, handle: direct }),
    route("PATCH", `${BASE}/permissions/{type}/{name}`, { facts: "unity-catalog 1.2", body: Patch, handle: patch }),
    route("GET", `${BASE}/effective-permissions/{type}/{name}`, {
      facts: "unity-catalog 1.3",
      query,
      handle: effective,
    }),
  ];
}

/** One change to the direct grants of one principal. */
interface GrantChange {
  readonly principal?: string | undefined;
  readonly principalId?: string | undefined;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** facts: unity-catalog 1.1: the type's case does not matter, and models are functions. */
function securableOf({ account, params }: Call<unknown>): Securable {
  const type = (params["type"] ?? "").toLowerCase();
  const known: readonly SecurableType[] = [
    "metastore",
    "catalog",
    "schema",
    "table",
    "volume",
    "function",
    "external_location",
    "storage_credential",
  ];
  const found = known.find((one) => one === type);
  if (found !== undefined) return account.metastore.find(found, params["name"] ?? "");
  const others = "credential connection share recipient provider pipeline clean_room";
  if (others.split(" ").includes(type))
    throw new Unmodelled(`the simulator does not model permissions of the type ${type}`);
  throw badRequest(`${params["type"]} is not a securable type.`);
}

function direct(call: Call<unknown>): Answer {
  const { account, query, stale } = call;
  const securable = securableOf(call);
  const rights = new Rights(call);
  const refusal = rights.unreachable(securable);
  if (refusal !== undefined) throw refusal;
  const wanted = query.get("principal");
  const all = shuffled(stale ? securable.previous : securable.grants);
  const mine = all.filter(({ principal }) => rights.is(principal));
  const named = (rows: Assignment[]) =>
    wanted === null ? rows : rows.filter(({ principal }) => principal.toLowerCase() === wanted.toLowerCase());
  // facts: unity-catalog 1.6: what is inside a catalog is its owner's to see
  const inherited =
    !rights.isMetastoreAdmin && !rights.owns(securable) && chainOf(securable).some((one) => rights.owns(one));
  const blind = inherited && account.behaviours.catalog_owner_reads === "itself";
  if (!blind && rights.manages(securable)) return rows(call, named(all));
  if (account.behaviours.grants_of_others === "own" && rights.sees(securable)) return rows(call, named(mine));
  throw rights.sees(securable)
    ? forbidden(`User is not an owner of ${noun(securable)}, nor does it have MANAGE on it.`)
    : rights.missing(securable);
}

function rows(call: Call<unknown>, assignments: readonly Assignment[]): Answer {
  const shown = assignments.map(
    ({ principal, principalId, privileges }): JsonObject => ({
      // facts: unity-catalog 1.1: a deleted principal has an empty name and only its id
      principal,
      ...(principalId === undefined ? {} : { principal_id: BigInt(principalId) }),
      privileges: [...privileges].sort(),
    }),
  );
  // facts: unity-catalog 1.1: 1..149 is an error
  return { body: paged(call, "privilege_assignments", shown, "all", 150) };
}

/** facts: unity-catalog 1.1: the order of assignments says nothing. It is stable while nothing changes, for the pages. */
function shuffled(grants: ReadonlyMap<string, Assignment>): Assignment[] {
  const salt = [...grants.values()]
    .map(({ principal, privileges }) => `${principal}${[...privileges].join(",")}`)
    .join(";");
  const weight = (key: string) => createHash("sha256").update(`${salt} ${key}`).digest("hex");
  return [...grants].sort(([a], [b]) => weight(a).localeCompare(weight(b))).map(([, assignment]) => assignment);
}

function patch(call: Call<v.InferOutput<typeof Patch>>): Answer {
  const securable = securableOf(call);
  const rights = new Rights(call);
  const refusal = rights.unreachable(securable);
  if (refusal !== undefined) throw refusal;
  if (!rights.manages(securable)) {
    throw rights.sees(securable)
      ? forbidden(`User does not have MANAGE on ${noun(securable)}.`)
      : rights.missing(securable);
  }
  if (!rights.mayWriteFromHere(securable))
    throw forbidden(`Catalog of ${noun(securable)} is bound read-only to this workspace.`);
  const changes = call.body.changes.map(({ principal, principal_id, add, remove }) => ({
    principal,
    principalId: principal_id === undefined ? undefined : String(principal_id),
    add,
    remove,
  }));
  const catalog = chainOf(securable).at(-1);
  const external = changes.some(({ add }) => add.map(normalized).includes("EXTERNAL_USE_SCHEMA"));
  // facts: unity-catalog 1.6: only the catalog's owner can grant it
  if (external && catalog !== undefined && !rights.owns(catalog)) {
    throw forbidden("Only the owner of the catalog can grant EXTERNAL USE SCHEMA.");
  }
  applyChanges(call.account, securable, changes);
  return call.body.omit_permissions_in_response ? { body: {} } : rows(call, shuffled(securable.grants));
}

/** All changes or none. Throws as facts: unity-catalog 1.2 say. */
export function applyChanges(account: Account, securable: Securable, changes: readonly GrantChange[]): void {
  const grants = new Map(securable.grants);
  for (const change of changes) {
    const { key, principal, principalId } = granteeOf(account, grants, change);
    const add = change.add.map(normalized);
    const remove = change.remove.map(normalized);
    const clash = add.find((privilege) => remove.includes(privilege));
    if (clash !== undefined) throw badRequest(`Duplicate privileges to add and delete for principal ${principal}.`);
    const wrong = [...add, ...remove].find((privilege) => !GRANTABLE[securable.type].has(privilege));
    if (wrong !== undefined)
      throw badRequest(
        `Privilege ${wrong.replaceAll("_", " ")} is not applicable to this entity [${noun(securable)}].`,
      );
    const privileges = new Set(grants.get(key)?.privileges);
    const adds = () => add.forEach((privilege) => privileges.add(privilege));
    const first = add.length > 0 && remove.length > 0 && account.behaviours.grants_changed === "add-first";
    if (first) adds();
    for (const privilege of remove) {
      privileges.delete(privilege);
      const goes = privilege === "ALL_PRIVILEGES" ? account.behaviours.revoked_with_all : "nothing";
      const along = (other: string) => goes === "everything" || (goes === "implied" && !OUTSIDE_ALL.has(other));
      for (const other of [...privileges].filter(along)) privileges.delete(other);
    }
    if (!first) adds();
    if (privileges.size === 0) grants.delete(key);
    else grants.set(key, { principal, principalId, privileges });
  }
  securable.previous = securable.grants;
  securable.grants = grants;
}

function granteeOf(
  account: Account,
  grants: ReadonlyMap<string, Assignment>,
  { principal, principalId, add }: GrantChange,
) {
  if ((principal === undefined) === (principalId === undefined))
    throw badRequest("A change names a principal or a principal_id, not both.");
  if (principal === undefined) {
    const key = `#${principalId}`;
    // facts: unity-catalog 1.1 [I]: what a deleted principal left is revoked by its id
    if (!grants.has(key) || add.length > 0)
      throw notFound(`Could not find principal with id ${principalId}.`, "PRINCIPAL_DOES_NOT_EXIST");
    return { key, principal: "", principalId };
  }
  const found = account.directory.grantee(principal);
  // facts: unity-catalog 1.7, 1.10: workspace-local groups are no principals here; the status is [?]
  if (found === undefined)
    throw notFound(`Could not find principal with name ${principal}.`, "PRINCIPAL_DOES_NOT_EXIST");
  return { key: found.toLowerCase(), principal: found, principalId: undefined };
}

interface EffectivePrivilege {
  readonly privilege: string;
  readonly from: Securable;
}

function effective(call: Call<unknown>): Answer {
  const securable = securableOf(call);
  const rights = new Rights(call);
  const refusal = rights.unreachable(securable);
  if (refusal !== undefined) throw refusal;
  const wanted = call.query.get("principal");
  const me = wanted === "me" || wanted?.toLowerCase() === call.principal.name.toLowerCase();
  if (!me && !rights.manages(securable)) {
    throw forbidden(`User does not have READ METADATA on ${noun(securable)}.`);
  }
  const found = new Map<string, { assignment: Assignment; privileges: EffectivePrivilege[] }>();
  for (const one of chainOf(securable)) {
    for (const [key, assignment] of one.grants) {
      const relevant = me
        ? rights.is(assignment.principal)
        : wanted === null || assignment.principal.toLowerCase() === wanted.toLowerCase();
      if (!relevant) continue;
      const entry = found.get(key) ?? { assignment, privileges: [] };
      for (const privilege of [...assignment.privileges].sort()) {
        // only what fits the object; BROWSE is not shown as inherited
        const fits = GRANTABLE[securable.type].has(privilege) && (one === securable || privilege !== "BROWSE");
        if (fits) entry.privileges.push({ privilege, from: one });
      }
      if (entry.privileges.length > 0) found.set(key, entry);
    }
  }
  const shown = [...found.values()].map(
    ({ assignment, privileges }): JsonObject => ({
      principal: assignment.principal,
      privileges: privileges.map(({ privilege, from }) => ({
        privilege,
        ...(from === securable
          ? {}
          : { inherited_from_type: from.type.toUpperCase(), inherited_from_name: from.fullName }),
      })),
    }),
  );
  return { body: paged(call, "privilege_assignments", shown, "all", 150) };
}

function noun({ type, fullName }: Securable): string {
  return `${type.charAt(0).toUpperCase()}${type.slice(1)} '${fullName}'`;
}
