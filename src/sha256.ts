/** The one hash of the suite: of bytes, and of what JSON says (canonicalJson first, so that equal values hash alike). */
import { createHash } from "node:crypto";

/** SHA-256 as 64 hex; of a text, the hash of its UTF-8. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
