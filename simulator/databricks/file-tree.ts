/**
 * The workspace tree of one workspace: folders, files and notebooks, and who may touch them (facts: databricks-api 6, 8).
 */
import type { Account, Workspace } from "./account.ts";
import type { Entry } from "./acls.ts";
import { ApiError, badRequest, forbidden, notFound, Unmodelled } from "./api.ts";
import type { Principal } from "./principals.ts";

/** What a notebook is written in. */
export type Language = "PYTHON" | "SQL" | "SCALA" | "R";

/** A folder, file or notebook. */
export interface Node {
  readonly id: bigint;
  readonly kind: "directories" | "files" | "notebooks";
  /** Without the prefix /Workspace. */
  readonly path: string;
  readonly language: Language | undefined;
  readonly created: number;
  modified: number;
  bytes: Uint8Array;
}

interface Writing {
  readonly bytes: Uint8Array;
  readonly language?: Language | undefined;
  readonly overwrite: boolean;
}

/**
 * facts: databricks-api 6: `/Workspace/Users/x` and `/Users/x` are one path. Throws 400 for what is no path, and Unmodelled
 * for empty parts: what the service makes of them is nowhere said.
 */
export function plainPath(path: string): string {
  if (!path.startsWith("/")) throw badRequest(`Path (${path}) must be absolute.`);
  if (path.includes("//") || (path !== "/" && path.endsWith("/")))
    throw new Unmodelled(`the simulator does not model the empty parts of the path ${path}`, 400);
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path))
    throw new Unmodelled(`the simulator does not model control characters in the path ${JSON.stringify(path)}`, 400);
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.includes("..") || parts.includes(".")) throw badRequest(`Path (${path}) must not contain . or .. parts.`);
  if (parts[0] === "Workspace") parts.shift();
  return `/${parts.join("/")}`;
}

/** The folder that a path is in; `/` for what is at the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** Everything below one workspace's root. */
export class FileTree {
  readonly #account: Account;
  readonly #workspace: Workspace;
  readonly #nodes = new Map<string, Node>();

  constructor(account: Account, workspace: Workspace) {
    this.#account = account;
    this.#workspace = workspace;
    for (const path of ["/", "/Users", "/Shared", "/Repos"]) this.#put(path, "directories");
    // what lies in /Shared is everybody's
    this.#own("/Shared", "users");
    for (const principal of account.directory.principals.values()) {
      if (principal.workspaces.has(workspace.name)) this.addHome(principal);
    }
  }

  /** facts: databricks-api 6: a service principal's home is named by its application id. */
  addHome(principal: Principal): void {
    this.#put(`/Users/${principal.name}`, "directories");
    this.#own(`/Users/${principal.name}`, principal.name);
  }

