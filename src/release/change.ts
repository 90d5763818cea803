/** What plans and drifts are made of. */
import type { ResourceKey } from "../contract/model.ts";
import type { JsonArray, JsonObject, JsonValue } from "../json.ts";

/** What the ledger keeps of one resource. `settings` are declared and symbolic. */
export interface AppliedResource {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly settings: JsonObject;
  readonly permissions: JsonArray | undefined;
  readonly component: string;
  /** The digest of the component's content that its paths point to. */
  readonly componentDigest: string;
}

/** What a tier last had applied; an empty map for a new tier. */
export type Applied = ReadonlyMap<ResourceKey, AppliedResource>;

/** What a release wants: a rendered resource and the digest of its component. Without permissions, its access stays as it is. */
export interface Desired extends Omit<AppliedResource, "id"> {
  readonly key: ResourceKey;
}

/** What is done with a resource. */
export type Action = "none" | "create" | "update" | "replace" | "delete";

/** What a change means for what runs, mildest first. */
export const CHANGE_CLASSES = [
  "no-op",
  "metadata",
  "next-run",
  "re-point",
  "restarts",
  "replaces",
  "deletes",
  "data-losing",
] as const;
/** What a change means for what runs, from harmless to destructive. */
export type ChangeClass = (typeof CHANGE_CLASSES)[number];

/** One field, old → new; undefined = absent. Values are for showing: what looks like a secret is masked. */
export interface FieldChange {
  /** `tasks[train].notebook_task.notebook_path`; `release` for the component's content folder. */
  readonly path: string;
  readonly old: JsonValue | undefined;
  readonly new: JsonValue | undefined;
}

/** What is to become of one resource. */
export interface Change {
  readonly key: ResourceKey;
  readonly kind: string;
  readonly name: string;
  readonly action: Action;
  readonly class: ChangeClass;
  /** All fields of a create, those that differ of an update or replace, none of a delete. */
  readonly fields: readonly FieldChange[];
}

/** From one release to another, for one tier. */
export interface Plan {
  /** Every resource of either side, sorted by key; unchanged ones have action `none`. */
  readonly changes: readonly Change[];
  /** 64 hex over the meaning of the changes. */
  readonly digest: string;
  /** True if nothing would be written. */
  readonly empty: boolean;
}

/** What is written, of all that a plan names. */
export function changed({ changes }: Pick<Plan, "changes">): Change[] {
  return changes.filter(({ action }) => action !== "none");
}

/** A live resource, read back: its settings as the API gives them. */
export interface LiveResource {
  readonly name: string;
  readonly settings: JsonObject;
  /** Who it runs as, if the API says. */
  readonly runAs: string | undefined;
  /** Direct entries in the form of a declaration; undefined if they were not read. */
  readonly permissions: JsonArray | undefined;
}

/** A resource that is not as it was applied. */
export interface DriftEntry {
  readonly key: ResourceKey;
  readonly what: "changed" | "missing";
  /** old = applied, new = live. */
  readonly fields: readonly FieldChange[];
}

/** What somebody's hand made of what was applied. */
export interface Drift {
  readonly entries: readonly DriftEntry[];
  /** 64 hex; of no drift it is the digest of the empty list. */
  readonly digest: string;
  readonly empty: boolean;
}
