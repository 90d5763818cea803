/** What a build said of its files, held against the files that arrived: the bytes of the build are the bytes of the release. */
import { FourTierError } from "../findings.ts";
import { shortSha } from "../short-sha.ts";
import type { Artifact } from "./digest.ts";

/** What is built and carried (facts: databricks-api 5: an environment takes wheels, archives and jars). */
const BUILT = /\.(whl|jar|tar\.gz|zip)$/;

/** True for names of files that are carried: what else a build leaves is its own. */
export function isBuilt(name: string): boolean {
  return BUILT.test(name);
}

/** Lines of `sha256sum`, by file name; undefined for nothing. Throws FourTierError `input/artifact-digests` for anything else. */
export function parseBuilt(text: string): readonly Artifact[] | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) return undefined;
  return lines.map((line) => {
    const [, sha256, path] = /^\\?([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    const name = path?.split("/").at(-1);
    if (sha256 !== undefined && name !== undefined && name !== "") return { name, sha256 };
    throw new FourTierError({
      id: "input/artifact-digests",
      severity: "error",
      message: "The input artifact-digests holds a line that is not one of sha256sum.",
      remedy: "Hand over what the build job wrote: 64 hex digits, two blanks, and the file's path, one a line.",
    });
  });
}

/** Throws FourTierError `release/artifact-differs` unless the carried files are exactly those that were built. */
export function checkBuilt(carried: readonly Artifact[], built: readonly Artifact[] | undefined): void {
  if (built === undefined) return;
  const kept = built.filter(({ name }) => isBuilt(name));
  const [here, there] = [carried, kept].map((all) => new Map(all.map(({ name, sha256 }) => [name, sha256])));
  const names = [...new Set([...carried, ...kept].map(({ name }) => name))].sort();
  const wrong = names.flatMap((name) => {
    const [found, said] = [here?.get(name), there?.get(name)];
    if (found === said) return [];
    if (found === undefined) return [`${name} was built and did not arrive`];
    if (said === undefined) return [`${name} arrived and was not built`];
    return [`${name} was built as ${shortSha(said)} and arrived as ${shortSha(found)}`];
  });
  if (wrong.length === 0) return;
  throw new FourTierError(
    wrong.map((what) => ({
      id: "release/artifact-differs",
      severity: "error",
      message: `${what}.`,
      why: "Between the job that built it and this one somebody changed what would run in every tier.",
      remedy: "Find out which job of this run or which person did it, and start a new run.",
    })),
  );
}
