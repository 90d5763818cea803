/** Secrets in logs become ***; an output that holds one is dropped (facts: github 1, Annotations, outputs, masks). */

/** The secrets of one job. */
export class Masks {
  readonly #values = new Set<string>();
  #pattern: RegExp | undefined;

  /** Registers a value, each of its lines, and the forms it may take in encodings. */
  add(value: string): void {
    for (const part of new Set([value, ...value.split(/\r?\n/)])) {
      if (part.trim() === "") continue;
      for (const form of forms(part)) if (form !== "") this.#values.add(form);
    }
    this.#pattern = undefined;
  }

  apply(text: string): string {
    // most texts hold none, and to make the pattern and to look with it takes several times as long
    if (!this.contains(text)) return text;
    // The longest first, so that a value inside another one leaves no rest.
    this.#pattern ??= new RegExp(
      [...this.#values]
        .sort((a, b) => b.length - a.length)
        .map((value) => value.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"))
        .join("|"),
      "g",
    );
    return text.replace(this.#pattern, "***");
  }

  contains(text: string): boolean {
    for (const value of this.#values) if (text.includes(value)) return true;
    return false;
  }
}

function forms(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const xml = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  return [
    value,
    json,
    encodeURIComponent(value),
    xml,
    value.replaceAll("'", "''"),
    value.replaceAll('"', '\\"'),
    ...base64Forms(value),
  ];
}

/** Base64 of the value at each of the three positions it can have in a longer text, and of the value alone. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const found = [bytes.toString("base64")];
  for (let shift = 0; shift < 3 && shift < bytes.length; shift += 1) {
    const rest = bytes.subarray(shift);
    const whole = rest.subarray(0, rest.length - (rest.length % 3));
    // What is left after cutting to whole groups must still be telling: short pieces would hide ordinary text.
    if (whole.length >= 6) found.push(whole.toString("base64"));
  }
  return found;
}
