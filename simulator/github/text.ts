/** Small helpers on text that several routes need. */

/** Lines that hold something. */
export function readableLines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Whether a pattern of a branch rule or policy matches: `*` stops at a slash, `**` does not (as Ruby's fnmatch). */
export function matchesPattern(pattern: string, name: string): boolean {
  let source = "";
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern.charAt(index);
    if (char === "*") {
      const deep = pattern.charAt(index + 1) === "*";
      source += deep ? ".*" : "[^/]*";
      if (deep) index += 1;
      if (deep && pattern.charAt(index + 1) === "/") {
        source = `${source.slice(0, -2)}(?:.*/)?`;
        index += 1;
      }
    } else if (char === "?") source += "[^/]";
    else source += char.replace(/[\\^$.|+()[\]{}]/, "\\$&");
  }
  return new RegExp(`^${source}$`).test(name);
}

/** Now, as GitHub writes it: whole seconds, UTC. */
export function timestamp(date: Date = new Date()): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}
