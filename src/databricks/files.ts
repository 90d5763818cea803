/** Workspace files (facts: databricks-api 6). Paths are absolute, `/Workspace/…`. */
import * as v from "valibot";
import { ApiError, LostAnswer, orMissing } from "./errors.ts";
import { ask, encodePath, id, integer, list, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

interface FileStatus {
  readonly path: string;
  /** FILE, NOTEBOOK, DIRECTORY, REPO, …: an open list. A notebook's path has lost its extension. */
  readonly type: string;
  readonly id: string | undefined;
  readonly language: string | undefined;
  /** Bytes, for files. */
  readonly size: number | undefined;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number | undefined;
}

const statusSchema = v.looseObject({
  path: v.string(),
  object_type: v.optional(v.string(), "UNKNOWN"),
  object_id: v.optional(id),
  language: optionalText,
  size: v.optional(integer),
  modified_at: v.optional(integer),
});

/** How often a write is tried whose answer was lost and which left nothing behind. */
const ATTEMPTS = 3;

/** Makes a folder and its parents; that it exists is fine. Throws ApiError if a file is in the way. */
export async function mkdirs(workspace: Workspace, path: string): Promise<void> {
  await workspace.call({ method: "POST", path: "/api/2.0/workspace/mkdirs", json: { path }, repeatable: true });
}

/**
 * Writes a file; the folder must exist (ApiError, see `isMissing`). With `overwrite: false` it is created or left
 * alone: "exists". A lost answer is resolved by reading the file back.
 */
export async function writeFile(
  workspace: Workspace,
  path: string,
  bytes: Uint8Array,
  options: { readonly overwrite: boolean },
): Promise<"created" | "exists"> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await workspace.call(importFile(path, bytes, options.overwrite));
      return "created";
    } catch (error) {
      if (!options.overwrite && isTaken(error)) return "exists";
      if (isEndpointGone(error)) return writeByImport(workspace, path, bytes, options.overwrite);
      if (!(error instanceof LostAnswer)) throw error;
      const there = await readFile(workspace, path);
      if (there !== undefined) return Buffer.compare(there, bytes) === 0 ? "created" : "exists";
      if (attempt >= ATTEMPTS) throw error;
    }
  }
}

/** What the Databricks CLI uses; announced to go away in favour of the multipart import (facts: databricks-api 0.3). */
function importFile(path: string, bytes: Uint8Array, overwrite: boolean): ApiRequest {
  return {
    method: "POST",
    path: `/api/2.0/workspace-files/import-file/${encodePath(path.replace(/^\/+/, ""))}`,
    query: { overwrite },
    body: { bytes, type: "application/octet-stream" },
    repeatable: overwrite,
  };
}

/** `POST /api/2.0/workspace/import` as a form, which takes more than its JSON twin's 10 MB. */
async function writeByImport(
  workspace: Workspace,
  path: string,
  bytes: Uint8Array,
  overwrite: boolean,
): Promise<"created" | "exists"> {
  const form = new FormData();
  form.set("path", path);
  form.set("format", "AUTO");
  form.set("overwrite", String(overwrite));
  form.set("content", new Blob([new Uint8Array(bytes)]), path.split("/").at(-1) ?? "content");
  const encoded = new Response(form);
  try {
    await workspace.call({
      method: "POST",
      path: "/api/2.0/workspace/import",
      body: {
        bytes: new Uint8Array(await encoded.arrayBuffer()),
        type: encoded.headers.get("content-type") ?? "multipart/form-data",
      },
      repeatable: overwrite,
    });
    return "created";
  } catch (error) {
    if (!overwrite && isTaken(error)) return "exists";
    throw error;
  }
}

/** Something is at the path already: 409, or 400 for a notebook of that name. */
function isTaken(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 409 || (error.status === 400 && /already[ _]exists/i.test(`${error.detail} ${error.code}`));
}

function isEndpointGone(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.code === "ENDPOINT_NOT_FOUND" || error.status === 410 || error.status === 501;
}

/** A file's bytes, at most 10 MB (the service's limit); undefined if it does not exist. A notebook comes as source. */
export async function readFile(workspace: Workspace, path: string): Promise<Uint8Array | undefined> {
  const request: ApiRequest = {
    method: "GET",
    path: "/api/2.0/workspace/export",
    query: { path, format: "AUTO", direct_download: true },
  };
  return (await orMissing(workspace.call(request)))?.bytes;
}

/** What is directly in a folder; undefined if it does not exist. */
export async function listFolder(workspace: Workspace, path: string): Promise<readonly FileStatus[] | undefined> {
  const request: ApiRequest = { method: "GET", path: "/api/2.0/workspace/list", query: { path } };
  const answer = await orMissing(ask(workspace, request, v.looseObject({ objects: list(statusSchema) })));
  return answer?.objects.map(toStatus);
}

/** What is at a path; undefined if nothing is. */
export async function fileStatus(workspace: Workspace, path: string): Promise<FileStatus | undefined> {
  const request: ApiRequest = { method: "GET", path: "/api/2.0/workspace/get-status", query: { path } };
  const answer = await orMissing(ask(workspace, request, statusSchema));
  return answer === undefined ? undefined : toStatus(answer);
}

/** Deletes a file or, with `recursive`, a folder (not atomic); that it is already gone is fine. */
export async function deletePath(
  workspace: Workspace,
  path: string,
  options: { readonly recursive?: boolean } = {},
): Promise<void> {
  await orMissing(
    workspace.call({
      method: "POST",
      path: "/api/2.0/workspace/delete",
      json: { path, recursive: options.recursive ?? false },
      repeatable: true,
    }),
  );
}

function toStatus(status: v.InferOutput<typeof statusSchema>): FileStatus {
  return {
    // The service answers with or without the prefix, whichever way it was asked (facts: databricks-api 6).
    path: /^\/Workspace(\/|$)/.test(status.path) ? status.path : `/Workspace${status.path}`,
    type: status.object_type,
    id: status.object_id,
    language: status.language,
    size: status.size,
    modifiedAt: status.modified_at,
  };
}
