/** Looks for secrets in everything that a run left, in all the forms in which they would still be readable. */

/**
 * A secret as it is, URL-encoded (also as in a form), inside JSON, and in base64 wherever it starts in the encoded text
 * (three shifts, both alphabets): what a runner's masker looks for, too (facts: github 1).
 */
export function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret);
  const forms = new Set([
    secret,
    url,
    url.replaceAll("%20", "+"),
    url.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    JSON.stringify(secret).slice(1, -1),
  ]);
  for (const shift of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
    // Only the characters that depend on nothing but the secret.
    const from = [0, 2, 3][shift] ?? 0;
    const to = Math.floor((bytes.length * 8) / 6);
    for (const encoding of ["base64", "base64url"] as const) forms.add(bytes.toString(encoding).slice(from, to));
  }
  return [...forms].filter((form) => form.length >= 6);
}

/** Where a secret can be read: `summary (base64…)`; empty if nowhere. */
export function findSecrets(places: Readonly<Record<string, string>>, secrets: readonly string[]): string[] {
  const found: string[] = [];
  // JSON as a text in JSON, however deep: a payload, a report in an output
  const texts = Object.entries(places).map(([place, text]) => [place, text, text.replaceAll("\\", "")] as const);
  for (const [index, secret] of secrets.entries()) {
    const forms = formsOf(secret);
    for (const [place, text, flat] of texts) {
      const form = forms.findIndex((form) => text.includes(form) || flat.includes(form.replaceAll("\\", "")));
      if (form >= 0)
        found.push(`secret ${index + 1} of ${secrets.length} is in ${place}${form === 0 ? "" : " (encoded)"}`);
    }
  }
  return found;
}
