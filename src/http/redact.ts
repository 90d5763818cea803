/** Takes credentials out of text that came from elsewhere before it goes into an error or a log line. */

/** What a credential looks like even if nobody told us this one. */
const SHAPES: readonly RegExp[] = [
  /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi,
  /\beyJ[\w-]{8,}\.[\w-]{8,}(\.[\w-]*)?/g,
  /\b(dapi|dose|dkea|ghs_|ghp_|gho_|github_pat_)[0-9A-Za-z_]{16,}/g,
  /\b(client_secret|client_assertion|subject_token|access_token|refresh_token|id_token|password)(["']?\s*[:=]\s*["']?)[^\s"'&,}]+/gi,
  // user:password@ of a URL: proxies' own pages and messages name themselves so
  /(?<=:\/\/)[^\s/@:]+:[^\s/@]+(?=@)/g,
];

/** Remembers secrets and removes them, and everything that has their shape, from text. */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** From here on this text is removed, also URL-encoded, base64-encoded or inside JSON. */
  add(secret: string): void {
    // shorter ones would blank out ordinary words
    if (secret.length < 6) return;
    for (const form of [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString("base64"),
    ]) {
      this.#secrets.add(form);
    }
  }

  /** The text without credentials, on one line and at most `limit` characters long. */
  clean(text: string, limit = 500): string {
    let cleaned = text;
    for (const secret of this.#secrets) cleaned = cleaned.replaceAll(secret, "***");
    for (const shape of SHAPES) cleaned = cleaned.replace(shape, "***");
    cleaned = cleaned.replace(/\s+/g, " ").trim();
    return cleaned.length > limit ? `${cleaned.slice(0, limit)}…` : cleaned;
  }
}
