/** The plan (what would change, in declared fields) and the drift (what somebody changed by hand). Both have a digest. */
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

/** What a release wants: a rendered resource and the digest of its component. */
export interface Desired {
  readonly key: ResourceKey;
  readonly kind: string;
  readonly name: string;
  readonly settings: JsonObject;
  readonly permissions: JsonArray | undefined;
  readonly component: string;
  readonly componentDigest: string;
}

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
export type ChangeClass = (typeof CHANGE_CLASSES)[number];

/** One field, old → new; undefined = absent. Shown values have secrets masked. */
export interface FieldChange {
  /** `tasks[train].notebook_task.notebook_path`. */
  readonly path: string;
  readonly old: JsonValue | undefined;
  readonly new: JsonValue | undefined;
}

export interface Change {
  readonly key: ResourceKey;
  readonly kind: string;
  readonly name: string;
  readonly action: Action;
  readonly class: ChangeClass;
  readonly fields: readonly FieldChange[];
}

export interface Plan {
  /** Every resource of either side, sorted by key; unchanged ones have action `none`. */
  readonly changes: readonly Change[];
  /** 64 hex over the meaning of the changes. */
  readonly digest: string;
  /** True if nothing would be written. */
  readonly empty: boolean;
}

/** Compares what stands with what is wanted. */
export function makePlan(_from: Applied, _to: readonly Desired[]): Plan {
  throw new Error("not yet");
}

/** A live resource, read back: its API settings with ids resolved, undefined if it is gone. */
export interface LiveResource {
  readonly name: string;
  readonly settings: JsonObject;
  /** Who it runs as, if the API says. */
  readonly runAs: string | undefined;
  readonly permissions: JsonArray | undefined;
}

export interface DriftEntry {
  readonly key: ResourceKey;
  readonly what: "changed" | "missing";
  /** old = applied, new = live. */
  readonly fields: readonly FieldChange[];
}

export interface Drift {
  readonly entries: readonly DriftEntry[];
  /** 64 hex; of no drift it is the digest of the empty list. */
  readonly digest: string;
  readonly empty: boolean;
}

/**
 * What differs between what was applied and what lives. `resolve` turns a symbolic setting of the ledger into what the
 * API should show (ids, folders, principal).
 */
export function driftOf(
  _applied: Applied,
  _live: ReadonlyMap<ResourceKey, LiveResource | undefined>,
  _context: { resolve: (key: ResourceKey, settings: JsonObject) => JsonObject; principal: string },
): Drift {
  throw new Error("not yet");
}
