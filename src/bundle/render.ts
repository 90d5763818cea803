import type { Finding } from "../findings.ts";
import type { RenderedBundle } from "./model.ts";
import type { BundleSource } from "./source.ts";

/** What rendering needs to know of the contract and the run. */
export interface RenderOptions {
  /** Folder of databricks.yml, "" for the repository's root. */
  readonly root: string;
}

/** Renders the bundle for one tier. Every finding has file, line and column; `rendered` is undefined if one is an error. */
export function renderBundle(
  _source: BundleSource,
  _options: RenderOptions,
): { rendered: RenderedBundle | undefined; findings: readonly Finding[] } {
  throw new Error("not written yet");
}
