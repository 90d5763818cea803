/** What the suite fills in when it applies, in the words of a person: who, where its code is, and which id. */

/** A declared value or path for showing; `principal` is the tier's, by its name where that is known. */
export function inWords(written: string, principal = "the tier's principal"): string {
  return written
    .replaceAll("${principal}", () => `⟨${principal}⟩`)
    .replaceAll("${release}/", "")
    .replaceAll("${release}", "⟨its code⟩")
    .replaceAll(/\$\{resources\.([\w.-]+)\.id\}/g, "⟨id of $1⟩");
}
