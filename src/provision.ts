/**
 * Provisions developers' sandboxes (design 10): who is it → is the name free or ours → make or repair → look again; and
 * dev's bronze and silver readable, once, for the group. No data is copied, and one refusal stops none of the others.
 */
import { GOLD } from "./contract/defaults.ts";
import type { Contract } from "./contract/model.ts";
import { resolveTier } from "./contract/tiers.ts";
import { ApiError } from "./databricks/errors.ts";
import { findServicePrincipals, findUser, type Group, listGroups } from "./databricks/scim.ts";
import { getSchema } from "./databricks/unity.ts";
import { getGrants, type PrivilegeAssignment } from "./databricks/unity-grants.ts";
import { changeGrants } from "./databricks/unity-write.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { type Finding, FourTierError } from "./findings.ts";
import { mapBounded } from "./http/pool.ts";
import { checkClock } from "./sandboxes/clock.ts";
import type { Wanted } from "./sandboxes/plan.ts";
import { sandboxPrincipalOf } from "./sandboxes/principal.ts";
import { type Provisioned, provisionOne } from "./sandboxes/provision.ts";
import { planSources, sourcesExcess } from "./sandboxes/sources.ts";

interface ProvisionRequest {
  /** As dev's principal. */
  readonly workspace: Workspace;
  /** The default branch's. */
  readonly contract: Contract;
  /** dev's application id, proven: it owns the sandboxes. */
  readonly principal: string;
  /** Of dev's workspace, proven. */
  readonly workspaceId: string;
  /** GitHub logins; undefined: everybody in `users`. */
  readonly logins: readonly string[] | undefined;
  readonly now: Date;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly log: { info(message: string): void };
}

interface ProvisionRow extends Provisioned {
  readonly login: string;
  /** Undefined if no sandbox can be named after the login. */
  readonly catalog: string | undefined;
}

/** What became of each developer's sandbox. */
export interface ProvisionResult {
  readonly rows: readonly ProvisionRow[];
  /** What was granted on dev to the group, by securable. */
  readonly sources: readonly string[];
  readonly findings: readonly Finding[];
}

/** Sandboxes made at a time. */
const PARALLEL = 4;

/** Provisions; throws FourTierError only for what makes every sandbox impossible. */
export async function provision(request: ProvisionRequest): Promise<ProvisionResult> {
  const { contract, log } = request;
  const logins = [...new Set((request.logins ?? [...contract.users.keys()]).map((login) => login.toLowerCase()))];
  if (logins.length === 0) throw new FourTierError(nobody(contract));
  // The mark says when a sandbox was made, and a clean-up goes by that.
  await checkClock(request.workspace, request.now);
  const sandboxPrincipal = await sandboxPrincipalOf(request.workspace, contract);
  const sources = await shareSources(request);
  const members = sources.group;
  const outside = await principalOutside(request, sandboxPrincipal, members);
  const rows = await mapBounded(logins, PARALLEL, async (login): Promise<ProvisionRow> => {
    const row = await provisionLogin(request, login, sandboxPrincipal, members).catch(
      (error: unknown): ProvisionRow => {
        if (!(error instanceof FourTierError)) throw error;
        return { login, catalog: undefined, outcome: "refused", done: [], findings: error.findings };
      },
    );
    log.info(`${row.catalog ?? login}: ${row.outcome}`);
    return row;
  });
  return {
    rows,
    sources: sources.granted,
    findings: [...sources.findings, ...outside, ...rows.flatMap(({ findings }) => findings)],
  };
}

async function provisionLogin(
  request: ProvisionRequest,
  login: string,
  sandboxPrincipal: string | undefined,
  members: Group | undefined,
): Promise<ProvisionRow> {
  const { workspace, contract, principal, workspaceId, now, pause } = request;
  const tier = resolveTier(contract, "sandbox", { developer: login });
  const { user, findings } = await userOf(request, login, members);
  const wanted: Wanted = {
    catalog: tier.catalog,
    login,
    user,
    principal: sandboxPrincipal,
    workspaceId,
    storageRoot: tier.storageRoot,
    keepDays: tier.keepDays,
    byName: request.logins !== undefined,
    ours: { contract, owner: principal },
    rules: contract.grants.rules,
    remove: contract.grants.authority === "catalog",
    now,
  };
  const made = await provisionOne(workspace, wanted, pause);
  return { login, catalog: tier.catalog, ...made, findings: [...findings, ...made.findings] };
}

