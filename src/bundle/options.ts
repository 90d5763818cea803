import type { Contract, Tier } from "../contract/model.ts";

/** What rendering needs to know of the contract and the run. */
export interface RenderOptions {
  /** Folder of databricks.yml, posix, "" for the repository's root. */
  readonly root: string;
  readonly contract: Contract;
  readonly tier: Tier;
  /** For schedule exceptions: they end on a date. */
  readonly now: Date;
  /** Names of the carried artifacts; undefined while they are not built yet, and references to them stay patterns. */
  readonly artifacts?: readonly string[];
  /** What `${bundle.git.*}` means. */
  readonly git?: { readonly commit?: string; readonly branch?: string; readonly originUrl?: string };
}
