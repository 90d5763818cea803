/**
 * Who may do what with a job, a pipeline, a folder or a file of one workspace (facts: databricks-api 8).
 */
import type { Directory, Principal } from "./principals.ts";

/** What has an access control list, by the word in the API's path. */
export type Kind = "jobs" | "pipelines" | "directories" | "files" | "notebooks" | "experiments";

/** Weakest first; a level includes those before it. */
export const LEVELS: Readonly<Record<Kind, readonly string[]>> = {
  jobs: ["CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"],
  pipelines: ["CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER"],
  directories: ["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"],
  files: ["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"],
  notebooks: ["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"],
  experiments: ["CAN_READ", "CAN_EDIT", "CAN_MANAGE"],
};

/** One principal's level on one object. */
export interface Entry {
  readonly principal: string;
  readonly level: string;
}

/** The direct entries of the objects of one workspace. */
export class Acls {
  readonly #directory: Directory;
  readonly #workspace: string;
  readonly #entries = new Map<string, Entry[]>();
  /** Of jobs and pipelines that are deleted. */
  readonly #kept = new Map<string, Entry[]>();

  constructor(directory: Directory, workspace: string) {
    this.#directory = directory;
    this.#workspace = workspace;
  }

  /** Everything that was granted on something, as text to search. */
  get all(): readonly (readonly [object: string, entries: readonly Entry[]])[] {
    return [...this.#entries];
  }

  of(kind: Kind, id: string): readonly Entry[] {
    return this.#entries.get(`${kind}/${id}`) ?? [];
  }

  set(kind: Kind, id: string, entries: readonly Entry[]): void {
    this.#entries.set(`${kind}/${id}`, [...entries]);
  }

  remove(kind: Kind, id: string): void {
    this.#entries.delete(`${kind}/${id}`);
  }

  /** The object is deleted; who could do what with it is remembered. */
  retire(kind: "jobs" | "pipelines", id: string): void {
    this.#kept.set(`${kind}/${id}`, [...this.of(kind, id)]);
    this.remove(kind, id);
  }

  /** The entries of what is deleted; undefined if it never was. */
  kept(kind: Kind, id: string): readonly Entry[] | undefined {
    return this.#kept.get(`${kind}/${id}`);
  }

  /** Everybody whom an entry may mean when it means this principal. */
  namesOf(principal: Principal): ReadonlySet<string> {
    const names = new Set(this.#directory.identities(principal, this.#workspace));
    names.add("users");
    if (this.isAdmin(principal)) names.add("admins");
    return names;
  }

  isAdmin(principal: Principal): boolean {
    return this.#directory.isWorkspaceAdmin(principal, this.#workspace);
  }

  /** Does one of these entries give the principal at least this level? */
  allows(kind: Kind, entries: readonly Entry[], principal: Principal, level: string): boolean {
    if (this.isAdmin(principal)) return true;
    const levels = LEVELS[kind];
    const names = this.namesOf(principal);
    return entries.some(
      (entry) => names.has(entry.principal.toLowerCase()) && levels.indexOf(entry.level) >= levels.indexOf(level),
    );
  }

  can(principal: Principal, level: string, kind: Kind, id: string): boolean {
    return this.allows(kind, this.of(kind, id), principal, level);
  }
}
