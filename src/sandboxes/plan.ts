/** What a sandbox lacks, and in which order it is made: pure. Making it is provision.ts. */
import { GOLD } from "../contract/defaults.ts";
import type { GrantRule } from "../contract/model.ts";
import type { Binding, Catalog } from "../databricks/unity.ts";
import type { PrivilegeAssignment } from "../databricks/unity-grants.ts";
import type { GrantChange } from "../databricks/unity-write.ts";
import type { Finding } from "../findings.ts";
import { inUtc } from "../gate/wall-clock.ts";
import { reachesName } from "../grants/patterns.ts";
import { isSameLogin } from "../login.ts";
import { MARK, type Ours, readMark, removingSince, sandboxComment, whyNotOurs } from "./mark.ts";

/** What a developer's sandbox shall be. */
export interface Wanted {
  readonly catalog: string;
  /** GitHub login, lower case. */
  readonly login: string;
  /** The developer in Databricks. */
  readonly user: string;
  /** Application id of the sandbox's own principal; undefined if there is none. */
  readonly principal: string | undefined;
  /** Of dev's workspace, digits. */
  readonly workspaceId: string;
  readonly storageRoot: string | undefined;
  readonly keepDays: number;
  /** Somebody asks for this sandbox by its developer's name: a warning or a removal that has begun is taken back. */
  readonly byName: boolean;
  readonly ours: Ours;
  /** The contract's grants: what they give is not too much. */
  readonly rules: readonly GrantRule[];
  /** Take away what is granted beyond that (the contract's `grants.authority: catalog`). */
  readonly remove: boolean;
  readonly now: Date;
}

/** What is there. "hidden": a catalog of that name exists, and the principal may not see it. */
export type Seen =
  | "nothing"
  | "hidden"
  | {
      readonly catalog: Catalog;
      readonly bindings: readonly Binding[];
      readonly grants: readonly PrivilegeAssignment[];
      /** Undefined if there is no schema gold. */
      readonly gold: readonly PrivilegeAssignment[] | undefined;
    };

/** One write. */
export type Step =
  | { readonly do: "create-catalog"; readonly properties: Readonly<Record<string, string>> }
  | { readonly do: "mark"; readonly properties: Readonly<Record<string, string>> }
  /** Takes a warning, or a removal that has begun, back. */
  | { readonly do: "revive"; readonly properties: Readonly<Record<string, string>>; readonly comment: string }
  | { readonly do: "isolate" }
  | { readonly do: "bind"; readonly add: readonly Binding[]; readonly remove: readonly Binding[] }
  | { readonly do: "create-gold" }
  | {
      readonly do: "grant";
      readonly on: { readonly type: "catalog" | "schema"; readonly name: string };
      readonly changes: readonly GrantChange[];
    };

interface SandboxPlan {
  /** Empty if it is as it shall be, if a finding is an error, or if it is left alone. */
  readonly steps: readonly Step[];
  /** Its removal has begun, and nobody has asked for it by name. */
  readonly left: boolean;
  readonly findings: readonly Finding[];
}

const READ_WRITE = "BINDING_TYPE_READ_WRITE";

/** All that one needs to work in gold; not MANAGE, and nothing above it but the way in (facts: unity-catalog 1.8). */
export const GOLD_PRIVILEGES: readonly string[] = "USE_SCHEMA SELECT MODIFY REFRESH EXECUTE READ_VOLUME WRITE_VOLUME"
  .concat(" CREATE_TABLE CREATE_VOLUME CREATE_FUNCTION CREATE_MODEL CREATE_MATERIALIZED_VIEW")
  .split(" ");

