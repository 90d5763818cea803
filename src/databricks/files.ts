/** Workspace files (facts: databricks-api 6). Paths are absolute, `/Workspace/…`. */
import * as v from "valibot";
import { orMissing } from "./errors.ts";
import { ask, id, integer, list, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

export interface FileStatus {
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

/** Makes a folder and its parents; that it exists is fine. Throws ApiError if a file is in the way. */
export async function mkdirs(workspace: Workspace, path: string): Promise<void> {
  await workspace.call({ method: "POST", path: "/api/2.0/workspace/mkdirs", json: { path }, repeatable: true });
}

/**
 * Writes a file; the folder must exist (ApiError, see `isMissing`). With `overwrite: false` it is created or left
 * alone: "exists". A lost answer is resolved by reading the file back.
 */
export async function writeFile(
  _workspace: Workspace,
  _path: string,
  _bytes: Uint8Array,
  _options: { readonly overwrite: boolean },
): Promise<"created" | "exists"> {
  throw new Error("not built yet");
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
    path: status.path,
    type: status.object_type,
    id: status.object_id,
    language: status.language,
    size: status.size,
    modifiedAt: status.modified_at,
  };
}
