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
  const texts = searched(places);
  for (const [index, secret] of secrets.entries()) {
    const forms = formsOf(secret).map((form) => ({ form, flat: form.replaceAll("\\", "") }));
    for (const { text, flat, at } of texts) {
      const which = forms.findIndex((one) => text.includes(one.form) || flat?.includes(one.flat));
      if (which < 0) continue;
      const encoded = which === 0 ? "" : " (encoded)";
      for (const place of at) found.push(`secret ${index + 1} of ${secrets.length} is in ${place}${encoded}`);
    }
  }
  return found;
}

interface Searched {
  readonly text: string;
  /** JSON as a text in JSON, however deep (a payload, a report in an output); undefined: the text is not that. */
  readonly flat: string | undefined;
  readonly at: string[];
}

/** Each text once: every action's job has the same files of the repository. */
function searched(places: Readonly<Record<string, string>>): readonly Searched[] {
  const known = new Map<string, Searched>();
  for (const [place, text] of Object.entries(places)) {
    const found = known.get(text);
    if (found !== undefined) found.at.push(place);
    else known.set(text, { text, flat: text.includes("\\") ? text.replaceAll("\\", "") : undefined, at: [place] });
  }
  return [...known.values()];
}