  get all(): Node[] {
    return [...this.#nodes.values()];
  }

  at(path: string): Node | undefined {
    return this.#nodes.get(path);
  }

  byId(id: string): Node | undefined {
    return this.all.find((node) => String(node.id) === id);
  }

  children(path: string): Node[] {
    return this.all.filter((node) => node.path !== "/" && parentOf(node.path) === path);
  }

  /** What is inherited from the folders above. */
  inherited(id: string): { entry: Entry; from: string }[] {
    const node = this.byId(id);
    return node === undefined || node.path === "/" ? [] : this.above(node.path);
  }

  /** The entries of the folders above a path. */
  above(below: string): { entry: Entry; from: string }[] {
    const result: { entry: Entry; from: string }[] = [];
    for (let path = parentOf(below); ; path = parentOf(path)) {
      const folder = this.at(path);
      for (const entry of folder === undefined ? [] : this.#direct(folder)) {
        result.push({ entry, from: `/directories/${folder?.id ?? 0n}` });
      }
      if (path === "/") return result;
    }
  }

  /** Rights of a path, or of what is above it when it is not there yet. */
  can(principal: Principal, level: string, path: string): boolean {
    const { acls } = this.#workspace;
    if (acls.isAdmin(principal)) return true;
    // everybody may walk through the top of the tree, but that does not flow down
    if (level === "CAN_READ" && (path === "/" || path === "/Users" || path === "/Repos")) return true;
    for (let at = path; at !== "/"; at = parentOf(at)) {
      const node = this.at(at);
      if (node !== undefined && acls.allows("directories", this.#direct(node), principal, level)) return true;
    }
    return false;
  }

  /** Throws 403 without the right, 404 when there is nothing (and its folder may be seen). */
  demand(principal: Principal, level: string, path: string): Node {
    const node = this.at(path);
    // what is not there is told to whoever may look into the folder where it would be
    let seen = path;
    while (!this.#nodes.has(seen)) seen = parentOf(seen);
    if (!this.can(principal, node === undefined ? "CAN_READ" : level, seen)) {
      // whether somebody else's folder is hidden or missing is told by nothing
      if (level === "CAN_READ" && this.#account.behaviours.hidden_folder === "missing")
        throw notFound(`Path (${path}) doesn't exist.`);
      throw forbidden(`${principal.name} does not have the permission ${level} on ${path}.`);
    }
    if (node === undefined) throw notFound(`Path (${path}) doesn't exist.`);
    return node;
  }

  mkdirs(principal: Principal | undefined, path: string): void {
    const missing: string[] = [];
    let at = path;
    for (; !this.#nodes.has(at); at = parentOf(at)) missing.push(at);
    if (this.at(at)?.kind !== "directories")
      throw new ApiError(400, "RESOURCE_ALREADY_EXISTS", `Path (${at}) already exists and is not a folder.`);
    if (missing.length === 0) return;
    if (principal !== undefined && !this.can(principal, "CAN_EDIT", at)) {
      throw forbidden(`${principal.name} does not have the permission CAN_EDIT on ${at}.`);
    }
    for (const folder of missing.reverse()) this.#put(folder, "directories");
  }

  /** Writes a file, or a notebook when a language is given. Throws as facts: databricks-api 6 say. */
  write(principal: Principal | undefined, path: string, { bytes, language, overwrite }: Writing): Node {
    const kind = language === undefined ? "files" : "notebooks";
    const parent = this.at(parentOf(path));
    if (principal !== undefined && !this.can(principal, "CAN_EDIT", path)) {
      throw forbidden(`${principal.name} does not have the permission CAN_EDIT on ${path}.`);
    }
    if (parent === undefined) throw notFound(`The parent folder (${parentOf(path)}) does not exist.`);
    if (parent.kind !== "directories") throw badRequest(`Path (${parent.path}) is not a folder.`);
    const there = this.at(path);
    const exists = `Path (${path}) already exists.`;
    if (there !== undefined) {
      const replaces = there.kind === kind || this.#account.behaviours.file_over_notebook === "replace";
      if (there.kind === "directories" || (overwrite && !replaces))
        throw new ApiError(400, "RESOURCE_ALREADY_EXISTS", exists);
      if (!overwrite) throw this.#collision(kind, path);
    }
    const node = this.#put(path, kind, language);
    node.bytes = bytes;
    return node;
  }

  #collision(kind: Node["kind"], path: string): ApiError {
    const how = this.#account.behaviours.file_exists;
    const text = `Path (${path}) already exists.`;
    if (how === "text") return new ApiError(400, "BAD_REQUEST", `RESOURCE_ALREADY_EXISTS: ${path} already exists.`);
    if (how === "code") return new ApiError(400, "RESOURCE_ALREADY_EXISTS", `Path (${path}) is taken.`);
    // a file's collision is a conflict, a notebook's a bad request
    return new ApiError(kind === "files" ? 409 : 400, "RESOURCE_ALREADY_EXISTS", text);
  }

  delete(principal: Principal, path: string, recursive: boolean): void {
    const node = this.demand(principal, "CAN_EDIT", path);
    const inside = this.all.filter((other) => other.path.startsWith(`${path}/`));
    if (inside.length > 0 && !recursive) {
      throw new ApiError(400, "DIRECTORY_NOT_EMPTY", `Folder ${path} is not empty.`);
    }
    for (const gone of [node, ...inside]) {
      this.#nodes.delete(gone.path);
      this.#workspace.acls.remove(gone.kind, String(gone.id));
    }
  }

  #direct(node: Node): readonly Entry[] {
    return this.#workspace.acls.of(node.kind, String(node.id));
  }

  #own(path: string, principal: string): void {
    const node = this.at(path);
    if (node !== undefined)
      this.#workspace.acls.set("directories", String(node.id), [{ principal, level: "CAN_MANAGE" }]);
  }

  #put(path: string, kind: Node["kind"], language?: Language): Node {
    const now = this.#account.clock.now();
    const there = this.at(path);
    if (there?.kind === kind && there.language === language) {
      there.modified = now;
      return there;
    }
    const node = {
      id: this.#account.nextId(),
      kind,
      path,
      language,
      created: now,
      modified: now,
      bytes: new Uint8Array(),
    };
    this.#nodes.set(path, node);
    return node;
  }
}

const HEADERS: Readonly<Record<string, readonly [string, Language]>> = {
  ".py": ["# Databricks notebook source", "PYTHON"],
  ".sql": ["-- Databricks notebook source", "SQL"],
  ".scala": ["// Databricks notebook source", "SCALA"],
  ".r": ["# Databricks notebook source", "R"],
};

/** facts: databricks-api 6: extension and first line decide; a notebook loses its extension. */
export function detect(path: string, bytes: Uint8Array): { path: string; language: Language | undefined } {
  const dot = path.lastIndexOf(".");
  const extension = dot > path.lastIndexOf("/") ? path.slice(dot).toLowerCase() : "";
  if (extension === ".ipynb") return { path: path.slice(0, dot), language: "PYTHON" };
  const [header, language] = HEADERS[extension] ?? [];
  const [first = ""] = Buffer.from(bytes.subarray(0, 200)).toString("utf8").split(/\r?\n/);
  return header !== undefined && first.trimEnd() === header
    ? { path: path.slice(0, dot), language }
    : { path, language: undefined };
}
