/** Evidence documents that should be kept on the contract's branch, as the gate sees them. */
import type { EvidenceDocument } from "../release/evidence-document.ts";
import type { EvidencePlace } from "./evidence-place.ts";

/** Where documents are kept, and which were looked for. */
export interface DocumentFacts {
  readonly place: EvidencePlace;
  /** One for each run that is believed to have brought the release to the tier below, until one is kept as it should be. */
  readonly sought: readonly SoughtDocument[];
}

/** The document of one run. */
export interface SoughtDocument {
  readonly run: { readonly id: string; readonly attempt: number; readonly url: string | undefined };
  /** SHA-256, as the deploying job said it; undefined if it said none. */
  readonly digest: string | undefined;
  /** What lies in its place; undefined if nothing does. */
  readonly found: FoundDocument | undefined;
}

/** A file where a document should lie. */
export interface FoundDocument {
  readonly path: string;
  /** By a commit that has it. */
  readonly url: string;
  /** Of the bytes that are there. */
  readonly sha256: string;
  /** Undefined if it does not keep the published schema. */
  readonly document:
    | (Pick<EvidenceDocument, "kind" | "tier" | "project"> & {
        readonly run: Pick<EvidenceDocument["run"], "id" | "attempt">;
        /** Null where the document is about none. */
        readonly release: string | null;
      })
    | undefined;
}
