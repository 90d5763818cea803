/** The release digest: what is deployed, as 64 hex, the same on every machine and in every tier. */

/** A tracked file of the release: git mode, posix path from the repository root, content. */
export interface ReleaseFile {
  readonly path: string;
  readonly mode: string;
  readonly content: Uint8Array;
}

/** Something carried besides the tracked files: a wheel, by name and SHA-256 (64 hex). */
export interface Artifact {
  readonly name: string;
  readonly sha256: string;
}

/** SHA-256 over the release's files and artifacts, order-independent; 64 hex. */
export function releaseDigest(_files: readonly ReleaseFile[], _artifacts: readonly Artifact[]): string {
  throw new Error("not yet");
}
