/**
 * Which tests are quick: those that compute. A test belongs to project `integration` if it, or a helper of test/ that it
 * imports, starts a server, a process or a simulator; nobody has to keep a list.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const OUTSIDE = /from "(?:node:(?:child_process|http|https|net|tls)|(?:\.\.?\/)+simulator\/[^"]*)"/;
const RELATIVE = /from "(\.\.?\/[^"]*\.ts)"/g;
/** These have projects of their own. */
const OTHERS = ["simulator", "actions", "e2e", "release-script.test.ts"];

/** Test files of `unit` and of `integration`, from the repository's root. */
export function kindsOfTests(root: string): { readonly unit: string[]; readonly integration: string[] } {
  const folder = join(root, "test");
  const files = globSync("**/*.test.ts", { cwd: folder })
    .filter((file) => !OTHERS.includes(file.split("/")[0] ?? ""))
    .map((file) => join(folder, file))
    .sort();
  const known = new Map<string, boolean>();
  const reaches = (file: string): boolean => {
    const answer = known.get(file);
    if (answer !== undefined) return answer;
    known.set(file, false);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const helpers = [...text.matchAll(RELATIVE)].map(([, path = ""]) => resolve(dirname(file), path));
    const found = OUTSIDE.test(text) || helpers.some((helper) => helper.startsWith(folder) && reaches(helper));
    known.set(file, found);
    return found;
  };
  const name = (file: string): string => relative(root, file);
  return {
    unit: files.filter((file) => !reaches(file)).map(name),
    integration: files.filter(reaches).map(name),
  };
}
