/**
 * Users, service principals and groups of the account, and who belongs to what.
 */
import { randomUUID } from "node:crypto";
import { type ParsedScenario, ScenarioError } from "./scenario.ts";

/** Whose tokens of another issuer are taken for a service principal's. */
export interface FederationPolicy {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly subject: string;
  readonly subjectClaim: string;
}

/** A user or a service principal. */
export interface Principal {
  readonly kind: "user" | "service-principal";
  /** How the scenario calls it; what the request log shows. */
  readonly key: string;
  /** How grants, owners and permissions call it: e-mail or application id, never the display name (facts: unity-catalog 1.9). */
  readonly name: string;
  displayName: string;
  readonly id: string;
  active: boolean;
  readonly workspaces: Set<string>;
  readonly secrets: Set<string>;
  readonly tokens: ReadonlySet<string>;
  readonly federation: FederationPolicy[];
  /** Keys of those who may run jobs as it. */
  readonly users: ReadonlySet<string>;
}

/** A group of the account or of one workspace. */
export interface Group {
  readonly name: string;
  readonly id: string;
  readonly externalId: string | undefined;
  /** Set for a workspace-local group. */
  readonly workspace: string | undefined;
  /** Where it is shown. */
  readonly workspaces: ReadonlySet<string>;
  /** Keys as the scenario writes them. */
  readonly members: Set<string>;
}

/** Every user and service principal of the account is in it (facts: unity-catalog 1.7). */
const ACCOUNT_USERS = "account users";

/** Everybody, by the names that scenarios give them. */
export class Directory {
  readonly principals = new Map<string, Principal>();
  readonly groups = new Map<string, Group>();
  readonly #admins = new Map<string, ReadonlySet<string>>();

  constructor(scenario: ParsedScenario, accountId: string) {
    const everywhere = Object.keys(scenario.workspaces);
    let next = 4_100_200_300_400_501n;
    const id = (given: string | undefined) => given ?? String(next++);
    for (const [key, sp] of Object.entries(scenario.service_principals)) {
      this.principals.set(key, {
        kind: "service-principal",
        key,
        name: sp.application_id,
        displayName: sp.display_name ?? key,
        id: id(sp.id),
        active: sp.active,
        workspaces: new Set(this.#workspaces(sp.workspaces, everywhere, key)),
        secrets: new Set(sp.secrets),
        tokens: new Set(),
        // facts: databricks-api 1.2: without audiences the service expects the account id
        federation: sp.federation.map(({ issuer, audiences, subject, subject_claim }) => ({
          issuer,
          audiences: audiences ?? [accountId],
          subject,
          subjectClaim: subject_claim,
        })),
        users: new Set(sp.users),
      });
    }
    for (const [key, user] of Object.entries(scenario.users)) {
      this.principals.set(key, {
        kind: "user",
        key,
        name: key,
        displayName: user.display_name ?? key,
        id: id(user.id),
        active: user.active,
        workspaces: new Set(this.#workspaces(user.workspaces ?? everywhere, everywhere, key)),
        secrets: new Set(),
        tokens: new Set(user.tokens),
        federation: [],
        users: new Set(),
      });
    }
    for (const [name, group] of Object.entries(scenario.groups)) {
      this.groups.set(name, {
        name,
        id: id(group.id),
        externalId: group.external_id,
        workspace: group.workspace,
        workspaces: new Set(
          group.workspace === undefined
            ? this.#workspaces(group.workspaces ?? everywhere, everywhere, name)
            : [group.workspace],
        ),
        members: new Set(group.members),
      });
    }
    for (const [name, group] of this.groups) {
      for (const member of group.members) {
        if (!this.principals.has(member) && !this.groups.has(member)) {
          throw new ScenarioError(`databricks.groups.${name}: no user, service principal or group is called ${member}`);
        }
      }
    }
    for (const [name, workspace] of Object.entries(scenario.workspaces)) {
      this.#admins.set(name, new Set(workspace.admins.map((key) => this.nameOf(key))));
    }
  }

  /** The name grants use for what the scenario (or a test) calls `key`; throws when nobody is called so. */
  nameOf(key: string): string {
    if (key === ACCOUNT_USERS) return key;
    const principal = this.principals.get(key) ?? this.byName(key);
    if (principal !== undefined) return principal.name;
    if (this.groups.has(key)) return key;
    throw new ScenarioError(`databricks: no user, service principal or group is called ${key}`);
  }

  /** By e-mail or application id, in any case. */
  byName(name: string): Principal | undefined {
    const wanted = name.toLowerCase();
    return [...this.principals.values()].find((principal) => principal.name.toLowerCase() === wanted);
  }

  /** May Unity Catalog grant to it? Workspace-local groups are unknown there (facts: unity-catalog 1.7). */
  grantee(name: string): string | undefined {
    if (name.toLowerCase() === ACCOUNT_USERS) return ACCOUNT_USERS;
    const principal = this.byName(name);
    if (principal !== undefined) return principal.name;
    const wanted = name.toLowerCase();
    const group = [...this.groups.values()].find((group) => group.name.toLowerCase() === wanted);
    return group?.workspace === undefined ? group?.name : undefined;
  }

  /** All names, in lower case, under which this principal may hold a right: itself and its groups, nested, cycles or not. */
  identities(principal: Principal, workspace?: string): ReadonlySet<string> {
    const names = new Set([principal.name.toLowerCase(), ACCOUNT_USERS]);
    const waiting = [principal.key];
    for (let member = waiting.pop(); member !== undefined; member = waiting.pop()) {
      for (const group of this.groups.values()) {
        const local = group.workspace !== undefined && group.workspace !== workspace;
        if (!local && group.members.has(member) && !names.has(group.name.toLowerCase())) {
          names.add(group.name.toLowerCase());
          waiting.push(group.name);
        }
      }
    }
    return names;
  }

  isWorkspaceAdmin(principal: Principal, workspace: string): boolean {
    const names = this.identities(principal, workspace);
    return [...(this.#admins.get(workspace) ?? [])].some((admin) => names.has(admin.toLowerCase()));
  }

  /** Groups that list it directly. */
  groupsOf(key: string): Group[] {
    return [...this.groups.values()].filter((group) => group.members.has(key));
  }

  /** Adds a service principal while the simulator runs. */
  add(key: string, applicationId: string = randomUUID()): Principal {
    const principal: Principal = {
      kind: "service-principal",
      key,
      name: applicationId,
      displayName: key,
      id: String(4_100_200_300_500_501n + BigInt(this.principals.size)),
      active: true,
      workspaces: new Set(),
      secrets: new Set(),
      tokens: new Set(),
      federation: [],
      users: new Set(),
    };
    this.principals.set(key, principal);
    return principal;
  }

  #workspaces(names: readonly string[], known: readonly string[], key: string): readonly string[] {
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new ScenarioError(`databricks: ${key} is in workspace ${unknown}, which is not there`);
    return names;
  }
}
