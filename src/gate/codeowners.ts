/** CODEOWNERS: whether somebody must look when a file is changed. The last pattern that matches wins. */

/** Owners of a repository path; empty if nobody, or if the last match names nobody. */
export function ownersOf(codeowners: string, path: string): string[] {
  let owners: string[] = [];
  for (const line of codeowners.split(/\r?\n/)) {
    const [pattern, ...names] = line
      .replace(/(^|\s)#.*$/, "")
      .trim()
      .split(/\s+/);
    if (pattern !== undefined && pattern !== "" && matches(pattern, path)) owners = names;
  }
  return owners;
}

/** Patterns are gitignore's without `!` and `[ ]`: a slash before the end anchors, a folder holds all below it. */
function matches(pattern: string, path: string): boolean {
  const anchored = pattern.replace(/\/$/, "").includes("/");
  const folderOnly = pattern.endsWith("/");
  const source = pattern
    .replace(/^\//, "")
    .replace(/\/$/, "")
    .split(/(\*\*\/|\/\*\*$|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "/**") return "/.*";
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      return part.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
    })
    .join("");
  // `docs/*` owns the files of docs, not those of its folders; without a star, a name owns what is below it.
  const below = folderOnly ? "/.*" : pattern.endsWith("/*") ? "" : "(?:/.*)?";
  return new RegExp(`^${anchored ? "" : "(?:.*/)?"}${source}${below}$`).test(path);
}
