/** What the release asks of a kind of resource; one file a kind, and index.ts knows them all. */
import type { Tier } from "../../contract/model.ts";
import type { Workspace } from "../../databricks/workspace.ts";
import type { JsonArray, JsonObject } from "../../json.ts";
import type { LiveResource } from "../change.ts";

/** A resource as it lives, whoever's it is. */
export interface Live extends LiveResource {
  readonly id: string;
  readonly kind: string;
  /** Who made it, or owns it, if the service says. */
  readonly creator: string | undefined;
  /** Milliseconds since 1970; pipelines only. */
  readonly lastModified: number | undefined;
}

/** How resources of one kind are read and written: the only place that knows their API. */
export interface Kind {
  /** Reads one; undefined if it is not there. */
  readonly read: (workspace: Workspace, id: string) => Promise<Live | undefined>;
  /** Finds what may be ours by its marks, and what has one of the wanted names. */
  readonly census: (
    workspace: Workspace,
    search: { readonly names: ReadonlySet<string>; readonly principal: string },
  ) => Promise<readonly Live[]>;
  /**
   * Those of these ids that lists show, with as much as lists show; a request for each page of few lists, never one for
   * each resource.
   */
  readonly list: (
    workspace: Workspace,
    question: { readonly ids: ReadonlySet<string>; readonly tier: Tier },
  ) => Promise<readonly Live[]>;
  /** Creates one and gives its id; throws LostAnswer if it may have happened. */
  readonly create: (workspace: Workspace, settings: JsonObject) => Promise<string>;
  /** Brings one to its declared settings. */
  readonly update: (workspace: Workspace, id: string, settings: JsonObject, live: Live | undefined) => Promise<void>;
  /** Deletes one, and never more than is said in `lost`. */
  readonly remove: (workspace: Workspace, id: string) => Promise<void>;
  /**
   * Who may do what with it: direct entries or grants, in the form in which they are declared; undefined if the caller
   * may not know.
   */
  readonly readAccess: (workspace: Workspace, id: string) => Promise<JsonArray | undefined>;
  /** Writes declared access. `before`: what we last applied; `live`: what is there; both undefined if not known. */
  readonly writeAccess: (workspace: Workspace, id: string, access: AccessWrite) => Promise<void>;
}

interface AccessWrite {
  readonly declared: JsonArray;
  readonly before: JsonArray | undefined;
  readonly live: JsonArray | undefined;
  /** The tier's application id. */
  readonly principal: string;
}
