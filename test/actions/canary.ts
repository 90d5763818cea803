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
  const forms = secrets.map((secret) => formsOf(secret).map((form) => [form, flatten(form)] as const));
  const wordsIn = finderOf(forms.flat(2));
  const texts = searched(places).flatMap(({ text, flat, at }) => {
    const words = wordsIn(text);
    if (flat !== undefined) for (const word of wordsIn(flat)) words.add(word);
    return words.size === 0 ? [] : [{ words, at }];
  });
  for (const [index, own] of forms.entries()) {
    for (const { words, at } of texts) {
      const which = own.findIndex(([form, flat]) => words.has(form) || words.has(flat));
      if (which < 0) continue;
      const encoded = which === 0 ? "" : " (encoded)";
      for (const place of at) found.push(`secret ${index + 1} of ${secrets.length} is in ${place}${encoded}`);
    }
  }
  return found;
}

function flatten(text: string): string {
  return text.replaceAll("\\", "");
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
    else known.set(text, { text, flat: text.includes("\\") ? flatten(text) : undefined, at: [place] });
  }
  return [...known.values()];
}

/** How many of a word's first characters are looked at first. */
const START = 4;
/** Of a text's last START characters: each one moves those before it on, and the one before them out. */
const MARKS = 2 ** 16;
const BITS = Math.log2(MARKS) / START;
const markWith = (mark: number, text: string, at: number): number =>
  ((mark << BITS) ^ text.charCodeAt(at)) & (MARKS - 1);

/**
 * Which of many words are in a text, in one pass over it: thousands of forms in megabytes, after every test. Words that
 * are shorter than START are looked for one by one.
 */
export function finderOf(words: readonly string[]): (text: string) => Set<string> {
  const long = new Map<number, string[]>();
  const short = words.filter((word) => word.length < START);
  const mayStart = new Uint8Array(MARKS);
  for (const word of new Set(words)) {
    if (word.length < START) continue;
    let mark = 0;
    for (let at = 0; at < START; at += 1) mark = markWith(mark, word, at);
    mayStart[mark] = 1;
    long.set(mark, [...(long.get(mark) ?? []), word]);
  }
  return (text) => {
    const found = new Set(short.filter((word) => text.includes(word)));
    let mark = 0;
    for (let at = 0; at < text.length; at += 1) {
      mark = markWith(mark, text, at);
      if (mayStart[mark] === 0) continue;
      for (const word of long.get(mark) ?? []) if (text.startsWith(word, at + 1 - START)) found.add(word);
    }
    return found;
  };
}
