/** What a bundle says for one tier, once it is read, merged, resolved and checked. */
import type { ResourceKind, TierName } from "../contract/model.ts";
import type { Where } from "../findings.ts";
import type { JsonArray, JsonObject } from "../json.ts";

/** What is kept in Unity Catalog. */
export type CatalogKind = "schemas" | "volumes" | "registered_models";

/** A step into a settings document: a key or an index. */
export type SettingsPath = readonly (string | number)[];

/**
 * Symbols that stay in `settings` until a resource is applied, so that a plan speaks of meaning and not of one tier's
 * ids: the resource's content folder, the tier's application id. `${resources.<kind>.<key>.id}`
 * stands for the id of a job, a pipeline or an experiment of the bundle.
 */
export const RELEASE_SYMBOL = "${release}";
/** The tier's application id, as `RELEASE_SYMBOL` is its content folder. */
export const PRINCIPAL_SYMBOL = "${principal}";

/** A bundle rendered for one tier. */
export interface RenderedBundle {
  /** `bundle.name`. */
  readonly bundle: string;
  readonly tier: TierName;
  /** By key, `jobs.score`; sorted. */
  readonly resources: ReadonlyMap<string, RenderedResource>;
  /** The bundle's configuration files, databricks.yml first: posix paths from the repository root. */
  readonly includes: readonly string[];
  /** Tracked files that are deployed, `sync.exclude` taken out: posix paths from the repository root, sorted. */
  readonly files: readonly string[];
  /**
   * Wheels and other artifacts that resources refer to and that git does not track: paths from the repository root,
   * with globs unexpanded.
   */
  readonly artifacts: readonly ArtifactReference[];
}

/** A built file that a resource needs and the repository does not hold. */
export interface ArtifactReference {
  /** Posix path or glob from the repository root: `dist/*.whl`. */
  readonly path: string;
  /** Keys of the resources that need it. */
  readonly resources: readonly string[];
  readonly where: Where;
}

/** One resource as the tier shall have it. */
export interface RenderedResource {
  /** `jobs.score`. */
  readonly key: string;
  readonly kind: ResourceKind;
  /** The name in the workspace, prefix included; the full name of what is kept in Unity Catalog. */
  readonly name: string;
  /** The declared API fields, sorted as declared, symbols unresolved. No permissions, no bundle-only fields. */
  readonly settings: JsonObject;
  /** Declared access: control entries (bundle's and resource's), or grants; undefined: access is left untouched. */
  readonly permissions: JsonArray | undefined;
  /** The contract's component that it belongs to. */
  readonly component: string;
  /** Keys of resources it needs first, sorted. */
  readonly references: readonly string[];
  /** Where the resource is declared. */
  readonly where: Where;
  /** Where a field of `settings` is declared; the nearest declared ancestor for what we set ourselves. */
  at(path: SettingsPath): Where;
}