/** Compares and plans. Whatever is not ours gives a refusal and no step. */
export function planSandbox(wanted: Wanted, seen: Seen): SandboxPlan {
  const refused = (finding: Finding): SandboxPlan => ({ steps: [], left: false, findings: [finding] });
  if (seen === "hidden") return refused(notOurs(wanted, ["its owner does not let us see it"]));
  if (seen === "nothing") return { steps: stepsForNew(wanted), left: false, findings: [] };
  const refusal = refusalOf(wanted, seen.catalog);
  if (refusal !== undefined) return refused(refusal);
  const removing = removingSince(seen.catalog);
  if (removing !== undefined && !wanted.byName) {
    return { steps: [], left: true, findings: [inRemoval(wanted, removing)] };
  }
  const steps: Step[] = [];
  const missing = missingMark(wanted, seen.catalog);
  const isWarned = readMark(seen.catalog.properties).warned !== undefined;
  if (wanted.byName && (isWarned || removing !== undefined)) {
    // Sent empty: a service that merges properties has no other way to take one back.
    const properties = { ...(missing ?? seen.catalog.properties), [MARK.warned]: "" };
    const comment = removing === undefined ? seen.catalog.comment : undefined;
    steps.push({
      do: "revive",
      properties,
      comment: comment ?? sandboxComment(wanted.login, wanted.ours.contract.project),
    });
  } else if (missing !== undefined) steps.push({ do: "mark", properties: missing });
  if (seen.catalog.isolationMode !== "ISOLATED") steps.push({ do: "isolate" });
  const bind = bindingsOf(wanted, seen.bindings);
  if (bind !== undefined) steps.push(bind);
  if (seen.gold === undefined) steps.push({ do: "create-gold" });
  const findings: Finding[] = [];
  for (const place of placesOf(wanted)) {
    const { changes, excess } = difference(
      wanted,
      place,
      (place.on.type === "catalog" ? seen.grants : seen.gold) ?? [],
    );
    if (changes.length > 0) steps.push({ do: "grant", on: place.on, changes });
    findings.push(...excess);
  }
  return { steps, left: false, findings };
}

function stepsForNew(wanted: Wanted): Step[] {
  return [
    { do: "create-catalog", properties: markOf(wanted) },
    { do: "isolate" },
    // Isolating binds the workspace that is asked; saying it again does no harm, and does not rely on it.
    { do: "bind", add: [{ workspaceId: wanted.workspaceId, type: READ_WRITE }], remove: [] },
    { do: "create-gold" },
    ...placesOf(wanted).map(({ on, grants }): Step => {
      const changes = grants.map(({ principal, privileges }) => ({ principal, add: privileges, remove: [] }));
      return { do: "grant", on, changes };
    }),
  ];
}

function markOf({ ours, login, now, keepDays }: Wanted): Record<string, string> {
  return {
    [MARK.project]: ours.contract.project,
    [MARK.developer]: login,
    [MARK.created]: now.toISOString(),
    [MARK.expires]: new Date(now.getTime() + keepDays * 86_400_000).toISOString(),
  };
}

/** All properties, with what the mark lacks; undefined if it lacks nothing. What is there is not made younger. */
function missingMark(wanted: Wanted, { properties }: Catalog): Record<string, string> | undefined {
  const lacks = Object.entries(markOf(wanted)).filter(([name]) => !properties[name]);
  return lacks.length === 0 ? undefined : { ...properties, ...Object.fromEntries(lacks) };
}

/** Why a catalog that exists is left alone; undefined if it is this developer's. */
function refusalOf(wanted: Wanted, catalog: Catalog): Finding | undefined {
  const { login, ours } = wanted;
  const mark = readMark(catalog.properties);
  if (mark.project === ours.contract.project && mark.developer !== undefined && !isSameLogin(mark.developer, login)) {
    return {
      id: "sandbox/collision",
      severity: "error",
      where: { kind: "securable", type: "catalog", name: catalog.name },
      message: `${login} would have the sandbox ${catalog.name}, which is ${mark.developer}'s.`,
      why: "Two logins that differ only in case, -, _ or . come to one name, and one would get the other's data.",
      remedy: `Remove one of ${login} and ${mark.developer} from \`users\`; if ${mark.developer} is ${login}'s former login, set the property ${MARK.developer} of the catalog to ${login}.`,
    };
  }
  const reasons = whyNotOurs(catalog, ours);
  return reasons.length === 0 ? undefined : notOurs(wanted, reasons, mark.project);
}

