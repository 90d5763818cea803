/** What the storage of catalogs hangs on: external locations and storage credentials (facts: unity-catalog 1.5, 1.8). */
import * as v from "valibot";
import { orMissing } from "./errors.ts";
import { ask, encodePath, items, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** What a metastore reaches cloud storage with. */
export interface StorageCredential {
  readonly name: string;
  readonly owner: string | undefined;
  /** Whether its bindings count; undefined if the service did not say. */
  readonly isolated: boolean | undefined;
}

/** A path of cloud storage, and the credential that reaches it. */
export interface ExternalLocation extends StorageCredential {
  readonly url: string;
  readonly credential: string | undefined;
}

const root = "/api/2.1/unity-catalog";
const entries = { name: v.string(), owner: optionalText, isolation_mode: optionalText };
const credentialSchema = v.looseObject(entries);
const locationSchema = v.looseObject({ ...entries, url: v.string(), credential_name: optionalText });

/** External locations the caller can see, those it may only browse among them. */
export async function* listExternalLocations(workspace: Workspace): AsyncGenerator<ExternalLocation> {
  const request: ApiRequest = {
    method: "GET",
    path: `${root}/external-locations`,
    query: { include_browse: true, max_results: 0 },
  };
  for await (const found of items(workspace, request, "external_locations", locationSchema)) {
    yield { ...toCredential(found), url: found.url, credential: found.credential_name };
  }
}

/** One storage credential; undefined if it does not exist. */
export async function getStorageCredential(workspace: Workspace, name: string): Promise<StorageCredential | undefined> {
  const request: ApiRequest = { method: "GET", path: `${root}/storage-credentials/${encodePath(name)}` };
  const found = await orMissing(ask(workspace, request, credentialSchema));
  return found === undefined ? undefined : toCredential(found);
}

/** They say ISOLATION_MODE_ISOLATED where catalogs say ISOLATED (facts: unity-catalog 1.5). */
function toCredential(found: v.InferOutput<typeof credentialSchema>): StorageCredential {
  const mode = found.isolation_mode?.replace(/^ISOLATION_MODE_/, "");
  return {
    name: found.name,
    owner: found.owner || undefined,
    isolated: mode === undefined ? undefined : mode === "ISOLATED",
  };
}
