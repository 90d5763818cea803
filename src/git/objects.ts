/** Git's objects and how its commands write them. */
import { createHash } from "node:crypto";
import { FourTierError } from "../findings.ts";

/** One tracked file of a commit. */
export interface TrackedFile {
  /** Posix path from the repository root. */
  readonly path: string;
  /** `100644`, `100755`, `120000` (symbolic link), `160000` (submodule). */
  readonly mode: string;
  /** The object's id. */
  readonly blob: string;
  /** Size in bytes; 0 for a submodule. */
  readonly size: number;
}

/** Git's mode of a submodule: its files are in another repository. */
export const SUBMODULE = "160000";

/** The object id that git gives a content; SHA-256 repositories have ids of 64 digits. */
export function blobId(content: Uint8Array, idLength: number): string {
  const hash = createHash(idLength === 64 ? "sha256" : "sha1");
  return hash.update(`blob ${content.length}\0`).update(content).digest("hex");
}

/** NUL-terminated records. */
export function records(output: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let start = 0;
  for (let end = output.indexOf(0); end >= 0; end = output.indexOf(0, start)) {
    found.push(output.subarray(start, end));
    start = end + 1;
  }
  if (start < output.length) found.push(output.subarray(start));
  return found;
}

/** Undefined for what is not UTF-8 text. */
export function decodeText(content: Uint8Array | undefined): string | undefined {
  if (content === undefined || content.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** Throws FourTierError `git/path` for what is not UTF-8. */
export function decodePath(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FourTierError({
      id: "git/path",
      severity: "error",
      message: `The name of a tracked file is not UTF-8: ${Buffer.from(bytes).toString("latin1")}.`,
      remedy: "Rename the file.",
    });
  }
}