function notOurs({ catalog, login, ours }: Wanted, reasons: readonly string[], ofProject?: string): Finding {
  return {
    id: "sandbox/not-ours",
    severity: "error",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `A catalog ${catalog} exists and is not ${login}'s sandbox: ${reasons.join("; ")}. Nothing was changed.`,
    remedy: `${ofProject === undefined || ofProject === ours.contract.project ? "Rename that catalog or let its owner drop it." : `It is a sandbox of the project ${ofProject}, which may be in use: let one of the two projects leave ${login} out of its \`users\`, or use another metastore.`} If it shall become the sandbox, make ${ours.contract.tiers.dev.servicePrincipal} (${ours.owner}) its owner and set its properties ${MARK.project}=${ours.contract.project} and ${MARK.developer}=${login}.`,
  };
}

function bindingsOf({ workspaceId }: Wanted, bindings: readonly Binding[]): Step | undefined {
  const bound = bindings.some((binding) => binding.workspaceId === workspaceId && binding.type === READ_WRITE);
  const remove = bindings.filter((binding) => binding.workspaceId !== workspaceId);
  if (bound && remove.length === 0) return undefined;
  return { do: "bind", add: bound ? [] : [{ workspaceId, type: READ_WRITE }], remove };
}

interface Place {
  readonly on: { readonly type: "catalog" | "schema"; readonly name: string };
  readonly grants: readonly { readonly principal: string; readonly privileges: readonly string[] }[];
}

/** What is granted where, and to whom. */
function placesOf({ catalog, user, principal }: Wanted): Place[] {
  const who = principal === undefined ? [user] : [user, principal];
  const to = (privileges: readonly string[]) => who.map((each) => ({ principal: each, privileges }));
  return [
    { on: { type: "catalog", name: catalog }, grants: to(["USE_CATALOG"]) },
    { on: { type: "schema", name: `${catalog}.${GOLD}` }, grants: to(GOLD_PRIVILEGES) },
  ];
}

/** What is to be added and, with the authority for it, taken away; without it, what is too much is only said. */
function difference(
  wanted: Wanted,
  { on, grants }: Place,
  seen: readonly PrivilegeAssignment[],
): { changes: GrantChange[]; excess: Finding[] } {
  const changes: GrantChange[] = [];
  const excess: Finding[] = [];
  for (const { principal, privileges } of grants) {
    const has = heldBy(principal, seen);
    const add = privileges.filter((privilege) => !has.includes(privilege) && !has.includes("ALL_PRIVILEGES"));
    if (add.length > 0) changes.push({ principal, add, remove: [] });
  }
  for (const { principal, privileges } of seen) {
    const allowed = new Set([
      ...(grants.find((each) => same(each.principal, principal))?.privileges ?? []),
      ...givenByRules(wanted.rules, principal, on),
      "BROWSE", // shows that something is there, and nothing of it
    ]);
    const beyond = privileges.filter((privilege) => !allowed.has(privilege));
    if (beyond.length === 0) continue;
    if (wanted.remove && principal !== "") {
      // ALL_PRIVILEGES takes single ones with it, so what shall stay is granted again (facts: unity-catalog 1.2).
      const stays = beyond.includes("ALL_PRIVILEGES") ? [...allowed].filter((each) => each !== "BROWSE") : [];
      const before = changes.findIndex((change) => same(change.principal, principal));
      const add = [...new Set([...(changes[before]?.add ?? []), ...stays])];
      const change = { principal, add, remove: beyond };
      if (before < 0) changes.push(change);
      else changes[before] = change;
    } else excess.push(tooMuch(wanted, on, principal, beyond));
  }
  return { changes, excess };
}

function tooMuch({ login }: Wanted, on: Place["on"], principal: string, privileges: readonly string[]): Finding {
  return {
    id: "sandbox/excess",
    severity: "warning",
    where: { kind: "securable", type: on.type, name: on.name },
    message: `${principal === "" ? "A principal that no longer exists" : principal} has ${privileges.join(", ")} on ${on.name}, ${login}'s sandbox.`,
    why: "A sandbox is its developer's: others' code in it can read what the developer reads of dev.",
    remedy: "Revoke it; with `grants: { authority: catalog }` in the contract, provisioning does.",
  };
}

/** What the contract's grants give a principal on something. */
export function givenByRules(rules: readonly GrantRule[], principal: string, on: Place["on"]): readonly string[] {
  return rules
    .filter((rule) => rule.effect !== "forbid" && same(rule.principal, principal))
    .filter((rule) => rule.on.type === on.type && reachesName(rule.on.name, on.name))
    .flatMap((rule) => rule.privileges);
}

function inRemoval({ catalog, login }: Wanted, since: string): Finding {
  return {
    id: "sandbox/in-removal",
    severity: "warning",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `${catalog} has been in removal since ${inUtc(since)}, so it was left alone.`,
    remedy: `If ${login} still needs it, provision it by name (developer: ${login}): that stops the removal.`,
  };
}

/** What a principal is granted by these assignments. */
export function heldBy(principal: string, seen: readonly PrivilegeAssignment[]): readonly string[] {
  return seen.filter((each) => same(each.principal, principal)).flatMap(({ privileges }) => privileges);
}

/** Principals compare without regard to case (facts: unity-catalog 1.2). */
function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
