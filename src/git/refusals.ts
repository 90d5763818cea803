/** What git is not asked (names that are no commit, folders outside), and what is said of a clone that lacks something. */
import { FourTierError } from "../findings.ts";

/** Nothing else may be given to git as an argument. */
export function mustBeId(commit: string): void {
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return;
  throw new FourTierError({
    id: "git/commit",
    severity: "error",
    message: "A commit is named by something that is not 40 or 64 hexadecimal digits.",
    remedy: "Give the full commit id, not a branch, a tag or an abbreviation.",
  });
}

/** `ml/` for `ml`, `./ml`, `ml/`; "" for the top. Throws FourTierError `git/root` for what leaves the repository. */
export function rootPrefix(root: string): string {
  const parts = root.split("/").filter((part) => part !== "" && part !== ".");
  if (root.startsWith("/") || root.includes("\\") || parts.includes("..")) {
    throw new FourTierError({
      id: "git/root",
      severity: "error",
      message: "The bundle's folder is not a path inside the repository.",
      remedy: "Give it from the repository's top folder, such as `.` or `ml`.",
    });
  }
  return parts.length === 0 ? "" : `${parts.join("/")}/`;
}

/** The error for a question about order in a clone without full history. */
export function shallow(): FourTierError {
  return new FourTierError({
    id: "git/shallow",
    severity: "error",
    message: "This clone has no full history, so the order of commits cannot be told.",
    remedy: "Give actions/checkout `fetch-depth: 0`.",
  });
}

/** The error for an object that is not there, or not what its id says. */
export function missingObject(blob: string): FourTierError {
  return new FourTierError({
    id: "git/damaged",
    severity: "error",
    message: `The object ${blob} is missing from this clone, or its content is not what its id says.`,
    remedy: "Check the repository out again, without a filter.",
  });
}

/** The error for an answer of git that does not read; `command` is the subcommand. */
export function unreadable(command: string): FourTierError {
  return new FourTierError({
    id: "git/failed",
    severity: "error",
    message: `git ${command} gave something that does not read.`,
    remedy: "Use a git of version 2.30 or newer.",
  });
}