/** Who the developer is in Databricks. Throws FourTierError if nobody says, or Databricks knows nobody of that name. */
async function userOf(
  { workspace, contract }: ProvisionRequest,
  login: string,
  members: Group | undefined,
): Promise<{ user: string; findings: Finding[] }> {
  const where = contract.at(["users", login]);
  const wrong = (id: string, message: string, remedy: string): FourTierError =>
    new FourTierError({ id, severity: "error", where, message, remedy });
  const name = contract.users.get(login);
  if (name === undefined) {
    const remedy = `Add \`${login}: <Databricks user name>\` to \`users\` on the default branch.`;
    throw wrong("sandbox/unknown-login", `The contract does not say who ${login} is in Databricks.`, remedy);
  }
  const user = await findUser(workspace, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return "unseen" as const;
    throw error;
  });
  // Who may not list users learns it from the grant: the service refuses a principal that it does not know.
  if (user === "unseen") return { user: name, findings: [] };
  if (user === undefined) {
    const remedy = `Correct \`users.${login}\` in the contract, or have ${name} added to this workspace.`;
    throw wrong("sandbox/no-such-user", `Databricks knows no user ${name}, who ${login} is said to be.`, remedy);
  }
  if (!user.active) {
    const remedy = `Remove ${login} from \`users\`, or have the user activated.`;
    throw wrong("sandbox/inactive-user", `${user.userName}, who ${login} is, is deactivated in Databricks.`, remedy);
  }
  const isMember = members?.members.some((member) => member.id === user.id || member.kind === "group") ?? true;
  if (isMember) return { user: user.userName, findings: [] };
  const group = members?.displayName ?? "";
  const finding: Finding = {
    id: "sandbox/not-a-member",
    severity: "warning",
    where,
    message: `${user.userName} is not in the group ${group}, so ${login} cannot read dev's bronze and silver.`,
    remedy: `Have ${user.userName} added to the account group ${group}.`,
  };
  return { user: user.userName, findings: [finding] };
}

/** A warning if the sandbox's principal is not in the group; who is not shown may be. */
async function principalOutside(
  { workspace, contract }: ProvisionRequest,
  sandboxPrincipal: string | undefined,
  members: Group | undefined,
): Promise<Finding[]> {
  if (sandboxPrincipal === undefined || members === undefined) return [];
  const found = await findServicePrincipals(workspace, { applicationId: sandboxPrincipal }).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  });
  const [principal] = found;
  if (principal === undefined) return [];
  if (members.members.some((member) => member.id === principal.id || member.kind === "group")) return [];
  const finding: Finding = {
    id: "sandbox/not-a-member",
    severity: "warning",
    where: contract.at(["tiers", "sandbox", "developers"]),
    message: `The sandbox's principal ${principal.displayName} is not in the group ${members.displayName}, so what pull requests deploy cannot read dev's bronze and silver.`,
    remedy: `Have ${principal.displayName} (${principal.applicationId}) added to the account group ${members.displayName}.`,
  };
  return [finding];
}

/**
 * Grants the group what it reads of dev; whatever keeps that from being done is a finding, and sandboxes are made all
 * the same.
 */
async function shareSources(
  request: ProvisionRequest,
): Promise<{ group: Group | undefined; granted: readonly string[]; findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const granted: string[] = [];
  const found: Group[] = [];
  try {
    await share(request, found, granted, findings);
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    findings.push(...error.findings);
  }
  return { group: found[0], granted, findings };
}

/** What was found, granted and is to be said is added to the lists as it goes. */
async function share(request: ProvisionRequest, found: Group[], granted: string[], findings: Finding[]): Promise<void> {
  const { workspace, contract, log } = request;
  const name = contract.tiers.sandbox.developers ?? "";
  const catalog = contract.tiers.dev.catalog;
  for await (const group of listGroups(workspace, { displayName: name }))
    if (group.kind !== "workspace") found.push(group);
  const [group] = found;
  if (group === undefined) {
    findings.push(noGroup(contract, name));
    return;
  }
  const grants = new Map<string, readonly PrivilegeAssignment[]>();
  grants.set(catalog, (await getGrants(workspace, "catalog", catalog)) ?? []);
  const gold = `${catalog}.${GOLD}`;
  if ((await getSchema(workspace, gold)) !== undefined) {
    grants.set(gold, (await getGrants(workspace, "schema", gold)) ?? []);
  }
  for (const schema of [`${catalog}.bronze`, `${catalog}.silver`]) {
    const exists = (await getSchema(workspace, schema)) !== undefined;
    if (exists) grants.set(schema, (await getGrants(workspace, "schema", schema)) ?? []);
    else findings.push(noSource(schema));
  }
  findings.push(...sourcesExcess(name, catalog, contract.grants.rules, (place) => grants.get(place) ?? []));
  for (const step of planSources(name, catalog, (place) => grants.get(place) ?? [])) {
    if (step.do !== "grant" || !grants.has(step.on.name)) continue;
    await changeGrants(workspace, step.on.type, step.on.name, step.changes);
    granted.push(step.on.name);
    log.info(`${step.on.type} ${step.on.name}: granted to ${name}`);
  }
}

function nobody(contract: Contract): Finding {
  return {
    id: "sandbox/nobody",
    severity: "error",
    where: contract.at(["users"]),
    message: "The contract names no users, so there is nobody to make a sandbox for.",
    remedy: "Add `users: { <GitHub login>: <Databricks user name> }` to the contract.",
  };
}

function noGroup(contract: Contract, name: string): Finding {
  return {
    id: "sandbox/no-group",
    severity: "error",
    where: contract.at(["tiers", "sandbox", "developers"]),
    message: `There is no account group ${name} in dev's workspace, so nobody was granted dev's bronze and silver.`,
    why: "A group of the workspace alone cannot be granted anything in Unity Catalog.",
    remedy: `Create the account group ${name} with the developers and the sandbox's principal in it and assign it to dev's workspace, or name another one in tiers.sandbox.developers.`,
  };
}

function noSource(schema: string): Finding {
  return {
    id: "sandbox/no-source",
    severity: "warning",
    where: { kind: "securable", type: "schema", name: schema },
    message: `There is no schema ${schema} yet, so sandboxes have nothing to read there.`,
    remedy: "Deploy to dev first, then provision again.",
  };
}
